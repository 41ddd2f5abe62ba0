"""``ecg features``."""

from __future__ import annotations

from typing import Annotated

import typer

from ecgcli.choices import TABLE_FORMATS, format_for
from ecgcli.classes import classes_named
from ecgcli.commands.console import (
    Classes,
    Json,
    Normalize,
    Quiet,
    Threads,
    messages,
    print_json,
    results,
    was_typed,
    working,
)
from ecgcli.cores import use_threads
from ecgcli.errors import ConfigError
from ecgcli.wording import counted

EXAMPLE = "Example: ecg features data/mitbih_test.csv -o features.csv"


def command(
    ctx: typer.Context,
    source: Annotated[
        str | None,
        typer.Argument(metavar="[BEATS]", help="Beats (CSV or parquet), or - for standard input."),
    ] = None,
    out: Annotated[
        str,
        typer.Option(
            "--out", "-o", help="CSV, JSON or parquet file to write; - is standard output."
        ),
    ] = "-",
    listed: Annotated[
        bool, typer.Option("--list", help="List the features and what each means.")
    ] = False,
    classes: Classes = None,
    normalize: Normalize = False,
    threads: Threads = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compute named features of each beat: statistics, shape, autocorrelation, windows.

    These are the features that the model `features` uses. Writes a table with one row per
    beat; where the beats are labelled, the class is the last column.
    """
    use_threads(threads)
    if listed:
        for name in ("source", "out", "classes", "normalize"):
            if was_typed(ctx, name):
                raise ConfigError("--list is about no file: leave out BEATS and its options")
        _list(json)
        return
    if source is None:
        raise ConfigError("name a file of beats, or list the features with ecg features --list")
    if json and out != "-":
        raise ConfigError("--json prints; for a file leave it out, and name one ending in .json")
    from ecgcli.beats import read_beats
    from ecgcli.beats.features import feature_table
    from ecgcli.files import atomic_write

    table_format = format_for(out, None, TABLE_FORMATS)
    console = messages(quiet)
    with working(console, "computing features"):
        beats = read_beats(source, classes_named(classes), normalize=normalize)
        table = feature_table(beats)
    if json:
        print_json({"beats": table.to_dict(orient="records")})
        return
    with atomic_write(out) as stream:
        if table_format == "parquet":
            table.to_parquet(stream, index=False)
        elif table_format == "json":
            table.to_json(stream, orient="records", indent=1)
        else:
            table.to_csv(stream, index=False, lineterminator="\n", float_format="%.6g")
    console.print(f"{counted(len(table), 'beat')}, {counted(table.shape[1], 'column')} -> {out}")


def _list(json: bool) -> None:
    from dataclasses import asdict

    from ecgcli.beats.features import list_features

    features = list_features()
    if json:
        print_json({"features": [asdict(feature) for feature in features]})
        return
    from rich.table import Table

    table = Table(box=None, padding=(0, 1))
    for head in ("feature", "group", "meaning"):
        table.add_column(head)
    for feature in features:
        table.add_row(feature.name, feature.group, feature.meaning)
    results().print(table)
