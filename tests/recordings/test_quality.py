"""Stretches without ECG are found, and no others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgcli.beats.preparation import prepare_recording
from ecgcli.recordings import ReadOptions, read_recording
from ecgcli.recordings.quality import Stretch, filled, touches, unusable

RATE = 250.0


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, 5000)


def test_missing_flat_and_saturated(noise: np.ndarray) -> None:
    noise[100:130] = np.nan
    noise[1000:1250] = 0.02
    noise[3000:3040] = 5.0
    noise[4000:4010] = 5.0  # 40 ms at the limit is a steep beat, not a fault
    assert unusable(noise, RATE) == [
        Stretch(100, 130, "missing"),
        Stretch(1000, 1250, "flat"),
        Stretch(3000, 3040, "saturated"),
    ]


def test_a_clean_signal_and_one_that_is_all_zeros(noise: np.ndarray) -> None:
    assert unusable(noise, RATE) == []
    assert unusable(np.zeros(5000), RATE) == [Stretch(0, 5000, "flat")]
    assert unusable(np.full(5000, np.nan), RATE) == [Stretch(0, 5000, "missing")]


def test_real_records_are_ecg_throughout(mitdb: Path) -> None:
    for name in ("100", "105", "203", "232"):
        recording = read_recording(mitdb / name)
        assert unusable(recording.signal, recording.sampling_rate) == []


def test_touches() -> None:
    stretches = [Stretch(10, 20, "flat"), Stretch(50, 60, "missing")]
    starts = np.array([0.0, 0, 5, 20, 30, 55, 60])
    stops = np.array([10.0, 11, 30, 50, 51, 58, 90])
    assert touches(stretches, starts, stops).tolist() == [
        False, True, True, False, True, True, False,
    ]  # fmt: skip
    assert not touches([], starts, stops).any()


def test_a_recording_is_filled_once(
    noise: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise[1000:1020] = np.nan
    noise[300::200] += 2  # beats at 75 a minute
    (tmp_path / "r.csv").write_text("\n".join(map(str, noise)))
    gaps = []

    def counted(signal: np.ndarray) -> np.ndarray:
        gaps.append(int(np.isnan(signal).sum()))
        return filled(signal)

    monkeypatch.setattr("ecgcli.recordings.filled", counted)
    monkeypatch.setattr("ecgcli.recordings.peaks.filled", counted)
    options = ReadOptions(sampling_rate=RATE, units="mV")
    prepared = prepare_recording(tmp_path / "r.csv", options, context=True)
    assert len(prepared.peaks) > 10
    assert [count for count in gaps if count] == [20]


def test_filled_bridges_gaps() -> None:
    assert filled(np.array([np.nan, 1, np.nan, 3, np.nan])).tolist() == [1, 1, 2, 3, 3]
    assert filled(np.full(3, np.nan)).tolist() == [0, 0, 0]
