"""A recording by periods."""

from __future__ import annotations

import numpy as np
import pytest

from ecgcli.classes import AAMI_CLASSES
from ecgcli.recordings.periods import by_period, mean_rates


def peaks_of(intervals: list[float]) -> np.ndarray:
    """R peaks (s) from 0.5 s on, with these intervals between them."""
    return 0.5 + np.concatenate([[0], np.cumsum(intervals)])


@pytest.mark.parametrize(
    ("seconds", "length", "periods"),
    [(5, 10, 1), (1800, 60, 30), (6 * 3600, 3600, 6), (86_400, 3600, 24), (172_800, 3600, 48)],
)
def test_a_day_is_shown_by_the_hour(seconds: float, length: float, periods: int) -> None:
    found = by_period(peaks_of([0.8]), np.array(["N", "N"]), AAMI_CLASSES, seconds)
    assert len(found) == periods
    assert found[0].stop == min(length, seconds)


def test_the_figures_of_a_period() -> None:
    intervals = [1.0] * 60 + [0.5] * 120
    peaks, kinds = peaks_of(intervals[:178]), np.array(["N"] * 170 + ["V"] * 9)
    first, second = by_period(peaks, kinds, AAMI_CLASSES, 120, [(30, 90)], [(100, 110)], length=60)
    assert first.mean == pytest.approx(60, rel=0.01)
    assert second.highest == pytest.approx(120)
    assert (first.counts["V"], second.counts["V"]) == (0, 9)
    assert (first.fibrillation, second.fibrillation) == (30, 30)
    assert (first.unusable, second.unusable) == (0, 10)
    assert first.beats + second.beats == len(peaks)


def test_rates_do_not_reach_over_a_gap() -> None:
    _, rates = mean_rates(peaks_of([1.0] * 20 + [60.0] + [1.0] * 18))
    assert np.allclose(rates, 60)


def test_no_beats() -> None:
    (period,) = by_period(np.empty(0), np.empty(0, "<U8"), AAMI_CLASSES, 8)
    assert (period.lowest, period.mean, period.highest, period.beats) == (None, None, None, 0)
