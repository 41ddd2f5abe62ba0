"""Stretches of a recording that hold no ECG: missing, flat or saturated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

#: Seconds of a constant value: at any level, and at the limit of the recorder.
FLAT_SECONDS, SATURATED_SECONDS = 1.0, 0.1

Reason = Literal["missing", "flat", "saturated"]


@dataclass(frozen=True)
class Stretch:
    """Samples ``start`` to ``stop`` (excluded) without ECG, and why."""

    start: int
    stop: int
    reason: Reason


def unusable(signal: NDArray[np.float64], sampling_rate: float) -> list[Stretch]:
    """The stretches of a signal ``(samples,)`` in mV that no beat may be read from, ascending."""
    missing = np.isnan(signal)
    stretches = [Stretch(start, stop, "missing") for start, stop in _runs(missing)]
    low, high = np.nanmin(signal, initial=np.inf), np.nanmax(signal, initial=-np.inf)
    shortest = SATURATED_SECONDS * sampling_rate
    for start, last in _runs(signal[1:] == signal[:-1], shortest - 1):
        samples = last + 1 - start
        if samples >= FLAT_SECONDS * sampling_rate:
            stretches.append(Stretch(start, last + 1, "flat"))
        elif samples >= shortest and signal[start] in (low, high):
            stretches.append(Stretch(start, last + 1, "saturated"))
    return sorted(stretches, key=lambda stretch: stretch.start)


def without_ecg(signal: NDArray[np.float64], sampling_rate: float) -> float:
    """The share of a signal ``(samples,)`` in mV that is in stretches without ECG."""
    stretches = unusable(signal, sampling_rate)
    return sum(stretch.stop - stretch.start for stretch in stretches) / max(len(signal), 1)


def touches(
    stretches: Sequence[Stretch], starts: NDArray[np.float64], stops: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which of the pieces ``starts[k]`` to ``stops[k]`` overlap a stretch."""
    begin = np.array([stretch.start for stretch in stretches])
    end = np.array([stretch.stop for stretch in stretches])
    # stretches do not overlap, so as many begin before a piece's end as ended before its start
    overlap: NDArray[np.bool_] = np.searchsorted(begin, stops) > np.searchsorted(
        end, starts, side="right"
    )
    return overlap


def filled(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """The signal with straight lines where it is missing; zeros when it is missing everywhere."""
    missing = np.isnan(signal)
    if not missing.any():
        return signal
    if missing.all():
        return np.zeros_like(signal)
    time = np.arange(len(signal))
    return np.where(missing, np.interp(time, time[~missing], signal[~missing]), signal)


def _runs(hit: NDArray[np.bool_], shortest: float = 1) -> list[tuple[int, int]]:
    """Where the runs of True start and stop, but for those that are shorter."""
    edges = np.flatnonzero(np.diff(hit.view(np.int8), prepend=0, append=0)).reshape(-1, 2)
    kept = edges[edges[:, 1] - edges[:, 0] >= shortest]
    return list(zip(kept[:, 0].tolist(), kept[:, 1].tolist(), strict=True))
