"""Scores as ANSI/AAMI EC57 defines them: per record, gross and average.

Matrices are ``(7, 7)``: true classes N S V F Q in rows, then O (no beat there, an extra
detection) and X (unreadable); predicted classes in columns, then O (missed) and X. The
rules are those of the standard's reference comparator, ``bxb`` of the WFDB software
(PhysioNet, WFDB Applications Guide).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli import metrics
from ecgcli.arrays import Labels
from ecgcli.metrics import Figures, Matrix, Metric, ratio, rounded

#: Rows and columns of a matrix.
CATEGORIES = ("N", "S", "V", "F", "Q", "O", "X")
N, S, V, F, Q, O, X = range(7)  # noqa: E741 (the standard's letters)

#: A detection within so many seconds of a beat is counted as this beat.
MATCH_WINDOW = 0.15

_BEAT = [N, S, V, F, Q]
Times = NDArray[np.float64]
Stretches = Sequence[tuple[float, float]]


def compare(
    truth: tuple[Times, Labels],
    predicted: tuple[Times, Labels],
    *,
    fibrillation: Stretches = (),
    unreadable: Stretches = (),
    window: float = MATCH_WINDOW,
) -> Matrix:
    """Pair two series of beats in time and count the pairs, as a matrix.

    Args:
        truth: times in s, ascending, and labels of the reference beats.
        predicted: times and labels of the beats under test.
        fibrillation: see `count_pairs`.
        unreadable: see `count_pairs`.
        window: see `pair_beats`.
    """
    pairs = pair_beats(truth[0], predicted[0], window)
    return count_pairs(pairs, truth, predicted, fibrillation=fibrillation, unreadable=unreadable)


def count_pairs(
    pairs: Iterable[tuple[int, int]],
    truth: tuple[Times, Labels],
    predicted: tuple[Times, Labels],
    *,
    fibrillation: Stretches = (),
    unreadable: Stretches = (),
) -> Matrix:
    """Count pairs of beats, as a matrix.

    A beat without a partner is missed (column O) or extra (row O).

    Args:
        pairs: of `pair_beats`.
        truth: times in s and labels of the reference beats.
        predicted: times and labels of the beats under test.
        fibrillation: stretches of ventricular fibrillation or flutter in the reference,
            in s; extra beats in them are not counted.
        unreadable: stretches that the test declares unreadable, in s; beats missed in
            them are counted separately (column X).
    """
    matrix = np.zeros((7, 7), np.int64)
    (true_times, true_labels), (times, labels) = truth, predicted
    for i, j in pairs:
        if i >= 0 and j >= 0:
            matrix[true_labels[i], labels[j]] += 1
        elif j < 0:
            matrix[true_labels[i], X if within(true_times[i], unreadable) else O] += 1
        elif not within(times[j], fibrillation):
            matrix[O, labels[j]] += 1
    return matrix


def pair_beats(
    true_times: Times, times: Times, window: float = MATCH_WINDOW
) -> Iterator[tuple[int, int]]:
    """Each beat of two series once, in pairs of their numbers; -1 where it has no partner.

    A beat is paired with the earliest beat of the other series within the window, unless a
    nearer one follows.

    Args:
        true_times: of the reference beats, in s, ascending.
        times: of the beats under test, in s, ascending.
        window: in s.
    """
    i = j = 0
    while i < len(true_times) or j < len(times):
        true_time = true_times[i] if i < len(true_times) else np.inf
        time = times[j] if j < len(times) else np.inf
        distance = abs(time - true_time)
        if time < true_time:
            following = times[j + 1] if j + 1 < len(times) else np.inf
            alone, other = (-1, j), abs(true_time - following)
        else:
            following = true_times[i + 1] if i + 1 < len(true_times) else np.inf
            alone, other = (i, -1), abs(time - following)
        pair = (i, j) if distance <= window and distance < other else alone
        yield pair
        i, j = i + (pair[0] >= 0), j + (pair[1] >= 0)


def within(time: float, stretches: Stretches) -> bool:
    """Whether a time lies in one of the stretches, their ends included."""
    return any(start <= time <= stop for start, stop in stretches)


def of_beats(matrix: Matrix) -> Matrix:
    """A matrix ``(5, 5)`` of beats at given R peaks as a matrix of the standard."""
    return np.pad(matrix, [(0, 0)] * (matrix.ndim - 2) + [(0, 2), (0, 2)])


def qrs_sensitivity(matrix: Matrix) -> Figures:
    """Share of the beats that were detected."""
    return ratio(_cells(matrix, _BEAT, _BEAT), _cells(matrix, _BEAT, range(7)))


def qrs_positive_predictivity(matrix: Matrix) -> Figures:
    """Share of the detections that are beats."""
    return ratio(_cells(matrix, _BEAT, _BEAT), _cells(matrix, range(7), _BEAT))


def veb_sensitivity(matrix: Matrix) -> Figures:
    """The share of the ventricular ectopic beats that are classified as V."""
    return ratio(_cells(matrix, [V], [V]), _cells(matrix, [V], range(7)))


def veb_positive_predictivity(matrix: Matrix) -> Figures:
    """The share of the beats classified as V that are V; F and Q among them are not counted."""
    return ratio(_cells(matrix, [V], [V]), _cells(matrix, [N, S, V, O, X], [V]))


def veb_false_positive_rate(matrix: Matrix) -> Figures:
    """The share of beats and detections that are not V that are wrongly classified as V."""
    false = _cells(matrix, [N, S, O, X], [V])
    return ratio(false, false + _cells(matrix, [N, S, F, Q, O, X], [N, S, F, Q]))


def sveb_sensitivity(matrix: Matrix) -> Figures:
    """The share of the supraventricular ectopic beats that are classified as S."""
    return ratio(_cells(matrix, [S], [S]), _cells(matrix, [S], range(7)))


def sveb_positive_predictivity(matrix: Matrix) -> Figures:
    """The share of the beats classified as S that are S; Q among them are not counted."""
    return ratio(_cells(matrix, [S], [S]), _cells(matrix, [N, S, V, F, O, X], [S]))


def sveb_false_positive_rate(matrix: Matrix) -> Figures:
    """The share of beats and detections that are not S that are wrongly classified as S."""
    false = _cells(matrix, [N, V, F, O, X], [S])
    return ratio(false, false + _cells(matrix, [N, V, F, Q, O, X], [N, V, F, Q]))


def kappa(matrix: Matrix) -> Figures:
    """Cohen's kappa of the beats that were detected: agreement beyond chance."""
    return metrics.kappa(matrix[..., :5, :5])


def jk_index(matrix: Matrix) -> Figures:
    """``kappa/2 + (Se_S + Se_V + P_S + P_V)/8`` (Mar et al., IEEE TBME 58:2168-2177, 2011).

    Kappa and the four figures are of the classes N S V F, by plain counting.
    """
    four = matrix[..., :4, :4]
    recall, precision = metrics.recall(four), metrics.precision(four)
    ectopic = (recall[..., S] + recall[..., V] + precision[..., S] + precision[..., V]) / 8
    return metrics.kappa(four) / 2 + ectopic


def nsvf_macro_f1(matrix: Matrix) -> Figures:
    """Mean F1 of N, S, V and F; Q is left out, as most of the field does."""
    five = matrix[..., :5, :5]
    return metrics.macro(five[..., :4, :4], metrics.f1(five)[..., :4])


#: The figures by name, in the order of tables.
FIGURES = {
    metric.name: metric
    for metric in (
        Metric("qrs_sensitivity", "QRS sensitivity", qrs_sensitivity),
        Metric("qrs_positive_predictivity", "QRS positive predictivity", qrs_positive_predictivity),
        Metric("veb_sensitivity", "VEB sensitivity", veb_sensitivity),
        Metric("veb_positive_predictivity", "VEB positive predictivity", veb_positive_predictivity),
        Metric("veb_false_positive_rate", "VEB false positive rate", veb_false_positive_rate),
        Metric("sveb_sensitivity", "SVEB sensitivity", sveb_sensitivity),
        Metric(
            "sveb_positive_predictivity", "SVEB positive predictivity", sveb_positive_predictivity
        ),
        Metric("sveb_false_positive_rate", "SVEB false positive rate", sveb_false_positive_rate),
        Metric("kappa", "kappa", kappa),
        Metric("jk_index", "jk index", jk_index),
        Metric("nsvf_macro_f1", "NSVF macro-F1", nsvf_macro_f1),
    )
}


@dataclass(frozen=True)
class Figure:
    """One figure over a set of records; NaN where it is not defined.

    ``gross`` pools all beats, ``average`` is the mean of the records that have the
    figure, ``low`` and ``high`` bound 95% of the gross figures of records drawn
    with replacement; they are NaN where only one record has the figure.
    """

    gross: float
    average: float
    low: float
    high: float

    def as_json(self) -> dict[str, float | None]:
        """Plain values; what is not defined is null."""
        return {part: rounded(value) for part, value in vars(self).items()}


@dataclass(frozen=True)
class Aami:
    """The standard's figures over records, and a matrix for each.

    ``dominant_s`` names the record with more than half of all S beats, when there is one;
    ``without_dominant_s`` then has the SVEB figures without it.
    """

    records: dict[str, Matrix]
    figures: dict[str, Figure]
    skipped_seconds: float
    dominant_s: str | None
    without_dominant_s: dict[str, Figure]

    def of_record(self, record: str) -> dict[str, float]:
        """All figures of one record."""
        matrix = self.records[record]
        return {name: float(metric.function(matrix)) for name, metric in FIGURES.items()}

    def as_json(self) -> dict[str, Any]:
        """A document of plain values; an undefined figure is null."""

        def as_plain(figures: dict[str, Figure]) -> dict[str, Any]:
            return {name: figure.as_json() for name, figure in figures.items()}

        return {
            "rules": "ANSI/AAMI EC57 as bxb applies them",
            "interval": "95%, bootstrap over records",
            "skipped_seconds": self.skipped_seconds,
            "figures": as_plain(self.figures),
            "dominant_s_record": self.dominant_s,
            "sveb_without_dominant": as_plain(self.without_dominant_s),
            "categories": list(CATEGORIES),
            "records": {
                name: {"matrix": matrix.tolist()}
                | {figure: rounded(value) for figure, value in self.of_record(name).items()}
                for name, matrix in self.records.items()
            },
        }


def summarize(records: dict[str, Matrix], skipped_seconds: float = 0.0) -> Aami:
    """Every figure over records, given each record's matrix."""
    share = {name: int(matrix[S].sum()) for name, matrix in records.items()}
    largest = max(share, key=lambda name: share[name])
    dominant = largest if share[largest] > sum(share.values()) / 2 and len(records) > 1 else None
    rest = {name: matrix for name, matrix in records.items() if name != dominant}
    sveb = {name: metric for name, metric in FIGURES.items() if name.startswith("sveb")}
    return Aami(
        records=records,
        figures=over_records(records, FIGURES),
        skipped_seconds=skipped_seconds,
        dominant_s=dominant,
        without_dominant_s=over_records(rest, sveb) if dominant is not None else {},
    )


def over_records(
    records: Mapping[str, NDArray[Any]], figures: Mapping[str, Metric]
) -> dict[str, Figure]:
    """Each figure, given what was counted in each record."""
    matrices = np.array(list(records.values()))
    gross = matrices.sum(axis=0)
    random = np.random.default_rng(0)
    drawn = random.multinomial(len(matrices), [1 / len(matrices)] * len(matrices), size=2000)
    draws = np.einsum("dr,r...->d...", drawn, matrices)
    pooled = {}
    for name, metric in figures.items():
        figure = metric.function
        each = figure(matrices)
        known = each[~np.isnan(each)]
        low, high = metrics.interval(figure(draws)[:, None])
        bounds = (float(low[0]), float(high[0])) if len(known) > 1 else (np.nan, np.nan)
        average = float(np.mean(known)) if len(known) else np.nan
        pooled[name] = Figure(float(figure(gross)), average, *bounds)
    return pooled


def _cells(matrix: Matrix, rows: Sequence[int], columns: Sequence[int]) -> Any:
    return matrix[..., rows, :][..., columns].sum((-2, -1))
