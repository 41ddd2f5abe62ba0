"""Whether probabilities agree with accuracy, and what is gained by abstaining when unsure.

The confidence of a beat is its highest probability. Pure functions of probabilities
``(beats, classes)`` and labels ``(beats,)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgcli import metrics
from ecgcli.arrays import Floats, Labels
from ecgcli.metrics import Figures

#: Number of bins of equal width for confidences, as in Guo et al.
BINS = 15
#: Confidences below which a beat is left unclassified, in the coverage table.
THRESHOLDS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
#: Bounds of a temperature; beyond them, probabilities are all equal or all 0 or 1.
_COLDEST, _HOTTEST = 0.01, 100.0
#: Cells per bin for the bootstrap, narrow enough that their width has no effect.
_CELLS_A_BIN = 100


@dataclass(frozen=True)
class Reliability:
    """Confidence beside accuracy, by bins of confidence; all ``(bins,)``.

    Bin ``k`` has confidences over ``k/bins`` up to ``(k+1)/bins``. Mean confidence and
    accuracy are NaN in an empty bin.
    """

    beats: NDArray[np.int64]
    confidence: Figures
    accuracy: Figures

    @property
    def error(self) -> float:
        """Expected calibration error: the bins' mean gap, weighted by their beats.

        Guo, Pleiss, Sun, Weinberger, On Calibration of Modern Neural Networks, ICML 2017.
        """
        gaps = np.abs(np.nan_to_num(self.accuracy) - np.nan_to_num(self.confidence))
        return float((self.beats * gaps).sum() / self.beats.sum())


@dataclass(frozen=True)
class Coverage:
    """The beats that remain when those below a confidence are left unclassified.

    ``coverage`` is the share of beats kept; ``accuracy`` and ``macro_f1`` are of those, NaN if
    there are none. Selective risk is 1 minus that accuracy. ``classes`` is the number of classes
    that still have beats: macro-F1 is a mean over them, and rises when a difficult class is lost.
    """

    threshold: float
    beats: int
    coverage: float
    accuracy: float
    macro_f1: float
    classes: int


def reliability(probabilities: Floats, truth: Labels, bins: int = BINS) -> Reliability:
    """The reliability table of the predicted classes."""
    confidence, correct = _confidence_and_hits(probabilities, truth)
    place = _bins_of(confidence, bins)
    beats = np.bincount(place, minlength=bins)
    return Reliability(
        beats,
        metrics.ratio(np.bincount(place, confidence, bins), beats),
        metrics.ratio(np.bincount(place, correct, bins), beats),
    )


def error_interval(
    probabilities: Floats,
    truth: Labels,
    *,
    bins: int = BINS,
    draws: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """95% interval of the expected calibration error, by the basic bootstrap over beats.

    Chance alone opens gaps, so the error of resampled beats is larger than that of the beats
    themselves. The basic interval mirrors the draws at the error, which corrects for this
    (Davison & Hinkley, Bootstrap Methods and their Application, 1997, section 5.2);
    it ends at 0.
    """
    confidence, correct = _confidence_and_hits(probabilities, truth)
    # beats of one cell are alike, so drawing beats is a multinomial draw of the cells
    fine = _bins_of(confidence, bins * _CELLS_A_BIN) * 2 + correct
    cells, cell_of, beats = np.unique(fine, return_inverse=True, return_counts=True)
    gap = np.bincount(cell_of, correct - confidence) / beats
    into = np.zeros((len(cells), bins))
    into[np.arange(len(cells)), cells // 2 // _CELLS_A_BIN] = gap
    total = int(beats.sum())
    drawn = np.random.default_rng(seed).multinomial(total, beats / total, size=draws)
    errors = np.abs(drawn @ into).sum(axis=1) / total
    error = float(np.abs(beats @ into).sum() / total)
    low, high = np.percentile(errors, (2.5, 97.5))
    return max(0.0, 2 * error - float(high)), max(0.0, 2 * error - float(low))


def coverage_table(
    probabilities: Floats, truth: Labels, thresholds: Sequence[float] = THRESHOLDS
) -> list[Coverage]:
    """Coverage against quality, at thresholds of confidence.

    The risk-coverage trade-off of Geifman & El-Yaniv, Selective Classification for Deep
    Neural Networks, NeurIPS 2017. A beat whose confidence is the threshold is kept.
    """
    classes = probabilities.shape[1]
    confidence, predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
    rows = []
    for threshold in thresholds:
        kept = confidence >= threshold
        matrix = metrics.confusion_matrix(truth[kept], predicted[kept], classes)
        rows.append(
            Coverage(
                threshold=float(threshold),
                beats=int(kept.sum()),
                coverage=float(kept.mean()),
                accuracy=float(metrics.accuracy(matrix)),
                macro_f1=float(metrics.macro_f1(matrix)),
                classes=int((matrix.sum(axis=1) > 0).sum()),
            )
        )
    return rows


def fit_temperature(logits: Floats, truth: Labels) -> float:
    """The temperature by which dividing the logits makes these labels likeliest.

    Temperature scaling (Guo et al., see `Reliability.error`): above 1 the model was too
    sure, below 1 not sure enough; the predicted class does not change. To be fitted on
    validation beats. Logarithms of probabilities are logits as well.

    Args:
        logits: ``(beats, classes)``.
        truth: ``(beats,)`` labels.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    logits = logits.astype(np.float64)
    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -float(scaled[rows, truth].mean())

    bounds = (np.log(_COLDEST), np.log(_HOTTEST))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def _confidence_and_hits(
    probabilities: Floats, truth: Labels
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Confidence of each beat, and whether its predicted class is right."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    return confidence, probabilities.argmax(axis=1) == truth


def _bins_of(confidence: NDArray[np.float64], bins: int) -> NDArray[np.intp]:
    return np.clip(np.ceil(confidence * bins).astype(np.intp) - 1, 0, bins - 1)
