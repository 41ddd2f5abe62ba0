"""The labelled beats nearest to a beat, as the model sees them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgcli.beats import Beats, read_beats, read_labelled
from ecgcli.errors import ConfigError, DataError
from ecgcli.insight.embedding import embed
from ecgcli.insight.figures import MOST_PANELS
from ecgcli.insight.similarity import find_similar
from ecgcli.prediction import load
from tests.helpers import untrained


def test_neighbours_are_the_nearest_by_angle(trained: Path, demo: Path) -> None:
    classifier = load(trained)
    beats = read_beats(demo / "synthetic_test.csv")
    to = read_labelled(demo / "synthetic_train.csv")
    (match,) = find_similar(classifier, beats, np.array([7]), to, 4).matches
    own, others = embed(classifier, beats)[7], embed(classifier, to)
    lengths = np.linalg.norm(others, axis=1) * np.linalg.norm(own)
    distances = 1 - others @ own / lengths
    nearest = np.sort(distances)[:4]
    assert [near.distance for near in match.neighbours] == pytest.approx(nearest, abs=1e-5)
    for near in match.neighbours:
        assert distances[near.beat] == pytest.approx(near.distance, abs=1e-5)
        assert near.label == classifier.classes[to.known_labels[near.beat]]
        assert to.info is not None
        assert near.record == to.info["record"][near.beat]
        assert near.time == to.info["time"][near.beat]
        assert not near.same
    probabilities = classifier.probabilities(beats.take(np.array([7])))[0]
    assert match.probability == pytest.approx(probabilities.max(), abs=1e-6)
    assert match.predicted == classifier.classes[probabilities.argmax()]
    assert match.agreeing == sum(near.label == match.predicted for near in match.neighbours)
    assert match.same_record == 0  # the test beats are of other patients


def test_a_beat_is_nearest_to_itself(trained: Path, demo: Path) -> None:
    classifier = load(trained)
    beats = read_labelled(demo / "synthetic_train.csv")
    for match in find_similar(classifier, beats, np.array([3, 900]), beats, 1).matches:
        (near,) = match.neighbours
        assert near.same
        assert near.distance == pytest.approx(0, abs=1e-5)
        assert match.same_record == 1


def test_what_is_not_known_is_none(beats: Beats) -> None:
    (match,) = find_similar(untrained("cnn"), Beats(beats.samples), np.array([1]), beats).matches
    assert match.label is None
    assert match.record is None
    assert match.same_record is None
    assert [near.time for near in match.neighbours] == [None] * 5


def test_fewer_beats_than_neighbours(beats: Beats) -> None:
    with pytest.raises(DataError, match=r"^20 beats .* fewer than 21 neighbours.*--neighbours 20"):
        find_similar(untrained("cnn"), beats, np.array([0]), beats, 21)


def test_neighbours_need_labels(beats: Beats) -> None:
    with pytest.raises(DataError, match="unlabelled"):
        find_similar(untrained("cnn"), beats, np.array([0]), Beats(beats.samples))


def test_a_picture_has_room_for_so_many(beats: Beats, tmp_path: Path) -> None:
    rows = np.zeros(MOST_PANELS + 1, np.intp)
    found = find_similar(untrained("cnn"), beats, rows, beats)
    with pytest.raises(ConfigError, match=r"room for 40 beats, not 41"):
        found.draw(tmp_path / "p.png")
    assert not (tmp_path / "p.png").exists()
