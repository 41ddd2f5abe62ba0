"""Detectors of R peaks: one file each, registered by a decorator, found automatically.

A detector is a function ``detect(signal, sampling_rate) -> samples`` on one lead in mV without
missing values. Each detection need only lie near its R peak: `ecgcli.recordings.peaks` moves it
to the peak itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Signal
from ecgcli.registry import Registry

Detector = Callable[[Signal, float], NDArray[np.intp]]

_DETECTORS: Registry[Detector] = Registry("detector", __name__)


def register(name: str) -> Callable[[Detector], Detector]:
    """Register a detector under ``name``."""

    def add(detector: Detector) -> Detector:
        _DETECTORS.add(name, detector, detector.__module__)
        return detector

    return add


def list_detectors() -> list[str]:
    """The names of all detectors, sorted."""
    return _DETECTORS.names()


def get_detector(name: str) -> Detector:
    """The detector ``name``.

    Raises:
        ConfigError: there is no such detector.
    """
    return _DETECTORS.get(name)
