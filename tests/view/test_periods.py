"""A recording by periods."""

from __future__ import annotations

import numpy as np
import pytest

from ecgcli.view.periods import by_period, mean_rates
from tests.view.pages import beats_of, beats_with


@pytest.mark.parametrize(
    ("seconds", "length", "periods"),
    [(5, 10, 1), (1800, 60, 30), (6 * 3600, 3600, 6), (86_400, 3600, 24), (172_800, 3600, 48)],
)
def test_a_day_is_shown_by_the_hour(seconds: float, length: float, periods: int) -> None:
    found = by_period(beats_with("NN"), seconds)
    assert len(found) == periods
    assert found[0].stop == min(length, seconds)


def test_the_figures_of_a_period() -> None:
    intervals = [1.0] * 60 + [0.5] * 120
    beats = beats_with("N" * 170 + "V" * 9, intervals)
    first, second = by_period(beats, 120, [(30, 90)], [(100, 110)], length=60)
    assert first.mean == pytest.approx(60, rel=0.01)
    assert second.highest == pytest.approx(120)
    assert (first.counts["V"], second.counts["V"]) == (0, 9)
    assert (first.fibrillation, second.fibrillation) == (30, 30)
    assert (first.unusable, second.unusable) == (0, 10)
    assert first.beats + second.beats == len(beats)


def test_rates_do_not_reach_over_a_gap() -> None:
    beats = beats_with("N" * 40, [1.0] * 20 + [60.0] + [1.0] * 20)
    _, rates = mean_rates(beats.peaks)
    assert np.allclose(rates, 60)


def test_no_beats() -> None:
    (period,) = by_period(beats_of(np.empty(0), np.empty(0, np.uint8)), 8)
    assert (period.lowest, period.mean, period.highest, period.beats) == (None, None, None, 0)
