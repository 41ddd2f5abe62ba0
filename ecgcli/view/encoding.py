"""Arrays as compact text inside a page; ``static/data.js`` reads them.

Samples are stored as differences, because those are small: each is folded to an unsigned number
(0, -1, 1, -2, ... become 0, 1, 2, 3, ...), the low bytes of a piece come before its high bytes,
and the whole is deflated and written in base64. Nothing of the sampling rate is lost; amplitudes
are in steps of `MILLIVOLTS_PER_STEP`, a twentieth of a millimetre on paper.
"""

from __future__ import annotations

import base64
import zlib

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Probabilities
from ecgcli.prediction.beats import DECIMALS

#: Half of the finest step of most recorders' converters.
MILLIVOLTS_PER_STEP = 0.005
#: A missing sample; `LARGEST` is the highest level that can be stored.
MISSING, LARGEST = -32768, 32767
#: Seconds of a lead that are stored, and unpacked, as one piece.
PIECE_SECONDS = 60
#: Seconds over which the overview has one lowest and one highest level.
OVERVIEW_SECONDS = 0.25


def encode_lead(signal: NDArray[np.float64], sampling_rate: float) -> str:
    """All samples of a lead in mV, one piece a line."""
    levels = _levels(signal)
    size = piece_samples(sampling_rate)
    return "\n".join(
        _deflated(_folded_differences(levels[first : first + size]))
        for first in range(0, len(levels), size)
    )


def encode_overview(signal: NDArray[np.float64], sampling_rate: float) -> str:
    """The lowest and highest level of each `OVERVIEW_SECONDS` of a lead, two lines.

    It is drawn where the screen has fewer points than there are samples.
    """
    width = overview_samples(sampling_rate)
    levels = _levels(signal)
    missing = levels == MISSING
    starts = np.arange(0, len(levels), width)
    low = np.minimum.reduceat(np.where(missing, LARGEST, levels), starts)
    high = np.maximum.reduceat(levels, starts)  # a missing sample is the lowest of all
    low[high == MISSING] = MISSING
    return "\n".join(_deflated(_folded_differences(edge)) for edge in (low, high))


def encode_numbers(values: NDArray[np.generic]) -> dict[str, str]:
    """An array of whole numbers, with its type as JavaScript names it (``Uint8``)."""
    return {"type": values.dtype.name.capitalize(), "data": _deflated(values)}


def encode_probabilities(probabilities: Probabilities) -> NDArray[np.uint8]:
    """Probabilities in steps of 1/255, ``(beats, classes)``.

    They are rounded as in a table of predictions first, so that a page made from one is the same.
    """
    rounded = np.round(probabilities.astype(np.float64), DECIMALS)
    return np.round(rounded * 255).astype(np.uint8)


def piece_samples(sampling_rate: float) -> int:
    """The number of samples in a piece of `encode_lead`."""
    return round(PIECE_SECONDS * sampling_rate)


def overview_samples(sampling_rate: float) -> int:
    """The number of samples that share a lowest and a highest level in `encode_overview`."""
    return max(1, round(OVERVIEW_SECONDS * sampling_rate))


def _levels(signal: NDArray[np.float64]) -> NDArray[np.int16]:
    steps = np.clip(np.round(signal / MILLIVOLTS_PER_STEP), -LARGEST, LARGEST)
    return np.where(np.isnan(steps), MISSING, steps).astype(np.int16)


def _folded_differences(levels: NDArray[np.int16]) -> NDArray[np.uint8]:
    """The differences of levels (which wrap around), folded; low bytes first, then high bytes."""
    differences = np.diff(levels, prepend=np.int16(0))
    folded = ((differences << 1) ^ (differences >> 15)).view(np.uint16)
    return np.concatenate([folded & 0xFF, folded >> 8]).astype(np.uint8)


def _deflated(values: NDArray[np.generic]) -> str:
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return base64.b64encode(zlib.compress(little.tobytes(), 6)).decode()
