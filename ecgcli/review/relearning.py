"""Answers as evidence: the beats of one recording, classified again.

The model's log probabilities are corrected by a Gaussian process (Rasmussen & Williams, 2006,
chapter 2): at each answered beat the correction leads to the answer, at beats like it to nearly the
same, and far from every answer to none, where the model's probabilities stay as they are. Where
answers near each other differ, the correction lies between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Features, Labels, Probabilities
from ecgcli.review.likeness import log_probabilities

#: Distance over which beats are alike, and the share of the correction that reaches three times
#: as far.
LENGTH, FAR_SHARE = 1.5, 0.3
#: Variance of an answer: higher trusts a single one less.
NOISE = 0.3
#: The probability that an answered beat's correction leads to.
CERTAIN = 0.97
#: The most answered beats that are evidence, and the most entries of the kernel: a bound on time.
MOST_EVIDENCE, MOST_ENTRIES = 1000, 40_000_000
#: Beats whose likeness is computed at a time.
_BLOCK = 2048


@dataclass(frozen=True)
class Evidence:
    """Answered beats: their rows, their labels, and the number of the answer each is from."""

    rows: NDArray[np.intp]
    labels: Labels
    answers: NDArray[np.intp]

    def thinned(self, most: int) -> Evidence:
        """At most this many of the beats, evenly from every answer."""
        if len(self.rows) <= most:
            return self
        rank = np.empty(len(self.rows), np.intp)
        for answer in np.unique(self.answers):
            own = np.flatnonzero(self.answers == answer)
            rank[own] = np.random.default_rng(0).permutation(len(own))
        kept = np.sort(np.lexsort((self.answers, rank))[:most])
        return Evidence(self.rows[kept], self.labels[kept], self.answers[kept])


class Correction:
    """Corrects the probabilities of a recording's beats by answers to some of them.

    How alike an answered beat is to all others is computed once: with each answer only that of
    the beats answered now.

    Args:
        probabilities: ``(beats, classes)`` of the model.
        places: ``(beats, coordinates)`` see `ecgcli.review.likeness.coordinates`.
    """

    def __init__(self, probabilities: Probabilities, places: Features) -> None:
        self._probabilities, self._places = probabilities, places
        self._logs = log_probabilities(probabilities)
        most = min(MOST_EVIDENCE, max(1, MOST_ENTRIES // max(len(places), 1)))
        self._likeness = np.empty((most, len(places)), np.float32)
        self._rows = np.full(most, -1)  # the beat of each row of the likeness

    def by(self, evidence: Evidence) -> Probabilities:
        """The probabilities ``(beats, classes)`` of all beats, given answers to some.

        Those answered are at or near their answer, but not set to it.
        """
        from scipy.linalg import cho_factor, cho_solve

        if not len(evidence.rows):
            return self._probabilities
        evidence = evidence.thinned(len(self._rows))
        slots = self._slots(evidence.rows)
        own = self._likeness[np.ix_(slots, evidence.rows)] + NOISE * np.eye(len(slots))
        wanted = _wanted(evidence.labels, self._logs.shape[1])
        weights = np.zeros(((self._rows >= 0).sum(), self._logs.shape[1]), np.float32)
        weights[slots] = cho_solve(cho_factor(own), wanted - self._logs[evidence.rows])
        logs = self._logs + (weights.T @ self._likeness[: len(weights)]).T
        odds = np.exp(logs - logs.max(axis=1, keepdims=True))
        learnt: Probabilities = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
        return learnt

    def _slots(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Where the likeness of these beats to all is stored; what is new is computed.

        Rows that were never used are filled first, then those of beats that are no evidence now.
        """
        new = np.setdiff1d(rows, self._rows)
        free = np.flatnonzero(~np.isin(self._rows, rows))
        free = free[np.argsort(self._rows[free] >= 0, kind="stable")][: len(new)]
        self._rows[free] = new
        for first in range(0, len(self._places), _BLOCK):
            block = slice(first, first + _BLOCK)
            self._likeness[free, block] = _kernel(self._places[new], self._places[block])
        order = np.argsort(self._rows, kind="stable")
        return order[np.searchsorted(self._rows, rows, sorter=order)]


def _wanted(labels: Labels, classes: int) -> NDArray[np.float64]:
    """The log probabilities of beats whose class was answered."""
    wanted = np.full((len(labels), classes), (1 - CERTAIN) / (classes - 1))
    wanted[np.arange(len(labels)), labels] = CERTAIN
    logs: NDArray[np.float64] = np.log(wanted)
    return logs


def _kernel(own: Features, other: Features) -> NDArray[np.float32]:
    """How alike beats are, ``(beats, others)``: 1 for the same place, 0 far away."""
    square = (own**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None]
    square -= 2 * own @ other.T
    far = np.exp(square.clip(min=0) / np.float32(-18 * LENGTH**2))
    near = far**2  # exp(-d²/2) is the ninth power of exp(-d²/18)
    near *= near
    near *= near
    near *= far
    kernel: NDArray[np.float32] = (1 - FAR_SHARE) * near + FAR_SHARE * far
    return kernel
