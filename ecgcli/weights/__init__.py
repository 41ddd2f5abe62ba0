"""Pretrained weights, each with a card that states what they can and cannot do.

``beats`` classifies beats by their 187 samples alone; ``recordings`` uses the features of each
beat relative to its recording; ``fibrillation`` finds atrial fibrillation from RR intervals, in
every prediction of a recording. NAME.safetensors is the checkpoint, NAME.md the card.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ecgcli.errors import CheckpointError, did_you_mean

#: The names of the weights, and their use.
BUNDLED = {
    "beats": "beats CSVs: the 187 samples alone",
    "recordings": "recordings: each beat relative to its recording",
    "fibrillation": "recordings: atrial fibrillation, whatever classifies the beats",
}


def bundled_checkpoint(name: str) -> Path:
    """The checkpoint of bundled weights.

    Raises:
        CheckpointError: there are no weights of that name.
    """
    if name not in BUNDLED:
        raise CheckpointError(
            f"there are no bundled weights named {name}{did_you_mean(name, BUNDLED)}"
        )
    return Path(str(files(__name__).joinpath(f"{name}.safetensors")))


def bundled_card(name: str) -> str:
    """The card of bundled weights, as Markdown."""
    return files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")


def name_of(checkpoint: Path) -> str | None:
    """The name of the bundled weights in a file; None for any other file."""
    return next((name for name in BUNDLED if checkpoint == bundled_checkpoint(name)), None)
