"""Long intervals in which a beat may have been missed, by what lies between its two beats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Signal
from ecgcli.recordings.peaks import without_drift
from ecgcli.recordings.quality import filled

#: An interval is examined when it has at least this many seconds and multiples of the usual one.
_SECONDS, _MULTIPLE = 1.0, 1.5
#: Seconds after a beat in which its T wave ends, and before one in which its P wave begins.
_AFTER, _BEFORE = 0.45, 0.2
#: The share of the size of the QRS complexes around that a deflection needs to be a beat. On the
#: MIT-BIH records, real pauses of 219, 231 and 232 have 0.04 to 0.24 between their beats; where
#: the detector missed beats of 203 and 208 there is 0.26 to 0.56.
_SHARE = 0.25
#: Beats on each side of an interval by which the usual interval and size are known.
_NEIGHBOURS = 10
#: Seconds around an R peak in which its size is measured.
_REACH = 0.05


def may_miss_a_beat(
    signal: Signal, sampling_rate: float, peaks: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """In which intervals between beats a deflection may be a beat that was not found.

    Args:
        signal: ``(samples,)`` in mV.
        sampling_rate: Hz.
        peaks: ``(beats,)`` the R peaks in s, ascending.

    Returns:
        ``(beats - 1,)``; empty without beats.
    """
    intervals = np.diff(peaks)
    missed = np.zeros(len(intervals), bool)
    long = np.flatnonzero(intervals >= _SECONDS)
    candidates = long[intervals[long] >= _MULTIPLE * _usual(intervals, long)].tolist()
    if not candidates:
        return missed
    level = np.abs(without_drift(filled(signal), sampling_rate))
    for number in candidates:
        first = round((peaks[number] + _AFTER) * sampling_rate)
        last = round((peaks[number + 1] - _BEFORE) * sampling_rate)
        usual = np.median([_size(level, sampling_rate, at) for at in peaks[_around(number)]])
        missed[number] = level[first:last].max() >= _SHARE * usual
    return missed


def _usual(intervals: NDArray[np.float64], numbers: NDArray[np.intp]) -> NDArray[np.float64]:
    """The median of the intervals around each of these."""
    places = numbers[:, None] + np.arange(-_NEIGHBOURS, _NEIGHBOURS + 1)
    beyond = (places < 0) | (places >= len(intervals))
    around = np.where(beyond, np.nan, intervals[np.clip(places, 0, len(intervals) - 1)])
    usual: NDArray[np.float64] = np.empty(len(numbers))
    at_ends = beyond.any(axis=1)
    usual[~at_ends] = np.median(around[~at_ends], axis=1)
    usual[at_ends] = np.nanmedian(around[at_ends], axis=1)
    return usual


def _around(number: int) -> slice:
    return slice(max(0, number - _NEIGHBOURS), number + _NEIGHBOURS + 1)


def _size(level: Signal, sampling_rate: float, peak: float) -> float:
    """The largest deflection of a beat."""
    first = max(0, round((peak - _REACH) * sampling_rate))
    return float(level[first : round((peak + _REACH) * sampling_rate) + 1].max())
