"""Pauses: real ones, and those in which the detector missed a beat."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ecgcli.recordings import ReadOptions, Recording, read_recording
from ecgcli.recordings.missed import may_miss_a_beat
from ecgcli.recordings.peaks import find_r_peaks


def long_intervals(record: Path) -> dict[float, bool]:
    """Detected intervals of 2 s and more, by their start in s: whether a beat may be missed."""
    recording = read_recording(record, ReadOptions(annotations="none"))
    peaks = find_r_peaks(recording.signal, recording.sampling_rate) / recording.sampling_rate
    missed = may_miss_a_beat(recording, peaks)
    long = np.flatnonzero(np.diff(peaks) >= 2)
    return {round(float(peaks[number]), 1): bool(missed[number]) for number in long}


def test_the_pauses_of_208_that_are_missed_beats_are_marked(mitdb: Path) -> None:
    intervals = long_intervals(mitdb / "208.hea")
    assert intervals[1383.4]  # 4.73 s by detected peaks; beats are annotated in it
    assert intervals[208.9]


def test_the_pauses_of_232_and_219_are_real(mitdb: Path) -> None:
    for record in ("232.hea", "219.hea"):
        intervals = long_intervals(mitdb / record)
        assert len(intervals) > 2
        assert sum(intervals.values()) <= 0.1 * len(intervals)


def test_without_beats_there_are_no_intervals() -> None:
    flat = Recording("x", "x", np.zeros(1000), 250.0, "II", np.empty(0), ())
    assert may_miss_a_beat(flat, np.empty(0)).shape == (0,)
    assert may_miss_a_beat(flat, np.array([1.0])).shape == (0,)
    assert may_miss_a_beat(flat, np.array([0.5, 3.5])).tolist() == [False]
