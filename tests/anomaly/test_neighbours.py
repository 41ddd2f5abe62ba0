"""The neighbour score: distant beats are unusual, and beats of loose groups not much more so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgcli.anomaly.neighbours import SURROUNDING, Neighbours


def test_beats_far_from_every_reference_beat_score_higher() -> None:
    random = np.random.default_rng(0)
    reference = random.normal(size=(400, 6)).astype(np.float32)
    usual = random.normal(size=(50, 6)).astype(np.float32)
    scores = Neighbours.fit(reference).score(np.concatenate([usual, usual + 8]))
    assert scores[:50].max() < scores[50:].min()


def test_beats_of_a_loose_group_are_not_unusual_for_its_looseness() -> None:
    """By distance alone members of the loose group would all outrank a beat beside the tight one.

    The group is 20 times as loose; half corrected, its members score 20 ** 0.5 too high.
    """
    random = np.random.default_rng(0)
    tight = random.normal(0, 0.05, (300, 4)).astype(np.float32)
    loose = random.normal(8, 1.0, (300, 4)).astype(np.float32)
    neighbours = Neighbours.fit(np.concatenate([tight, loose]))
    of_tight = neighbours.score(random.normal(0, 0.05, (200, 4)).astype(np.float32))
    of_loose = neighbours.score(random.normal(8, 1.0, (200, 4)).astype(np.float32))
    gap = np.median(of_loose) - np.median(of_tight)
    assert abs(gap - 0.5 * np.log(20)) < 0.2


def test_the_reference_is_not_its_own_neighbour() -> None:
    grid = np.arange(20, dtype=np.float32)[:, None] * np.ones(3, np.float32)
    neighbours = Neighbours.fit(grid)
    step = np.sort(np.unique(neighbours.reference.round(4), axis=0)[:, 0])
    spacing = np.diff(step).min()
    at_the_end = neighbours.surrounding[0]
    assert np.isclose(at_the_end, np.log(SURROUNDING * spacing), atol=1e-2)


def test_arrays_that_do_not_fit_together_are_refused() -> None:
    whole = Neighbours.fit(np.random.default_rng(0).random((30, 4)).astype(np.float32))
    for name in ("mean", "directions", "reference", "surrounding"):
        for damaged in (getattr(whole, name)[:-1], getattr(whole, name) * np.float32("inf")):
            with pytest.raises(ValueError, match="do not fit together"):
                replace(whole, **{name: damaged})
