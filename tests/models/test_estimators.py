"""What every registered estimator must do, and how one is trained, evaluated and run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from ecgcli.beats import read_beats
from ecgcli.checkpoints import load_checkpoint
from ecgcli.checkpoints.engines import load_engine
from ecgcli.checkpoints.runs import BEST, CONFIG
from ecgcli.errors import ConfigError, MissingExtraError
from ecgcli.models import create_estimator, is_estimator, list_models, summary_of, views_of
from ecgcli.training import train
from ecgcli.training.config import parse_config
from ecgcli.training.run import Run
from tests.helpers import small_document

Ecg = Callable[..., Result]

ESTIMATORS = [name for name in list_models() if is_estimator(name)]
#: Those that need only the samples of a CSV.
OF_SAMPLES = [name for name in ESTIMATORS if views_of(name) == ("samples",)]
VARIANTS = [
    *({"name": name} for name in OF_SAMPLES),
    {"name": "features", "learner": "forest", "leaves": 200},
    {"name": "knn", "metric": "dtw", "neighbors": 1},
]


def fitted(demo: Path, runs: Path, **model: object) -> Run:
    document = small_document(demo, runs) | {"model": model, "training": {}}
    document["name"] = str(model["name"])
    return train(parse_config(document))


@pytest.fixture(
    scope="module", params=VARIANTS, ids=lambda variant: "-".join(map(str, variant.values()))
)
def estimator_run(
    request: pytest.FixtureRequest, demo: Path, tmp_path_factory: pytest.TempPathFactory
):  # type: ignore[no-untyped-def]
    return fitted(demo, tmp_path_factory.mktemp("runs"), **request.param)


def test_it_learns_the_synthetic_beats(estimator_run: Run) -> None:
    assert estimator_run.metrics["validation_accuracy"] > 0.85
    assert estimator_run.metrics["validation_macro_f1"] > 0.75


def test_a_saved_estimator_computes_the_same(estimator_run: Run, demo: Path) -> None:
    """Read back, it gives the probabilities that were validated, each a distribution."""
    checkpoint = load_checkpoint(estimator_run.checkpoint)
    beats = read_beats(demo / "synthetic_test.csv").take(np.arange(300))
    again = create_estimator(checkpoint.card.model, **checkpoint.card.arguments)
    again.restore(checkpoint.weights)
    first = load_engine(checkpoint).probabilities(beats)
    assert first.dtype == np.float32
    assert first.sum(1) == pytest.approx(1, abs=1e-5)
    alone = load_engine(checkpoint).probabilities(beats.take(np.array([7])))
    assert alone[0] == pytest.approx(first[7], abs=1e-6)
    card = checkpoint.card
    raised = again.probabilities((beats.samples,)) * np.exp(card.class_offsets)
    raised **= 1 / card.temperature
    assert first == pytest.approx(raised / raised.sum(1, keepdims=True), abs=1e-5)


def test_the_commands_take_it(estimator_run: Run, demo: Path, ecg: Ecg) -> None:
    few = "small.csv"
    lines = (demo / "synthetic_test.csv").read_text().splitlines(keepends=True)
    Path(few).write_text("".join(lines[:200]))
    predicted = ecg("predict", few, "--model", estimator_run.path)
    assert predicted.exit_code == 0, predicted.stderr
    assert len(predicted.stdout.splitlines()) == 201
    evaluated = ecg(
        "evaluate", estimator_run.path, "--data", few, "--json", "--require", "accuracy=0.8"
    )
    assert evaluated.exit_code == 0, evaluated.stderr
    assert json.loads(evaluated.stdout)["beats"] == 200
    assert ecg("predict", few, "--model", estimator_run.path, "--engine", "torch").exit_code == 2


@pytest.mark.usefixtures("bare_training")
def test_a_seed_gives_the_same_model(demo: Path, tmp_path: Path) -> None:
    first_run, second_run = (fitted(demo, tmp_path, name="features", trees=20) for _ in range(2))
    first, second = (
        load_checkpoint(run.checkpoint).weights["trees"] for run in (first_run, second_run)
    )
    assert np.array_equal(first, second)


def test_the_run_says_which_features_decide(demo: Path, tmp_path: Path) -> None:
    run = fitted(demo, tmp_path, name="features", trees=20).path
    importances = json.loads((run / "report.json").read_text())["importances"]
    shares = list(importances.values())
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1, abs=0.01)
    assert (run / "importances.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("bare_training")
def test_ecg_train_fits_it_again_from_the_config_in_its_run(
    demo: Path, tmp_path: Path, ecg: Ecg
) -> None:
    run = fitted(demo, tmp_path, name="knn").path
    again = ecg("train", "--config", run / CONFIG, "model.neighbors=2")
    assert again.exit_code == 0, again.stderr
    second = Path(again.stdout.strip())
    assert load_checkpoint(second / BEST).card.arguments == {"neighbors": 2}
    assert "validation accuracy" in again.stderr


def test_keys_that_apply_only_to_epochs_are_refused(demo: Path, tmp_path: Path) -> None:
    document = small_document(demo, tmp_path) | {"model": {"name": "knn"}}
    with pytest.raises(ConfigError, match=r"training\.augment: knn is fitted in one step"):
        train(parse_config(document))
    assert not (tmp_path / "small").exists()


@pytest.mark.usefixtures("bare_training")
def test_few_beats_are_no_batch_and_enough(demo: Path, tmp_path: Path) -> None:
    """Without epochs there are no batches that the beats would have to fill."""
    document = small_document(demo, tmp_path) | {"model": {"name": "knn"}, "training": {}}
    document["data"] |= {"resample": {"majority": 10}}  # type: ignore[operator]
    assert train(parse_config(document)).metrics["validation_accuracy"] > 0.3


def test_more_neighbours_than_beats_is_an_error(demo: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.neighbors: found 9999, but there are only \d+"):
        fitted(demo, tmp_path, name="knn", neighbors=9999)
    assert not list(tmp_path.iterdir())


def test_a_missing_extra_is_named(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "dtaidistance", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ecgcli\[dtw\]'"):
        fitted(demo, tmp_path, name="knn", metric="dtw")


@pytest.mark.parametrize("name", ESTIMATORS)
def test_its_arguments_are_checked(name: str) -> None:
    with pytest.raises(ConfigError, match=r"unknown key model\.no_such_argument"):
        create_estimator(name, no_such_argument=1)
    assert 10 < len(summary_of(name)) < 100
