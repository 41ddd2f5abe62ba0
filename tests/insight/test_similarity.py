"""The labelled beats nearest to a beat in the model's embedding."""

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
    query, reference = embed(classifier, beats)[7], embed(classifier, to)
    lengths = np.linalg.norm(reference, axis=1) * np.linalg.norm(query)
    distances = 1 - reference @ query / lengths
    nearest = np.sort(distances)[:4]
    assert [neighbour.distance for neighbour in match.neighbours] == pytest.approx(
        nearest, abs=1e-5
    )
    for neighbour in match.neighbours:
        assert distances[neighbour.beat] == pytest.approx(neighbour.distance, abs=1e-5)
        assert neighbour.label == classifier.classes[to.known_labels[neighbour.beat]]
        assert to.info is not None
        assert neighbour.record == to.info["record"][neighbour.beat]
        assert neighbour.time == to.info["time"][neighbour.beat]
        assert not neighbour.same
    probabilities = classifier.probabilities(beats.take(np.array([7])))[0]
    assert match.probability == pytest.approx(probabilities.max(), abs=1e-6)
    assert match.predicted == classifier.classes[probabilities.argmax()]
    labels = [neighbour.label for neighbour in match.neighbours]
    assert match.agreeing == labels.count(match.predicted)
    assert match.same_record == 0  # the test beats are of other patients


def test_a_beat_is_nearest_to_itself(trained: Path, demo: Path) -> None:
    classifier = load(trained)
    beats = read_labelled(demo / "synthetic_train.csv")
    for match in find_similar(classifier, beats, np.array([3, 900]), beats, 1).matches:
        (neighbour,) = match.neighbours
        assert neighbour.same
        assert neighbour.distance == pytest.approx(0, abs=1e-5)
        assert match.same_record == 1


def test_unknown_values_are_none(beats: Beats) -> None:
    (match,) = find_similar(untrained("cnn"), Beats(beats.samples), np.array([1]), beats).matches
    assert match.label is None
    assert match.record is None
    assert match.same_record is None
    assert [neighbour.time for neighbour in match.neighbours] == [None] * 5


def test_fewer_beats_than_neighbours(beats: Beats) -> None:
    with pytest.raises(
        DataError, match=r"found 20 beats .* fewer than 21 neighbours.*--neighbours 20"
    ):
        find_similar(untrained("cnn"), beats, np.array([0]), beats, 21)


def test_neighbours_need_labels(beats: Beats) -> None:
    with pytest.raises(DataError, match="unlabelled"):
        find_similar(untrained("cnn"), beats, np.array([0]), Beats(beats.samples))


def test_more_beats_than_a_picture_has_room_for(beats: Beats, tmp_path: Path) -> None:
    rows = np.zeros(MOST_PANELS + 1, np.intp)
    similar = find_similar(untrained("cnn"), beats, rows, beats)
    with pytest.raises(ConfigError, match=r"room for 40 beats, not 41"):
        similar.draw(tmp_path / "p.png")
    assert not (tmp_path / "p.png").exists()
