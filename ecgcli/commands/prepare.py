"""``ecg prepare``."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecgcli.choices import format_for
from ecgcli.commands.console import (
    HIGHEST_SEED,
    Annotations,
    Detect,
    Json,
    Lead,
    Quiet,
    Rate,
    Units,
    find_recordings_at,
    messages,
    print_json,
    progress_bar,
    read_options,
    was_typed,
)
from ecgcli.cores import thread_count
from ecgcli.errors import ConfigError, DataError
from ecgcli.guard import require_replaceable
from ecgcli.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from ecgcli.beats import Beats
    from ecgcli.beats.preparation import Failure, Prepared

EXAMPLE = "Example: ecg prepare data/mitdb -o data/patients.csv --split ds1-ds2"

_RULES = ("random", "patient", "ds1-ds2")


def command(
    ctx: typer.Context,
    recordings: Annotated[
        list[str],
        typer.Argument(metavar="RECORDING...", help="Files, folders, or patterns in quotes."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Beats CSV to write.")],
    lead: Lead = None,
    rate: Rate = None,
    units: Units = None,
    annotations: Annotations = "auto",
    detector: Detect = "envelope",
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
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=0, help="Number of processes; 0 is one per core.")
    ] = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Cut recordings into beats: a beats CSV, and a sidecar with record, time and symbol.

    Reads WFDB, EDF and BDF, and with --fs also CSV, NPY and MAT. Where a recording has
    beat annotations, they define the beats; elsewhere R peaks are detected, and beats have
    no class. Stretches without ECG are skipped and reported. A recording that cannot be
    read is reported and left out, and the exit code is then 2.
    """
    from rich.text import Text

    from ecgcli.beats import concatenate, write_beats
    from ecgcli.beats.preparation import Failure, prepare_many

    console = messages(quiet)
    _refuse_inapplicable(ctx, split)
    for target in [out] if split is None else _files_of_split(out):
        require_replaceable(target)
    format_for(str(out).removesuffix(".gz"), None, ("csv",))
    options = read_options(lead, rate, units, annotations, detector)
    paths = find_recordings_at(recordings, console).paths
    done: list[Prepared] = []
    failed: list[Failure] = []
    processes = jobs or thread_count()
    with (
        progress_bar(console) as progress,
        closing(prepare_many(paths, options, jobs=processes, context=context)) as work,
    ):
        for number, result in enumerate(work, 1):
            if isinstance(result, Failure):
                if len(paths) == 1:
                    raise DataError(result.reason)
                failed.append(result)
                console.print(Text("skipped", "red"), result.reason)
            else:
                done.append(result)
                for note in result.notes:
                    console.print(f"{result.name}: {note}")
            progress.update("preparing", number, len(paths))
    if not done:
        raise DataError("no recording could be read")
    beats = concatenate([result.beats for result in done])
    if not len(beats):
        notes = "; ".join(f"{result.name}: {note}" for result in done[:3] for note in result.notes)
        raise DataError(f"no beats were found in {counted(len(done), 'recording')} ({notes})")
    if split is None:
        write_beats(out, beats)
        written = [out]
    else:
        written = _write_halves(out, beats, split, test_fraction, seed)
    config = "inter-patient" if split not in (None, "random") else "cnn"
    _print(done, failed, written, beats, config, json, console)
    if failed:
        raise DataError(f"{len(failed)} of {counted(len(paths), 'recording')} could not be read")


def _refuse_inapplicable(ctx: typer.Context, split: str | None) -> None:
    """Refuse options of a split by chance that were typed without one.

    Raises:
        ConfigError: there is such an option.
    """
    for name, option in (("test_fraction", "--test-fraction"), ("seed", "--seed")):
        if split not in ("random", "patient") and was_typed(ctx, name):
            raise ConfigError(f"{option} is for --split random and --split patient")


def _write_halves(out: Path, beats: Beats, rule: str, fraction: float, seed: int) -> list[Path]:
    from ecgcli.beats import write_beats
    from ecgcli.beats.splits import hold_out, read_split, write_split

    if rule in _RULES:
        halves = hold_out(beats, rule, fraction, seed)  # type: ignore[arg-type]
    elif Path(rule).exists():
        halves = read_split(Path(rule), beats)
    else:
        raise ConfigError(f"--split: found {rule}; valid: {', '.join(_RULES)}, or a split's file")
    train, test, description = _files_of_split(out)
    write_beats(train, beats.take(halves.kept))
    write_beats(test, beats.take(halves.held_out))
    facts = {"rule": rule, "seed": seed if rule in ("random", "patient") else None}
    write_split(description, beats, halves, facts)
    return [train, test]


def _files_of_split(out: Path) -> tuple[Path, Path, Path]:
    """The training file, the test file and the description of the split."""
    stem = out.name.removesuffix(".csv")
    endings = ("_train.csv", "_test.csv", ".split.json")
    train, test, description = (out.with_name(f"{stem}{ending}") for ending in endings)
    return train, test, description


def _print(
    done: list[Prepared],
    failed: list[Failure],
    written: list[Path],
    beats: Beats,
    config: str,
    as_json: bool,
    console: Console,
) -> None:
    counts: dict[str, Any] = {} if beats.labels is None else beats.counts()
    skipped = sum(result.skipped for result in done)
    if as_json:
        print_json(
            {
                "files": written,
                "recordings": len(done),
                "beats": len(beats),
                "classes": counts or None,
                "skipped_beats": skipped,
                "notes": {result.name: list(result.notes) for result in done if result.notes},
                "failures": {str(failure.path): failure.reason for failure in failed},
            }
        )
    else:
        for path in written:
            print(path)
    by_class = ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "without classes"
    console.print(
        f"{counted(len(beats), 'beat')} of {counted(len(done), 'recording')} ({by_class}); "
        f"{skipped:,} left out: no ECG under them, or no beat after them"
    )
    if beats.labels is None:
        console.print(f"Next: ecg predict {written[0]}")
    else:
        console.print(f"Next: ecg train --config configs/{config}.yaml data.train={written[0]}")
