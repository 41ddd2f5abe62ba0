"""``ecg predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecgcli.choices import TableFormat
from ecgcli.commands.console import Engine, Normalize, Quiet, bytes_bar, messages

EXAMPLE = "Example: ecg predict beats.csv --model runs/cnn -o predictions.csv"


def command(
    beats: Annotated[
        str, typer.Argument(metavar="BEATS.csv", help="A beats CSV, or - for standard input.")
    ],
    model: Annotated[
        Path | None,
        typer.Option("--model", "-m", help="A run or checkpoint; default the newest run."),
    ] = None,
    out: Annotated[
        str, typer.Option("--out", "-o", help="The file to write; - is standard output.")
    ] = "-",
    table_format: Annotated[
        TableFormat | None,
        typer.Option("--format", help="Default by the ending of --out, else csv."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    normalize: Normalize = False,
    engine: Engine = "auto",
    quiet: Quiet = False,
) -> None:
    """Classify each beat of a CSV: its class, and a probability for every class.

    Rows come in the order of the file, numbered from 0. A labelled file is accepted
    and its labels are ignored. Files larger than memory are streamed.
    """
    from ecgcli.checkpoint import load_checkpoint
    from ecgcli.inference import load_engine
    from ecgcli.prediction import format_for, predict_file
    from ecgcli.runs import find_checkpoint

    console = messages(quiet)
    path = find_checkpoint(model)
    checkpoint = load_checkpoint(path)
    console.print(f"Model: {path}")
    with bytes_bar(console, "predicting") as advance:
        summary = predict_file(
            beats,
            out,
            load_engine(checkpoint, engine),
            checkpoint.card.classes,
            table_format="json" if json else format_for(out, table_format),
            normalize=normalize,
            advance=advance,
        )
    if summary.labels_ignored:
        console.print("The file is labelled; its labels were ignored.")
    console.print(f"{summary.beats:,} beats:")
    for name, count in summary.counts.items():
        console.print(f"  {name:<9}{count:>9,}  {count / summary.beats:>6.1%}")


command.__name__ = "predict"
