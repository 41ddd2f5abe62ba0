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
    progress_bar,
    read_options,
    refuse_options,
    refuse_two_formats,
    was_typed,
    working,
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

#: Names of the parameters whose options are for several recordings.
_OF_MANY = ("jobs", "cluster", "shard", "beats_parquet")


def command(
    ctx: typer.Context,
    source: Annotated[
        list[str],
        typer.Argument(
            metavar="BEATS|RECORDING...",
            help="Beats (CSV or parquet), or - for standard input; or recordings: files, folders, "
            "patterns, or @LIST, a text file with one of these a line.",
        ),
    ],
    model: ModelOrWeights = None,
    out: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            help="File to write, - is standard output; several recordings need a folder, or an "
            "address such as s3://bucket/results.",
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
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="auto|ray://HOST:PORT",
            help=r"Classify recordings on a Ray cluster; it needs ecgcli\[ray].",
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="N/COUNT",
            help="Classify one share of the recordings, such as 3/50; a run without it merges.",
        ),
    ] = None,
    beats_parquet: Annotated[
        bool,
        typer.Option(
            "--beats-parquet",
            help="Also write the beats of all recordings as beats.parquet, partitioned by "
            "recording.",
        ),
    ] = False,
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
    """Classify the beats of a file or of recordings: one row per beat, with probabilities.

    Rows of a file of beats keep its order, numbered from 0; labels are ignored; files
    larger than memory are streamed. For a recording, each row has the time of the R peak
    in seconds, its clock time where the file states its start, and the RR interval before it;
    a summary gives rates, burdens, couplets, runs, the longest RR interval, heart rate
    variability and, over two hours, a table by the hour. Several recordings are written into a
    folder, one file each, below it where they lay below the folder they were found in; those
    that the same model has already processed are skipped. Beside them are summary.json,
    cohort.parquet with a row for each recording, and failures.csv.
    """
    use_threads(threads)
    del replace  # it is for the guard of outputs: see ecgcli.commands.guarding
    from ecgcli.checkpoints.runs import find_checkpoint
    from ecgcli.prediction.beats import check_probability
    from ecgcli.recordings import is_recording
    from ecgcli.recordings.search import is_list

    console = messages(quiet)
    check_probability(abstain)
    recordings = any(is_list(place) or is_recording(place, rate) for place in source)
    refuse_options(ctx, source[0], recording=recordings)
    path = find_checkpoint(model, Path("runs"), "recordings" if recordings else "beats")
    refuse_two_formats(table_format, json)
    chosen_format = "json" if json else table_format
    if not recordings:
        if len(source) > 1:
            raise ConfigError("name one file of beats; only recordings may be several")
        if chosen_format == "wfdb":
            raise ConfigError(
                f"--format wfdb is for recordings; {source[0]} holds beats that are cut already"
            )
        _refuse_address(out)
        _predict_beats(source[0], out, path, chosen_format, normalize, abstain, engine, console)
        return
    from ecgcli.prediction.cohort import Task
    from ecgcli.prediction.results import open_results
    from ecgcli.prediction.shards import parse_shard

    options = read_options(
        lead, rate, units, annotations, detector, all_leads=True, ignore_checksums=ignore_checksums
    )
    pages = None if report is None else _pages(report, options)
    share = None if shard is None else parse_shard(shard)
    task = Task(
        path,
        engine,
        options,
        open_results(out),
        chosen_format or "csv",
        abstain,
        pages,
        shard=share,
        beats=beats_parquet,
    )
    _predict_recordings(ctx, source, out, chosen_format, task, jobs, cluster, console)


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
    console.print(model_line(path, classifier.card, "beats"))
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
    cluster: str | None,
    console: Console,
) -> None:
    from dataclasses import replace

    from ecgcli.recordings.search import is_list

    search = find_recordings_at(source, console)
    paths = search.paths
    single = len(paths) == 1 and not (Path(source[0]).is_dir() or is_list(source[0]))
    if single:
        _refuse_options_of_many(ctx)
        _refuse_address(out)
        _predict_one(paths[0], out, chosen_format, task, console)
    elif out == "-":
        raise ConfigError(
            f"add -o FOLDER for the results of {counted(len(paths), 'recording')}; "
            "standard output takes those of one file"
        )
    elif cluster is not None and was_typed(ctx, "jobs"):
        raise ConfigError("--jobs is for this machine; a cluster has one process a core")
    else:
        processes = jobs or thread_count()
        report = None if task.report is None else task.report.below(search.root)
        task = replace(task, root=search.root, report=report)
        _predict_many(paths, task, processes, cluster, console)


def _refuse_address(out: str) -> None:
    if "://" in out:
        raise ConfigError(f"--out {out}: an address is for several recordings; name a file")


def _refuse_options_of_many(ctx: typer.Context) -> None:
    """Refuse options that are for several recordings."""
    for param in ctx.command.params:
        if param.name in _OF_MANY and was_typed(ctx, param.name):
            raise ConfigError(
                f"{param.opts[0]} is for several recordings; one is read by one process"
            )


def _predict_one(
    path: Path, out: str, chosen_format: str | None, task: Task, console: Console
) -> None:
    from ecgcli.commands.rhythm_summary import print_summary
    from ecgcli.prediction import load
    from ecgcli.prediction.recordings import ENDINGS, write_classified

    by_ending = {ending.removeprefix("."): name for name, ending in ENDINGS.items()}
    table_format = chosen_format or by_ending[format_for(out, None, list(by_ending))]
    classifier = load(task.checkpoint, engine=task.engine)
    console.print(model_line(task.checkpoint, classifier.card, "recordings"))
    with working(console, f"classifying {path.name}"):
        classified = classifier.classify(path, task.options, abstain=task.abstain)
        write_classified(out, classified, table_format)  # type: ignore[arg-type]
    print_summary(classified.summary(), console)
    if task.report is not None:
        task.report.write(classified, classifier)
        console.print(f"Page: {task.report.page_of(path)}")


def _predict_many(
    paths: list[Path], task: Task, jobs: int, cluster: str | None, console: Console
) -> None:
    from rich.text import Text

    from ecgcli.beats.preparation import Failure
    from ecgcli.checkpoints import load_checkpoint
    from ecgcli.prediction.cohort import classify_many
    from ecgcli.weights import name_of

    card = None if name_of(task.checkpoint) else load_checkpoint(task.checkpoint).card
    console.print(model_line(task.checkpoint, card, "recordings"))
    recordings = task.recordings_of(paths)
    pages: list[dict[str, Any]] = []
    done = already_done = beats = 0
    results = classify_many(recordings, task, jobs, cluster)
    with progress_bar(console) as progress, closing(results) as work:
        for number, result in enumerate(work, 1):
            if isinstance(result, Failure):
                console.print(Text("skipped", "red"), result.reason)
            else:
                done += 1
                for why in ("damaged", "changed"):
                    if why in result:
                        console.print(f"{result[why]}: {why}; it was made again")
                already_done += result.get("done_before", False)
                beats += result["beats"]
                if task.report is not None:
                    pages.append(result)
            progress.update("predicting", number, len(recordings))
    _print_files(task)
    before = f" ({already_done:,} done before)" if already_done else ""
    console.print(
        f"{counted(done, 'recording')}{before}, {counted(beats, 'beat')} -> {task.results}"
    )
    if task.beats and (others := task.other_parts(paths)):
        console.print(f"beats.parquet also has {counted(others, 'recording')} of earlier runs")
    if task.report is not None:
        console.print(f"Pages: {task.report.write_index(pages)}; open it in a browser")
    if failed := len(recordings) - done:
        raise DataError(f"{failed} of {counted(len(recordings), 'recording')} could not be read")


def _print_files(task: Task) -> None:
    """Print where the results are, or with --format json the summaries of all recordings."""
    from ecgcli.prediction.cohort_files import SUMMARY

    if task.table_format == "json":
        name = SUMMARY if task.shard is None else task.shard.named(SUMMARY)
        print(task.results.read(name).decode(), end="")
    else:
        print(task.results)
