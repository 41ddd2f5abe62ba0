"""Recordings: one or more leads of ECG with their annotations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgcli.errors import DataError


@dataclass(frozen=True)
class Recording:
    """A stretch of ECG from one patient.

    Attributes:
        name: the record's name.
        patient: who it is from; equal for recordings of one person.
        signal: ``(samples, leads)`` float64 in mV.
        sampling_rate: Hz.
        leads: the leads' names, in the order of the signal's columns.
        positions: ``(annotations,)`` the sample each annotation stands at, ascending.
        symbols: the annotations' WFDB symbols; beats sit at their R peak.
    """

    name: str
    patient: str
    signal: NDArray[np.float64]
    sampling_rate: float
    leads: tuple[str, ...]
    positions: NDArray[np.int64]
    symbols: tuple[str, ...]


def read_wfdb(path: Path, patient: str | None = None) -> Recording:
    """Read a WFDB record (``path`` without suffix) and its ``.atr`` annotations.

    Raises:
        DataError: a file is missing or cannot be parsed.
    """
    import wfdb

    try:
        record = wfdb.rdrecord(str(path))
        annotation = wfdb.rdann(str(path), "atr")
    except (OSError, ValueError, IndexError) as error:
        raise DataError(f"cannot be read as a WFDB record: {error}", file=path) from error
    return Recording(
        name=path.name,
        patient=patient or path.name,
        signal=record.p_signal,
        sampling_rate=float(record.fs),
        leads=tuple(record.sig_name),
        positions=annotation.sample.astype(np.int64),
        symbols=tuple(annotation.symbol),
    )
