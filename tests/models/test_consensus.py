"""The second look at the beats of a recording together."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ecgcli.models.consensus import BEATS, Consensus

_SHARES = np.array([0.4, 0.2, 0.2, 0.2])


def consensus(columns: int = 2) -> Consensus:
    return Consensus(np.arange(columns), np.ones(columns, np.float32), _SHARES)


def called(*shares: float) -> NDArray[np.float64]:
    return np.array(shares, np.float64)


def look_alikes(beats: int, seed: int = 0) -> NDArray[np.float32]:
    """Features of beats that differ by chance alone, ``(beats, 2)``."""
    return np.random.default_rng(seed).normal(0, 0.1, (beats, 2)).astype(np.float32)


def one_recording(beats: int) -> NDArray[np.float32]:
    return np.zeros(beats, np.float32)


def test_a_beat_is_not_called_otherwise_than_those_that_look_the_same() -> None:
    probabilities = np.tile(called(0.97, 0.02, 0.005, 0.005), (1200, 1))
    probabilities[[20, 90, 150]] = called(0.35, 0.55, 0.05, 0.05)
    looked = consensus()(probabilities, look_alikes(1200), one_recording(1200))
    assert (looked.argmax(1) == 0).all()
    assert looked.sum(axis=1) == pytest.approx(1)


def test_beats_of_another_look_keep_their_class() -> None:
    probabilities = np.tile(called(0.97, 0.02, 0.005, 0.005), (1200, 1))
    features = look_alikes(1200)
    features[:20] += 10
    probabilities[:20] = called(0.25, 0.65, 0.05, 0.05)
    probabilities[5] = called(0.45, 0.44, 0.06, 0.05)
    looked = consensus()(probabilities, features, one_recording(1200))
    assert (looked[:20].argmax(1) == 1).all()
    assert (looked[20:].argmax(1) == 0).all()


def test_a_beat_unlike_all_others_decides_alone() -> None:
    probabilities = np.tile(called(0.97, 0.02, 0.005, 0.005), (1200, 1))
    probabilities[7] = called(0.2, 0.05, 0.7, 0.05)
    features = look_alikes(1200)
    assert consensus()(probabilities, features, one_recording(1200))[7].argmax() == 0
    features[7] += 5
    assert consensus()(probabilities, features, one_recording(1200))[7].argmax() == 2


@pytest.mark.parametrize(("narrowly", "others", "expected"), [
    (called(0.44, 0.46, 0.05, 0.05), called(0.98, 0.01, 0.005, 0.005), 0),
    (called(0.46, 0.44, 0.05, 0.05), called(0.01, 0.98, 0.005, 0.005), 1),
])  # fmt: skip
def test_a_narrow_decision_goes_to_the_class_that_is_frequent_in_the_recording(
    narrowly: NDArray[np.float64], others: NDArray[np.float64], expected: int
) -> None:
    probabilities = np.vstack([np.tile(narrowly, (60, 1)), np.tile(others, (940, 1))])
    features = look_alikes(1000)
    features[:60] += 10
    looked = consensus()(probabilities, features, one_recording(1000))
    assert narrowly.argmax() != expected
    assert (looked[:60].argmax(1) == expected).all()


def test_recordings_are_looked_at_apart() -> None:
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet(np.ones(4), 900)
    features = rng.normal(size=(900, 2)).astype(np.float32)
    recordings = np.repeat([0, 1], [300, 600]).astype(np.float32)
    together = consensus()(probabilities, features, recordings)
    for rows in (slice(300), slice(300, 900)):
        alone = consensus()(probabilities[rows], features[rows], recordings[rows])
        assert np.array_equal(together[rows], alone)


def test_every_beat_of_a_long_recording_is_looked_at_with_those_of_its_half_hour() -> None:
    rng = np.random.default_rng(2)
    beats = 3 * BEATS
    probabilities = rng.dirichlet(np.ones(4), beats)
    features = rng.normal(size=(beats, 2)).astype(np.float32)
    whole = consensus()(probabilities, features, one_recording(beats))
    third = slice(BEATS, 2 * BEATS)
    part = consensus()(probabilities[third], features[third], one_recording(BEATS))
    assert np.array_equal(whole[third], part)


@pytest.mark.parametrize("beats", [1, 12, 100])
def test_in_a_short_recording_an_s_beat_is_not_outvoted(beats: int) -> None:
    probabilities = np.tile(called(0.9, 0.05, 0.03, 0.02), (beats, 1))
    probabilities[0] = called(0.2, 0.6, 0.1, 0.1)
    looked = consensus()(probabilities, look_alikes(beats), one_recording(beats))
    assert looked.argmax(1).tolist() == [1] + [0] * (beats - 1)


def test_what_separates_the_classes_is_compared_in_standard_deviations() -> None:
    rng = np.random.default_rng(3)
    features = (rng.normal(size=(500, 40)) * np.arange(1, 41)).astype(np.float32)
    features[:, 7] = 3
    gains = np.zeros(40)
    gains[[3, 7, 30]] = 0.6, 0.1, 0.3
    compared = Consensus.of_training(features, gains, _SHARES)
    weights = dict(zip(compared.columns.tolist(), compared.scales.tolist(), strict=True))
    assert weights[3] == pytest.approx(np.sqrt(0.6) / 4, rel=0.1)
    assert weights[30] == pytest.approx(np.sqrt(0.3) / 31, rel=0.1)
    assert weights[7] == 0
    assert sum(weight > 0 for weight in weights.values()) == 2


@pytest.mark.parametrize(
    "damage",
    [
        {"consensus_columns": np.array([0, 9])},
        {"consensus_columns": np.array([[0, 1]])},
        {"consensus_scales": np.array([1.0, np.nan], np.float32)},
        {"consensus_scales": np.ones(3, np.float32)},
        {"consensus_shares": np.array([0.4, 0.0, 0.2, 0.4])},
        {"consensus_shares": np.ones(3)},
    ],
)
def test_a_damaged_state_is_refused(damage: dict[str, NDArray[np.generic]]) -> None:
    sound = Consensus.restored(consensus().state())
    assert sound is not None
    sound.check(features=9, classes=4)
    damaged = Consensus.restored(consensus().state() | damage)
    assert damaged is not None
    with pytest.raises(ValueError, match="damaged"):
        damaged.check(features=9, classes=4)
