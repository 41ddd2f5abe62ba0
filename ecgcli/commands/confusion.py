"""``ecg confusion``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgcli.choices import Over
from ecgcli.commands import completion
from ecgcli.commands.console import Json, Quiet, messages, print_json, results

if TYPE_CHECKING:
    from ecgcli.evaluation.confusion import Confusion

EXAMPLE = "Example: ecg confusion runs/cnn --data data/mitbih_test.csv --png confusion.png"


def command(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RUN|PREDICTIONS]",
            help="A run, a checkpoint, or a table that ecg predict wrote; default the newest run.",
            autocompletion=completion.runs_or_weights,
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            "--data",
            "-d",
            "--truth",
            help="Labelled beats (CSV or parquet); default the last evaluation.",
        ),
    ] = None,
    over: Annotated[
        Over, typer.Option("--normalize", help="Show shares of the true class, predicted, or all.")
    ] = "true",
    png: Annotated[Path | None, typer.Option(help="Draw it into this file too.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show which classes are taken for which: true classes in rows, predicted in columns."""
    from ecgcli.evaluation.confusion import find_confusion

    confusion = find_confusion(source, truth)
    if png is not None:
        confusion.draw(png, over)
    if json:
        print_json(confusion.as_json(over))
    else:
        _print(confusion, over)
    console = messages(quiet)
    if confusion.report is not None:
        console.print(f"The last evaluation: {confusion.report}; for another: --data TEST.csv")
    if png is not None:
        console.print(f"Picture: {png}")


def _print(confusion: Confusion, over: Over) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=confusion.caption(over), title_justify="left", box=None, padding=(0, 1))
    table.add_column("true \\ predicted", justify="right")
    for name in confusion.classes:
        table.add_column(name, justify="right")
    table.add_column("beats", justify="right")
    shares = confusion.shares(over)
    for row, name in enumerate(confusion.classes):
        cells = [
            Text(
                f"{share:7.1%}\n{count:7,}" if not math.isnan(share) else f"{'-':>7}\n{count:7,}",
                style=_shade(share),
            )
            for share, count in zip(shares[row], confusion.matrix[row], strict=True)
        ]
        table.add_row(name, *cells, f"{confusion.matrix[row].sum():,}")
    results().print(table)


def _shade(share: float) -> str:
    """White to blue by share, with a text colour that stays readable."""
    share = 0.0 if math.isnan(share) else float(share)
    red, green, blue = (round(255 + (end - 255) * share) for end in (8, 81, 156))
    return f"{'white' if share > 0.5 else 'black'} on rgb({red},{green},{blue})"
