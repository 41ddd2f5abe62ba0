"""Long intervals in which a beat may have been missed, by what lies between its two beats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Signal
from ecgcli.recordings import Recording

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


def may_miss_a_beat(recording: Recording, peaks: NDArray[np.float64]) -> NDArray[np.bool_]:
    """In which intervals between beats a deflection may be a beat that was not found.

    Args:
        recording: the lead.
        peaks: ``(beats,)`` the R peaks in s, ascending.

    Returns:
        ``(beats - 1,)``; empty without beats.
    """
    intervals = np.diff(peaks)
    missed = np.zeros(len(intervals), bool)
    long = np.flatnonzero(intervals >= _SECONDS)
    candidates = long[intervals[long] >= _MULTIPLE * _usual(intervals, long)]
    if not len(candidates):
        return missed
    drift_free, sampling_rate = recording.drift_free, recording.sampling_rate
    usual = _usual(_sizes(drift_free, sampling_rate, peaks), candidates)
    for number, size in zip(candidates.tolist(), usual.tolist(), strict=True):
        first = round((peaks[number] + _AFTER) * sampling_rate)
        last = round((peaks[number + 1] - _BEFORE) * sampling_rate)
        missed[number] = np.abs(drift_free[first:last]).max() >= _SHARE * size
    return missed


def _usual(values: NDArray[np.float64], numbers: NDArray[np.intp]) -> NDArray[np.float64]:
    """The median of the values around each of these numbers."""
    places = numbers[:, None] + np.arange(-_NEIGHBOURS, _NEIGHBOURS + 1)
    beyond = (places < 0) | (places >= len(values))
    around = np.where(beyond, np.nan, values[np.clip(places, 0, len(values) - 1)])
    usual: NDArray[np.float64] = np.empty(len(numbers))
    at_ends = beyond.any(axis=1)
    usual[~at_ends] = np.median(around[~at_ends], axis=1)
    usual[at_ends] = np.nanmedian(around[at_ends], axis=1)
    return usual


def _sizes(
    drift_free: Signal, sampling_rate: float, peaks: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The largest deflection of each beat, ``(beats,)``."""
    first, last = (
        np.clip(np.round((peaks + side * _REACH) * sampling_rate), 0, len(drift_free) - 1)
        for side in (-1, 1)
    )
    within = np.arange(np.max(last - first) + 1)
    places = np.minimum(first[:, None] + within, last[:, None]).astype(np.intp)
    sizes: NDArray[np.float64] = np.abs(drift_free[places]).max(axis=1)
    return sizes
