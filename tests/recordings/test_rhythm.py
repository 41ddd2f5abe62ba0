"""A rhythm worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ecgcli.classes import AAMI_CLASSES
from ecgcli.recordings.rhythm import Rhythm, Run, describe_rhythm


def rhythm(letters: str, rr: float | list[float] = 1.0, unusable: float = 0.0) -> Rhythm:
    """Beats of the classes named by letters (a dot is not classified), ``rr`` seconds apart."""
    intervals = np.full(len(letters) - 1, rr) if isinstance(rr, float) else np.array(rr)
    peaks = 0.5 + np.concatenate([[0], np.cumsum(intervals)])
    kinds = np.array([letter.replace(".", "") for letter in letters])
    return describe_rhythm(peaks, kinds, AAMI_CLASSES, float(peaks[-1] + 0.5), unusable)


def test_rates_and_the_longest_interval() -> None:
    described = rhythm("N" * 21, [1.0] * 10 + [0.5] * 8 + [2.0, 1.0])
    assert described.mean_rate == pytest.approx(60 * 20 / 17)
    assert described.highest_rate == pytest.approx(120)
    assert described.lowest_rate == pytest.approx(60)
    assert (described.longest_rr, described.longest_rr_at) == (2.0, 0.5 + 10 + 4)


def test_couplets_and_runs() -> None:
    described = rhythm("NVNVVNVVVNVVVVSSNSSS", rr=0.5)
    v, s = described.burdens["V"], described.burdens["S"]
    assert (v.beats, v.couplets, v.runs) == (10, 1, 2)
    assert (s.beats, s.couplets, s.runs) == (5, 1, 1)
    assert described.runs == [
        Run("V", 3.5, 3, 120.0), Run("V", 5.5, 4, 120.0), Run("S", 9.0, 3, 120.0),
    ]  # fmt: skip
    assert v.percent == pytest.approx(50)
    assert v.per_hour == pytest.approx(10 / (described.seconds / 3600))


def test_a_gap_or_a_beat_not_classified_ends_a_run() -> None:
    gap = rhythm("VVVV", [0.5, 60.0, 0.5])
    assert (gap.burdens["V"].couplets, gap.burdens["V"].runs) == (2, 0)
    assert gap.longest_rr == 0.5  # a minute without a beat is a gap, not a pause
    unknown = rhythm("VV.VV")
    assert (unknown.burdens["V"].couplets, unknown.unclassified) == (2, 1)
    assert unknown.burdens["V"].percent == 100


def test_time_without_ecg_is_not_counted_in_hours() -> None:
    described = rhythm("NV" * 20, unusable=20.0)
    assert described.burdens["V"].per_hour == pytest.approx(20 / ((described.seconds - 20) / 3600))
    assert described.noise_share == pytest.approx(20 / described.seconds)


@pytest.mark.parametrize("letters", ["", "N"])
def test_too_few_beats_for_anything(letters: str) -> None:
    peaks = np.arange(len(letters), dtype=float)
    described = describe_rhythm(peaks, np.array(list(letters), "<U8"), AAMI_CLASSES, 10.0, 0.0)
    assert described.beats == len(letters)
    assert described.mean_rate is described.longest_rr is described.lowest_rate is None
    assert described.runs == []
