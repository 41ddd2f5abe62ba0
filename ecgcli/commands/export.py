"""``ecg export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecgcli.commands import completion
from ecgcli.commands.console import (
    Json,
    Normalize,
    Quiet,
    messages,
    print_json,
    suggest,
)
from ecgcli.wording import counted

EXAMPLE = "Example: ecg export runs/cnn -o cnn.onnx"


def command(
    out: Annotated[Path, typer.Option("--out", "-o", help="ONNX file to write, NAME.onnx.")],
    model: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RUN|CHECKPOINT]",
            help="The network; default the newest run.",
            autocompletion=completion.runs,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", "-d", help="Beats to check the file on; default the training file."),
    ] = None,
    normalize: Normalize = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a network as an ONNX file, for other software.

    The file computes the probabilities that ecg predict writes, and is written only if it
    computes the same as the checkpoint on up to 500 beats. NAME.py, written beside it,
    classifies a beats CSV with onnxruntime and numpy alone.
    """
    from ecgcli.checkpoints import load_checkpoint
    from ecgcli.checkpoints.export import beats_to_check, export_onnx, require_exportable
    from ecgcli.checkpoints.runs import find_checkpoint

    console = messages(quiet)
    path = find_checkpoint(model)
    checkpoint = load_checkpoint(path)
    require_exportable(checkpoint.card, out)
    console.print(f"Model: {path}")
    source, beats = beats_to_check(checkpoint.card, data, normalize=normalize)
    exported = export_onnx(checkpoint, out, beats)
    if json:
        print_json(
            {
                "file": exported.path,
                "example": exported.example,
                "inputs": checkpoint.card.views,
                "classes": checkpoint.card.classes,
                "checked_on": source,
                "beats": exported.beats,
                "largest_difference": exported.difference,
            }
        )
    else:
        print(exported.path)
    console.print(
        f"Checked on {counted(exported.beats, 'beat')} of {source}: probabilities differ from the "
        f"checkpoint's by at most {exported.difference:.1g}"
    )
    if exported.example is None:
        return
    if exported.example_kept:
        console.print(
            f"{exported.example} exists and was left as it is; remove it to get a new one"
        )
    suggest(console, "python", exported.example, source)
