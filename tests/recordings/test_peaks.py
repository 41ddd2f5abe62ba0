"""R peaks on the real records and on signals that have none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgcli.errors import ConfigError, DataError
from ecgcli.evaluation.recordings import flutter_of
from ecgcli.metrics.aami import compare
from ecgcli.recordings import Recording, read_recording
from ecgcli.recordings.detectors import list_detectors
from ecgcli.recordings.mitbih import RECORDS
from ecgcli.recordings.peaks import find_r_peaks, points_down
from ecgcli.recordings.quality import Stretch


def count_detections(recording: Recording, detector: str) -> tuple[int, int, int]:
    """Beats detected, beats missed, and detections without a beat; flutter is not evaluated."""
    peaks = find_r_peaks(recording.signal, recording.sampling_rate, detector)
    truth, detected = (
        (places / recording.sampling_rate, np.zeros(len(places), np.int64))
        for places in (recording.beat_positions, peaks)
    )
    matrix = compare(truth, detected, fibrillation=flutter_of(recording))
    return int(matrix[0, 0]), int(matrix[0, 5]), int(matrix[5, 0])


def test_the_default_on_all_48_records(mitdb: Path) -> None:
    counts = [count_detections(read_recording(mitdb / name), "envelope") for name in RECORDS]
    hits, missed, extra = np.sum(counts, axis=0)
    assert hits / (hits + missed) > 0.997
    assert hits / (hits + extra) > 0.995


@pytest.mark.parametrize("detector", list_detectors())
def test_every_detector_on_an_easy_record(detector: str, mitdb: Path) -> None:
    hits, missed, extra = count_detections(read_recording(mitdb / "100"), detector)
    assert hits == 2273 - missed
    assert missed + extra <= 3


def test_peaks_lie_on_the_r_peak_between_samples() -> None:
    peaks = 1.0 + 0.8013 * np.arange(20)
    time = np.arange(int(17.5 * 250)) / 250
    signal = np.exp(-(((time[:, None] - peaks) / 0.012) ** 2)).sum(axis=1)
    detected = find_r_peaks(signal, 250.0) / 250
    assert detected == pytest.approx(peaks, abs=0.0005)
    upright = Recording("x", "x", signal, 250.0, "II", np.empty(0), ())
    assert not points_down(upright, detected)
    assert points_down(replace(upright, signal=-signal), detected)


@pytest.mark.parametrize("rate", [128.0, 250.0, 500.0])
def test_other_sampling_rates(rate: float, mitdb: Path) -> None:
    recording = read_recording(mitdb / "103")
    from scipy.signal import resample_poly

    up, down = {128.0: (16, 45), 250.0: (25, 36), 500.0: (25, 18)}[rate]
    peaks = find_r_peaks(resample_poly(recording.signal, up, down), rate) / rate
    truth = recording.beat_positions / 360
    matrix = compare((truth, 0 * truth.astype(int)), (peaks, 0 * peaks.astype(int)))
    assert matrix[0, 5] + matrix[5, 0] <= 4


def test_no_beats_is_a_result() -> None:
    assert len(find_r_peaks(np.zeros(5000), 250.0)) == 0
    assert len(find_r_peaks(np.full(5000, np.nan), 250.0)) == 0
    assert len(find_r_peaks(np.ones(5000), 250.0)) == 0


def test_peaks_in_a_gap_are_dropped(mitdb: Path) -> None:
    recording = read_recording(mitdb / "100")
    signal = recording.signal.copy()
    signal[36_000:72_000] = np.nan
    gap = [Stretch(36_000, 72_000, "missing")]
    peaks = find_r_peaks(signal, 360.0, unusable=gap)
    assert not ((peaks >= 36_000) & (peaks < 72_000)).any()
    assert len(peaks) == pytest.approx(2273 * 19 / 20, abs=12)


def test_refusals() -> None:
    with pytest.raises(ConfigError, match="no detector envelop; did you mean envelope"):
        find_r_peaks(np.zeros(5000), 250.0, "envelop")
    with pytest.raises(DataError, match=r"1\.0 s are too short"):
        find_r_peaks(np.zeros(250), 250.0)
