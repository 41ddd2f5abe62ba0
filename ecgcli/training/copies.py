"""Changed copies of recordings to train on, for what the recordings themselves do not show.

A copy says in `Recording.copy`, and its beats in the sidecar's column ``copy``, how it was
changed. Its name has the change after it (``101 inverted``), since a record's name and a time
mean one beat. It is of the same patient, so it is held out whenever the patient is, and no
model is evaluated on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ecgcli.beats import Beats
from ecgcli.choices import Copy
from ecgcli.recordings import Recording
from ecgcli.recordings.distortions import inverted
from ecgcli.training.fibrillation import fibrillates, fibrillating

_MAKERS: dict[Copy, Callable[[Recording, int], Recording | None]] = {
    "inverted": lambda recording, _: inverted(recording),
    "fibrillation": lambda recording, seed: (
        None if fibrillates(recording) else fibrillating(recording, seed)
    ),
}


def copies_of(recording: Recording, wanted: Sequence[Copy], seed: int) -> list[Recording]:
    """The copies asked for; a recording that fibrillates has none that does."""
    made = {name: _MAKERS[name](recording, seed) for name in wanted}
    return [
        replace(copy, name=f"{recording.name} {name}", copy=name)
        for name, copy in made.items()
        if copy is not None
    ]


def are_copies(beats: Beats) -> NDArray[np.bool_]:
    """Which beats are of a copy; ``(beats,)``."""
    if beats.info is None:
        return np.zeros(len(beats), bool)
    return (beats.info["copy"] != "").to_numpy(bool)
