"""Altered copies of recordings, to train on conditions that the recordings do not show.

`Recording.copy` names the alteration, and so does the sidecar's column ``copy`` for its beats.
The alteration also follows the copy's name (``101 inverted``), because a record's name and a
time identify a beat. A copy belongs to the same patient, so it is held out together with the
patient. No model is evaluated on copies.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ecgcli.beats import Beats
from ecgcli.choices import Copy
from ecgcli.recordings import Recording
from ecgcli.recordings.distortions import inverted, with_varying_noise
from ecgcli.training.fibrillation import fibrillates, fibrillating
from ecgcli.training.unreadable import unreadable

_MAKERS: dict[Copy, Callable[[Recording, int], Recording | None]] = {
    "inverted": lambda recording, _: inverted(recording),
    "noise": lambda recording, seed: with_varying_noise(recording, _own_seed(recording, seed)),
    "unreadable": lambda recording, seed: unreadable(recording, _own_seed(recording, seed) + 1),
    "fibrillation": lambda recording, seed: (
        None if fibrillates(recording) else fibrillating(recording, seed)
    ),
}


def _own_seed(recording: Recording, seed: int) -> int:
    """A seed for the recording, so that no two have the same noise."""
    return seed + zlib.crc32(recording.name.encode())


def copies_of(recording: Recording, kinds: Sequence[Copy], seed: int) -> list[Recording]:
    """The copies of the given kinds, except in fibrillation if the recording fibrillates."""
    copies = {kind: _MAKERS[kind](recording, seed) for kind in kinds}
    return [
        replace(copy, name=f"{recording.name} {kind}", copy=kind)
        for kind, copy in copies.items()
        if copy is not None
    ]


def are_copies(beats: Beats) -> NDArray[np.bool_]:
    """Whether each beat belongs to a copy; ``(beats,)``."""
    if beats.info is None:
        return np.zeros(len(beats), bool)
    return (beats.info["copy"] != "").to_numpy(bool)
