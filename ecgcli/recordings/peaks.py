"""R peaks: the detections of a detector, moved to the R peak itself, between samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Signal
from ecgcli.errors import DataError
from ecgcli.recordings import DEFAULT_DETECTOR, Recording
from ecgcli.recordings.detectors import get_detector
from ecgcli.recordings.filtering import without_drift
from ecgcli.recordings.quality import Stretch, filled, touches, unusable

#: Seconds around a detection in which its R peak is searched for.
_REACH = 0.08
#: Seconds a recording must have for its beats to be compared with their neighbours.
SHORTEST_SECONDS = 2.0


def find_r_peaks(
    signal: Signal,
    sampling_rate: float,
    detector: str = DEFAULT_DETECTOR,
    unusable: list[Stretch] | None = None,
    drift_free: Signal | None = None,
) -> NDArray[np.float64]:
    """The R peaks of one lead, as ascending positions in samples, with fractions.

    Args:
        signal: ``(samples,)`` in mV; missing values are bridged.
        sampling_rate: Hz.
        detector: one of `list_detectors`.
        unusable: stretches without ECG; peaks in them are dropped.
        drift_free: the signal `without_drift`, if the caller has it.

    Returns:
        Positions ``(peaks,)``; empty when there are no beats.

    Raises:
        ConfigError: there is no such detector.
        DataError: the signal is too short to find beats in.
    """
    detect = get_detector(detector)
    if len(signal) < SHORTEST_SECONDS * sampling_rate:
        raise DataError(
            f"{len(signal) / sampling_rate:.1f} s are too short to find beats in; "
            f"at least {SHORTEST_SECONDS:g} s are needed"
        )
    without_gaps = filled(signal)
    if np.ptp(without_gaps) == 0:
        return np.empty(0)
    detections = detect(without_gaps, sampling_rate)
    if drift_free is None:
        drift_free = without_drift(without_gaps, sampling_rate)
    peaks = _at_the_peak(drift_free, sampling_rate, detections)
    return peaks[~touches(unusable, peaks, peaks + 1)] if unusable else peaks


def with_known_beats(
    recording: Recording, detector: str, path: Path, stretches: list[Stretch] | None = None
) -> Recording:
    """The recording unchanged if it has annotated beats, else with those that the detector finds.

    Args:
        recording: annotated or not.
        detector: finds R peaks.
        path: of the recording, for errors.
        stretches: without ECG, if the caller has computed them.

    Raises:
        DataError: R peaks cannot be found in it.
        ConfigError: there is no such detector.
    """
    if recording.annotated:
        return recording
    if stretches is None:
        stretches = unusable(recording.signal, recording.sampling_rate)
    try:
        long_enough = recording.seconds >= SHORTEST_SECONDS
        peaks = find_r_peaks(
            recording.filled,
            recording.sampling_rate,
            detector,
            stretches,
            recording.drift_free if long_enough else None,
        )
    except DataError as error:
        raise DataError(str(error), file=path) from error
    return with_peaks(recording, peaks)


def with_peaks(recording: Recording, peaks: NDArray[np.float64]) -> Recording:
    """The recording with detected R peaks in place of its annotations."""
    changed = replace(recording, positions=peaks, symbols=())
    for name in ("filled", "drift_free"):  # of the same signal, so they are not computed again
        if name in vars(recording):
            vars(changed)[name] = vars(recording)[name]
    return changed


def with_beats_of(recording: Recording, other: Recording) -> Recording:
    """A lead with the positions and annotations of another lead of the same recording."""
    return replace(recording, positions=other.positions, symbols=other.symbols)


def points_down(recording: Recording, peaks: NDArray[np.float64]) -> bool:
    """Whether most beats' largest deflection is negative, as in a reversed lead.

    Args:
        recording: the lead.
        peaks: ``(beats,)`` the R peaks, in seconds.
    """
    rate, drift_free = recording.sampling_rate, recording.drift_free
    samples = np.round(peaks * rate).astype(np.intp)
    pieces = drift_free[_around(samples, rate, len(drift_free))]
    return bool(np.mean(-pieces.min(axis=1) > pieces.max(axis=1)) > 0.5)


def _at_the_peak(
    drift_free: Signal, sampling_rate: float, detections: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Move each detection to the highest deflection near it, to a fraction of a sample.

    A parabola through the three samples around the extremum gives the fraction.
    """
    if not len(detections):
        return np.empty(0)
    around = _around(detections, sampling_rate, len(drift_free))
    peaks = around[np.arange(len(detections)), np.abs(drift_free[around]).argmax(1)]
    left, middle, right = np.abs(drift_free[peaks + np.array([[-1], [0], [1]])])
    bend = left - 2 * middle + right
    shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, 1.0), 0.0)
    return np.unique(peaks + np.clip(shift, -0.5, 0.5))


def _around(detections: NDArray[np.intp], sampling_rate: float, length: int) -> NDArray[np.intp]:
    """Samples ``(detections, 2 * reach + 1)`` around each, without the first and the last."""
    reach = round(_REACH * sampling_rate)
    around: NDArray[np.intp] = np.clip(
        detections[:, None] + np.arange(-reach, reach + 1), 1, length - 2
    )
    return around
