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


def relearn(probabilities: Probabilities, places: Features, evidence: Evidence) -> Probabilities:
    """The probabilities of all beats, given answers to some.

    Args:
        probabilities: ``(beats, classes)`` of the model.
        places: ``(beats, coordinates)`` see `ecgcli.review.likeness.coordinates`.
        evidence: the answered beats.

    Returns:
        ``(beats, classes)``; those answered are at or near their answer, but not set to it.
    """
    from scipy.linalg import cho_factor, cho_solve

    if not len(evidence.rows):
        return probabilities
    evidence = evidence.thinned(min(MOST_EVIDENCE, max(1, MOST_ENTRIES // len(places))))
    logs = log_probabilities(probabilities)
    wanted = _wanted(evidence.labels, logs.shape[1])
    answered = places[evidence.rows]
    own = _kernel(answered, answered) + NOISE * np.eye(len(answered), dtype=np.float32)
    weights = cho_solve(cho_factor(own), wanted - logs[evidence.rows])
    logs += _kernel(places, answered) @ weights.astype(np.float32)
    odds = np.exp(logs - logs.max(axis=1, keepdims=True))
    learnt: Probabilities = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
    return learnt


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
