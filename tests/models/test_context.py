"""The model of beats in context: trained from recordings, run on recordings and on CSVs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

from ecgcli.beats import concatenate, write_beats
from ecgcli.beats.preparation import prepare_recording
from ecgcli.checkpoints import Checkpoint, load_checkpoint
from ecgcli.checkpoints.engines import load_engine
from ecgcli.checkpoints.runs import BEST
from ecgcli.errors import CheckpointError, ConfigError, DataError
from ecgcli.evaluation.beats import evaluate_beats
from ecgcli.metrics import confusion_matrix
from ecgcli.models.boosters import packed
from ecgcli.prediction import load
from ecgcli.training import train
from ecgcli.training.config import parse_config
from ecgcli.weights import bundled_checkpoint

Ecg = Callable[..., Result]

RECORDS = ["106", "119", "200", "208", "209"]


def document(mitdb: Path, runs: Path) -> dict[str, object]:
    return {
        "name": "context",
        "runs": str(runs),
        "data": {
            "train": str(mitdb), "records": RECORDS, "copies": ["inverted"], "validation": "folds",
        },
        "model": {"name": "context", "boosters": 1, "trees": 20},
    }  # fmt: skip


@pytest.fixture(scope="module")
def run(mitdb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = parse_config(document(mitdb, tmp_path_factory.mktemp("runs")))
    return train(config).path


def test_every_patient_is_held_out_once_and_all_are_learnt(run: Path) -> None:
    card = load_checkpoint(run / BEST).card
    assert card.training_data.patients == RECORDS
    assert card.training_data.validation["beats"] == card.training_data.beats
    assert card.training_data.copies == ["inverted"]
    assert card.training_data.trained_on["V"] == 2 * card.training_data.beats["V"]
    assert card.views == ("context", "recording")
    assert card.temperature != 1
    assert 0.5 < card.metrics["validation_accuracy"] < 1


def test_it_finds_the_v_beats_of_a_patient_it_has_not_seen(run: Path, mitdb: Path) -> None:
    beats = prepare_recording(mitdb / "221.hea", context=True).beats
    predicted = load_engine(load_checkpoint(run / BEST)).probabilities(beats).argmax(1)
    ventricular = beats.known_labels == 2
    assert (predicted[ventricular] == 2).mean() > 0.8
    assert (predicted[~ventricular] == 2).mean() < 0.1


def test_a_class_with_a_handful_of_beats_is_not_learnt(run: Path, mitdb: Path) -> None:
    beats = prepare_recording(mitdb / "208.hea", context=True).beats.take(np.arange(100))
    checkpoint = load_checkpoint(run / BEST)
    assert checkpoint.card.training_data.beats["Q"] < 50
    assert (load_engine(checkpoint).probabilities(beats)[:, 4] == 0).all()


def test_it_is_trained_evaluated_and_run(run: Path, mitdb: Path, ecg: Ecg) -> None:
    predicted = ecg("predict", mitdb / "221.hea", "--model", run, "-o", "221.csv")
    assert predicted.exit_code == 0, predicted.stderr
    prepared = ecg("prepare", mitdb / "221.hea", "-o", "beats.csv", "--context")
    assert prepared.exit_code == 0, prepared.stderr
    evaluated = ecg("evaluate", run, "--data", "beats.csv", "--json")
    assert evaluated.exit_code == 0, evaluated.stderr
    assert "The test patient was not trained on" in json.loads(evaluated.stdout)["statement"]
    streamed = ecg("predict", "beats.csv", "--model", run, "-q")
    assert len(streamed.stdout.splitlines()) == json.loads(evaluated.stdout)["beats"] + 1


def test_a_file_of_several_recordings_is_classified_as_each_of_them(
    run: Path, mitdb: Path, ecg: Ecg
) -> None:
    of_each = [
        prepare_recording(mitdb / f"{name}.hea", context=True).beats for name in ("221", "119")
    ]
    write_beats(Path("both.csv"), concatenate(of_each))
    engine = load_engine(load_checkpoint(run / BEST))
    expected = np.concatenate([engine.probabilities(beats) for beats in of_each])
    result = ecg("predict", "both.csv", "--model", run, "-o", "p.csv", "-q")
    assert result.exit_code == 0, result.stderr
    found = pd.read_csv("p.csv")[[*"NSVFQ"]].to_numpy()
    assert np.abs(found - expected).max() < 1e-5


def test_beats_without_context_are_refused_with_what_to_do(
    run: Path, mitbih: Path, ecg: Ecg
) -> None:
    Path("alone.csv").write_bytes((mitbih / "mitbih_test.csv").read_bytes())
    result = ecg("predict", "alone.csv", "--model", run, "-o", "p.csv")
    assert result.exit_code == 2
    assert "--model beats" in result.stderr
    assert not Path("p.csv").exists()


def test_the_context_of_other_beats_is_refused(run: Path, mitdb: Path, ecg: Ecg) -> None:
    beats = prepare_recording(mitdb / "221.hea", context=True).beats.take(np.arange(40))
    write_beats(Path("one.csv"), beats.take(np.arange(20)))
    write_beats(Path("two.csv"), beats.take(np.arange(20, 40)))
    Path("two.context.npy").replace("one.context.npy")
    result = ecg("predict", "one.csv", "--model", run, "-o", "p.csv")
    assert result.exit_code == 2
    assert "one.context.npy: the context was written with other beats" in result.stderr
    assert not Path("p.csv").exists()


def test_folds_and_copies_only_where_they_mean_something(
    mitdb: Path, demo: Path, tmp_path: Path
) -> None:
    network = document(mitdb, tmp_path) | {"model": {"name": "cnn"}}
    with pytest.raises(
        ConfigError, match=r"data\.validation: folds is for models that are fitted in one step"
    ):
        train(parse_config(network))
    of_a_file = document(demo / "synthetic_train.csv", tmp_path)
    with pytest.raises(ConfigError, match=r"data\.copies is for a folder of recordings"):
        train(parse_config(of_a_file))
    few = document(mitdb, tmp_path)
    few["data"] = {"train": str(mitdb), "records": ["119", "208"], "validation": "folds"}
    with pytest.raises(DataError, match="into 5 parts needs at least 5 of them, found 2"):
        train(parse_config(few))
    assert not list(tmp_path.iterdir())


def test_trees_of_other_features_are_refused() -> None:
    data = lightgbm.Dataset(np.eye(90, 3), np.arange(90) % 5)
    settings = {"objective": "multiclass", "num_class": 5, "verbosity": -1}
    text = lightgbm.train(settings, data, num_boost_round=1).model_to_string()
    facts = {"classes": 5, "known": [0, 1, 2, 3, 4], "boosters": [text]}
    card = load_checkpoint(bundled_checkpoint("recordings")).card
    with pytest.raises(CheckpointError, match="its trees read 3 features of a beat, this version"):
        load_engine(Checkpoint(card, {"trees": packed(json.dumps(facts))}))


def test_the_beats_that_are_skipped_are_part_of_the_recording(mitdb: Path) -> None:
    beats = prepare_recording(mitdb / "222.hea", context=True).beats
    classifier = load("recordings")
    predicted = classifier.probabilities(beats).argmax(1)
    later = (beats.info["time"] >= 300).to_numpy()  # type: ignore[index]
    expected = confusion_matrix(beats.known_labels[later], predicted[later], 5)
    evaluation = evaluate_beats(classifier, beats, Path("222.csv"), skip_first=300)
    assert np.array_equal(evaluation.matrix, expected)
    apart = classifier.probabilities(beats.take(np.flatnonzero(later))).argmax(1)
    assert (apart != predicted[later]).any()  # else this recording could not tell
