"""A trained model in Python: beats in any form, recordings, and invalid input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ecgcli
from ecgcli.beats import Beats, read_beats
from ecgcli.checkpoints.runs import BEST
from ecgcli.errors import CheckpointError, ConfigError, DataError
from ecgcli.prediction import Classifier
from ecgcli.recordings import ReadOptions


@pytest.fixture(scope="module")
def classifier(trained: Path) -> Classifier:
    return ecgcli.load(trained)


def test_models_are_loaded_from_a_run_a_checkpoint_or_the_name_of_bundled_weights(
    trained: Path,
) -> None:
    for place in (trained, str(trained), trained / BEST):
        classifier = ecgcli.load(place)
        assert classifier.path == trained / BEST
        assert classifier.name == trained.name
    bundled = ecgcli.load("recordings", threads=1)
    assert bundled.name == "recordings"
    assert bundled.classes == ("N", "S", "V", "F", "Q")
    assert "context" in bundled.views
    assert ecgcli.load(trained, engine="torch").engine.name == "torch"
    with pytest.raises(CheckpointError, match="no such run or checkpoint"):
        ecgcli.load("no-such-run")


def test_beats_in_every_form_have_the_same_probabilities(
    classifier: Classifier, demo: Path
) -> None:
    path = demo / "synthetic_test.csv"
    beats = read_beats(path)
    expected = classifier.engine.probabilities(beats)
    for form in (path, str(path), beats, beats.samples, beats.samples.astype(np.float64)):
        probabilities = classifier.probabilities(form)
        assert probabilities.dtype == np.float32
        assert np.array_equal(probabilities, expected)
    names = classifier.predict(path)
    assert names.tolist() == [classifier.classes[label] for label in expected.argmax(1)]


def test_no_beats_have_no_probabilities(classifier: Classifier) -> None:
    no_beats = np.empty((0, 187), np.float32)
    assert classifier.probabilities(no_beats).shape == (0, 5)
    assert classifier.predict(no_beats).shape == (0,)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(187), r"found an array \(187,\) of float64; valid: \(beats, 187\)"),
        (np.zeros((2, 180)), r"found an array \(2, 180\)"),
        (np.full((2, 187), "x"), r"found an array \(2, 187\) of <U1"),
        (np.full((2, 187), np.nan), "beat 0, sample 0: found nan"),
        (np.pad([[1.5]], ((1, 0), (3, 183))), r"beat 1, sample 3: found 1\.5; samples lie in 0..1"),
    ],
)
def test_arrays_that_are_not_beats(
    samples: np.ndarray, message: str, classifier: Classifier
) -> None:
    with pytest.raises(DataError, match=message):
        classifier.probabilities(samples)


def test_beats_that_lack_an_input_of_the_model(beats: Beats) -> None:
    with pytest.raises(DataError, match="features of each beat relative to its recording"):
        ecgcli.load("recordings").probabilities(beats)


def test_a_recording_is_classified_with_and_without_its_annotations(
    mitdb: Path, classifier: Classifier
) -> None:
    annotated = classifier.classify(str(mitdb / "119.hea"))
    assert len(annotated.peaks) == annotated.rhythm().beats == 1987
    assert annotated.probabilities.shape == (len(annotated.times), 5)
    detected = classifier.classify(mitdb / "119.hea", ReadOptions(annotations="none"), abstain=0.9)
    assert any("R peaks detected (envelope)" in note for note in detected.notes)
    assert detected.abstained > 0
    with pytest.raises(ConfigError, match="no detector envelop"):
        classifier.classify(mitdb / "119", ReadOptions(annotations="none", detector="envelop"))
    with pytest.raises(DataError, match=r"not a beats CSV; classify\(\) takes recordings"):
        classifier.predict(mitdb / "119.hea")
