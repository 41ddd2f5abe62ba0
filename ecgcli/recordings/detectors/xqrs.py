"""XQRS of the wfdb library."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Signal
from ecgcli.recordings.detectors import register


@register("xqrs")
def xqrs(signal: Signal, sampling_rate: float) -> NDArray[np.intp]:
    """XQRS of the wfdb library: very good, and slow."""
    from wfdb.processing import XQRS

    finder = XQRS(signal, sampling_rate)
    finder.detect(verbose=False)
    return np.asarray(finder.qrs_inds, np.intp)
