"""``ecg resample``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecgcli.choices import format_for_beats
from ecgcli.classes import classes_named
from ecgcli.commands.console import (
    HIGHEST_SEED,
    Classes,
    Json,
    Quiet,
    messages,
    print_file,
    print_json,
    refuse_json_beside,
    suggest,
)
from ecgcli.errors import ConfigError
from ecgcli.files import is_stream

EXAMPLE = "Example: ecg resample data/mitbih_train.csv -o data/small.csv --majority 10000"


def command(
    train: Annotated[
        Path, typer.Argument(help="Labelled training beats (CSV or parquet).", metavar="TRAIN")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="CSV or parquet to write; - is standard output.")
    ],
    majority: Annotated[
        int | None, typer.Option(min=1, help="Keep this many beats of the largest class.")
    ] = None,
    ratio: Annotated[
        float | None,
        typer.Option(help="Keep at most this many times the second largest class."),
    ] = None,
    per_class: Annotated[
        str | None,
        typer.Option(metavar="N=10000,V=5000", help="Keep this many beats of each named class."),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=HIGHEST_SEED, help="Seed of the choice of beats.")
    ] = 0,
    classes: Classes = None,
    force: Annotated[
        bool, typer.Option("--force", help="Resample a file even if it looks like a test file.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Rebalance the classes of a training file by dropping beats (not the sampling rate).

    By default, the largest class is cut to 10,000 beats. The sidecar is resampled with
    the beats, and OUT.resample.json records what was dropped. To weight classes instead,
    see training.class_weights and training.sampler of ecg train.
    """
    from ecgcli.beats.resampling import resample_file

    format_for_beats(out)
    refuse_json_beside(out, json)
    if majority is None and ratio is None and per_class is None:
        majority = 10_000
    manifest = resample_file(
        train,
        out,
        seed=seed,
        force=force,
        classes=classes_named(classes),
        majority=majority,
        ratio=ratio,
        per_class=None if per_class is None else _counts(per_class),
    )
    if json:
        print_json(manifest)
        return
    print_file(out)
    console = messages(quiet)
    for name, before in manifest["before"].items():
        console.print(f"  {name:<9}{before:>9,} -> {manifest['after'][name]:>7,}")
    if manifest["test_file_forced"]:
        console.print("This is a resampled test file: every score measured on it is inflated.")
    if is_stream(out):
        console.print("What was dropped, and the sidecar, were not written; a file has them.")
    else:
        keys = (f"data.train={out}", "data.resample=null")
        suggest(console, "ecg", "train", "--config", "cnn", *keys)


def _counts(text: str) -> dict[str, int]:
    try:
        pairs = [part.split("=") for part in text.split(",")]
        counts = {name.strip(): int(count) for name, count in pairs}
    except ValueError as error:
        raise ConfigError(f"--per-class: found {text!r}, expected N=10000,V=5000") from error
    if len(counts) < len(pairs):
        raise ConfigError(f"--per-class: found {text!r}; name each class once")
    return counts
