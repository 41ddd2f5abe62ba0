"""``ecg evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgcli.commands import completion
from ecgcli.commands.console import (
    Annotations,
    Detect,
    Engine,
    IgnoreChecksums,
    Json,
    LeadOrAll,
    Normalize,
    Quiet,
    Rate,
    Threads,
    Units,
    find_recordings_at,
    messages,
    print_json,
    progress_bar,
    read_options,
    refuse_options,
    results,
    suggest,
    was_typed,
    working,
)
from ecgcli.cores import use_threads
from ecgcli.errors import ConfigError
from ecgcli.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from ecgcli.evaluation.beats import Evaluation
    from ecgcli.evaluation.recordings import RecordingEvaluation
    from ecgcli.evaluation.rhythm import RhythmEvaluation
    from ecgcli.metrics.aami import Aami
    from ecgcli.metrics.episodes import EpisodeFigures
    from ecgcli.pages import TextTable

EXAMPLE = "Example: ecg evaluate runs/cnn --data data/mitbih_test.csv --require macro_f1=0.9"

#: Names of the parameters whose options apply to signals only.
_OF_SIGNALS = ("lead", "rate", "units", "detector", "ignore_checksums", "engine")


def command(
    ctx: typer.Context,
    model: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RUN|CHECKPOINT]",
            help="The model; default the newest run.",
            autocompletion=completion.runs_or_weights,
        ),
    ] = None,
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            "-d",
            help="Labelled beats (CSV or parquet), used for nothing else; or annotated recordings.",
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
    lead: LeadOrAll = None,
    rate: Rate = None,
    units: Units = None,
    annotations: Annotations = "auto",
    detector: Detect = "envelope",
    ignore_checksums: IgnoreChecksums = False,
    engine: Engine = "auto",
    threads: Threads = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Evaluate a model on labelled beats that it was not trained on.

    Prints every figure with its 95% interval, states whether the score holds for new patients,
    and writes report.json, report.html and pictures. On recordings (a file or a folder), R peaks
    are detected and compared with the annotations: missed and extra beats count, by the rules of
    ANSI/AAMI EC57, and so do episodes of atrial fibrillation where rhythms are annotated. The model
    of atrial fibrillation alone (fibrillation, or one of ecg fibrillation fit) is evaluated on
    annotated beats, without a signal.
    """
    use_threads(threads)
    from ecgcli.checkpoints.runs import find_checkpoint, shown_place
    from ecgcli.evaluation.beats import check_requirements, evaluate_file, parse_requirements
    from ecgcli.evaluation.beats import figure_names as figures_of_beats
    from ecgcli.evaluation.recordings import evaluate_recordings
    from ecgcli.evaluation.recordings import figure_names as figures_of_recordings
    from ecgcli.evaluation.report import replaced_by, report_folder, write_report
    from ecgcli.evaluation.rhythm import RhythmEvaluation, evaluate_rhythm
    from ecgcli.fibrillation.model import is_fibrillation_model
    from ecgcli.metrics.episodes import FIGURES as FIGURES_OF_EPISODES
    from ecgcli.prediction import load
    from ecgcli.recordings import is_recording

    console = messages(quiet)
    path = find_checkpoint(model)
    recordings = is_recording(str(data), rate)
    refuse_options(ctx, str(data), recording=recordings)
    folder = out or report_folder(path, data)
    evaluation: Evaluation | RecordingEvaluation | RhythmEvaluation
    paths = find_recordings_at([str(data)], console).paths if recordings else []
    if is_fibrillation_model(path):
        _refuse_for_fibrillation(ctx, path, data, recordings)
        required = parse_requirements(require or [], list(FIGURES_OF_EPISODES))
        with progress_bar(console) as progress:
            evaluation = evaluate_rhythm(
                path,
                paths,
                data=str(data),
                annotator="atr" if annotations == "auto" else annotations,
                skip_first=skip_first,
                progress=progress,
            )
    elif recordings:
        required = parse_requirements(require or [], figures_of_recordings())
        with progress_bar(console) as progress:
            evaluation = evaluate_recordings(
                load(path, engine=engine),
                paths,
                read_options(
                    lead,
                    rate,
                    units,
                    annotations,
                    detector,
                    all_leads=True,
                    ignore_checksums=ignore_checksums,
                ),
                data=str(data),
                skip_first=skip_first,
                progress=progress,
            )
    else:
        classifier = load(path, engine=engine)
        required = parse_requirements(require or [], figures_of_beats(classifier.classes))
        with working(console, f"evaluating on {data.name}"):
            evaluation = evaluate_file(classifier, data, normalize=normalize, skip_first=skip_first)
    replaced = replaced_by(folder, evaluation)
    page = write_report(folder, evaluation)
    if json:
        print_json(evaluation.as_json())
    else:
        _print(evaluation)
    console.print(f"Report: {page}")
    if replaced:
        console.print(f"It replaces the report of {replaced}.")
    check_requirements(evaluation.scores(), required)
    if not isinstance(evaluation, RhythmEvaluation):
        console.print(f"Confusion matrix: {page.with_name('confusion.png')}")
        target = "predictions" if data.is_dir() else "predictions.csv"
        name = model or shown_place(path)
        suggest(console, "ecg", "predict", data, "--model", name, "-o", target)


def _refuse_for_fibrillation(ctx: typer.Context, model: Path, data: Path, recordings: bool) -> None:
    """Refuse what does not apply to a model that reads annotated beats and no signal."""
    if not recordings:
        raise ConfigError(
            f"{model} finds atrial fibrillation in recordings; name WFDB records with rhythm "
            f"annotations with --data, not {data}"
        )
    for param in ctx.command.params:
        if param.name in _OF_SIGNALS and was_typed(ctx, param.name):
            raise ConfigError(
                f"{param.opts[0]} is for models that read signals; {model} reads annotated beats"
            )


def _print(evaluation: Evaluation | RecordingEvaluation | RhythmEvaluation) -> None:
    from ecgcli.evaluation.beats import Evaluation
    from ecgcli.evaluation.recordings import RecordingEvaluation

    console = results()
    if isinstance(evaluation, Evaluation):
        _print_title(evaluation, counted(evaluation.beats, "beat"), console)
        _print_figures(evaluation, console)
        if evaluation.aami is not None:
            _print_aami(evaluation.aami, console)
    elif isinstance(evaluation, RecordingEvaluation):
        _print_title(evaluation, f"R peaks detected by {evaluation.detector}", console)
        _print_aami(evaluation.aami, console)
        _print_fibrillation(evaluation.fibrillation, console)
        for note in evaluation.notes:
            console.print(note, soft_wrap=True)
    else:
        _print_title(evaluation, "R peaks as annotated", console)
        _print_fibrillation(evaluation.fibrillation, console)
    console.print(evaluation.statement, style="yellow", soft_wrap=True)


def _print_fibrillation(episodes: EpisodeFigures | None, console: Console) -> None:
    from ecgcli.evaluation.tables import episodes_table

    if episodes is None:
        console.print("No rhythm annotations: episodes of atrial fibrillation are not evaluated.")
        return
    _print_table(episodes_table(episodes), console)


def _print_title(
    evaluation: Evaluation | RecordingEvaluation | RhythmEvaluation, facts: str, console: Console
) -> None:
    from rich.text import Text

    from ecgcli.weights import name_of

    model = name_of(Path(evaluation.model))
    title = Text(model or evaluation.model, style="bold").append(
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
