"""The default detector: slope energy of the QRS band against that of the beats around it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Signal
from ecgcli.recordings.detectors import register
from ecgcli.recordings.filtering import PIECE, zero_phase

#: Strengths, as shares of the usual beat's, above which a candidate is a beat; below which it
#: is doubted when it stands between two regular ones; and that is enough in a long pause.
_ACCEPTED, _DOUBTED, _ENOUGH_IN_A_PAUSE = 0.4, 0.7, 0.18
#: RR intervals, as multiples of the usual one around them, up to which two beats leave no room
#: for a third between them; and from which there must be one.
_NO_ROOM, _PAUSE = 1.3, 1.6


@register("envelope")
def envelope(signal: Signal, sampling_rate: float) -> NDArray[np.intp]:
    """Peaks of the QRS band's slope energy, relative to the beats around them.

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


def _slope_energy(signal: Signal, sampling_rate: float) -> Signal:
    """Root mean square slope of the 5-25 Hz band over 100 ms."""
    from scipy.ndimage import uniform_filter1d
    from scipy.signal import butter

    top = min(25.0, 0.4 * sampling_rate)
    band = butter(2, [5.0, top], "bandpass", fs=sampling_rate, output="sos")
    filtered = zero_phase(band, signal - np.median(signal))
    energy, width = np.empty(len(signal)), round(0.1 * sampling_rate)
    for first in range(0, len(signal), PIECE):  # what is computed of a piece stays in the cache
        start = max(0, first - width)
        slope: Signal = np.gradient(filtered[start : first + PIECE + width])
        power = uniform_filter1d(slope**2, width)[first - start :][:PIECE]
        energy[first : first + PIECE] = np.sqrt(np.maximum(power, 0))  # a sum may end below zero
    return energy


def _usual_energy(energy: Signal, sampling_rate: float, places: NDArray[np.intp]) -> Signal:
    """The energy of the usual beat around each place: median of maxima of 1.2 s over 18 s."""
    from scipy.ndimage import median_filter

    step = round(1.2 * sampling_rate)
    pieces = np.maximum.reduceat(energy, np.arange(0, len(energy), step))
    level = median_filter(pieces, 15, mode="nearest")
    centres = (np.arange(len(pieces)) + 0.5) * step
    usual: Signal = np.interp(places, centres, level)
    return np.maximum(usual, np.finfo(float).tiny)


def _without_waves_between_beats(
    kept: NDArray[np.intp], times: Signal, strength: Signal
) -> NDArray[np.intp]:
    """Drop weak candidates, the weakest first, that lie where no beat has room."""
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
    recovered = []
    for k in np.flatnonzero(intervals > _PAUSE * usual):
        inside = np.arange(kept[k] + 1, kept[k + 1])
        distance = np.minimum(times[inside] - times[kept[k]], times[kept[k + 1]] - times[inside])
        inside = inside[distance > 0.36]
        if len(inside) and strength[inside].max() > _ENOUGH_IN_A_PAUSE:
            recovered.append(inside[strength[inside].argmax()])
    return np.sort(np.concatenate([kept, np.array(recovered, kept.dtype)]))
