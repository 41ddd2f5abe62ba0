"""Annotations of a file, placed in their recording: in order, inside it, each beat once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgcli.classes import LABEL_OF_SYMBOL
from ecgcli.errors import DataError

#: Seconds: the window within which AAMI EC57 takes two annotations for one beat. An annotation
#: may lie this far beyond the end of its recording, and no two beats lie this close.
WINDOW = 0.15


def place_annotations(
    positions: NDArray[np.float64], symbols: tuple[str, ...], samples: int, rate: float, path: Path
) -> tuple[NDArray[np.float64], tuple[str, ...], tuple[str, ...]]:
    """Annotations that fit a recording of ``samples`` at ``rate`` Hz, and what was left out.

    Annotations up to `WINDOW` beyond the end are left out, and so is the second of two beats
    less than `WINDOW` apart.

    Returns:
        Positions ``(annotations,)`` ascending, their symbols, and a note for each reason.

    Raises:
        DataError: an annotation lies before the start or farther beyond the end.
    """
    order = np.argsort(positions, kind="stable")
    positions, marks = positions[order], np.array(symbols, dtype=object)[order]
    _require_inside(positions, samples, samples + WINDOW * rate, path)
    beyond = positions >= samples
    doubled = _doubled(positions, marks, WINDOW * rate) & ~beyond
    kept = ~(beyond | doubled)
    notes = (
        *_note(beyond, "beyond the end of the recording"),
        *_note(doubled, f"less than {WINDOW:g} s after another beat"),
    )
    return positions[kept], tuple(marks[kept]), notes


def _require_inside(
    positions: NDArray[np.float64], samples: int, latest: float, path: Path
) -> None:
    if not len(positions):
        return
    if positions[0] < 0:
        raise DataError(
            f"an annotation is at sample {positions[0]:.0f}, before the start of the "
            "recording; the annotation file is damaged or of another recording",
            file=path,
        )
    if positions[-1] >= latest:
        raise DataError(
            f"an annotation is at sample {positions[-1]:.0f}, beyond the end of the "
            f"recording ({samples} samples); the annotation file is of another recording",
            file=path,
        )


def _doubled(
    positions: NDArray[np.float64], symbols: NDArray[np.object_], window: float
) -> NDArray[np.bool_]:
    """Which annotations mark a beat that the previous one already marks."""
    beats = np.flatnonzero([symbol in LABEL_OF_SYMBOL for symbol in symbols])
    doubled = np.zeros(len(positions), bool)
    doubled[beats[1:][np.diff(positions[beats]) < window]] = True
    return doubled


def _note(left_out: NDArray[np.bool_], where: str) -> list[str]:
    count = int(left_out.sum())
    if not count:
        return []
    return [f"{count} annotation{'s'[: count > 1]} {where} left out"]
