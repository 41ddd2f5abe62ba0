"""Training is resumed only with the config and the data that it began with."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from ecgcli.checkpoints import load_checkpoint, save_checkpoint
from ecgcli.checkpoints.runs import BEST, LAST
from ecgcli.errors import CheckpointError
from ecgcli.training import resume, train
from ecgcli.training.run import is_finished
from tests.helpers import Watcher, same_weights, small_config


def change(run: Path, section: str, **values: Any) -> None:
    """Edit a section of the run's config.yaml."""
    document = yaml.safe_load((run / "config.yaml").read_text())
    document[section] |= values
    (run / "config.yaml").write_text(yaml.safe_dump(document))


def forget_origin(run: Path) -> None:
    """Rewrite the ``last`` checkpoint as one from before it held the config."""
    last = load_checkpoint(run / LAST)
    facts = json.loads(last.state_facts or "")
    del facts["origin"]
    save_checkpoint(run / LAST, replace(last, state_facts=json.dumps(facts)))


def with_state(run: Path, facts: dict[str, Any], tensors: dict[str, Any]) -> None:
    """Rewrite the ``last`` checkpoint with a changed training state."""
    last = load_checkpoint(run / LAST)
    state = (last.state or {}) | tensors
    changed = replace(
        last,
        state={name: values for name, values in state.items() if values is not None},
        state_facts=json.dumps(json.loads(last.state_facts or "") | facts),
    )
    save_checkpoint(run / LAST, changed)


IN_THE_MIDDLE = {"batch": 1, "matrix": [[1] * 5] * 5}


@pytest.mark.parametrize(
    ("facts", "tensors"),
    [
        ({"history": [{"epoch": "first"}]}, {}),
        ({"history": {}}, {}),
        ({"batch": -1}, {}),
        ({"batch": 7}, {}),
        ({"seconds": "long"}, {}),
        ({"schedule": {}}, {}),
        ({"parameter_groups": []}, {}),
        ({"parameter_groups": [{"lr": "high"}]}, {}),
        ({"origin": {"config": {}}}, {}),
        ({}, {"random": np.zeros(3, np.uint8)}),
        ({}, {"random": None}),
        ({}, {"optimizer.0.exp_avg": None}),
        ({}, {"optimizer.0.exp_avg": np.zeros(3, np.float32)}),
        ({}, {"optimizer.0.step": np.zeros(3, np.float32)}),
        ({}, {"optimizer.999.exp_avg": np.zeros(3, np.float32)}),
        ({}, {"optimizer.x": np.zeros(3, np.float32)}),
        (IN_THE_MIDDLE, {}),
        (IN_THE_MIDDLE, {"order": np.zeros(3, np.int64)}),
        (IN_THE_MIDDLE, {"order": np.full((1, 1), 10**9)}),
    ],
)
def test_a_damaged_state_is_refused_in_one_line(
    facts: dict[str, Any], tensors: dict[str, Any], run_copy: Path
) -> None:
    with_state(run_copy, facts, tensors)
    with pytest.raises(
        CheckpointError, match=r"the training state in last.safetensors is"
    ) as caught:
        resume(run_copy)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"history": []}'])
def test_a_state_that_is_no_document_is_refused(text: str, run_copy: Path) -> None:
    last = load_checkpoint(run_copy / LAST)
    save_checkpoint(run_copy / LAST, replace(last, state_facts=text))
    with pytest.raises(CheckpointError, match="the training state in last"):
        resume(run_copy)


@pytest.mark.parametrize(
    ("section", "key", "value", "before"),
    [
        ("training", "batch_size", 32, "64"),
        ("training", "learning_rate", 0.001, "0.004"),
        ("training", "weight_decay", 0.5, "0.01"),
        ("training", "sampler", "balanced", "'shuffle'"),
        ("training", "epochs", 3, "4"),
        ("model", "dropout", 0.2, "0.1"),
        ("data", "validation_fraction", 0.5, "0.2"),
    ],
)
def test_a_changed_key_is_refused_by_name(
    section: str, key: str, value: Any, before: str, run_copy: Path
) -> None:
    change(run_copy, section, **{key: value})
    message = f"{section}.{key} is {value!r} now and was {before} when the run began; restore"
    with pytest.raises(CheckpointError, match=re.escape(message)) as caught:
        resume(run_copy)
    assert "\n" not in str(caught.value)


def test_every_changed_key_is_named(run_copy: Path) -> None:
    change(run_copy, "training", batch_size=128, sampler="balanced")
    path = run_copy / "config.yaml"
    path.write_text(path.read_text().replace("seed: 0", "seed: 7"))
    with pytest.raises(CheckpointError) as caught:
        resume(run_copy)
    for change_of_key in ("seed is 7", "batch_size is 128", "sampler is 'balanced'"):
        assert change_of_key in str(caught.value)


def test_a_planned_schedule_cannot_be_given_more_epochs(run_copy: Path) -> None:
    change(run_copy, "training", epochs=6)
    with pytest.raises(CheckpointError, match="the onecycle schedule is planned over all epochs"):
        resume(run_copy)


@pytest.mark.usefixtures("bare_training")
def test_more_epochs_at_a_constant_rate_are_as_if_asked_for_at_first(
    demo: Path, tmp_path: Path
) -> None:
    overrides = ("training.schedule=constant", "name=run")
    short = train(small_config(demo, tmp_path, *overrides, "training.epochs=1"))
    whole = train(small_config(demo, tmp_path, *overrides, "training.epochs=2"))
    change(short.path, "training", epochs=2)
    watcher = Watcher()
    resumed = resume(short.path, watcher)
    assert watcher.epochs == [2]
    assert is_finished(resumed.path)
    for name in (BEST, LAST):
        assert same_weights(resumed.path / name, whole.path / name)


@pytest.mark.usefixtures("bare_training")
def test_an_older_checkpoint_without_the_config_is_resumed(run_copy: Path) -> None:
    forget_origin(run_copy)
    assert len(resume(run_copy).history) == 4


def test_an_older_checkpoint_with_another_seed_is_refused(run_copy: Path) -> None:
    forget_origin(run_copy)
    path = run_copy / "config.yaml"
    path.write_text(path.read_text().replace("seed: 0", "seed: 7"))
    with pytest.raises(CheckpointError, match="training data have changed"):
        resume(run_copy)


@pytest.mark.usefixtures("bare_training")
def test_changed_patients_are_refused_and_moved_files_are_not(
    run_copy: Path, demo: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in demo.glob("synthetic_train*"):
        (moved / path.name).write_bytes(path.read_bytes())
    change(run_copy, "data", train=str(moved / "synthetic_train.csv"))
    assert len(resume(run_copy).history) == 4
    sidecar = moved / "synthetic_train.info.csv"
    info = pd.read_csv(sidecar, dtype=str, keep_default_na=False)
    info["patient"] = np.random.default_rng(0).permutation(info["patient"])
    info.to_csv(sidecar, index=False)
    with pytest.raises(CheckpointError, match="training data have changed"):
        resume(run_copy)


@pytest.mark.usefixtures("bare_training")
def test_changed_rr_intervals_are_refused_where_the_model_reads_them(
    demo: Path, tmp_path: Path
) -> None:
    for path in demo.glob("synthetic_train*"):
        shutil.copy(path, tmp_path)
    overrides = ("training.epochs=1", "training.batch_size=256", "model.channels=[8]")
    runs = {
        name: train(
            small_config(tmp_path, tmp_path / "runs", f"model.name={name}", *overrides)
        ).path
        for name in ("cnn", "cnn-rr")
    }
    sidecar = tmp_path / "synthetic_train.info.csv"
    info = pd.read_csv(sidecar, dtype=str, keep_default_na=False)
    info["next_rr"] = info["previous_rr"]
    info.to_csv(sidecar, index=False)
    assert len(resume(runs["cnn"]).history) == 1
    with pytest.raises(CheckpointError, match="training data have changed"):
        resume(runs["cnn-rr"])
