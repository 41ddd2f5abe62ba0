"""``ecg fibrillation fit``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ecgcli.commands.console import (
    Json,
    Quiet,
    Threads,
    messages,
    print_json,
    progress_bar,
    suggest,
)
from ecgcli.cores import thread_count, use_threads
from ecgcli.wording import counted

EXAMPLE = "Example: ecg fibrillation fit data/ltafdb"


def command(
    records: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="WFDB records with beat and rhythm annotations."),
    ],
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random choices.")] = 0,
    licence: Annotated[
        str, typer.Option(help="Licence of the model, written into it.")
    ] = "not stated",
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="Run folder to write; -2 and so on is added if it exists."
        ),
    ] = Path("runs/fibrillation"),
    threads: Threads = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Learn atrial fibrillation from the RR intervals of annotated records.

    Boosted trees on the irregularity of the intervals; their signals are not needed. The figures
    are by cross-validation over patients: each record is evaluated by a model that was not fitted
    on it. The same records, seed and versions give the same file, byte for byte.
    """
    use_threads(threads)
    console = messages(quiet)
    from ecgcli.evaluation.tables import episodes_table
    from ecgcli.fibrillation.fitting import fit

    with progress_bar(console) as progress:
        fitted = fit(
            records,
            out,
            seed=seed,
            licence=licence,
            jobs=thread_count(),
            progress=progress,
            command=" ".join(["ecg", *sys.argv[1:]]),
        )
    data = fitted.model.card.training_data
    if json:
        print_json(
            {"run": fitted.run, "training_data": data.model_dump()} | fitted.figures.as_json()
        )
    else:
        print(fitted.run)
    hours = ", ".join(f"{rhythm} {hours:,.0f} h" for rhythm, hours in data.hours.items())
    console.print(
        f"Fitted on {counted(len(data.records), 'record')} ({hours}); by cross-validation:"
    )
    for heading, gross, _ in episodes_table(fitted.figures).rows:
        console.print(f"  {heading:<52}{gross}")
    suggest(console, "ecg", "evaluate", fitted.run, "--data", "data/mitdb")
