"""Beats with the answers of a reader applied: classes given, beats moved, added and deleted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgcli.errors import DataError
from ecgcli.recordings.annotations import WINDOW
from ecgcli.review.answers import Answer


class Misplaced(DataError):
    """An answer does not fit the recording; ``column`` names the value that does not."""

    def __init__(self, problem: str, column: str) -> None:
        super().__init__(problem)
        self.name = column


@dataclass(frozen=True)
class Stretch:
    """A stretch that a reader named: ``unreadable`` or ``fibrillation``, from and to, in s."""

    kind: str
    start: float
    stop: float


class Corrections:
    """The beats of a recording as a reader left them.

    Beats keep their numbers: those found come first, in order of time, then those added.

    Attributes:
        seconds: the length of the recording.
        times: ``(beats,)`` in s.
        answered: ``(beats,)`` the class given to each; empty where none was given.
        readers: ``(beats,)`` who answered each last.
        present: ``(beats,)`` whether each is there; False when it was deleted.
        stretches: those that were named, in the order of the answers.

    Args:
        seconds: the length of the recording.
        times: ``(beats,)`` the R peaks that were found, in s, ascending.
    """

    def __init__(self, seconds: float, times: NDArray[np.float64]) -> None:
        self.seconds = seconds
        self.times = np.array(times, np.float64)
        self.answered = np.full(len(times), "", "<U8")
        self.readers = np.full(len(times), "", object)
        self.present = np.ones(len(times), bool)
        self.stretches: list[Stretch] = []

    def copy(self) -> Corrections:
        """The same corrections, which can be changed on their own."""
        other = Corrections(self.seconds, self.times)
        other.answered, other.readers = self.answered.copy(), self.readers.copy()
        other.present, other.stretches = self.present.copy(), list(self.stretches)
        return other

    @property
    def order(self) -> NDArray[np.intp]:
        """The numbers of the beats that are there, by time."""
        beats = np.flatnonzero(self.present)
        return beats[np.argsort(self.times[beats], kind="stable")]

    def apply(self, answer: Answer) -> list[int]:
        """Apply an answer; returns the numbers of the beats it concerns.

        Raises:
            Misplaced: it does not fit the recording; nothing was changed.
        """
        return {
            "class": self._give_class,
            "move": self._move,
            "add": self._add,
            "delete": self._delete,
            "unreadable": self._name_stretch,
            "fibrillation": self._name_stretch,
            "skip": self._find_all,
        }[answer.action](answer)

    def unreadable(self, times: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which times lie in a stretch called unreadable."""
        inside = np.zeros(len(times), bool)
        for stretch in self.stretches:
            if stretch.kind == "unreadable":
                inside |= (times >= stretch.start) & (times <= stretch.stop)
        return inside

    def _find_all(self, answer: Answer) -> list[int]:
        """The beats at the answer's times.

        Raises:
            Misplaced: there is no beat at one of them, or one beat is named twice.
        """
        order = self.order
        beats = [self._find(time, order) for time in answer.times]
        if len(set(beats)) < len(beats):
            raise Misplaced("two of the times are of one beat", "time")
        return beats

    def _find(self, time: float, order: NDArray[np.intp]) -> int:
        self._require_inside(time, "time")
        times = self.times[order]
        after = int(np.searchsorted(times, time))
        near = [int(order[k]) for k in (after - 1, after) if 0 <= k < len(order)]
        nearest = min(near, key=lambda beat: abs(self.times[beat] - time), default=None)
        if nearest is None or abs(self.times[nearest] - time) > WINDOW:
            raise Misplaced(f"there is no beat within {WINDOW:g} s of {time:g} s", "time")
        return nearest

    def _require_inside(self, time: float, column: str) -> None:
        if not 0 <= time <= self.seconds:
            raise Misplaced(
                f"{time:g} s is outside the recording, which is {self.seconds:g} s long", column
            )

    def _require_free(self, time: float, column: str, but: int = -1) -> None:
        """A beat may stand at a time if no other is within `WINDOW` of it."""
        self._require_inside(time, column)
        others = self.order[self.order != but]
        near = np.abs(self.times[others] - time)
        if len(near) and near.min() < WINDOW:
            other = self.times[others[near.argmin()]]
            raise Misplaced(
                f"there is a beat at {other:g} s already, less than {WINDOW:g} s from {time:g} s",
                column,
            )

    def _give_class(self, answer: Answer) -> list[int]:
        beats = self._find_all(answer)
        self.answered[beats], self.readers[beats] = answer.letter, answer.reader
        return beats

    def _move(self, answer: Answer) -> list[int]:
        (beat,) = self._find_all(answer)
        to = _second_time(answer)
        self._require_free(to, "to", but=beat)
        self.times[beat] = to
        self.readers[beat] = answer.reader
        return [beat]

    def _add(self, answer: Answer) -> list[int]:
        (time,) = answer.times
        self._require_free(time, "time")
        self.times = np.append(self.times, time)
        self.answered = np.append(self.answered, answer.letter)
        self.readers = np.append(self.readers, np.array([answer.reader], object))
        self.present = np.append(self.present, True)
        return [len(self.times) - 1]

    def _delete(self, answer: Answer) -> list[int]:
        beats = self._find_all(answer)
        self.present[beats] = False
        return beats

    def _name_stretch(self, answer: Answer) -> list[int]:
        (start,), stop = answer.times, _second_time(answer)
        self._require_inside(start, "time")
        self._require_inside(stop, "to")
        if stop <= start:
            raise Misplaced(f"the stretch ends at {stop:g} s, before it starts", "to")
        self.stretches.append(Stretch(answer.action, start, stop))
        return []


def _second_time(answer: Answer) -> float:
    if answer.to is None:
        raise Misplaced(f"{answer.action} needs a second time", "to")
    return answer.to
