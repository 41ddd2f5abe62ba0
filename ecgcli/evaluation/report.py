"""Evaluation -> JSON, pictures and a page."""

from __future__ import annotations

import html
import math
from pathlib import Path
from string import Template

from ecgcli import metrics
from ecgcli.classes import AAMI_CLASSES
from ecgcli.evaluation.beats import Evaluation
from ecgcli.evaluation.figures import draw_confusion, draw_curves_by_class, draw_reliability
from ecgcli.evaluation.recordings import RecordingEvaluation
from ecgcli.files import write_json, write_text
from ecgcli.metrics import Score
from ecgcli.metrics.aami import FIGURES, Aami, Figure

REPORT = "report.json"

_RECORDINGS_PAGE = Template("""<p>$model on $data, R peaks found by $detector. Intervals are 95%,
by bootstrap over records.</p>
<p class="statement">$statement</p>
$aami
<div class="pictures"><img src="confusion.png" alt="confusion matrix of the beats found"></div>
</html>
""")

_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem;
       color: #1c2733; background: white; }
table { border-collapse: collapse; margin: 1rem 0; }
td { white-space: nowrap; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #d7dde3; }
th:first-child, td:first-child { text-align: left; }
small { color: #5b6b7b; }
.statement { border-left: 4px solid #e07b39; padding: .3rem 1rem; background: #fdf5ef; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1rem;
            margin-top: 2rem; }
img { width: 100%; }
</style>
<h1>$title</h1>
<p>$model on $data, $beats beats. Intervals are 95%, by bootstrap over beats.</p>
<p class="statement">$statement</p>
$overall
$by_class
$calibration
$aami
<div class="pictures">
<img src="confusion.png" alt="confusion matrix">
<img src="roc.png" alt="ROC curves">
<img src="pr.png" alt="precision-recall curves">
<img src="reliability.png" alt="accuracy by confidence">
</div>
</html>
""")


def report_folder(checkpoint: Path, data: Path) -> Path:
    """Where the report of a checkpoint on a file goes: beside it, named for the data."""
    return checkpoint.parent / f"evaluation-{data.name.split('.')[0]}"


def write_report(folder: Path, evaluation: Evaluation) -> Path:
    """Write ``report.json``, four pictures and ``report.html``; returns the page."""
    write_json(folder / REPORT, evaluation.as_json())
    shares = metrics.normalized(evaluation.matrix, "true")
    draw_confusion(
        folder / "confusion.png",
        shares,
        evaluation.matrix,
        evaluation.classes,
        f"{Path(evaluation.data).name}: share of the true class",
    )
    draw_curves_by_class(
        folder / "roc.png",
        {name: (curve.x, curve.y, curve.area) for name, curve in evaluation.roc.items()},
        ("false positive rate (1 - specificity)", "sensitivity"),
        "ROC, each class against the rest",
    )
    draw_curves_by_class(
        folder / "pr.png",
        {name: (curve.x, curve.y, curve.area) for name, curve in evaluation.pr.items()},
        ("recall (sensitivity)", "precision (positive predictivity)"),
        "Precision-recall, each class against the rest",
    )
    bins = evaluation.reliability
    draw_reliability(
        folder / "reliability.png",
        bins.confidence,
        bins.accuracy,
        bins.beats,
        f"Reliability: expected calibration error {evaluation.calibration_error.value:.3f}",
    )
    page = folder / "report.html"
    write_text(page, _page(evaluation))
    return page


def write_recording_report(folder: Path, evaluation: RecordingEvaluation) -> Path:
    """Write ``report.json``, the confusion matrix and ``report.html``; returns the page."""
    write_json(folder / REPORT, evaluation.as_json())
    draw_confusion(
        folder / "confusion.png",
        metrics.normalized(evaluation.matrix, "true"),
        evaluation.matrix,
        AAMI_CLASSES,
        f"{Path(evaluation.data).name}: share of the true class",
    )
    head = _PAGE.template.partition("<p>")[0]
    body = _RECORDINGS_PAGE.substitute(
        model=html.escape(evaluation.model),
        data=html.escape(evaluation.data),
        detector=evaluation.detector,
        statement=html.escape(evaluation.statement),
        aami=_aami_section(evaluation.aami),
    )
    page = folder / "report.html"
    write_text(page, Template(head).substitute(title="Evaluation on recordings") + body)
    return page


def with_interval(score: Score) -> str:
    """``0.931 (0.922-0.940)``, or a dash where the figure is not defined."""
    if math.isnan(score.value):
        return "-"
    return f"{score.value:.3f} ({score.low:.3f}-{score.high:.3f})"


def coverage_rows(evaluation: Evaluation) -> list[list[str]]:
    """Rows of text: threshold, share of beats kept, their accuracy, macro-F1, classes."""
    return [
        [
            f"{row.threshold:g}",
            f"{row.coverage:.1%}",
            *(
                "-" if math.isnan(value) else f"{value:.3f}"
                for value in (row.accuracy, row.macro_f1)
            ),
            str(row.classes),
        ]
        for row in evaluation.coverage
    ]


def aami_rows(aami: Aami) -> list[list[str]]:
    """The standard's figures as rows of text: name, gross with interval, average of records.

    The finding of QRS complexes is left out when the beats' places were known.
    """
    detected = any(matrix[5:].any() or matrix[:, 5:].any() for matrix in aami.records.values())
    rows = [
        _aami_row(name, figure)
        for name, figure in aami.figures.items()
        if detected or not name.startswith("qrs")
    ]
    rows += [
        _aami_row(f"{name} without record {aami.dominant_s}", figure)
        for name, figure in aami.without_dominant_s.items()
    ]
    return rows


def _aami_row(name: str, figure: Figure) -> list[str]:
    gross = with_interval(Score(figure.gross, figure.low, figure.high))
    average = "-" if math.isnan(figure.average) else f"{figure.average:.3f}"
    words = name.replace("_", " ").replace("veb", "VEB").replace("sVEB", "SVEB")
    return [words.replace("qrs", "QRS").replace("nsvf", "NSVF"), gross, average]


def _records_table(aami: Aami) -> str:
    """Beats and ectopic figures of each record."""
    figures = [name for name in FIGURES if name.startswith(("veb", "sveb"))]
    head = ["record", *(f"{name} beats" for name in AAMI_CLASSES)]
    head += [_aami_row(name, Figure(0, 0, 0, 0))[0] for name in figures]
    rows = []
    for record, matrix in aami.records.items():
        values = aami.of_record(record)
        rows.append(
            [record, *(f"{count:,}" for count in matrix.sum(1)[: len(AAMI_CLASSES)])]
            + ["-" if math.isnan(values[n]) else f"{values[n]:.3f}" for n in figures]
        )
    return _table(head, rows)


def _aami_section(aami: Aami | None) -> str:
    if aami is None:
        return ""
    head = ["ANSI/AAMI EC57", "gross (95% over records)", "average of records"]
    return (
        f"<h2>By record</h2>\n{_table(head, aami_rows(aami))}\n"
        f"<details><summary>{len(aami.records)} records</summary>\n"
        f"{_records_table(aami)}\n</details>"
    )


def _calibration_section(evaluation: Evaluation) -> str:
    head = [
        "highest probability at least",
        "beats kept",
        "their accuracy",
        "macro-F1",
        "classes left",
    ]
    return (
        "<h2>Confidence</h2>\n<p>Expected calibration error (15 bins): "
        f"{with_interval(evaluation.calibration_error)}. What is kept when beats below a "
        "probability are left unanswered (<code>ecg predict --abstain</code>):</p>\n"
        f"{_table(head, coverage_rows(evaluation))}"
    )


def _page(evaluation: Evaluation) -> str:
    supports = evaluation.matrix.sum(1)
    return _PAGE.substitute(
        title="Evaluation",
        model=html.escape(evaluation.model),
        data=html.escape(evaluation.data),
        beats=f"{evaluation.beats:,}",
        statement=html.escape(evaluation.statement),
        overall=_table(
            ["figure", "value (95% interval)"],
            [
                [name.replace("_", " "), with_interval(score)]
                for name, score in evaluation.overall.items()
            ],
        ),
        calibration=_calibration_section(evaluation),
        aami=_aami_section(evaluation.aami),
        by_class=_table(
            ["class", "beats", "precision", "recall", "F1", "specificity", "ROC area", "PR area"],
            [
                [
                    name,
                    f"{support:,}",
                    *(with_interval(score) for score in evaluation.by_class[name].values()),
                    *(
                        f"{curves[name].area:.3f}" if name in curves else "-"
                        for curves in (evaluation.roc, evaluation.pr)
                    ),
                ]
                for name, support in zip(evaluation.classes, supports, strict=True)
            ],
        ),
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    def cells(tag: str, values: list[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(v)}</{tag}>" for v in values) + "</tr>"

    return "\n".join(
        ["<table>", cells("th", head), *(cells("td", row) for row in rows), "</table>"]
    )
