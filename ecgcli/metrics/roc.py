"""ROC and precision-recall curves of a score, and the areas under them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.metrics import Score


@dataclass(frozen=True)
class Curve:
    """Points ``x, y`` of a class's curve and the area under it."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    area: float


def roc(positive: NDArray[np.bool_], score: NDArray[np.float32]) -> Curve:
    """The ROC curve of scores ``(beats,)``."""
    from sklearn.metrics import auc, roc_curve

    false_positives, true_positives, _ = roc_curve(positive, score)
    return Curve(false_positives, true_positives, float(auc(false_positives, true_positives)))


def precision_recall(positive: NDArray[np.bool_], score: NDArray[np.float32]) -> Curve:
    """The precision-recall curve of scores ``(beats,)``.

    The area is the average precision, which does not interpolate between thresholds.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precision, recall, _ = precision_recall_curve(positive, score)
    return Curve(recall, precision, float(average_precision_score(positive, score)))


def roc_area(positive: NDArray[np.bool_], score: NDArray[Any]) -> Score:
    """The chance that a positive scores above a negative, ties counting half, and its 95% interval.

    The interval is DeLong's (DeLong, DeLong & Clarke-Pearson, Biometrics 44:837-845, 1988),
    by ranks (Sun & Xu, IEEE SPL 21:1389-1393, 2014). Beats are taken as independent, which
    those of one patient are not. Both classes must have beats.
    """
    from scipy.stats import rankdata

    ranks = rankdata(score)
    above = ranks[positive] - rankdata(score[positive])
    below = ranks[~positive] - rankdata(score[~positive])
    positives, negatives = len(above), len(below)
    area = float(above.mean() / negatives)
    variance = np.var(above / negatives) / positives + np.var(below / positives) / negatives
    half = 1.959964 * float(np.sqrt(variance))
    return Score(area, max(0.0, area - half), min(1.0, area + half))
