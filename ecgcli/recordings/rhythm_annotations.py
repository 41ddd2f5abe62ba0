"""Rhythm annotations: which rhythm a recording is in, from when to when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from ecgcli.classes import LABEL_OF_SYMBOL

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
    times: NDArray[np.float64], symbols: Sequence[str], texts: Sequence[str]
) -> tuple[RhythmSpan, ...]:
    """The rhythms of a recording, one after the other; before the first, the rhythm is unknown.

    A rhythm lasts until the next rhythm annotation, and the last one until the last beat: some
    annotation files end hours before the signal.

    Args:
        times: ``(annotations,)`` in s, ascending.
        symbols: of the annotations.
        texts: of the annotations; those of a change of rhythm begin with ``(``.
    """
    annotations = list(zip(times.tolist(), symbols, texts, strict=True))
    changes = [
        (time, text)
        for time, symbol, text in annotations
        if symbol == RHYTHM_SYMBOL and text.startswith("(")
    ]
    changes = [next(same) for _, same in groupby(changes, key=lambda change: change[1])]
    end = max((time for time, symbol, _ in annotations if symbol in LABEL_OF_SYMBOL), default=0.0)
    starts = [(start, text) for start, text in changes if start < end]
    ends = pairwise([*starts, (end, "")])
    return tuple(RhythmSpan(text, start, stop) for (start, text), (stop, _) in ends)


def stretches_of(spans: Sequence[RhythmSpan], rhythm: str) -> list[tuple[float, float]]:
    """From when to when, in s, a recording is in a rhythm such as `FIBRILLATION`."""
    return [(span.start, span.stop) for span in spans if span.rhythm == rhythm]
