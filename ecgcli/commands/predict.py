"""``ecg predict``."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ecgcli.choices import TABLE_FORMATS, EngineName, TableFormat, format_for
from ecgcli.commands.console import (
    Abstain,
    Annotations,
    Detect,
    Engine,
    IgnoreChecksums,
    LeadOrAll,
    ModelOrWeights,
    Normalize,
    Quiet,
    Rate,
    Threads,
    Units,
    find_recordings_at,
    messages,
    model_line,
    print_json,
    progress_bar,
    read_options,
    refuse_options,
    refuse_two_formats,
    was_typed,
)
from ecgcli.cores import thread_count, use_threads
from ecgcli.errors import ConfigError, DataError
from ecgcli.wording import counted

if TYPE_CHECKING:
    from typing import Any

    from rich.console import Console

    from ecgcli.prediction.cohort import Task
    from ecgcli.recordings import ReadOptions
    from ecgcli.view.reports import PageFolder

EXAMPLE = "Example: ecg predict beats.csv --model runs/cnn -o predictions.csv"


def command(
    ctx: typer.Context,
    source: Annotated[
        list[str],
        typer.Argument(
            metavar="BEATS.csv|RECORDING...",
            help="Beats CSV, or - for standard input; or recordings: files, folders, patterns.",
        ),
    ],
    model: ModelOrWeights = None,
    out: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            help="File to write, - is standard output; several recordings need a folder.",
        ),
    ] = "-",
    table_format: Annotated[
        Literal["csv", "json", "parquet", "wfdb"] | None,
        typer.Option(
            "--format",
            help="Format of the output; default by the ending of --out, else csv. wfdb, for "
            "recordings, is an annotation file.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    normalize: Normalize = False,
    abstain: Abstain = 0.0,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder for a page of each recording, as ecg view makes it."
        ),
    ] = None,
    lead: LeadOrAll = None,
    rate: Rate = None,
    units: Units = None,
    annotations: Annotations = "auto",
    detector: Detect = "envelope",
    ignore_checksums: IgnoreChecksums = False,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs", "-j", min=0, help="Number of processes for recordings; 0 is one per core."
        ),
    ] = 0,
    engine: Engine = "auto",
    replace: Annotated[
        bool,
        typer.Option("--force", help="Replace annotation files that another program made."),
    ] = False,
    threads: Threads = None,
    quiet: Quiet = False,
) -> None:
    """Classify the beats of a CSV or of recordings: one row per beat, with probabilities.

    Rows of a CSV keep the order of the file, numbered from 0; labels are ignored; files
    larger than memory are streamed. For a recording, each row has the time of the R peak
    in seconds, its clock time where the file states its start, and the RR interval before it;
    a summary gives rates, burdens, couplets, runs, the longest RR interval, heart rate
    variability and, over two hours, a table by the hour. Several recordings are written into a
    folder, one file each, below it where they lay below the folder they were found in; those
    that the same model has already processed are skipped.
    """
    use_threads(threads)
    del replace  # it is for the guard of outputs: see ecgcli.commands.guarding
    from ecgcli.checkpoints.runs import find_checkpoint
    from ecgcli.prediction.beats import check_probability
    from ecgcli.recordings import is_recording

    console = messages(quiet)
    check_probability(abstain)
    recordings = any(is_recording(place, rate) for place in source)
    refuse_options(ctx, source[0], recording=recordings)
    path = find_checkpoint(model, Path("runs"), "recordings" if recordings else "beats")
    refuse_two_formats(table_format, json)
    chosen_format = "json" if json else table_format
    if not recordings:
        if len(source) > 1:
            raise ConfigError("name one beats CSV; only recordings may be several")
        if chosen_format == "wfdb":
            raise ConfigError(
                "--format wfdb needs the times of beats, which a beats CSV does not have"
            )
        _predict_beats(source[0], out, path, chosen_format, normalize, abstain, engine, console)
        return
    from ecgcli.prediction.cohort import Task

    options = read_options(
        lead, rate, units, annotations, detector, all_leads=True, ignore_checksums=ignore_checksums
    )
    pages = None if report is None else _pages(report, options)
    task = Task(path, engine, options, Path(out), chosen_format or "csv", abstain, pages)
    _predict_recordings(ctx, source, out, chosen_format, task, jobs, console)


def _pages(folder: Path, options: ReadOptions) -> PageFolder:
    from ecgcli.view.charts import require_bokeh
    from ecgcli.view.reports import PageFolder

    require_bokeh()
    return PageFolder(folder, options)


def _predict_beats(
    source: str,
    out: str,
    path: Path,
    chosen_format: TableFormat | None,
    normalize: bool,
    abstain: float,
    engine: EngineName,
    console: Console,
) -> None:
    from ecgcli.prediction import load
    from ecgcli.prediction.beats import predict_file

    table_format = format_for(out, chosen_format, TABLE_FORMATS)
    classifier = load(path, engine=engine)
    console.print(model_line(path))
    with progress_bar(console) as progress:
        summary = predict_file(
            classifier,
            source,
            out,
            table_format=table_format,
            normalize=normalize,
            abstain=abstain,
            progress=progress,
        )
    if summary.labels_ignored:
        console.print("The file is labelled; its labels were ignored.")
    console.print(f"{counted(summary.beats, 'beat')}:")
    counts = summary.counts | ({"abstained": summary.abstained} if abstain else {})
    for name, count in counts.items():
        console.print(f"  {name:<9}{count:>9,}  {count / summary.beats:>6.1%}")


def _predict_recordings(
    ctx: typer.Context,
    source: list[str],
    out: str,
    chosen_format: str | None,
    task: Task,
    jobs: int,
    console: Console,
) -> None:
    from dataclasses import replace

    search = find_recordings_at(source, console)
    paths = search.paths
    single = len(paths) == 1 and not Path(source[0]).is_dir()
    if single and was_typed(ctx, "jobs"):
        raise ConfigError("--jobs is for several recordings; one is read by one process")
    console.print(model_line(task.checkpoint))
    if single:
        _predict_one(paths[0], out, chosen_format, task, console)
    elif out == "-":
        raise ConfigError(
            f"add -o FOLDER for the results of {counted(len(paths), 'recording')}; "
            "standard output takes those of one file"
        )
    else:
        processes = jobs or thread_count()
        report = None if task.report is None else task.report.below(search.root)
        _predict_many(paths, replace(task, root=search.root, report=report), processes, console)


def _predict_one(
    path: Path, out: str, chosen_format: str | None, task: Task, console: Console
) -> None:
    from ecgcli.commands.rhythm_summary import print_summary
    from ecgcli.prediction import load
    from ecgcli.prediction.recordings import ENDINGS, write_classified

    by_ending = {ending.removeprefix("."): name for name, ending in ENDINGS.items()}
    table_format = chosen_format or by_ending[format_for(out, None, list(by_ending))]
    classifier = load(task.checkpoint, engine=task.engine)
    classified = classifier.classify(path, task.options, abstain=task.abstain)
    write_classified(out, classified, table_format)  # type: ignore[arg-type]
    print_summary(classified.summary(), console)
    if task.report is not None:
        task.report.write(classified, classifier)
        console.print(f"Page: {task.report.page_of(path)}")


def _predict_many(paths: list[Path], task: Task, jobs: int, console: Console) -> None:
    from rich.text import Text

    from ecgcli.beats.preparation import Failure
    from ecgcli.documents import versioned
    from ecgcli.files import write_json
    from ecgcli.prediction.cohort import SUMMARY, classify_many

    summaries: list[dict[str, Any]] = []
    failures: dict[str, str] = {}
    already_done = 0
    with progress_bar(console) as progress, closing(classify_many(paths, task, jobs)) as work:
        for number, result in enumerate(work, 1):
            if isinstance(result, Failure):
                failures[str(result.path)] = result.reason
                console.print(Text("skipped", "red"), result.reason)
            else:
                already_done += result.pop("done_before", False)
                summaries.append(result)
            progress.update("predicting", number, len(paths))
    document = versioned({"recordings": summaries, "failures": failures})
    write_json(task.folder / SUMMARY, document)
    index = None if task.report is None else task.report.write_index(summaries)
    if task.table_format == "json":
        print_json(document)
    else:
        print(task.folder)
    beats = sum(summary["beats"] for summary in summaries)
    done = f" ({already_done:,} done before)" if already_done else ""
    console.print(
        f"{counted(len(summaries), 'recording')}{done}, {counted(beats, 'beat')} -> {task.folder}"
    )
    if index is not None:
        console.print(f"Pages: {index}; open it in a browser")
    if failures:
        raise DataError(f"{len(failures)} of {counted(len(paths), 'recording')} could not be read")
