"""``ecg prepare``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgcli.choices import Storage, format_for_beats
from ecgcli.classes import classes_named
from ecgcli.commands.console import (
    HIGHEST_SEED,
    Annotations,
    Classes,
    Detect,
    IgnoreChecksums,
    Json,
    Lead,
    Normalize,
    Quiet,
    Rate,
    Units,
    find_recordings_at,
    messages,
    print_file,
    print_json,
    progress_bar,
    read_options,
    refuse_json_beside,
    refuse_options,
    suggest,
    was_typed,
)
from ecgcli.cores import thread_count
from ecgcli.errors import ConfigError, DataError
from ecgcli.files import is_stream
from ecgcli.guard import require_replaceable
from ecgcli.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from ecgcli.beats import Beats
    from ecgcli.beats.preparation import Failure, Prepared
    from ecgcli.recordings import ReadOptions

EXAMPLE = "Example: ecg prepare data/mitdb -o data/patients.csv --split ds1-ds2"

_RULES = ("random", "patient", "ds1-ds2")
_ENDING = re.compile(r"\.csv(\.gz)?$|\.parquet$", re.IGNORECASE)


def command(
    ctx: typer.Context,
    recordings: Annotated[
        list[str],
        typer.Argument(
            metavar="RECORDING...|BEATS...",
            help="Recordings: files, folders, patterns in quotes; or files of beats to convert.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="File to write: .csv, .csv.gz or .parquet; - is standard output."
        ),
    ],
    lead: Lead = None,
    rate: Rate = None,
    units: Units = None,
    annotations: Annotations = "auto",
    detector: Detect = "envelope",
    ignore_checksums: IgnoreChecksums = False,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="|".join((*_RULES, "FILE")),
            help="Write OUT_train.csv, OUT_test.csv and the split by this rule or file.",
        ),
    ] = None,
    test_fraction: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="Share held out by random and patient.")
    ] = 0.2,
    seed: Annotated[int, typer.Option(min=0, max=HIGHEST_SEED, help="Seed of the split.")] = 0,
    context: Annotated[
        bool,
        typer.Option("--context", help="Add the features of each beat relative to its recording."),
    ] = False,
    samples: Annotated[
        Storage,
        typer.Option(help="How parquet stores samples: exactly, or rounded to fewer bits."),
    ] = "float32",
    shards: Annotated[
        bool,
        typer.Option("--shards", help="--out is a folder, of parquet files of a million beats."),
    ] = False,
    normalize: Normalize = False,
    classes: Classes = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=0, help="Number of processes; 0 is one per core.")
    ] = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Cut recordings into beats, written with the record, time and symbol of each.

    Reads WFDB, EDF, BDF, ISHNE and DICOM, and with --fs also CSV, NPY and MAT. Where a
    recording has beat annotations, they define the beats; elsewhere R peaks are detected, and
    beats have no class. Stretches without ECG are skipped and reported. A recording that cannot be
    read is reported and left out, and the exit code is then 2.

    A CSV is written from memory, with a sidecar. Parquet is written as recordings are read,
    and training on it takes less memory than its beats. Files of beats are joined, and
    converted from CSV to parquet or back.
    """
    from ecgcli.recordings import is_recording

    console = messages(quiet)
    _refuse_inapplicable(ctx, split, out)
    refuse_json_beside(out, json)
    for path in [out] if split is None else _files_of_split(out):
        require_replaceable(path)
    of_recordings = {is_recording(place, rate) for place in recordings}
    if len(of_recordings) > 1:
        raise ConfigError("name recordings or files of beats, not both")
    refuse_options(ctx, recordings[0], recording=of_recordings == {True})
    target = _Target(out, samples, shards, split, test_fraction, seed)
    if of_recordings == {False}:
        report = _convert(recordings, target, classes_named(classes), normalize, console)
    elif classes is not None:
        raise ConfigError("--classes is for files of beats; annotations of recordings have theirs")
    else:
        options = read_options(
            lead, rate, units, annotations, detector, ignore_checksums=ignore_checksums
        )
        paths = find_recordings_at(recordings, console).paths
        work = _Work(paths, options, jobs or thread_count(), context, console)
        report = _cut(work, target)
    _print(report, "inter-patient" if split not in (None, "random") else "cnn", json, console)
    if report.failures:
        of = counted(report.sources + len(report.failures), "recording")
        raise DataError(f"{len(report.failures)} of {of} could not be read")


def _refuse_inapplicable(ctx: typer.Context, split: str | None, out: Path) -> None:
    """Refuse options that were typed and do not apply, and an output that is of no format.

    Raises:
        ConfigError: there is such an option or output.
    """
    for name, option in (("test_fraction", "--test-fraction"), ("seed", "--seed")):
        if split not in ("random", "patient") and was_typed(ctx, name):
            raise ConfigError(f"{option} is for --split random and --split patient")
    if split is not None and is_stream(out):
        raise ConfigError(f"--split writes two files; name them by --out, not {out}")
    if ctx.params["shards"]:
        if split is not None:
            raise ConfigError("--shards writes one folder and --split two files; choose one")
        if out.suffix or out.is_file():
            raise ConfigError(f"--out {out}: --shards takes the name of a folder, without ending")
        return
    if format_for_beats(out) != "parquet" and was_typed(ctx, "samples"):
        raise ConfigError("--samples is for parquet; a beats CSV has every digit")


@dataclass(frozen=True)
class _Target:
    """What to write: one file or folder, or with ``split`` two files and their description."""

    out: Path
    samples: Storage
    shards: bool
    split: str | None
    fraction: float
    seed: int


@dataclass
class _Report:
    """What was written, and what there is to say about its sources."""

    files: list[Path]
    beats: int
    counts: dict[str, int] | None
    sources: int
    of_recordings: bool
    skipped: int = 0
    notes: dict[str, list[str]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)


def _convert(
    sources: list[str],
    target: _Target,
    classes: tuple[str, ...] | None,
    normalize: bool,
    console: Console,
) -> _Report:
    """Join files of beats, and write them in the form of the target."""
    from ecgcli.beats import concatenate, read_beats
    from ecgcli.beats.conversion import convert

    if target.split is not None:
        parts = [read_beats(place, classes, normalize=normalize) for place in sources]
        beats = concatenate(parts)
        counts = None if beats.labels is None else beats.counts()
        return _Report(_write_halves(target, beats), len(beats), counts, len(sources), False)
    with progress_bar(console) as progress:
        output = convert(
            sources, target.out, classes,
            normalize=normalize, storage=target.samples, shards=target.shards, progress=progress,
        )  # fmt: skip
    return _Report([target.out], output.beats, output.counts, len(sources), False)


@dataclass(frozen=True)
class _Work:
    """Recordings to cut into beats, and how."""

    paths: list[Path]
    options: ReadOptions
    jobs: int
    context: bool
    console: Console

    def results(self, report: _Report) -> Iterator[Beats]:
        """The beats of each recording; what else there is to say is added to the report.

        Raises:
            DataError: the only recording cannot be read, or none can, or there are no beats.
        """
        from rich.text import Text

        from ecgcli.beats.preparation import Failure, prepare_many

        work = prepare_many(self.paths, self.options, jobs=self.jobs, context=self.context)
        with progress_bar(self.console) as progress, closing(work):
            for number, result in enumerate(work, 1):
                if isinstance(result, Failure):
                    if len(self.paths) == 1:
                        raise DataError(result.reason)
                    report.failures.append(result)
                    self.console.print(Text("skipped", "red"), result.reason)
                else:
                    self._add(result, report)
                    yield result.beats
                progress.update("preparing", number, len(self.paths))
        if not report.sources:
            raise DataError("no recording could be read")
        if not report.beats:
            first = list(report.notes.items())[:3]
            notes = "; ".join(f"{name}: {note}" for name, notes in first for note in notes)
            raise DataError(
                f"no beats were found in {counted(report.sources, 'recording')} ({notes})"
            )

    def _add(self, result: Prepared, report: _Report) -> None:
        report.sources += 1
        report.beats += len(result.beats)
        report.skipped += result.skipped
        if result.notes:
            report.notes[result.name] = list(result.notes)
        for note in result.notes:
            self.console.print(f"{result.name}: {note}")


def _cut(work: _Work, target: _Target) -> _Report:
    """Cut recordings into beats and write them."""
    from ecgcli.beats import concatenate
    from ecgcli.beats.conversion import writing

    report = _Report([target.out], 0, None, 0, True)
    if target.split is not None:
        beats = concatenate(list(work.results(report)))
        report.counts = None if beats.labels is None else beats.counts()
        report.files = _write_halves(target, beats)
        return report
    with writing(
        target.out, storage=target.samples, shards=target.shards, context=work.context
    ) as output:
        for beats in work.results(report):
            output.write(beats)
    report.counts = output.counts
    return report


def _write_halves(target: _Target, beats: Beats) -> list[Path]:
    from ecgcli.beats import write_beats
    from ecgcli.beats.splits import hold_out, read_split, write_split

    rule, seed = target.split or "", target.seed
    if rule in _RULES:
        halves = hold_out(beats, rule, target.fraction, seed)  # type: ignore[arg-type]
    elif Path(rule).exists():
        halves = read_split(Path(rule), beats)
    else:
        raise ConfigError(f"--split: found {rule}; valid: {', '.join(_RULES)}, or a split's file")
    train, test, description = _files_of_split(target.out)
    write_beats(train, beats.take(halves.kept), target.samples)
    write_beats(test, beats.take(halves.held_out), target.samples)
    facts = {"rule": rule, "seed": seed if rule in ("random", "patient") else None}
    write_split(description, beats, halves, facts)
    return [train, test]


def _files_of_split(out: Path) -> tuple[Path, Path, Path]:
    """The training file, the test file and the description of the split."""
    match = _ENDING.search(out.name)
    ending = match[0] if match else ".csv"
    stem = out.name.removesuffix(ending)
    endings = (f"_train{ending}", f"_test{ending}", ".split.json")
    train, test, description = (out.with_name(f"{stem}{each}") for each in endings)
    return train, test, description


def _print(report: _Report, config: str, as_json: bool, console: Console) -> None:
    if as_json:
        print_json(
            {
                "files": report.files,
                "sources": report.sources,
                "recordings": report.sources if report.of_recordings else None,
                "beats": report.beats,
                "classes": report.counts,
                "skipped_beats": report.skipped,
                "notes": report.notes,
                "failures": {str(failure.path): failure.reason for failure in report.failures},
            }
        )
    else:
        for path in report.files:
            print_file(path)
    classes = ", ".join(f"{name} {count:,}" for name, count in (report.counts or {}).items())
    kind = "recording" if report.of_recordings else "file"
    summary = f"{counted(report.beats, 'beat')} of {counted(report.sources, kind)}"
    left_out = f"; {report.skipped:,} left out: no ECG under them, or no beat after them"
    console.print(
        f"{summary} ({classes or 'without classes'}){left_out if report.of_recordings else ''}"
    )
    if is_stream(report.files[0]):
        console.print("The record and time of each beat were not written; a file has them.")
    elif report.counts is None:
        suggest(console, "ecg", "predict", report.files[0])
    else:
        suggest(console, "ecg", "train", "--config", config, f"data.train={report.files[0]}")
