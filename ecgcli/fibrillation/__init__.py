"""Atrial fibrillation in a recording, from RR intervals: episodes, and the rhythm of each beat."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.recordings.rhythm import LONGEST_PAUSE

#: The rhythm of a beat in atrial fibrillation, and of any other beat; it is empty where unknown.
AFIB, OTHER, UNKNOWN = "AFIB", "N", ""


@dataclass(frozen=True)
class Episode:
    """An episode of atrial fibrillation: its first and last R peak in s, and its beats."""

    start: float
    end: float
    beats: int


@dataclass(frozen=True)
class AtrialRhythm:
    """Where a recording is in atrial fibrillation.

    Attributes:
        rhythms: ``(beats,)`` `AFIB`, `OTHER` or `UNKNOWN`: the rhythm from each beat to the next;
            that of the last beat is the one before it.
        episodes: one after the other.
        known_seconds: the time in which the rhythm is known.
        note: why it is not known; empty if it is.
    """

    rhythms: NDArray[np.str_]
    episodes: tuple[Episode, ...]
    known_seconds: float
    note: str = ""

    @property
    def burden(self) -> float | None:
        """The share of the known time that is in atrial fibrillation; None if none is known."""
        if not self.known_seconds:
            return None
        return sum(each.end - each.start for each in self.episodes) / self.known_seconds

    def summary(self, sampling_rate: float) -> dict[str, Any]:
        """A document of plain values; times in s, and in samples at ``sampling_rate`` Hz."""
        return {
            "known_seconds": self.known_seconds,
            "burden": self.burden,
            "episode_count": len(self.episodes),
            "episodes": [
                asdict(each)
                | {
                    "start_sample": round(each.start * sampling_rate),
                    "end_sample": round(each.end * sampling_rate),
                }
                for each in self.episodes
            ],
        }


def unknown_rhythm(beats: int, note: str) -> AtrialRhythm:
    """The rhythm of a recording about which nothing can be said, and why."""
    return AtrialRhythm(np.full(beats, UNKNOWN, "<U4"), (), 0.0, note)


def rhythm_of_intervals(
    times: NDArray[np.float64], fibrillates: NDArray[np.bool_], known: NDArray[np.bool_]
) -> AtrialRhythm:
    """The rhythm of a recording, from that of its RR intervals.

    An interval longer than `LONGEST_PAUSE` is a gap in the recording: it ends an episode.

    Args:
        times: ``(beats,)`` the R peaks, in s, ascending; at least two.
        fibrillates: ``(beats - 1,)`` which intervals are in atrial fibrillation.
        known: ``(beats - 1,)`` of which intervals the rhythm is known.
    """
    seconds = np.diff(times)
    known = known & (seconds <= LONGEST_PAUSE)
    fibrillates = fibrillates & known
    edges = np.diff(np.concatenate([[0], fibrillates.astype(np.int8), [0]]))
    firsts, lasts = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    rhythms = np.where(known, np.where(fibrillates, AFIB, OTHER), UNKNOWN)
    return AtrialRhythm(
        rhythms=np.append(rhythms, rhythms[-1]),
        episodes=tuple(
            Episode(float(times[first]), float(times[last]), int(last - first + 1))
            for first, last in zip(firsts, lasts, strict=True)
        ),
        known_seconds=float(seconds[known].sum()),
    )
