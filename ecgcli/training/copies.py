"""Changed copies of recordings to train on, for what the recordings themselves do not show.

A copy is known by its record's name with the change after it: ``101 inverted``. It is of
the same patient, so it is held out whenever the patient is, and nothing is judged on it.
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
        replace(copy, name=f"{recording.name} {name}")
        for name, copy in made.items()
        if copy is not None
    ]


def are_copies(beats: Beats) -> NDArray[np.bool_]:
    """Which beats are of a copy; ``(beats,)``."""
    if beats.info is None:
        return np.zeros(len(beats), bool)
    endings = tuple(f" {name}" for name in _MAKERS)
    found: NDArray[np.bool_] = beats.info["record"].str.endswith(endings).to_numpy(bool)
    return found
