"""The detector of SleepECG, an optional package."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Signal
from ecgcli.errors import MissingExtraError
from ecgcli.recordings.detectors import register


@register("sleepecg")
def sleepecg(signal: Signal, sampling_rate: float) -> NDArray[np.intp]:
    """SleepECG's detector in C, after Pan & Tompkins; an optional package."""
    try:
        from sleepecg.heartbeats import detect_heartbeats
    except ImportError as error:
        raise MissingExtraError(
            "this detector needs the package sleepecg: pip install 'ecgcli[detectors]'"
        ) from error
    return np.asarray(detect_heartbeats(signal, sampling_rate), np.intp)
