"""A patient's own model: the model's probabilities, corrected by the answers to a recording."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Features, Probabilities
from ecgcli.review.questions import Question, Questions
from ecgcli.review.relearning import Correction, Evidence


@dataclass(frozen=True)
class Given:
    """A class given to beats: their rows, and the class as a label."""

    rows: Sequence[int]
    label: int


@dataclass
class Learner:
    """What is known of a recording's beats, and what to ask next.

    Attributes:
        places: ``(beats, coordinates)`` see `ecgcli.review.likeness.coordinates`.
        prior: ``(beats, classes)`` the model's probabilities, before any answer; zeros where there
            are none.
        classes: the names of the classes.
        probabilities: ``(beats, classes)`` by the model and the answers; 1 for an answered class.
        answered: ``(beats,)`` which beats have an answer.
    """

    places: Features
    prior: Probabilities
    classes: tuple[str, ...]
    probabilities: Probabilities = field(init=False)
    answered: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self._questions = Questions(self.places, self.prior, self.classes)
        self._correction = Correction(self.prior, self.places)
        self._known = self.prior.any(axis=1)
        self.learn([])

    def learn(self, answers: Sequence[Given], skipped: Sequence[Collection[int]] = ()) -> None:
        """Classify all beats again, given all answers there are, the latest last.

        Args:
            answers: a beat may be in several; the last counts.
            skipped: groups that a reader gave no common class.
        """
        labels = np.full(len(self.prior), -1, np.int64)
        origins = np.zeros(len(self.prior), np.intp)
        for number, answer in enumerate(answers):
            rows = np.asarray(answer.rows, np.intp)
            labels[rows], origins[rows] = answer.label, number
        self.answered = labels >= 0
        rows = np.flatnonzero(self.answered & self._known)
        evidence = Evidence(rows, labels[rows], origins[rows])
        self.probabilities = self._correction.by(evidence).copy()
        self.probabilities[~self._known] = 0
        self.probabilities[self.answered] = np.eye(len(self.classes), dtype=np.float32)[
            labels[self.answered]
        ]
        self._skipped = [set(group) for group in skipped]

    def question(self, closed: NDArray[np.bool_] | None = None) -> Question | None:
        """What to ask next; None when there is nothing left to ask.

        Args:
            closed: ``(beats,)`` beats that are not to be asked about, answered ones aside.
        """
        single = np.zeros(len(self.prior), bool)
        for group in self._skipped:
            if len(group) == 1:
                single[list(group)] = True
        done = self.answered if closed is None else self.answered | closed
        return self._questions.best(self.probabilities, done, single, self._skipped)
