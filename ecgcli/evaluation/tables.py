"""Evaluation -> tables of text, the same in the terminal and on the page."""

from __future__ import annotations

import math

from ecgcli import metrics
from ecgcli.classes import AAMI_CLASSES
from ecgcli.evaluation.beats import Evaluation
from ecgcli.metrics import Score
from ecgcli.metrics.aami import FIGURES, Aami, Figure
from ecgcli.metrics.episodes import COUNTS, EpisodeFigures
from ecgcli.metrics.episodes import FIGURES as EPISODE_FIGURES
from ecgcli.pages import TextTable


def overall_table(evaluation: Evaluation) -> TextTable:
    """The figures over all classes."""
    return TextTable(
        ["figure", "value (95% interval)"],
        [
            [metric.heading, with_interval(evaluation.overall[metric.name])]
            for metric in metrics.OVERALL
        ],
    )


def class_table(evaluation: Evaluation) -> TextTable:
    """The figures of each class."""
    headings = [metric.heading for metric in metrics.BY_CLASS]
    supports = evaluation.matrix.sum(1)
    return TextTable(
        ["class", "beats", *headings],
        [
            [name, f"{support:,}"]
            + [with_interval(evaluation.by_class[name][m.name]) for m in metrics.BY_CLASS]
            for name, support in zip(evaluation.classes, supports, strict=True)
        ],
    )


def area_table(evaluation: Evaluation) -> TextTable:
    """The areas under the curves of each class that has beats."""
    return TextTable(
        ["class", "ROC area", "PR area"],
        [
            [name, f"{evaluation.roc[name].area:.4f}", f"{evaluation.pr[name].area:.4f}"]
            for name in evaluation.roc
        ],
    )


def coverage_table(evaluation: Evaluation) -> TextTable:
    """What remains when beats below a probability are left unclassified."""
    return TextTable(
        ["highest probability at least", "beats kept", "accuracy", "macro-F1", "classes left"],
        [
            [
                f"{row.threshold:g}",
                f"{row.coverage:.1%}",
                _number(row.accuracy),
                _number(row.macro_f1),
                str(row.classes),
            ]
            for row in evaluation.coverage
        ],
    )


def aami_table(aami: Aami) -> TextTable:
    """The figures of the standard.

    Those of QRS detection are left out where the R peaks were given.
    """
    detected = any(matrix[5:].any() or matrix[:, 5:].any() for matrix in aami.records.values())
    figures = {
        FIGURES[name].heading: figure
        for name, figure in aami.figures.items()
        if detected or not name.startswith("qrs")
    } | {
        f"{FIGURES[name].heading} without record {aami.dominant_s}": figure
        for name, figure in aami.without_dominant_s.items()
    }
    return _figures_table("ANSI/AAMI EC57", figures, len(aami.records))


def records_table(aami: Aami) -> TextTable:
    """The beats of each record by true class, and its figures for ectopic beats."""
    names = [name for name in FIGURES if name.startswith(("veb", "sveb"))]
    rows = []
    for record, matrix in aami.records.items():
        figures = aami.of_record(record)
        counts = matrix.sum(1)[: len(AAMI_CLASSES)]
        rows.append(
            [record, *(f"{count:,}" for count in counts), *(_number(figures[n]) for n in names)]
        )
    beats = [f"{name} beats" for name in AAMI_CLASSES]
    return TextTable(["record", *beats, *(FIGURES[n].heading for n in names)], rows)


def episodes_table(episodes: EpisodeFigures) -> TextTable:
    """The standard's figures of atrial fibrillation."""
    figures = {EPISODE_FIGURES[name].heading: each for name, each in episodes.figures.items()}
    return _figures_table("atrial fibrillation by ANSI/AAMI EC57", figures, len(episodes.records))


def episode_records_table(episodes: EpisodeFigures) -> TextTable:
    """The episodes and seconds of fibrillation of each record, and its figures."""
    shown = ("true_episodes", "episodes", "true_seconds", "seconds")
    headings = ["true episodes", "episodes", "true AF, s", "AF, s"]
    rows = []
    for record, counts in episodes.records.items():
        cells = [f"{counts[COUNTS.index(name)]:,.0f}" for name in shown]
        figures = (float(metric.function(counts)) for metric in EPISODE_FIGURES.values())
        rows.append([record, *cells, *map(_number, figures)])
    names = [metric.heading for metric in EPISODE_FIGURES.values()]
    return TextTable(["record", *headings, *names], rows)


def with_interval(score: Score) -> str:
    """``0.931 (0.922-0.940)``; ``0.931`` without a defined interval, a dash without a value."""
    if math.isnan(score.low):
        return _number(score.value)
    return f"{score.value:.3f} ({score.low:.3f}-{score.high:.3f})"


def _figures_table(title: str, figures: dict[str, Figure], records: int) -> TextTable:
    """Figures over records; those that only one record has are without an interval."""
    return TextTable(
        [
            title,
            "gross (95% interval over records)" if records > 1 else "gross",
            "average of records",
        ],
        [
            [
                heading,
                with_interval(Score(figure.gross, figure.low, figure.high)),
                _number(figure.average),
            ]
            for heading, figure in figures.items()
        ],
    )


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"
