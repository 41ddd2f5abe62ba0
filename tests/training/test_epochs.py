"""Training: the run folder, and resuming that ends as if it had never been stopped."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from ecgcli.checkpoints import load_checkpoint, save_checkpoint
from ecgcli.checkpoints.runs import BEST, LAST, locked
from ecgcli.errors import CheckpointError, ConfigError, Interrupted
from ecgcli.progress import Unit
from ecgcli.training import epochs, resume, train
from ecgcli.training.config import load_config
from tests.helpers import (
    Watcher,
    ecg_process,
    same_weights,
    small_config,
    small_document,
)


class StopsAt(Watcher):
    """Presses Ctrl-C after a number of epochs, which may end in a fraction of an epoch."""

    def __init__(self, epochs: float) -> None:
        super().__init__()
        self.epochs_until_stop = epochs

    def update(
        self, task: str, done: float, total: float | None, unit: Unit = "items", **figures: float
    ) -> None:
        if done >= self.epochs_until_stop:
            self.epochs_until_stop = math.inf  # a second Ctrl-C would interrupt at once
            os.kill(os.getpid(), signal.SIGINT)
        super().update(task, done, total, unit, **figures)


@pytest.fixture
def every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Update the figures after every batch."""
    monkeypatch.setattr("ecgcli.training.epochs.STATUS_INTERVAL", 0.0)


def test_the_run_folder(trained: Path) -> None:
    assert {path.name for path in trained.iterdir() if path.name != ".lock"} == {
        "best.safetensors", "last.safetensors", "config.yaml", "metrics.csv",
        "curves.png", "errors.png", "worst.png", "report.html", "report.json", "environment.json",
    }  # fmt: skip
    with (trained / "metrics.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])
    report = json.loads((trained / "report.json").read_text())
    best = max(rows, key=lambda row: float(row["validation_macro_f1"]))
    assert report["best"]["epoch"] == int(best["epoch"])
    environment = json.loads((trained / "environment.json").read_text())
    assert environment["data_fingerprint"] == report["training_data"]["fingerprint"]
    assert {"torch", "numpy"} <= environment["packages"].keys()
    resolved = load_config(trained / "config.yaml").training
    assert resolved.device == "cpu"
    assert resolved.precision in ("float32", "bfloat16")
    assert (trained / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_it_learns(trained: Path) -> None:
    best = load_checkpoint(trained / BEST).card.metrics
    assert best["validation_accuracy"] > 0.9
    assert best["validation_macro_f1"] > 0.75


def test_the_checkpoint_explains_itself(trained: Path) -> None:
    card = load_checkpoint(trained / BEST).card
    assert (card.model, card.arguments["channels"]) == ("cnn", [8, 16])
    assert card.classes == ("N", "S", "V", "F", "Q")
    assert (card.beat_length, card.sampling_rate) == (187, 120.0)
    assert card.training_data.synthetic
    assert card.training_data.resampling == {"majority": 1000}
    assert card.training_data.validation["rule"] == "patient"
    assert len(card.training_data.patients) == 32
    assert card.class_offsets[0] > 0 > card.class_offsets[1]


@pytest.mark.usefixtures("bare_training")
def test_a_second_run_of_a_name_gets_a_number(demo: Path, tmp_path: Path) -> None:
    config = small_config(demo, tmp_path, "training.epochs=1")
    names = [train(config).path.name for _ in range(3)]
    assert names == ["small", "small-2", "small-3"]
    assert same_weights(tmp_path / "small" / BEST, tmp_path / "small-3" / BEST)  # seeded


@pytest.mark.usefixtures("bare_training")
def test_another_seed_is_another_training(demo: Path, tmp_path: Path) -> None:
    for seed in (0, 1):
        train(small_config(demo, tmp_path, "training.epochs=1", f"seed={seed}"))
    assert not same_weights(tmp_path / "small" / BEST, tmp_path / "small-2" / BEST)


@pytest.mark.parametrize(
    ("epochs", "schedule", "sampler"),
    [
        (1.0, "onecycle", "shuffle"),
        (1.0, "cosine", "balanced"),
        (1.0, "constant", "shuffle"),
        (1.3, "onecycle", "balanced"),
        (1.3, "cosine", "shuffle"),
        (1.3, "constant", "balanced"),
    ],
)
@pytest.mark.usefixtures("every_batch", "bare_training")
def test_stopped_and_resumed_is_bit_for_bit_the_uninterrupted_training(
    epochs: float, schedule: str, sampler: str, demo: Path, tmp_path: Path
) -> None:
    settings = {"schedule": schedule, "sampler": sampler, "epochs": 3}
    overrides = [f"training.{name}={value}" for name, value in settings.items()]
    config = small_config(demo, tmp_path, *overrides)
    whole = train(config)
    with pytest.raises(
        Interrupted, match=r"state saved; continue with: ecg train --resume"
    ) as stop:
        train(config, StopsAt(epochs))
    assert stop.value.exit_code == 130
    stopped = tmp_path / "small-2"
    assert not same_weights(whole.path / LAST, stopped / LAST)
    rest = Watcher()
    resumed = resume(stopped, rest)
    assert rest.epochs == [2, 3]
    assert same_weights(whole.path / LAST, stopped / LAST)
    assert same_weights(whole.path / BEST, stopped / BEST)
    for row, resumed_row in zip(whole.history, resumed.history, strict=True):
        assert {**vars(row), "seconds": 0} == {**vars(resumed_row), "seconds": 0}


def test_killed_and_resumed_is_bit_for_bit_the_uninterrupted_training(
    demo: Path, tmp_path: Path
) -> None:
    document = small_document(demo, tmp_path / "runs")
    config = tmp_path / "small.yaml"
    config.write_text(yaml.safe_dump(document))
    overrides = ["training.epochs=4", "training.batch_size=16"]
    subprocess.run(
        ecg_process("train", "-q", "--config", config, *overrides), check=True, capture_output=True
    )
    process = subprocess.Popen(
        ecg_process("train", "-q", "--config", config, *overrides),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    killed = tmp_path / "runs" / "small-2"
    wait_for_epochs(killed, 2)
    time.sleep(0.15)  # into the third epoch
    process.kill()
    process.wait()
    assert 2 <= epochs_in(killed) < 4
    subprocess.run(ecg_process("train", "-q", "--resume", killed), check=True, capture_output=True)
    assert epochs_in(killed) == 4
    for name in (BEST, LAST):
        assert same_weights(tmp_path / "runs" / "small" / name, killed / name)
    assert not [path for path in killed.iterdir() if path.suffix == ".tmp"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_command_with_its_exit_code_and_the_command_that_continues(
    number: signal.Signals, code: int, demo: Path, tmp_path: Path
) -> None:
    config = tmp_path / "small.yaml"
    config.write_text(yaml.safe_dump(small_document(demo, tmp_path / "runs")))
    process = subprocess.Popen(
        ecg_process("train", "--config", config, "training.epochs=500"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    run = tmp_path / "runs" / "small"
    wait_for_epochs(run, 1)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert stdout == ""
    assert stderr.splitlines()[-1].endswith(f"continue with: ecg train --resume {run}")
    assert load_checkpoint(run / LAST).state is not None


@pytest.mark.usefixtures("bare_training")
def test_early_stopping_keeps_the_best(demo: Path, tmp_path: Path) -> None:
    config = small_config(
        demo, tmp_path, "training.epochs=40", "training.patience=2", "training.schedule=constant"
    )
    result = train(config)
    assert result.stopped_early
    assert len(result.history) == result.best.epoch + 2
    assert load_checkpoint(result.path / BEST).card.metrics["epoch"] == result.best.epoch


@pytest.mark.usefixtures("bare_training")
def test_resuming_a_finished_run_changes_nothing(run_copy: Path) -> None:
    before = {path.name: path.read_bytes() for path in run_copy.glob("*.safetensors")}
    watcher = Watcher()
    assert len(resume(run_copy, watcher).history) == 4
    assert watcher.epochs == []
    assert {path.name: path.read_bytes() for path in run_copy.glob("*.safetensors")} == before


def test_two_trainings_at_once_get_two_folders(demo: Path, tmp_path: Path) -> None:
    config = tmp_path / "small.yaml"
    model = {"model": {"name": "features", "trees": 10}, "training": {}}
    config.write_text(yaml.safe_dump(small_document(demo, tmp_path / "runs") | model))
    command = ecg_process("train", "-q", "--config", config)
    together = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = {process.communicate(timeout=120)[0].strip() for process in together}
    assert [process.returncode for process in together] == [0, 0]
    assert printed == {str(tmp_path / "runs" / name) for name in ("small", "small-2")}
    assert same_weights(tmp_path / "runs" / "small" / BEST, tmp_path / "runs" / "small-2" / BEST)


def test_a_run_that_another_process_trains_is_not_resumed(run_copy: Path) -> None:
    with locked(run_copy), pytest.raises(CheckpointError, match="another process is training"):
        resume(run_copy)


def test_resuming_on_changed_data_is_refused(run_copy: Path, demo: Path, tmp_path: Path) -> None:
    document = yaml.safe_load((run_copy / "config.yaml").read_text())
    document["data"]["train"] = str(demo / "synthetic_test.csv")
    (run_copy / "config.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(CheckpointError, match="training data have changed"):
        resume(run_copy)
    with pytest.raises(CheckpointError, match=r"nothing to resume$"):
        resume(tmp_path)
    (run_copy / LAST).unlink()
    with pytest.raises(CheckpointError, match=f"start again: ecg train --config {run_copy}/config"):
        resume(run_copy)
    (run_copy / LAST).write_bytes((run_copy / BEST).read_bytes())
    document["data"]["train"] = str(demo / "synthetic_train.csv")
    (run_copy / "config.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(CheckpointError, match="no training state"):
        resume(run_copy)


def test_an_experiment_that_cannot_start_leaves_no_folder(demo: Path, tmp_path: Path) -> None:
    for override in ("training.device=abacus", "model.name=cnm", "training.class_weights={X: 2.0}"):
        with pytest.raises(ConfigError):
            train(small_config(demo, tmp_path, override))
    assert list(tmp_path.iterdir()) == []


def test_a_training_that_diverges_is_reported(demo: Path, tmp_path: Path) -> None:
    config = small_config(demo, tmp_path, "training.learning_rate=1e30")
    message = r"^the loss is not finite in epoch 1; lower training\.learning_rate$"
    with pytest.raises(ConfigError, match=message):
        train(config)
    assert not Path(config.runs, config.name).exists()


def test_a_training_that_diverges_later_keeps_its_best_epoch(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    validate = epochs._Session._validate
    losses = iter([1.0, math.nan])
    monkeypatch.setattr(
        epochs._Session, "_validate", lambda self: (next(losses), validate(self)[1])
    )
    config = small_config(demo, tmp_path)
    with pytest.raises(ConfigError, match="not finite in epoch 2"):
        train(config)
    assert load_checkpoint(Path(config.runs, config.name, BEST)).card.classes


def test_memory_that_runs_out_names_the_key_to_set(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(epochs, "draw_order", full)
    message = (
        r"^the GPU has not enough memory for this training; lower training\.batch_size, now \d"
    )
    with pytest.raises(ConfigError, match=message):
        train(small_config(demo, tmp_path))


@pytest.mark.usefixtures("bare_training")
def test_a_run_of_a_gpu_is_resumed_on_the_cpu(run_copy: Path) -> None:
    last = load_checkpoint(run_copy / LAST)
    assert last.state is not None
    state = {**last.state, "random_cuda": np.zeros(16, np.uint8)}
    save_checkpoint(run_copy / LAST, replace(last, state=state))
    assert len(resume(run_copy).history) > 0
    watcher = Watcher()
    assert epochs._device_to_resume("cuda:77", watcher).type in ("cpu", "cuda", "mps")
    assert "The training began on cuda:77, which is not here" in watcher.messages[0]


@pytest.mark.usefixtures("bare_training")
def test_class_weights_move_the_network_towards_the_class(demo: Path, tmp_path: Path) -> None:
    sensitivity = []
    for weights in ("none", "{N: 1.0, S: 30.0}"):
        overrides = ["training.epochs=2", f"training.class_weights={weights}", "data.resample=null"]
        run = train(small_config(demo, tmp_path, *overrides)).path
        from ecgcli.checkpoints.engines import load_engine
        from ecgcli.training.dataset import build_training_set

        held_out = build_training_set(load_config(run / "config.yaml")).validation
        predicted = load_engine(load_checkpoint(run / BEST), "torch").probabilities(held_out)
        sensitivity.append((predicted.argmax(1) == 1)[held_out.known_labels == 1].mean())
    assert sensitivity[1] > sensitivity[0] + 0.1


def test_the_balanced_sampler_shows_every_class_equally_often(demo: Path, tmp_path: Path) -> None:
    import torch

    from ecgcli.training.dataset import build_training_set
    from ecgcli.training.optimization import draw_order

    config = small_config(demo, tmp_path, "training.sampler=balanced", "data.resample=null")
    labels = torch.from_numpy(build_training_set(config).training.known_labels)
    drawn = labels[draw_order(config.training, labels)]
    assert np.bincount(drawn) / len(labels) == pytest.approx([0.2] * 5, abs=0.03)


@pytest.mark.parametrize("sampler", ["shuffle", "balanced"])
def test_figures_of_training_beats_have_the_validation_beats_balance(sampler: str) -> None:
    from ecgcli.training.config import Training
    from ecgcli.training.optimization import balance_of

    training = {"N": 800, "S": 100, "V": 100, "F": 50, "Q": 0}
    validation = {"N": 950, "S": 0, "V": 50, "F": 10, "Q": 5}
    weights = balance_of(Training(sampler=sampler), training, validation)  # type: ignore[arg-type]
    drawn = [1 if sampler == "balanced" and count else count for count in training.values()]
    assert np.multiply(weights, drawn) == pytest.approx([950, 0, 50, 10, 0])


@pytest.mark.usefixtures("bare_training")
def test_the_two_losses_are_computed_alike(demo: Path, tmp_path: Path) -> None:
    """Smoothing, weights and resampling of classes would make the one several times the other."""
    overrides = [
        "training.label_smoothing=0.3", "training.class_weights={S: 20.0, N: 20.0}",
        "training.sampler=balanced", "training.augment={}", "model.dropout=0.0",
    ]  # fmt: skip
    last = train(small_config(demo, tmp_path, *overrides)).history[-1]
    assert last.train_loss == pytest.approx(last.validation_loss, rel=0.15)
    assert last.train_accuracy == pytest.approx(last.validation_accuracy, abs=0.03)


def epochs_in(run: Path) -> int:
    """The number of complete epochs in a run's metrics.csv."""
    try:
        return len((run / "metrics.csv").read_text().splitlines()) - 1
    except FileNotFoundError:
        return 0


def wait_for_epochs(run: Path, epochs: int) -> None:
    deadline = time.monotonic() + 90
    while epochs_in(run) < epochs:
        assert time.monotonic() < deadline, f"{run} never reached epoch {epochs}"
        time.sleep(0.02)
