"""A recording's beats as a clinician reads them: rate, burden, couplets, runs, pauses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Intervals over whose mean the lowest and the highest heart rate are taken.
RATE_INTERVALS = 8
#: Ectopic beats in a row that make a run; two make a couplet.
RUN = 3
#: Seconds; a longer interval between two beats is a gap in the recording, not in the rhythm.
LONGEST_PAUSE = 10.0
#: The classes whose burden is reported.
ECTOPIC = ("V", "S")


@dataclass(frozen=True)
class Run:
    """Consecutive ectopic beats: class, time of the first (s), number, rate (beats per minute)."""

    kind: str
    start: float
    beats: int
    rate: float


@dataclass(frozen=True)
class Burden:
    """The share of a class of ectopic beats in the rhythm."""

    beats: int
    percent: float
    per_hour: float
    couplets: int
    runs: int


@dataclass(frozen=True)
class Rhythm:
    """A summary of a recording's beats.

    Rates are in beats per minute, None without enough beats; the lowest and the highest
    are means over `RATE_INTERVALS`. ``longest_rr`` (s) begins at ``longest_rr_at`` (s).
    ``longest_rr_may_miss_a_beat`` where a deflection between its beats may be a third beat.
    ``unclassified`` beats have no ECG under them or no beat after them. ``noise_share``
    is the share of the time without ECG. ``runs`` lists those of three or more beats.
    """

    seconds: float
    beats: int
    unclassified: int
    mean_rate: float | None
    lowest_rate: float | None
    highest_rate: float | None
    longest_rr: float | None
    longest_rr_at: float | None
    longest_rr_may_miss_a_beat: bool
    counts: dict[str, int]
    burdens: dict[str, Burden]
    runs: list[Run]
    noise_share: float


def describe_rhythm(
    peaks: NDArray[np.float64],
    kinds: NDArray[np.str_],
    classes: tuple[str, ...],
    seconds: float,
    unusable: float,
    missed: NDArray[np.bool_] | None = None,
) -> Rhythm:
    """Summarise a recording.

    Args:
        peaks: ``(beats,)`` every R peak, in s, ascending.
        kinds: ``(beats,)`` the class of each, empty where it was not classified.
        classes: the names of the classes.
        seconds: the recording's length.
        unusable: seconds of it without ECG.
        missed: ``(beats - 1,)`` in which intervals a beat may have been missed, if that is known.
    """
    intervals = rr_intervals(peaks)
    valid = intervals[~np.isnan(intervals)]
    enough = len(valid) >= RATE_INTERVALS
    mean = np.full(RATE_INTERVALS, 1 / RATE_INTERVALS)
    rates = 60 / np.convolve(valid, mean, "valid") if enough else np.empty(0)
    longest = int(np.nanargmax(intervals)) if len(valid) else None
    rows = {kind: in_a_row(kind, peaks, kinds, intervals) for kind in ECTOPIC if kind in classes}
    hours = (seconds - unusable) / 3600
    classified = int((kinds != "").sum())
    return Rhythm(
        seconds=seconds,
        beats=len(peaks),
        unclassified=len(peaks) - classified,
        mean_rate=float(60 / valid.mean()) if len(valid) else None,
        lowest_rate=float(rates.min()) if enough else None,
        highest_rate=float(rates.max()) if enough else None,
        longest_rr=None if longest is None else float(intervals[longest]),
        longest_rr_at=None if longest is None else float(peaks[longest]),
        longest_rr_may_miss_a_beat=bool(
            longest is not None and missed is not None and missed[longest]
        ),
        counts={name: int((kinds == name).sum()) for name in classes},
        burdens={
            kind: _burden(row_runs, int((kinds == kind).sum()), classified, hours)
            for kind, row_runs in rows.items()
        },
        runs=sorted(
            (run for row_runs in rows.values() for run in row_runs if run.beats >= RUN),
            key=lambda run: run.start,
        ),
        noise_share=unusable / seconds if seconds else 0.0,
    )


def rr_intervals(peaks: NDArray[np.float64]) -> NDArray[np.float64]:
    """The intervals between beats, ``(beats - 1,)`` in s; NaN where the recording has a gap."""
    intervals = np.diff(peaks)
    intervals[intervals > LONGEST_PAUSE] = np.nan
    return intervals


def _burden(rows: list[Run], beats: int, classified: int, hours: float) -> Burden:
    return Burden(
        beats=beats,
        percent=100 * beats / classified if classified else 0.0,
        per_hour=beats / hours if hours > 0 else 0.0,
        couplets=sum(row.beats == RUN - 1 for row in rows),
        runs=sum(row.beats >= RUN for row in rows),
    )


def in_a_row(
    kind: str,
    peaks: NDArray[np.float64],
    kinds: NDArray[np.str_],
    intervals: NDArray[np.float64],
) -> list[Run]:
    """Two or more beats of a class in a row; a gap ends a row.

    Args:
        kind: the class.
        peaks: ``(beats,)`` in s, ascending.
        kinds: ``(beats,)`` the class of each.
        intervals: between them, see `rr_intervals`.
    """
    hit = kinds == kind
    joined = hit[1:] & hit[:-1] & ~np.isnan(intervals)
    edges = np.diff(np.concatenate([[0], joined.astype(np.int8), [0]]))
    return [
        Run(
            kind=kind,
            start=float(peaks[first]),
            beats=int(last - first + 1),
            rate=float(60 * (last - first) / (peaks[last] - peaks[first])),
        )
        for first, last in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    ]
