"""``ecg compare``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgcli.commands import completion
from ecgcli.commands.console import (
    Json,
    Quiet,
    Threads,
    messages,
    print_json,
    results,
    working,
)
from ecgcli.cores import use_threads

if TYPE_CHECKING:
    from ecgcli.evaluation.comparison import Comparison

EXAMPLE = "Example: ecg compare cnn features --seeds 5"


def command(
    configs: Annotated[
        list[Path],
        typer.Argument(
            metavar="CONFIG...",
            help="The experiments: names or files.",
            autocompletion=completion.config_names,
        ),
    ],
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds, from 0.")] = 3,
    splits: Annotated[
        str,
        typer.Option(metavar="random,patients,synthetic", help="Splits to train and test on."),
    ] = "random,patients",
    data: Annotated[Path, typer.Option(help="Folder of the beats files.")] = Path("data"),
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the runs and the table.")
    ] = Path("runs/compare"),
    threads: Threads = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train and evaluate several models on the same splits, and rank them.

    In the random split (ecg download), test patients are also in the training set; in DS1/DS2
    (ecg prepare --split ds1-ds2), they are new. Finished runs are skipped: the same command
    continues an interrupted comparison, and other configs add their rows to the table.
    Writes comparison.md and comparison.json.
    """
    use_threads(threads)
    from ecgcli.evaluation.comparison import compare
    from ecgcli.training.config import load_config

    console = messages(quiet)
    with working(console, "comparing") as progress:
        comparison = compare(
            [load_config(place, (), progress) for place in configs],
            [name.strip() for name in splits.split(",")],
            seeds,
            data,
            out,
            progress,
            " ".join(["ecg", *sys.argv[1:]]),
        )
    if json:
        print_json(comparison.as_json())
    else:
        _print(comparison)
    console.print(f"Table: {out / 'comparison.md'}")


def _print(comparison: Comparison) -> None:
    from rich.table import Table

    from ecgcli.evaluation.comparison import COSTS, SPLITS, headings, shown_costs, shown_scores

    console = results()
    for split in comparison.splits:
        table = Table(title=SPLITS[split].title, title_justify="left", box=None, padding=(0, 1))
        table.add_column("")
        for heading in [*headings(split), *COSTS]:
            table.add_column(heading, justify="right", no_wrap=True)
        for row in comparison.rows:
            table.add_row(row.name, *shown_scores(row, split), *shown_costs(row))
        console.print(table)
