"""R peaks: detectors behind one registry.

A detector is a function ``detect(signal, sampling_rate) -> samples`` on one lead in mV
without missing values, registered under a name. `find_r_peaks` runs it and moves each
detection to the R peak itself, between samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgcli.errors import ConfigError, DataError, MissingExtraError, did_you_mean
from ecgcli.recordings import Recording
from ecgcli.recordings.quality import Stretch, filled, touches, unusable

Signal = NDArray[np.float64]
Detector = Callable[[Signal, float], NDArray[np.intp]]

#: Chosen by measurement on 48 records; benchmarks/RESULTS.md has the table.
DEFAULT = "envelope"

#: Seconds around a detection in which its R peak is looked for.
_REACH = 0.08
#: Seconds a recording must have for its beats to be compared with their neighbours.
SHORTEST_SECONDS = 2.0

_DETECTORS: dict[str, Detector] = {}


def register(name: str) -> Callable[[Detector], Detector]:
    """Make a detector known under ``name``."""

    def add(detector: Detector) -> Detector:
        _DETECTORS[name] = detector
        return detector

    return add


def list_detectors() -> list[str]:
    """The names of all detectors."""
    return list(_DETECTORS)


def find_r_peaks(
    signal: Signal,
    sampling_rate: float,
    detector: str = DEFAULT,
    unusable: list[Stretch] | None = None,
) -> NDArray[np.float64]:
    """The R peaks of one lead, as ascending positions in samples, with fractions.

    Args:
        signal: ``(samples,)`` in mV; missing values are bridged.
        sampling_rate: Hz.
        detector: one of `list_detectors`.
        unusable: stretches without ECG; peaks in them are dropped.

    Returns:
        Positions ``(peaks,)``; empty when there is no beat to be found.

    Raises:
        ConfigError: there is no such detector.
        DataError: the signal is too short to find beats in.
    """
    if detector not in _DETECTORS:
        raise ConfigError(f"there is no detector {detector}{did_you_mean(detector, _DETECTORS)}")
    if len(signal) < SHORTEST_SECONDS * sampling_rate:
        raise DataError(
            f"{len(signal) / sampling_rate:.1f} s are too short to find beats in; "
            f"at least {SHORTEST_SECONDS:g} s are needed"
        )
    whole = filled(signal)
    if np.ptp(whole) == 0:
        return np.empty(0)
    peaks = _at_the_peak(whole, sampling_rate, _DETECTORS[detector](whole, sampling_rate))
    return peaks[~touches(unusable, peaks, peaks + 1)] if unusable else peaks


def with_known_beats(
    recording: Recording, detector: str, path: Path, stretches: list[Stretch] | None = None
) -> Recording:
    """The recording as it is where its beats are annotated, else with those the detector finds.

    Args:
        recording: annotated or not.
        detector: finds R peaks.
        path: of the recording, for errors.
        stretches: without ECG, where the caller knows them already.

    Raises:
        DataError: R peaks cannot be found in it.
        ConfigError: there is no such detector.
    """
    if recording.annotated:
        return recording
    if stretches is None:
        stretches = unusable(recording.signal, recording.sampling_rate)
    try:
        peaks = find_r_peaks(recording.signal, recording.sampling_rate, detector, stretches)
    except DataError as error:
        raise DataError(str(error), file=path) from error
    return with_peaks(recording, peaks)


def with_peaks(recording: Recording, peaks: NDArray[np.float64]) -> Recording:
    """The recording with detected R peaks in place of its annotations."""
    return replace(recording, positions=peaks, symbols=())


@register("envelope")
def envelope(signal: Signal, sampling_rate: float) -> NDArray[np.intp]:
    """Peaks of the QRS band's slope energy, judged against the beats around them.

    After Pan & Tompkins (IEEE Trans Biomed Eng 32:230-236, 1985): band-pass, derivative,
    square, moving average. Unlike theirs it looks both ways in time: a candidate's
    strength is its energy against the median of beats in the 20 s around it, weak
    candidates between two regular beats are T or P waves, and long pauses are searched
    once more with a lower threshold.
    """
    from scipy.signal import find_peaks

    energy = _slope_energy(signal, sampling_rate)
    candidates: NDArray[np.intp] = find_peaks(energy, distance=round(0.2 * sampling_rate))[0]
    if not len(candidates):
        return candidates
    strength = energy[candidates] / _usual_energy(energy, sampling_rate, candidates)
    times = candidates / sampling_rate
    kept = np.flatnonzero(strength > _ACCEPTED)
    kept = _without_waves_between_beats(kept, times, strength)
    return candidates[_searched_back(kept, times, strength)]


#: Strengths, as shares of the usual beat's, above which a candidate is a beat; below which it
#: is doubted when it stands between two regular ones; and that is enough in a long pause.
_ACCEPTED, _DOUBTED, _ENOUGH_IN_A_PAUSE = 0.4, 0.7, 0.18
#: RR intervals, as multiples of the usual one around them, up to which two beats leave no room
#: for a third between them; and from which there must be one.
_NO_ROOM, _PAUSE = 1.3, 1.6


def _slope_energy(signal: Signal, sampling_rate: float) -> Signal:
    """Root mean square slope of the 5-25 Hz band over 100 ms."""
    from scipy.ndimage import uniform_filter1d
    from scipy.signal import butter, sosfiltfilt

    top = min(25.0, 0.4 * sampling_rate)
    band = butter(2, [5.0, top], "bandpass", fs=sampling_rate, output="sos")
    slope: Signal = np.gradient(sosfiltfilt(band, signal - np.median(signal)))
    power = uniform_filter1d(slope**2, round(0.1 * sampling_rate))
    energy: Signal = np.sqrt(np.maximum(power, 0))  # a running sum may end below zero
    return energy


def _usual_energy(energy: Signal, sampling_rate: float, places: NDArray[np.intp]) -> Signal:
    """The energy of the usual beat around each place: median of maxima of 1.2 s over 18 s."""
    from scipy.ndimage import median_filter

    step = round(1.2 * sampling_rate)
    pieces = [energy[start : start + step].max() for start in range(0, len(energy), step)]
    level = median_filter(np.array(pieces), 15, mode="nearest")
    centres = (np.arange(len(pieces)) + 0.5) * step
    usual: Signal = np.interp(places, centres, level)
    return np.maximum(usual, np.finfo(float).tiny)


def _without_waves_between_beats(
    kept: NDArray[np.intp], times: Signal, strength: Signal
) -> NDArray[np.intp]:
    """Drop weak candidates, the weakest first, that stand where no beat has room."""
    from scipy.ndimage import percentile_filter

    if len(kept) < 3:
        return kept
    when, weight = times[kept], strength[kept]
    usual = percentile_filter(np.diff(when, append=when[-1]), 60, 25, mode="nearest")
    before, after = np.arange(len(kept)) - 1, np.arange(len(kept)) + 1
    dropped = np.zeros(len(kept), bool)
    for k in np.argsort(weight):
        if weight[k] >= _DOUBTED:
            break
        i, j = before[k], after[k]
        if i < 0 or j >= len(kept):
            continue
        weak = weight[k] < _DOUBTED * min(weight[i], weight[j], 1.0)
        if weak and when[j] - when[i] < _NO_ROOM * usual[k]:
            dropped[k], after[i], before[j] = True, j, i
    return kept[~dropped]


def _searched_back(kept: NDArray[np.intp], times: Signal, strength: Signal) -> NDArray[np.intp]:
    """Add the strongest candidate of each long pause, when it is strong enough."""
    from scipy.ndimage import median_filter

    if len(kept) < 3:
        return kept
    intervals = np.diff(times[kept])
    usual = median_filter(intervals, 17, mode="nearest")
    found = []
    for k in np.flatnonzero(intervals > _PAUSE * usual):
        inside = np.arange(kept[k] + 1, kept[k + 1])
        away = np.minimum(times[inside] - times[kept[k]], times[kept[k + 1]] - times[inside])
        inside = inside[away > 0.36]
        if len(inside) and strength[inside].max() > _ENOUGH_IN_A_PAUSE:
            found.append(inside[strength[inside].argmax()])
    return np.sort(np.concatenate([kept, np.array(found, kept.dtype)]))


@register("xqrs")
def xqrs(signal: Signal, sampling_rate: float) -> NDArray[np.intp]:
    """XQRS of the wfdb library: very good, and slow."""
    from wfdb.processing import XQRS

    finder = XQRS(signal, sampling_rate)
    finder.detect(verbose=False)
    return np.asarray(finder.qrs_inds, np.intp)


@register("sleepecg")
def sleepecg(signal: Signal, sampling_rate: float) -> NDArray[np.intp]:
    """SleepECG's detector in C, after Pan & Tompkins; an optional package."""
    try:
        from sleepecg.heartbeats import detect_heartbeats
    except ImportError as error:
        raise MissingExtraError(
            "this detector needs the package sleepecg: pip install 'ecgcli[detectors]'"
        ) from error
    return np.asarray(detect_heartbeats(signal, sampling_rate), np.intp)


def points_down(signal: Signal, sampling_rate: float, peaks: NDArray[np.float64]) -> bool:
    """Whether most beats' largest deflection is negative, as in a lead put on the wrong way.

    Args:
        signal: ``(samples,)`` in mV.
        sampling_rate: Hz.
        peaks: ``(beats,)`` the R peaks, in seconds.
    """
    drift_free = _without_drift(filled(signal), sampling_rate)
    samples = np.round(peaks * sampling_rate).astype(np.intp)
    pieces = drift_free[_around(samples, sampling_rate, len(signal))]
    return bool(np.mean(-pieces.min(axis=1) > pieces.max(axis=1)) > 0.5)


def _at_the_peak(
    signal: Signal, sampling_rate: float, detections: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Move each detection to the highest deflection near it, to a fraction of a sample.

    A parabola through the three samples around the extremum gives the fraction.
    """
    if not len(detections):
        return np.empty(0)
    level = np.abs(_without_drift(signal, sampling_rate))
    around = _around(detections, sampling_rate, len(signal))
    peaks = around[np.arange(len(detections)), level[around].argmax(1)]
    left, middle, right = level[peaks - 1], level[peaks], level[peaks + 1]
    bend = left - 2 * middle + right
    shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, 1.0), 0.0)
    return np.unique(peaks + np.clip(shift, -0.5, 0.5))


def _around(detections: NDArray[np.intp], sampling_rate: float, length: int) -> NDArray[np.intp]:
    """Samples ``(detections, 2 * reach + 1)`` around each, none at the very ends."""
    reach = round(_REACH * sampling_rate)
    around: NDArray[np.intp] = np.clip(
        detections[:, None] + np.arange(-reach, reach + 1), 1, length - 2
    )
    return around


def _without_drift(signal: Signal, sampling_rate: float) -> Signal:
    """Without the baseline's wander: a zero-phase Butterworth high-pass at 1 Hz."""
    from scipy.signal import butter, sosfiltfilt

    high_pass = butter(2, 1.0, "highpass", fs=sampling_rate, output="sos")
    steady: Signal = sosfiltfilt(high_pass, signal)
    return steady
