"""Stretches of a recording that hold no ECG: missing, flat or saturated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

#: Seconds of one and the same value, anywhere and at the recorder's limit.
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
    starts, stops = _runs(signal)
    values, seconds = signal[starts], (stops - starts) / sampling_rate
    missing = np.isnan(values)
    flat = ~missing & (seconds >= FLAT_SECONDS)
    known = values[~missing]
    limits = (known.min(initial=0.0), known.max(initial=0.0))
    saturated = np.isin(values, limits) & (seconds >= SATURATED_SECONDS) & ~flat
    reasons: dict[Reason, NDArray[np.bool_]] = {
        "missing": missing, "flat": flat, "saturated": saturated,
    }  # fmt: skip
    found = [
        Stretch(int(starts[run]), int(stops[run]), reason)
        for reason, runs in reasons.items()
        for run in np.flatnonzero(runs)
    ]
    return sorted(found, key=lambda stretch: stretch.start)


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
    """The signal with straight lines where it is missing; zeros when it is nowhere known."""
    missing = np.isnan(signal)
    if not missing.any():
        return signal
    if missing.all():
        return np.zeros_like(signal)
    time = np.arange(len(signal))
    return np.where(missing, np.interp(time, time[~missing], signal[~missing]), signal)


def _runs(signal: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Starts and stops of the runs of equal values; NaN equals NaN."""
    missing = np.isnan(signal)
    changes = (np.diff(signal) != 0) & ~(missing[1:] & missing[:-1])
    edges = np.flatnonzero(changes) + 1
    return np.concatenate([[0], edges]), np.concatenate([edges, [len(signal)]])
