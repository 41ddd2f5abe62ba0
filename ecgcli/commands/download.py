"""``ecg download``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecgcli.commands.console import Json, Quiet, messages, print_json, progress_bar
from ecgcli.sources import get_source, list_sources

EXAMPLE = "Example: ecg download mitdb --out data/"


def command(
    source: Annotated[
        str,
        typer.Argument(
            help="{sources}",
            autocompletion=lambda: [source.name for source in list_sources()],
        ),
    ] = "mitdb",
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("data"),
    origin: Annotated[
        str | None,
        typer.Option("--from", metavar="URL|DIR", help="A mirror, or a folder that has the files."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fetch heartbeats: a training and a test CSV in the public 187-sample format.

    Every record of mitdb is checked against its published SHA-256. What is already
    there is not fetched again, so an interrupted download goes on where it stopped.
    """
    console = messages(quiet)
    wanted = get_source(source)
    with progress_bar(console) as progress:
        written = wanted.download(out, origin, progress)
    if json:
        print_json({"source": source, "files": written})
    else:
        for path in written:
            print(path)
    config = wanted.config or f"configs/cnn.yaml data.train={written[0]}"
    console.print(f"Next: ecg train --config {config}")


command.__name__ = "download"
