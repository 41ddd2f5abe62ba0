"""What a reader of a recording would look at: runs, pauses, fibrillation, doubtful beats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ecgcli.recordings.rhythm import ECTOPIC, RUN, in_a_row, rr_intervals
from ecgcli.view import Event, PageBeats
from ecgcli.wording import counted

#: Seconds; an interval between beats that is at least as long is a pause.
PAUSE = 2.0
#: Ectopic beats that make bigeminy or trigeminy when each follows as many others.
REPEATS = 3
#: Seconds of the stretch with the highest, and of that with the lowest, heart rate.
MINUTE = 60.0
#: How many of the most doubtful beats are events.
MOST_DOUBTFUL = 20

#: Why an event may be none.
MISSED = "a deflection between its beats may be a beat that was missed"

Stretches = Sequence[tuple[float, float]]
Missed = NDArray[np.bool_]


def find_events(
    beats: PageBeats, missed: Missed, fibrillation: Stretches = ()
) -> tuple[Event, ...]:
    """All events of a recording, by time.

    Args:
        beats: of the recording.
        missed: ``(beats - 1,)`` in which intervals a beat may have been missed; see
            `ecgcli.recordings.missed`.
        fibrillation: stretches of atrial fibrillation, from and to, in s.
    """
    every = chain(
        _rows(beats, missed),
        _patterns(beats, ("N", "{}"), "bigeminy"),
        _patterns(beats, ("N", "N", "{}"), "trigeminy"),
        _pauses(beats, missed),
        _fibrillation(beats, fibrillation),
        _minutes(beats),
        _doubtful(beats),
    )
    return tuple(sorted(every, key=lambda event: event.start))


def _rows(beats: PageBeats, missed: Missed) -> Iterator[Event]:
    """Couplets and runs."""
    letters, intervals = beats.letters, rr_intervals(beats.peaks)
    for kind in ECTOPIC:
        if kind not in beats.classes:
            continue
        for row in in_a_row(kind, beats.peaks, letters, intervals):
            first = int(np.searchsorted(beats.peaks, row.start))
            last = first + row.beats - 1
            yield Event(
                "run" if row.beats >= RUN else "couplet",
                row.start,
                float(beats.peaks[last]),
                first,
                row.beats,
                kind,
                row.rate,
                doubt=MISSED if missed[first:last].any() else "",
            )


def _patterns(beats: PageBeats, pattern: tuple[str, ...], kind: str) -> Iterator[Event]:
    """Stretches in which a pattern that ends in an ectopic beat repeats `REPEATS` times or more."""
    intervals, letters = rr_intervals(beats.peaks), beats.letters
    size = len(pattern)
    for ectopic in ECTOPIC:
        wanted = [part.format(ectopic) for part in pattern]
        whole = np.ones(max(len(letters) - size + 1, 0), bool)
        for offset, letter in enumerate(wanted):
            whole &= letters[offset : offset + len(whole)] == letter
        for offset in range(size - 1):
            whole &= ~np.isnan(intervals[offset : offset + len(whole)])
        for first, repeats in _repeated(whole, np.isnan(intervals), size):
            if repeats >= REPEATS:
                last = first + repeats * size - 1
                start, stop = float(beats.peaks[first]), float(beats.peaks[last])
                detail = counted(repeats, f"{ectopic} beat")
                yield Event(kind, start, stop, first, last - first + 1, ectopic, detail=detail)


def _repeated(
    whole: NDArray[np.bool_], gaps: NDArray[np.bool_], size: int
) -> Iterator[tuple[int, int]]:
    """Where a pattern of ``size`` beats begins, and how often it follows upon itself there.

    Args:
        whole: ``(places,)`` whether the pattern stands there.
        gaps: ``(beats - 1,)`` which intervals are gaps in the recording.
        size: of the pattern.
    """
    starts = np.flatnonzero(whole).tolist()
    begun = set(starts)
    followers = {start + size for start in starts if not gaps[start + size - 1 :][:1].any()}
    for start in starts:
        if start not in followers or start - size not in begun:
            repeats = 1
            while (following := start + repeats * size) in begun and following in followers:
                repeats += 1
            yield start, repeats


def _pauses(beats: PageBeats, missed: Missed) -> Iterator[Event]:
    intervals = rr_intervals(beats.peaks)
    for first in np.flatnonzero(intervals >= PAUSE).tolist():
        start, stop = float(beats.peaks[first]), float(beats.peaks[first + 1])
        detail = f"RR {stop - start:.2f} s"
        yield Event(
            "pause", start, stop, first, 2, detail=detail, doubt=MISSED if missed[first] else ""
        )


def _fibrillation(beats: PageBeats, stretches: Stretches) -> Iterator[Event]:
    for start, stop in stretches:
        first, after = np.searchsorted(beats.peaks, (start, stop + 1e-6)).tolist()
        rate = _mean_rate(beats.peaks[first:after])
        yield Event("fibrillation", start, stop, first, after - first, rate=rate)


def _minutes(beats: PageBeats) -> Iterator[Event]:
    """The fastest and the slowest minute; none where no minute is without a gap."""
    peaks = beats.peaks
    after = np.searchsorted(peaks, peaks + MINUTE)
    last = after - 1
    whole = (after < len(peaks)) & (last - np.arange(len(peaks)) >= 2)
    gaps = np.concatenate([[0], np.cumsum(np.isnan(rr_intervals(peaks)))])
    if len(peaks):
        whole &= gaps[np.minimum(last, len(gaps) - 1)] == gaps[: len(peaks)]
    starts = np.flatnonzero(whole)
    if not len(starts):
        return
    rates = 60 * (last - np.arange(len(peaks)))[starts] / (peaks[last] - peaks)[starts]
    for kind, place in (("fastest minute", rates.argmax()), ("slowest minute", rates.argmin())):
        first = int(starts[place])
        start = float(peaks[first])
        beats_in_it = int(last[first]) - first + 1
        yield Event(kind, start, start + MINUTE, first, beats_in_it, rate=float(rates[place]))


def _doubtful(beats: PageBeats) -> Iterator[Event]:
    """The beats of the lowest highest probability."""
    highest = beats.probabilities.max(axis=1, initial=0)
    rows = np.flatnonzero(beats.doubtful)
    for beat in rows[np.argsort(highest[rows], kind="stable")][:MOST_DOUBTFUL].tolist():
        second, first = np.argsort(beats.probabilities[beat])[-2:].tolist()
        likely = " or ".join(
            f"{beats.classes[label]} {beats.probabilities[beat, label]:.2f}"
            for label in (first, second)
        )
        at = float(beats.peaks[beat])
        yield Event("doubtful beat", at, at, beat, 1, str(beats.letters[beat]), detail=likely)


def _mean_rate(peaks: NDArray[np.float64]) -> float | None:
    return float(60 * (len(peaks) - 1) / (peaks[-1] - peaks[0])) if len(peaks) > 1 else None
