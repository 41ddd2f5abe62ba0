"""``ecg decompose``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgcli.choices import DecompositionModel, format_for
from ecgcli.commands.console import (
    Annotations,
    Detect,
    Json,
    Lead,
    Quiet,
    Rate,
    Units,
    messages,
    print_json,
    read_options,
    refuse_json_beside,
    results_beside,
    suggest,
)

if TYPE_CHECKING:
    from rich.console import Console

    from ecgcli.recordings.decomposition import Decomposition

EXAMPLE = "Example: ecg decompose data/mitdb/208.hea --from 60 --seconds 10 --png parts.png"


def command(
    recording: Annotated[
        Path, typer.Argument(metavar="RECORDING", help="Recording, in any format of ecg predict.")
    ],
    model: Annotated[
        DecompositionModel,
        typer.Option(help="Whether the parts add up to the signal, or multiply to it."),
    ] = "additive",
    start: Annotated[
        float | None,
        typer.Option(
            "--from", metavar="SECONDS", help="Start of the window; default the first one with ECG."
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option(metavar="SECONDS", help="Length of the window; 0 is all that follows.")
    ] = 30,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="CSV to write, with each sample's parts; - is standard output."
        ),
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Picture to draw of the parts.")] = None,
    lead: Lead = None,
    rate: Rate = None,
    units: Units = None,
    annotations: Annotations = "auto",
    detector: Detect = "envelope",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Split a recording into baseline wander, repeated beat and residual.

    Every RR interval is stretched to one length, decomposed by STL, and stretched back.
    The noise share is the residual's share of the variance of the detrended signal;
    ectopic beats do not repeat and count as residual. --model multiplicative decomposes
    the logarithm, after raising the signal above zero.
    """
    from ecgcli.recordings.decomposition import decompose_recording

    console = messages(quiet)
    format_for(out or "-", None, ("csv",))
    refuse_json_beside(out, json)
    options = read_options(lead, rate, units, annotations, detector)
    with console.status("decomposing"):
        decomposition = decompose_recording(
            recording, options, model=model, start=start, seconds=seconds
        )
    if out is not None:
        decomposition.write(out)
    if png is not None:
        decomposition.draw(png)
    if json:
        print_json(
            decomposition.summary() | {"files": [path for path in (out, png) if path is not None]}
        )
    else:
        _print(decomposition, results_beside(out, console))
    for note in decomposition.notes:
        console.print(f"{decomposition.name}: {note}")
    for title, path in (("Parts", out), ("Picture", png)):
        if path is not None:
            console.print(f"{title}: {path}")
    if png is None:
        suggest(console, "ecg", "decompose", recording, "--png", "parts.png")


def _print(decomposition: Decomposition, console: Console) -> None:
    from rich.table import Table

    start, end = decomposition.times[0], decomposition.times[-1]
    table = Table(
        title=f"{decomposition.name}, lead {decomposition.lead}, {start:.1f} to {end:.1f} s, "
        f"{decomposition.model}",
        title_justify="left",
        show_header=False,
        box=None,
    )
    for name, value in (
        ("beats", f"{len(decomposition.beats)}"),
        ("heart rate", f"{decomposition.heart_rate:.0f} a minute"),
        ("noise share", f"{decomposition.noise_share:.1%} of the detrended signal"),
        ("wander", f"{decomposition.wander:.3f} mV"),
    ):
        table.add_row(name, value)
    console.print(table)
