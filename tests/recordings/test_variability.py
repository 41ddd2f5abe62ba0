"""Heart rate variability: by hand, on a known spectrum, and on real beats."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ecgcli.recordings import read_recording
from ecgcli.recordings.variability import FEWEST_INTERVALS, heart_rate_variability, limits


def peaks_after(intervals: np.ndarray) -> np.ndarray:
    """R peaks (s) with these intervals between them."""
    return np.concatenate([[0.3], 0.3 + np.cumsum(intervals)])


def modulated(seconds: float) -> np.ndarray:
    """R peaks whose intervals vary by 30 ms at 0.1 Hz and by 20 ms at 0.25 Hz."""
    peaks = [0.0]
    while peaks[-1] < seconds:
        low, high = np.sin(2 * np.pi * np.array([0.1, 0.25]) * peaks[-1])
        peaks.append(peaks[-1] + 0.8 + 0.03 * low + 0.02 * high)
    return np.array(peaks)


def test_measures_in_time_on_real_beats(mitdb: Path) -> None:
    """Record 100 by the formulas of the Task Force, from its annotations."""
    recording = read_recording(mitdb / "100")
    peaks = recording.beat_positions / recording.sampling_rate
    normal = np.array(recording.symbols)[recording.is_beat] == "N"
    figures = heart_rate_variability(peaks, normal)
    rr = [
        (1000 * (peaks[n + 1] - peaks[n]) if normal[n] and normal[n + 1] else None)
        for n in range(len(peaks) - 1)
    ]
    nn = np.array([each for each in rr if each is not None])
    changes = np.array([b - a for a, b in pairwise(rr) if a is not None and b is not None])
    assert figures.intervals == len(nn) < len(rr)
    assert figures.nn_share == pytest.approx(len(nn) / len(rr))
    assert figures.sdnn == pytest.approx(np.std(nn, ddof=1))
    assert figures.rmssd == pytest.approx(np.sqrt(np.mean(changes**2)))
    assert figures.pnn50 == pytest.approx(100 * np.mean(np.abs(changes) > 50))
    assert figures.sdann is None  # half an hour


def test_the_power_of_known_oscillations() -> None:
    """A sine of amplitude A has the power A² / 2."""
    figures = heart_rate_variability(peaks := modulated(300), np.ones(len(peaks), bool))
    assert figures.lf == pytest.approx(30**2 / 2, rel=0.02)
    assert figures.hf == pytest.approx(20**2 / 2, rel=0.02)
    assert figures.lf_hf == pytest.approx(2.25, rel=0.03)


def test_beats_that_are_not_normal_change_little() -> None:
    """Early beats with a pause after them, which as normal beats would be variability."""
    peaks = modulated(1500)
    early = np.arange(len(peaks)) % 25 == 7
    with_early = peaks - 0.3 * early
    normal = heart_rate_variability(with_early, ~early)
    plain = heart_rate_variability(peaks, np.ones(len(peaks), bool))
    every = heart_rate_variability(with_early, np.ones(len(peaks), bool))
    for name in ("sdnn", "rmssd", "lf", "hf"):
        assert getattr(normal, name) == pytest.approx(getattr(plain, name), rel=0.1)
    assert (every.rmssd or 0) > 5 * (plain.rmssd or 0)


def test_sdann_is_of_the_means_of_five_minutes() -> None:
    """Segments of 300 beats of 1 s and 375 of 0.8 s, in turns."""
    intervals = np.concatenate([np.full(300, 1.0), np.full(375, 0.8)] * 8)
    peaks = np.concatenate([[0.0], np.cumsum(intervals)])[1:] - 0.001
    figures = heart_rate_variability(peaks, np.ones(len(peaks), bool))
    assert figures.sdann == pytest.approx(np.std([1000, 800] * 8, ddof=1), rel=0.01)


@pytest.mark.parametrize("beats", [0, 1, 2, FEWEST_INTERVALS])
def test_too_few_intervals_are_reported_as_missing(beats: int) -> None:
    figures = heart_rate_variability(np.arange(beats, dtype=float), np.ones(beats, bool))
    assert figures.missing
    assert figures.sdnn is figures.rmssd is figures.lf is None


def test_no_spectrum_is_computed_over_gaps_and_missed_beats() -> None:
    peaks = modulated(300)
    normal = np.ones(len(peaks), bool)
    missed = np.zeros(len(peaks) - 1, bool)
    missed[100:110] = True
    figures = heart_rate_variability(peaks, normal, missed)
    assert (figures.lf, figures.hf, figures.lf_hf) == (None, None, None)
    assert figures.intervals == len(peaks) - 11


def test_limits_are_stated() -> None:
    assert len(limits(360.0, annotated=True)) == 1
    detected, coarse = limits(128.0, annotated=False)[1:]
    assert "detected" in detected
    assert "at 128 Hz samples are 7.8 ms apart" in coarse
