"""A recording by the hour, or by shorter periods if it is short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ecgcli.recordings.rhythm import RATE_INTERVALS, rr_intervals

#: Seconds of a period: the first that makes no more than `MOST` of a recording.
LENGTHS = (10.0, 60.0, 300.0, 3600.0)
MOST = 50

Stretches = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Period:
    """A stretch of a recording, in figures.

    Rates are in beats per minute, None without enough beats; the lowest and the highest are
    means over `RATE_INTERVALS`. Fibrillation and time without ECG are in s.
    """

    start: float
    stop: float
    beats: int
    lowest: float | None
    mean: float | None
    highest: float | None
    counts: dict[str, int]
    fibrillation: float
    unusable: float


def by_period(
    peaks: NDArray[np.float64],
    kinds: NDArray[np.str_],
    classes: Sequence[str],
    seconds: float,
    fibrillation: Stretches = (),
    unusable: Stretches = (),
    length: float | None = None,
) -> list[Period]:
    """The periods of a recording, in order.

    Args:
        peaks: ``(beats,)`` the R peaks in s, ascending.
        kinds: ``(beats,)`` the class of each; what is none of the classes is not counted.
        classes: the names of the classes.
        seconds: the recording's length.
        fibrillation: stretches of atrial fibrillation, from and to, in s.
        unusable: stretches without ECG.
        length: of a period, in s; by default one of `LENGTHS`.
    """
    if length is None:
        length = next((each for each in LENGTHS if seconds <= MOST * each), LENGTHS[-1])
    edges = np.append(np.arange(0, seconds, length), seconds)
    places = np.searchsorted(peaks, edges)
    times, rates = mean_rates(peaks)
    rate_places = np.searchsorted(times, edges)
    intervals = rr_intervals(peaks)
    periods = []
    for number, (start, stop) in enumerate(pairwise(edges.tolist())):
        inside = slice(places[number], places[number + 1])
        own_rates = rates[rate_places[number] : rate_places[number + 1]]
        valid = intervals[inside][~np.isnan(intervals[inside])]
        periods.append(
            Period(
                start=start,
                stop=stop,
                beats=int(places[number + 1] - places[number]),
                lowest=float(own_rates.min()) if len(own_rates) else None,
                mean=float(60 / valid.mean()) if len(valid) else None,
                highest=float(own_rates.max()) if len(own_rates) else None,
                counts={name: int((kinds[inside] == name).sum()) for name in classes},
                fibrillation=_overlap(fibrillation, start, stop),
                unusable=_overlap(unusable, start, stop),
            )
        )
    return periods


def mean_rates(
    peaks: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times (s) and heart rates there: means over `RATE_INTERVALS` intervals without a gap."""
    if len(peaks) <= RATE_INTERVALS:
        return np.empty(0), np.empty(0)
    gaps = np.concatenate([[0], np.cumsum(np.isnan(rr_intervals(peaks)))])
    whole = gaps[RATE_INTERVALS:] == gaps[:-RATE_INTERVALS]
    first, last = peaks[:-RATE_INTERVALS][whole], peaks[RATE_INTERVALS:][whole]
    return (first + last) / 2, 60 * RATE_INTERVALS / (last - first)


def _overlap(stretches: Stretches, start: float, stop: float) -> float:
    """Seconds of the stretches between start and stop."""
    return float(sum(max(0.0, min(to, stop) - max(begin, start)) for begin, to in stretches))
