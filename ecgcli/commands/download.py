"""``ecg download``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgcli.commands import completion
from ecgcli.commands.console import (
    Json,
    Quiet,
    messages,
    print_json,
    progress_bar,
    suggest,
)
from ecgcli.sources import get_source

if TYPE_CHECKING:
    from rich.console import Console

EXAMPLE = "Example: ecg download mitdb --out data/"


def command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="[SOURCE]",
            help="{sources}",
            autocompletion=completion.source_names,
        ),
    ] = "mitdb",
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("data"),
    origin: Annotated[
        str | None,
        typer.Option("--from", metavar="URL|DIR", help="Mirror, or a folder that has the files."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Download heartbeats: a training and a test CSV in the public 187-sample format, or records.

    Every record from PhysioNet is checked against its SHA-256. Files that are complete
    are not fetched again, so an interrupted download continues where it stopped. A folder named
    with --from is read in place.
    """
    console = messages(quiet)
    chosen = get_source(source)
    with progress_bar(console) as progress:
        written = chosen.download(out, origin, progress)
    if json:
        print_json({"source": source, "files": written})
    else:
        for path in written:
            print(path)
    if written[0].is_dir():
        _suggest_next_step(source, written[0], out, console)
    else:
        config = (chosen.config,) if chosen.config else ("cnn", f"data.train={written[0]}")
        suggest(console, "ecg", "train", "--config", *config)


def _suggest_next_step(source: str, records: Path, out: Path, console: Console) -> None:
    """Print the command that uses a folder of annotated records, with or without signals."""
    if not any(records.glob("*.atr")):
        return
    if not any(records.glob("*.dat")):
        suggest(console, "ecg", "fibrillation", "fit", records)
    else:
        suggest(console, "ecg", "prepare", records, "-o", out / f"{source}.csv", "--context")
