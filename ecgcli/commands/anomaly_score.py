"""``ecg anomaly score``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgcli.classes import CLASS_SETS
from ecgcli.commands.console import (
    Annotations,
    AnomalyModel,
    BeatsOrRecording,
    Detect,
    Json,
    Lead,
    Normalize,
    Quantile,
    Quiet,
    Rate,
    Threads,
    Units,
    messages,
    print_json,
    read_options,
    refuse_options,
    results,
    suggest,
)
from ecgcli.cores import use_threads
from ecgcli.wording import counted

if TYPE_CHECKING:
    from ecgcli.anomaly.scoring import Scored

EXAMPLE = "Example: ecg anomaly score data/mitbih_test.csv --model runs/anomaly"


def command(
    ctx: typer.Context,
    data: BeatsOrRecording,
    model: AnomalyModel = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Report folder to write; default one in the run."),
    ] = None,
    quantile: Quantile = None,
    require: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=NUMBER", help="Exit with 3 if a score is lower, such as roc_auc=0.95."
        ),
    ] = None,
    normalize: Normalize = False,
    lead: Lead = None,
    rate: Rate = None,
    units: Units = None,
    annotations: Annotations = "auto",
    detector: Detect = "envelope",
    threads: Threads = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Score how unusual each beat is, and write a report folder.

    scores.csv has one row per beat: its score, the percentage of normal beats that score
    lower, and whether it exceeds the threshold. The folder also has the distribution of
    scores, pictures of the most unusual beats and, where classes are known, the ROC curve.
    """
    use_threads(threads)
    from ecgcli.anomaly.model import load_model
    from ecgcli.anomaly.report import report_folder, write_report
    from ecgcli.anomaly.scoring import score_file
    from ecgcli.checkpoints.runs import ANOMALY, find_checkpoint
    from ecgcli.evaluation.beats import check_requirements, parse_requirements
    from ecgcli.recordings import is_recording

    console = messages(quiet)
    names = sorted({name for names in CLASS_SETS.values() for name in names[1:]})
    required = parse_requirements(
        require or [], ["roc_auc", *(f"roc_auc_{name}" for name in names)]
    )
    refuse_options(ctx, str(data), recording=is_recording(str(data), rate))
    path = find_checkpoint(model, holding=ANOMALY)
    fitted = load_model(path)
    scored = score_file(
        fitted,
        str(path),
        data,
        quantile=quantile,
        normalize=normalize,
        options=read_options(lead, rate, units, annotations, detector),
    )
    figures = scored.figures() if require else {}
    report = write_report(out or report_folder(path, data), fitted, scored)
    if json:
        print_json(scored.as_json())
    else:
        _print(scored)
    console.print(f"Report: {report}\nThe most unusual beats: {report.with_name('beats.png')}")
    check_requirements(figures, required)
    if fitted.card.method == "forecaster":
        row = int(scored.scores.argmax())
        at = (
            ("--rows", row)
            if scored.times is None
            else ("--after", f"{scored.times[row] + 0.2:.1f}")
        )
        with_model = ("--model", path.parent, "--png", "forecast.png")
        suggest(console, "ecg", "forecast", data, *at, *with_model)


def _print(scored: Scored) -> None:
    from rich.table import Table
    from rich.text import Text

    document = scored.as_json()
    console = results()
    for note in document["notes"]:
        console.print(note, soft_wrap=True)
    console.print(
        Text(str(scored.data), "bold"),
        f": {document['anomalous']:,} of {counted(document['beats'], 'beat')} anomalous "
        f"(above {scored.quantile:.0%} of normal beats)",
        sep="",
        soft_wrap=True,
    )
    if document["by_class"]:
        table = Table("class", box=None)
        for head in ("beats", "anomalous", "share", "area under ROC (95%)"):
            table.add_column(head, justify="right")
        areas = document["roc_auc"]
        for name, row in document["by_class"].items():
            share = f"{row['anomalous'] / row['beats']:.1%}"
            counts = (f"{row['beats']:,}", f"{row['anomalous']:,}")
            table.add_row(name, *counts, share, _area(areas.get(name)))
        if areas:
            table.add_row("the rest", "", "", "", _area(areas["the rest"]))
        console.print(table)
        console.print(scored.statement, style="yellow", soft_wrap=True)


def _area(area: dict[str, float] | None) -> str:
    return "" if area is None else f"{area['value']:.4f} ({area['low']:.4f}-{area['high']:.4f})"
