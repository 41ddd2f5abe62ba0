"""Rhythm annotations: which rhythm a recording is in, from when to when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

#: The rhythm annotations of atrial fibrillation, of atrial flutter, and of the normal rhythm.
FIBRILLATION, FLUTTER, NORMAL = "(AFIB", "(AFL", "(N"
#: The annotation symbol of a change of rhythm, whose text names the rhythm that begins.
RHYTHM_SYMBOL = "+"


@dataclass(frozen=True)
class RhythmSpan:
    """A rhythm, by the text of its annotation, from ``start`` to ``stop`` in s."""

    rhythm: str
    start: float
    stop: float


def rhythm_spans(
    times: NDArray[np.float64], symbols: Sequence[str], texts: Sequence[str], seconds: float
) -> tuple[RhythmSpan, ...]:
    """The rhythms of a recording, one after the other; before the first, the rhythm is unknown.

    A rhythm lasts until the next rhythm annotation, the last one until the end.

    Args:
        times: ``(annotations,)`` in s, ascending.
        symbols: of the annotations.
        texts: of the annotations; those of a change of rhythm begin with ``(``.
        seconds: the length of the recording.
    """
    changes = [
        (float(time), text)
        for time, symbol, text in zip(times, symbols, texts, strict=True)
        if symbol == RHYTHM_SYMBOL and text.startswith("(")
    ]
    changes = [next(same) for _, same in groupby(changes, key=lambda change: change[1])]
    return tuple(
        RhythmSpan(text, start, stop)
        for (start, text), (stop, _) in pairwise([*changes, (seconds, "")])
    )
