"""``ecg evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgcli.commands.console import (
    Annotations,
    Detect,
    Engine,
    Json,
    Lead,
    Normalize,
    Quiet,
    Rate,
    Units,
    messages,
    print_json,
    progress_bar,
    read_options,
    refuse_options,
    results,
)

if TYPE_CHECKING:
    from rich.console import Console

    from ecgcli.evaluation.beats import Evaluation
    from ecgcli.evaluation.recordings import RecordingEvaluation
    from ecgcli.metrics.aami import Aami

EXAMPLE = "Example: ecg evaluate runs/cnn --data data/mitbih_test.csv --require macro_f1=0.9"


def command(
    ctx: typer.Context,
    model: Annotated[
        Path | None,
        typer.Argument(metavar="[RUN|CHECKPOINT]", help="The model; default the newest run."),
    ] = None,
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            "-d",
            help="A labelled beats CSV, used for nothing else; or annotated recordings.",
        ),
    ] = Path("data/mitbih_test.csv"),
    require: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=NUMBER", help="Exit with 3 if a figure is lower; repeatable."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the report; default in the run.")
    ] = None,
    skip_first: Annotated[
        float,
        typer.Option(min=0, metavar="SECONDS", help="Of each record; the standard allows 300."),
    ] = 0,
    normalize: Normalize = False,
    lead: Lead = None,
    rate: Rate = None,
    units: Units = None,
    annotations: Annotations = "auto",
    detector: Detect = "envelope",
    engine: Engine = "auto",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Judge a model on labelled beats it has not seen.

    Prints every figure with its 95% interval and what the split can and cannot say,
    and writes report.json, report.html and pictures. On recordings (a file or a folder)
    R peaks are found, not given, and compared with the annotations: beats missed and
    extra count, as ANSI/AAMI EC57 has it.
    """
    from ecgcli.beats.preparation import find_recordings
    from ecgcli.checkpoints.runs import find_checkpoint
    from ecgcli.evaluation.beats import check_requirements, evaluate_file, parse_requirements
    from ecgcli.evaluation.recordings import evaluate_recordings
    from ecgcli.evaluation.report import report_folder, write_recording_report, write_report
    from ecgcli.prediction import load
    from ecgcli.recordings import is_recording

    console = messages(quiet)
    recordings = is_recording(str(data), rate)
    refuse_options(ctx, str(data), recording=recordings)
    classifier = load(find_checkpoint(model), engine=engine)
    folder = out or report_folder(classifier.path, data)
    if recordings:
        with progress_bar(console) as progress:
            judged = evaluate_recordings(
                classifier,
                find_recordings([str(data)]),
                read_options(lead, rate, units, annotations, detector),
                data=str(data),
                skip_first=skip_first,
                progress=progress,
            )
        required = parse_requirements(require or [], list(judged.scores()))
        page = write_recording_report(folder, judged)
        print_json(judged.as_json()) if json else _print_recordings(judged)
        console.print(f"Report: {page}\nConfusion matrix: {page.with_name('confusion.png')}")
        check_requirements(judged.scores(), required)
        return
    found = evaluate_file(classifier, data, normalize=normalize, skip_first=skip_first)
    required = parse_requirements(require or [], list(found.scores()))
    page = write_report(folder, found)
    print_json(found.as_json()) if json else _print(found)
    console.print(f"Report: {page}\nConfusion matrix: {page.with_name('confusion.png')}")
    check_requirements(found.scores(), required)
    console.print(f"Next: ecg predict BEATS.csv --model {model or classifier.path.parent}")


def _print(evaluation: Evaluation) -> None:
    from rich.table import Table

    from ecgcli.evaluation.report import coverage_rows, with_interval

    console = results()
    console.print(
        f"[bold]{evaluation.model}[/] on {evaluation.data}, {evaluation.beats:,} beats",
        soft_wrap=True,
    )
    overall = Table("figure", "value (95% interval)", title_justify="left", box=None)
    for name, score in evaluation.overall.items():
        overall.add_row(name.replace("_", " "), with_interval(score))
    console.print(overall)
    table = Table("class", box=None)
    for head in ("beats", "precision", "recall", "F1", "specificity"):
        table.add_column(head, justify="right")
    for name, support in zip(evaluation.classes, evaluation.matrix.sum(1), strict=True):
        figures = evaluation.by_class[name].values()
        table.add_row(name, f"{support:,}", *(with_interval(score) for score in figures))
    console.print(table)
    areas = Table("class", "ROC area", "PR area", box=None)
    for name in evaluation.roc:
        areas.add_row(name, f"{evaluation.roc[name].area:.4f}", f"{evaluation.pr[name].area:.4f}")
    console.print(areas)
    error = with_interval(evaluation.calibration_error)
    console.print(f"expected calibration error {error}")
    kept = Table("if probability at least", box=None)
    for head in ("beats kept", "accuracy", "macro-F1", "classes left"):
        kept.add_column(head, justify="right")
    for row in coverage_rows(evaluation)[1:]:
        kept.add_row(*row)
    console.print(kept)
    if evaluation.aami is not None:
        _print_aami(evaluation.aami, console)
    console.print(f"[yellow]{evaluation.statement}[/]", soft_wrap=True)


def _print_aami(aami: Aami, console: Console) -> None:
    from rich.table import Table

    from ecgcli.evaluation.report import aami_rows

    skipped = f", first {aami.skipped_seconds:g} s skipped" if aami.skipped_seconds else ""
    table = Table(
        f"AAMI EC57, {len(aami.records)} records{skipped}",
        "gross (95% over records)",
        "average",
        box=None,
    )
    for row in aami_rows(aami):
        table.add_row(*row)
    console.print(table)


def _print_recordings(evaluation: RecordingEvaluation) -> None:
    console = results()
    console.print(
        f"[bold]{evaluation.model}[/] on {evaluation.data}, R peaks found by {evaluation.detector}",
        soft_wrap=True,
    )
    _print_aami(evaluation.aami, console)
    console.print(f"[yellow]{evaluation.statement}[/]", soft_wrap=True)


command.__name__ = "evaluate"
