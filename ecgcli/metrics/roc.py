"""The area under the ROC curve of a score, with its interval."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.evaluation.beats import Score


def roc_area(positive: NDArray[np.bool_], score: NDArray[Any]) -> Score:
    """The chance that a positive scores above a negative, ties counting half, and its 95% interval.

    The interval is DeLong's (DeLong, DeLong & Clarke-Pearson, Biometrics 44:837-845, 1988),
    by ranks (Sun & Xu, IEEE SPL 21:1389-1393, 2014). Beats are taken as independent, which
    those of one patient are not. Both classes must be there.
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
