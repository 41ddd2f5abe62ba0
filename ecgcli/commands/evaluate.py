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
from ecgcli.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from ecgcli.evaluation.beats import Evaluation
    from ecgcli.evaluation.recordings import RecordingEvaluation
    from ecgcli.evaluation.tables import TextTable
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
        typer.Option(
            metavar="NAME=NUMBER",
            help="Exit with 3 if a figure is lower; repeatable. Figures: {figures}.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder of the report; default in the run, or in runs/pretrained.",
        ),
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
    """Evaluate a model on labelled beats that it was not trained on.

    Prints every figure with its 95% interval, states whether the score holds for new patients,
    and writes report.json, report.html and pictures. On recordings (a file or a folder), R peaks
    are detected and compared with the annotations: missed and extra beats count, by the rules of
    ANSI/AAMI EC57.
    """
    from ecgcli.checkpoints.runs import find_checkpoint
    from ecgcli.evaluation.beats import check_requirements, evaluate_file, parse_requirements
    from ecgcli.evaluation.recordings import evaluate_recordings
    from ecgcli.evaluation.report import report_folder, write_report
    from ecgcli.prediction import load
    from ecgcli.recordings import is_recording
    from ecgcli.recordings.search import find_recordings

    console = messages(quiet)
    recordings = is_recording(str(data), rate)
    refuse_options(ctx, str(data), recording=recordings)
    classifier = load(find_checkpoint(model), engine=engine)
    folder = out or report_folder(classifier.path, data)
    evaluation: Evaluation | RecordingEvaluation
    if recordings:
        search = find_recordings([str(data)])
        for note in search.notes:
            console.print(note)
        with progress_bar(console) as progress:
            evaluation = evaluate_recordings(
                classifier,
                search.paths,
                read_options(lead, rate, units, annotations, detector),
                data=str(data),
                skip_first=skip_first,
                progress=progress,
            )
    else:
        evaluation = evaluate_file(classifier, data, normalize=normalize, skip_first=skip_first)
    required = parse_requirements(require or [], list(evaluation.scores()))
    page = write_report(folder, evaluation)
    if json:
        print_json(evaluation.as_json())
    else:
        _print(evaluation)
    console.print(f"Report: {page}\nConfusion matrix: {page.with_name('confusion.png')}")
    check_requirements(evaluation.scores(), required)
    place = "RECORDING" if recordings else "BEATS.csv"
    console.print(f"Next: ecg predict {place} --model {model or classifier.place}")


def _print(evaluation: Evaluation | RecordingEvaluation) -> None:
    from ecgcli.evaluation.beats import Evaluation

    console = results()
    if isinstance(evaluation, Evaluation):
        _print_title(evaluation, counted(evaluation.beats, "beat"), console)
        _print_figures(evaluation, console)
    else:
        _print_title(evaluation, f"R peaks detected by {evaluation.detector}", console)
    if evaluation.aami is not None:
        _print_aami(evaluation.aami, console)
    console.print(evaluation.statement, style="yellow", soft_wrap=True)


def _print_title(
    evaluation: Evaluation | RecordingEvaluation, facts: str, console: Console
) -> None:
    from rich.text import Text

    title = Text(evaluation.model, style="bold").append(
        f" on {evaluation.data}, {facts}", style="not bold"
    )
    console.print(title, soft_wrap=True)


def _print_figures(evaluation: Evaluation, console: Console) -> None:
    from ecgcli.evaluation import tables

    _print_table(tables.overall_table(evaluation), console)
    _print_table(tables.class_table(evaluation), console)
    _print_table(tables.area_table(evaluation), console)
    error = tables.with_interval(evaluation.calibration_error)
    console.print(f"expected calibration error {error}")
    _print_table(tables.coverage_table(evaluation), console)


def _print_aami(aami: Aami, console: Console) -> None:
    from ecgcli.evaluation.tables import aami_table

    if aami.skipped_seconds:
        console.print(f"The first {aami.skipped_seconds:g} s of each record are excluded.")
    _print_table(aami_table(aami), console)


def _print_table(table: TextTable, console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None)
    for number, heading in enumerate(table.headings):
        shown.add_column(Text(heading), justify="right" if number else "left")
    for row in table.rows:
        shown.add_row(*map(Text, row))
    console.print(shown)
