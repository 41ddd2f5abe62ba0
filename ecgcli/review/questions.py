"""What to ask a reader next: beats alike whose class is in doubt, then single beats.

The beats are merged into ever larger groups of beats that are alike (Ward, J Am Stat Assoc
58:236-244, 1963). Each group is a question; the best is the one whose answer is expected to correct
most beats: the number of beats in it that are expected to be wrong, times the probability that all
have one class.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Features, Probabilities
from ecgcli.wording import counted

#: The most beats of a question: as many as a reader sees at once.
MOST_BEATS = 24
#: The most beats that are grouped: the most doubtful ones of a long recording.
MOST_GROUPED = 4000
#: In a group of n beats, alike as they are, there are about n to this power independent ones.
_INDEPENDENT = 0.35
#: Weight of the beat that speaks most against a common class.
_WORST = 0.5
_LOWEST = 1e-4


@dataclass(frozen=True)
class Question:
    """Beats to ask about, together.

    Attributes:
        beats: their rows, ascending.
        suggested: the class that most probably all of them have, as a label.
        expected_wrong: the number of them expected to have a wrong class now.
        why: why it is asked, as a sentence.
    """

    beats: tuple[int, ...]
    suggested: int
    expected_wrong: float
    why: str


class Questions:
    """All questions that the beats of a recording allow.

    Args:
        places: ``(beats, coordinates)`` see `ecgcli.review.likeness.coordinates`.
        probabilities: ``(beats, classes)`` of the model; beats without any are not asked about.
        classes: the names of the classes.
    """

    def __init__(
        self, places: Features, probabilities: Probabilities, classes: tuple[str, ...]
    ) -> None:
        doubt = np.where(probabilities.any(axis=1), 1 - probabilities.max(axis=1), -1)
        usable = np.flatnonzero(doubt >= 0)
        some = usable[np.argsort(-doubt[usable], kind="stable")[:MOST_GROUPED]]
        self.classes = classes
        self._rows = np.sort(some)
        self._tree = _Tree(places[self._rows])

    def best(
        self,
        probabilities: Probabilities,
        answered: NDArray[np.bool_],
        skipped: NDArray[np.bool_],
        mixed: Sequence[Collection[int]],
    ) -> Question | None:
        """The question to ask next; None when all beats are answered.

        Args:
            probabilities: ``(beats, classes)`` as they are now.
            answered: ``(beats,)`` beats that need no question.
            skipped: ``(beats,)`` beats that are not asked about one by one again.
            mixed: groups that do not have one class; no question contains one of them.
        """
        rows, tree = self._rows, self._tree
        if not len(rows):
            return None
        asked = ~answered[rows]
        now = np.clip(probabilities[rows], _LOWEST, 1).astype(np.float64)
        logs = np.where(asked[:, None], np.log(now), 0)
        wrong = tree.sum(np.where(asked, 1 - now.max(axis=1), 0))
        beats = tree.sum(asked.astype(np.float64))
        several = np.maximum(beats, 1)[:, None]
        alike = tree.sum(logs) / several * several**_INDEPENDENT
        alike += _WORST * tree.minimum(logs) * (several > 1)
        score = wrong * np.minimum(np.exp(alike).sum(axis=1), 1)
        score[(beats == 0) | (beats > MOST_BEATS)] = -1
        score[: len(rows)][skipped[rows]] = -1
        for group in mixed:
            score[tree.containing(np.isin(rows, list(group)))] = -1
        best = int(score.argmax())
        if score[best] < 0:
            return None
        members = tree.members(best)
        members = np.sort(members[asked[members]])
        return self._question(rows[members], probabilities, float(wrong[best]))

    def _question(
        self, beats: NDArray[np.intp], probabilities: Probabilities, wrong: float
    ) -> Question:
        own = probabilities[beats]
        suggested = int(np.log(own.clip(_LOWEST, 1)).sum(axis=0).argmax())
        return Question(tuple(beats.tolist()), suggested, wrong, self._why(own, suggested, wrong))

    def _why(self, own: Probabilities, suggested: int, wrong: float) -> str:
        counts = np.bincount(own.argmax(axis=1), minlength=len(self.classes))
        if len(own) == 1:
            second = int(np.argsort(own[0])[-2])
            return (
                f"This beat has class {self.classes[suggested]} with probability "
                f"{own[0, suggested]:.2f}, and {self.classes[second]} with {own[0, second]:.2f}."
            )
        present = [
            f"{name} to {count}" for name, count in zip(self.classes, counts, strict=True) if count
        ]
        expected = "less than 1 is" if wrong < 1 else f"about {round(wrong)} are"
        return (
            f"These {counted(len(own), 'beat')} are alike in shape and rhythm; the model gives "
            f"{' and '.join(present)}. By its own probabilities {expected} expected to be wrong."
        )


class _Tree:
    """Groups of rows: first each row by itself, then unions of two groups before.

    In ``order`` the rows of every group stand side by side.
    """

    def __init__(self, places: Features) -> None:
        rows = len(places)
        groups = max(2 * rows - 1, 0)
        self.size = np.ones(groups, np.intp)
        self.parts = np.zeros((groups, 2), np.intp)
        self.start = np.zeros(groups, np.intp)
        if rows > 1:
            from scipy.cluster.hierarchy import linkage

            merged = linkage(places, "ward")
            self.parts[rows:], self.size[rows:] = merged[:, :2], merged[:, 3]
        for group in range(groups - 1, rows - 1, -1):
            first, second = self.parts[group]
            self.start[first] = self.start[group]
            self.start[second] = self.start[group] + self.size[first]
        self.order = np.empty(rows, np.intp)
        self.order[self.start[:rows]] = np.arange(rows)

    def members(self, group: int) -> NDArray[np.intp]:
        """The rows of a group."""
        return self.order[self.start[group] : self.start[group] + self.size[group]]

    def sum(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum over each group of values ``(rows, ...)``."""
        total = np.zeros((len(values) + 1, *values.shape[1:]))
        np.cumsum(values[self.order], axis=0, out=total[1:])
        sums: NDArray[np.float64] = total[self.start + self.size] - total[self.start]
        return sums

    def minimum(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The lowest of each group of values ``(rows, columns)``."""
        lowest = np.empty((len(self.size), values.shape[1]))
        lowest[: len(values)] = values
        for group in range(len(values), len(self.size)):
            lowest[group] = lowest[self.parts[group]].min(axis=0)
        return lowest

    def containing(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which groups contain all chosen rows, and there are any."""
        count = int(chosen.sum())
        return (self.sum(chosen.astype(np.float64)) >= count) & (count > 0)
