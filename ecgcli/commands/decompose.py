"""``ecg decompose``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgcli.choices import DecompositionModel
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
    results,
)

if TYPE_CHECKING:
    from ecgcli.recordings.decomposition import Decomposition

EXAMPLE = "Example: ecg decompose data/mitdb/208.hea --from 60 --seconds 10 --png parts.png"


def command(
    recording: Annotated[Path, typer.Argument(help="A recording, as for ecg predict.")],
    model: Annotated[
        DecompositionModel, typer.Option(help="Parts that add up, or that multiply.")
    ] = "additive",
    start: Annotated[
        float | None,
        typer.Option("--from", metavar="SECONDS", help="Default: the first place with ECG enough."),
    ] = None,
    seconds: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long; 0 is all that follows.")
    ] = 30,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write every sample's parts into this CSV.")
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Draw the parts into this file.")] = None,
    lead: Lead = None,
    rate: Rate = None,
    units: Units = None,
    annotations: Annotations = "auto",
    detector: Detect = "envelope",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Split a recording into baseline wander, the beat that repeats, and the rest.

    Every RR interval is warped to one length, decomposed there by STL, and warped back.
    The noise share is that of the rest in the detrended signal, by variance; ectopic
    beats do not repeat and count in it. --model multiplicative works on the logarithm,
    and raises the signal above zero first.
    """
    from ecgcli.recordings.decomposition import decompose_recording

    console = messages(quiet)
    options = read_options(lead, rate, units, annotations, detector)
    with console.status("decomposing"):
        found = decompose_recording(recording, options, model=model, start=start, seconds=seconds)
    if out is not None:
        found.write(out)
    if png is not None:
        found.draw(png)
    if json:
        print_json(found.summary() | {"files": [path for path in (out, png) if path is not None]})
    else:
        _print(found)
    for note in found.notes:
        console.print(f"{found.name}: {note}")
    for what, path in (("Parts", out), ("Picture", png)):
        if path is not None:
            console.print(f"{what}: {path}")
    if png is None:
        console.print(f"Next: ecg decompose {recording} --png parts.png")


def _print(found: Decomposition) -> None:
    from rich.table import Table

    table = Table(
        title=f"{found.name}, lead {found.lead}, {found.times[0]:.1f} to {found.times[-1]:.1f} s, "
        f"{found.model}",
        title_justify="left",
        show_header=False,
        box=None,
    )
    for name, value in (
        ("beats", f"{len(found.beats)}"),
        ("heart rate", f"{found.heart_rate:.0f} a minute"),
        ("noise share", f"{found.noise_share:.1%} of the detrended signal"),
        ("wander", f"{found.wander:.3f} mV"),
    ):
        table.add_row(name, value)
    results().print(table)
