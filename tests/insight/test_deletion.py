"""Whether the predicted class depends on the samples that an explanation ranks first."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ecgcli.beats import Beats, read_beats
from ecgcli.choices import Attribution
from ecgcli.insight.deletion import deletion_test, highest_tenth
from ecgcli.prediction import load
from tests.helpers import untrained


def test_removing_the_highest_samples_lowers_the_probability_most(
    method: Attribution, bumps: Beats
) -> None:
    tested = deletion_test(untrained("peeking"), bumps, method)
    assert tested.beats == 30
    assert tested.highest.median > 0.6 > 5 * tested.random_samples.median
    assert tested.ratio == tested.highest.median / tested.random_place.median
    assert tested.interval is not None
    assert tested.interval[0] <= tested.ratio <= tested.interval[1]
    assert tested == deletion_test(untrained("peeking"), bumps, method)


def test_a_model_that_ignores_its_input_has_no_ratio(bumps: Beats) -> None:
    tested = deletion_test(untrained("stubborn"), bumps)
    assert tested.highest.median == 0
    assert tested.ratio is None
    assert tested.interval is None


def test_a_trained_network_depends_on_the_samples_ranked_highest(
    method: Attribution, trained: Path, demo: Path
) -> None:
    classifier = load(trained)
    tested = deletion_test(classifier, read_beats(demo / "synthetic_train.csv"), method)
    assert tested.beats == 500
    assert tested.ratio is not None
    assert tested.ratio > 3


def test_a_tenth_of_a_beat_excludes_the_padding() -> None:
    ranked = np.tile(np.arange(187.0), (3, 1))
    mask = highest_tenth(ranked, np.array([100, 20, 3]))
    assert [np.flatnonzero(row).tolist() for row in mask] == [list(range(90, 100)), [18, 19], [2]]
