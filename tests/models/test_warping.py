"""The bounds do not change the neighbours under dynamic time warping."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgcli.beats import read_beats
from ecgcli.models.warping import WarpedNeighbors


def warped(beat: np.ndarray, reference: np.ndarray, band: int) -> float:
    """The textbook recursion, cell by cell."""
    size = len(beat)
    cost = np.full((size + 1, size + 1), np.inf)
    cost[0, 0] = 0
    for row in range(1, size + 1):
        for column in range(max(1, row - band), min(size, row + band) + 1):
            step = (float(beat[row - 1]) - float(reference[column - 1])) ** 2
            before = (cost[row - 1, column], cost[row, column - 1], cost[row - 1, column - 1])
            cost[row, column] = step + min(before)
    return float(np.sqrt(cost[size, size]))


@pytest.mark.parametrize("band", [0, 4, 20])
def test_the_neighbours_are_those_of_the_whole_search(mitbih: Path, band: int) -> None:
    samples = read_beats(mitbih / "mitbih_test.csv").samples
    kept, queries = samples[:150], samples[5000:5004]
    distances, rows = WarpedNeighbors(kept, band).nearest(queries, 5)
    for query, near, nearest in zip(queries, distances, rows, strict=True):
        every = np.array([warped(query, beat, band) for beat in kept])
        assert near == pytest.approx(np.sort(every)[:5], abs=1e-5)
        assert every[nearest] == pytest.approx(near, abs=1e-5)


def test_a_shift_within_the_band_costs_nothing() -> None:
    beat = np.zeros((1, 187), np.float32)
    beat[0, 40:60] = np.hanning(20)
    shifted = np.roll(beat, 4, axis=1)
    assert WarpedNeighbors(beat, 4).nearest(shifted, 1)[0][0, 0] == pytest.approx(0, abs=1e-6)
    assert WarpedNeighbors(beat, 2).nearest(shifted, 1)[0][0, 0] > 0.1


def test_as_many_neighbours_as_beats_are_all_of_them() -> None:
    samples = np.random.default_rng(0).random((6, 187), np.float32)
    _, rows = WarpedNeighbors(samples, 3).nearest(samples[:2], 6)
    assert [sorted(row) for row in rows.tolist()] == [list(range(6))] * 2
    assert rows[:, 0].tolist() == [0, 1]
