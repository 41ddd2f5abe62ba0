"""Scores: pure functions of truth and prediction.

All figures that count beats come from the confusion matrix ``(classes, classes)``,
true class in rows, predicted class in columns. Leading axes are kept, so
a stack of matrices (bootstrap draws) gives a stack of figures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.choices import Over

Matrix = NDArray[np.int64]
Figures = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """A figure with its 95% bootstrap interval; NaN where it is not defined."""

    value: float
    low: float
    high: float


def rounded(value: float) -> float | None:
    """A figure for a document: to six decimals, None where it is not finite."""
    return round(value, 6) if np.isfinite(value) else None


def confusion_matrix(truth: NDArray[Any], predicted: NDArray[Any], classes: int) -> Matrix:
    """Beats of each true class (row) by predicted class (column)."""
    pairs = np.bincount(truth * classes + predicted, minlength=classes**2)
    return pairs.reshape(classes, classes)


def as_matrix(rows: Sequence[Sequence[int]]) -> Matrix:
    """Nested lists as a confusion matrix."""
    return np.array(rows, np.int64)


def normalized(matrix: Matrix, over: Over) -> Figures:
    """The matrix as shares of the ``true`` class, the ``pred``-icted class, or ``all`` beats."""
    axis: dict[Over, tuple[int, ...]] = {"true": (-1,), "pred": (-2,), "all": (-2, -1)}
    return ratio(matrix, matrix.sum(axis=axis[over], keepdims=True))


def accuracy(matrix: Matrix) -> Figures:
    """Share of beats whose class is right."""
    return ratio(np.trace(matrix, axis1=-2, axis2=-1), matrix.sum((-2, -1)))


def recall(matrix: Matrix) -> Figures:
    """Sensitivity by class: the share of its beats that are classified as this class."""
    return ratio(_hits(matrix), matrix.sum(-1))


def precision(matrix: Matrix) -> Figures:
    """Positive predictivity by class: the share of the beats classified as it that are of it."""
    return ratio(_hits(matrix), matrix.sum(-2))


def f1(matrix: Matrix) -> Figures:
    """Harmonic mean of precision and recall by class."""
    return ratio(2 * _hits(matrix), matrix.sum(-1) + matrix.sum(-2))


def specificity(matrix: Matrix) -> Figures:
    """By class: the share of the beats of other classes that are not classified as it."""
    others = matrix.sum((-2, -1))[..., None] - matrix.sum(-1)
    return 1 - ratio(matrix.sum(-2) - _hits(matrix), others)


def macro(matrix: Matrix, figure: Figures) -> Figures:
    """Mean of a figure by class over the classes that have beats.

    A class without beats has no sensitivity; it is left out rather than counted as 0.
    """
    present = matrix.sum(-1) > 0
    total = np.where(present, np.nan_to_num(figure), 0).sum(-1)
    return ratio(total, present.sum(-1))


def macro_precision(matrix: Matrix) -> Figures:
    """Mean precision over the classes that have beats."""
    return macro(matrix, precision(matrix))


def macro_recall(matrix: Matrix) -> Figures:
    """Mean recall over the classes that have beats."""
    return macro(matrix, recall(matrix))


def macro_specificity(matrix: Matrix) -> Figures:
    """Mean specificity over the classes that have beats."""
    return macro(matrix, specificity(matrix))


def macro_f1(matrix: Matrix) -> Figures:
    """Mean F1 over the classes that have beats."""
    return macro(matrix, f1(matrix))


def kappa(matrix: Matrix) -> Figures:
    """Cohen's kappa: agreement beyond chance (Cohen, Educ Psychol Meas 20:37-46, 1960)."""
    total = matrix.sum((-2, -1))
    chance = ratio((matrix.sum(-1) * matrix.sum(-2)).sum(-1), total.astype(float) ** 2)
    return ratio(accuracy(matrix) - chance, 1 - chance)


def bootstrap(matrix: Matrix, draws: int = 2000, seed: int = 0) -> Matrix:
    """Confusion matrices ``(draws, classes, classes)`` of beats drawn with replacement.

    Drawing beats with replacement and counting them is one multinomial draw of the
    matrix's cells (Efron, Ann Stat 7:1-26, 1979). Beats are taken as independent,
    which those of one patient are not: intervals over patients are wider.
    """
    random = np.random.default_rng(seed)
    cells = matrix.ravel() / matrix.sum()
    return random.multinomial(matrix.sum(), cells, size=draws).reshape(draws, *matrix.shape)


def _hits(matrix: Matrix) -> Matrix:
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def interval(draws: Figures) -> tuple[Figures, Figures]:
    """Bounds of the middle 95% of bootstrap ``draws (draws, n)``; NaN where none is defined."""
    bounds = np.full((2, draws.shape[1]), np.nan)
    defined = ~np.isnan(draws).all(axis=0)
    bounds[:, defined] = np.nanpercentile(draws[:, defined], (2.5, 97.5), axis=0)
    return bounds[0], bounds[1]


def ratio(part: Any, whole: Any) -> Figures:
    """``part / whole``, NaN where ``whole`` is 0."""
    part, whole = np.asarray(part, float), np.asarray(whole, float)
    share: Figures = np.full(np.broadcast(part, whole).shape, np.nan)
    np.divide(part, whole, out=share, where=whole != 0)
    return share


@dataclass(frozen=True)
class Metric:
    """A figure of a confusion matrix or of other counts, wherever figures are shown.

    Attributes:
        name: in JSON documents, and for ``--require`` (of a class: ``NAME_CLASS``).
        heading: in tables.
        function: from matrices ``(..., classes, classes)`` to figures ``(...)`` over all classes,
            or ``(..., classes)`` by class; the leading axes are bootstrap draws.
    """

    name: str
    heading: str
    function: Callable[[NDArray[Any]], Figures]

    @property
    def meaning(self) -> str:
        """What it is, in a sentence: the first one of its function's documentation."""
        text = self.function.__doc__ or ""
        return " ".join(text.partition("\n\n")[0].replace("``", "").split())


#: The figures over all classes, in the order of tables.
OVERALL = (
    Metric("accuracy", "accuracy", accuracy),
    Metric("macro_precision", "macro precision", macro_precision),
    Metric("macro_recall", "macro recall", macro_recall),
    Metric("macro_f1", "macro-F1", macro_f1),
    Metric("macro_specificity", "macro specificity", macro_specificity),
    Metric("kappa", "kappa", kappa),
)
#: The figures of each class, in the order of tables.
BY_CLASS = (
    Metric("precision", "precision", precision),
    Metric("recall", "recall", recall),
    Metric("f1", "F1", f1),
    Metric("specificity", "specificity", specificity),
)
