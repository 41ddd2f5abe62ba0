"""A second look at the beats of a recording together: similar beats get similar classes.

A model that classifies each beat on its own contradicts itself within a recording: of a hundred
beats that look the same, it classifies three as S. Here the probabilities of a beat are averaged
with those of the beats most similar to it, and a class that is rare in the recording needs more
evidence. Every number was chosen on held-out patients (`benchmarks/inter-patient.md`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Features, Tensors

#: The approximate number of beats of a stretch: half an hour. A beat is compared with the others
#: of its stretch alone.
BEATS = 2048
#: The largest number of neighbours that a beat is averaged with; a short stretch has one for each
#: `BEATS_PER_NEIGHBOUR` of its beats. In a recording of a minute, the beats most similar to an S
#: beat are N beats.
NEIGHBOURS = 8
BEATS_PER_NEIGHBOUR = 128
#: The standard deviation of the Gaussian by which a neighbour's weight falls with its distance:
#: four times the median distance to the eighth neighbour. A beat that is unlike all others, such
#: as a single V beat, keeps its probabilities.
REACH = 0.4
#: Number of features compared: those with the largest gain in the trees.
FEATURES = 20
#: The weight of the recording's own class frequencies; those of the training have the rest.
OWN_SHARE = 0.2
#: Beats with at least this probability of class N are not averaged. They are four fifths of all;
#: averaging them too takes most of the time and changes no figure.
CERTAIN = 0.95

_LEAST = 1e-6
#: Beats compared with all others at a time: so few that the product needs no threads.
_ROWS = 16
_COLUMNS, _SCALES, _SHARES = "consensus_columns", "consensus_scales", "consensus_shares"


@dataclass(frozen=True)
class Consensus:
    """How the similarity of beats is measured, and how frequent the classes were in training.

    Attributes:
        columns: ``(compared,)``, the features compared.
        scales: ``(compared,)``, what each is multiplied by; distances are Euclidean then.
        shares: ``(classes,)``, the share of each class in the weights of the training beats; the
            first is N where it was learnt.
    """

    columns: NDArray[np.int64]
    scales: NDArray[np.float32]
    shares: NDArray[np.float64]

    @classmethod
    def of_training(
        cls, features: Features, gains: NDArray[np.float64], shares: NDArray[np.float64]
    ) -> Consensus:
        """Compare the features with the largest gains, each in its standard deviations.

        Args:
            features: of the training beats, ``(beats, features)``.
            gains: the share of each feature in the gain of the trees, ``(features,)``; squared
                distances are weighed by it.
            shares: see `Consensus`.
        """
        columns = np.sort(np.argsort(-gains, kind="stable")[:FEATURES])
        spread = features[:, columns].std(axis=0, dtype=np.float64)
        scales = np.sqrt(gains[columns]) / np.where(spread > 0, spread, np.inf)
        return cls(columns, scales.astype(np.float32), shares)

    @classmethod
    def restored(cls, state: Tensors) -> Consensus | None:
        """What `state` gave; None for a model without it, of an earlier version."""
        if _SCALES not in state:
            return None
        return cls(state[_COLUMNS], state[_SCALES], state[_SHARES])

    def state(self) -> Tensors:
        """Everything in it, as arrays."""
        return {_COLUMNS: self.columns, _SCALES: self.scales, _SHARES: self.shares}

    def check(self, features: int, classes: int) -> None:
        """Refuse what a file may hold and no training gives.

        Raises:
            ValueError: columns beyond the features, or numbers that are not finite and positive.
        """
        sound = (
            self.columns.dtype.kind == "i"
            and self.columns.shape == self.scales.shape == (len(self.columns),)
            and self.shares.shape == (classes,)
            and np.isin(self.columns, np.arange(features)).all()
            and np.isfinite(self.scales).all()
            and np.isfinite(self.shares).all()
            and (self.shares > 0).all()
        )
        if not sound:
            raise ValueError("the consensus is damaged")

    def __call__(
        self,
        probabilities: NDArray[np.float64],
        features: Features,
        recordings: NDArray[np.float32],
    ) -> NDArray[np.float64]:
        """The probabilities ``(beats, classes)`` after the second look.

        Args:
            probabilities: of each beat on its own, ``(beats, classes)``.
            features: ``(beats, features)``.
            recordings: ``(beats,)``, a number for each recording; its beats follow one another.
        """
        compared = features[:, self.columns] * self.scales
        result = np.empty_like(probabilities)
        for rows in _stretches(recordings):
            agreed = _with_neighbours(probabilities[rows], compared[rows])
            result[rows] = self._as_frequent(agreed)
        return result

    def _as_frequent(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities if classes were, in part, as frequent as they are in this stretch.

        The correction for another frequency of classes (Saerens et al., Neural Computation,
        2002), once, for a mixture of the training's frequencies and those counted here.
        """
        counts = np.bincount(probabilities.argmax(axis=1), minlength=len(self.shares))
        odds = (1 - OWN_SHARE) + OWN_SHARE * counts / counts.sum() / self.shares
        return _normalized(probabilities * odds)


def _stretches(recordings: NDArray[np.float32]) -> Iterator[slice]:
    """The rows of each recording, those of a long one in equal parts of about `BEATS`."""
    bounds = np.flatnonzero(np.diff(recordings)) + 1
    for first, stop in zip([0, *bounds], [*bounds, len(recordings)], strict=True):
        parts = max(1, round((stop - first) / BEATS))
        cuts = np.linspace(first, stop, parts + 1).round().astype(int)
        yield from map(slice, cuts[:-1], cuts[1:])


def _with_neighbours(
    probabilities: NDArray[np.float64], compared: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The weighted geometric mean of each beat's probabilities and of those of its neighbours."""
    doubtful = np.flatnonzero(probabilities[:, 0] < CERTAIN)
    neighbours = min(NEIGHBOURS, len(probabilities) // BEATS_PER_NEIGHBOUR)
    if not len(doubtful) or not neighbours:
        return probabilities
    logs = np.log(np.maximum(probabilities, _LEAST))
    squares, doubled = np.square(compared).sum(axis=1), -2 * compared.T
    result = probabilities.copy()
    for first in range(0, len(doubtful), _ROWS):
        rows = doubtful[first : first + _ROWS]
        distances = compared[rows] @ doubled + squares  # squared, less the square of the row
        distances[np.arange(len(rows)), rows] = np.inf
        nearest, least = _smallest(distances, neighbours)
        squared = (least + squares[rows, None]).clip(0)
        weights = np.exp(-squared / (2 * REACH**2))[:, :, None] / neighbours
        total = logs[rows] + (weights * logs[nearest]).sum(axis=1)
        result[rows] = _normalized(np.exp(total / (1 + weights.sum(axis=1))))
    return result


def _smallest(
    values: NDArray[np.float32], count: int
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The columns of the ``count`` smallest values of each row, and these; ``values`` is used up.

    One pass for each is several times as fast as a partial sort.
    """
    rows = np.arange(len(values))
    columns = np.empty((len(values), count), np.intp)
    smallest = np.empty((len(values), count), np.float32)
    for number in range(count):
        columns[:, number] = values.argmin(axis=1)
        smallest[:, number] = values[rows, columns[:, number]]
        values[rows, columns[:, number]] = np.inf
    return columns, smallest


def _normalized(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
    return shares
