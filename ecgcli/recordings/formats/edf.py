"""EDF, EDF+ and BDF: the files of Holter and sleep recorders."""

from __future__ import annotations

import warnings
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import Any

import numpy as np

from ecgcli.errors import DataError
from ecgcli.recordings import (
    ReadOptions,
    Recording,
    check_rate,
    choose_lead,
    millivolts_per,
    overruled,
)
from ecgcli.recordings.formats import reading_as, register
from ecgcli.recordings.formats.wfdb_record import named_annotations

#: The date that EDF files have when they state none.
NO_DATE = (1985, 1, 1)


@register("edf", "EDF, EDF+ and BDF: Holter and sleep recorders", endings=(".edf", ".bdf"))
def read(path: Path, options: ReadOptions) -> Recording:
    """Read one signal of an EDF or BDF file.

    Annotations are those of a WFDB annotation file, when one is named; the text
    annotations of EDF+ mark no beats.

    Raises:
        DataError: the file is damaged, discontinuous, or has no such signal.
    """
    kind = path.suffix[1:].upper()
    with reading_as(kind, path), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        recording = _read(path, options)
    warned = dict.fromkeys(str(each.message) for each in caught)
    return replace(recording, notes=(*warned, *recording.notes))


def _read(path: Path, options: ReadOptions) -> Recording:
    """`read`, with whatever the library raises for a damaged file."""
    import edfio

    reader = edfio.read_bdf if path.suffix.lower() == ".bdf" else edfio.read_edf
    file = reader(path)
    signals: list[Any] = list(file.signals)
    if not signals:
        raise DataError("the file has annotations only and no signal", file=path)
    signals.sort(key=_is_no_ecg)
    if not file.is_continuous:
        raise DataError(
            "the file is discontinuous (EDF+D), so its samples do not have regular times; "
            "export it as continuous EDF",
            file=path,
        )
    leads = tuple(signal.label.strip() for signal in signals)
    signal = signals[choose_lead(leads, options.lead, path)]
    _require_scale(signal, path)
    rate, unit = signal.sampling_frequency, signal.physical_dimension
    positions, symbols, _ = named_annotations(options.annotations, path)
    return Recording(
        name=path.stem,
        patient=path.stem,
        signal=np.asarray(signal.data, np.float64)
        * millivolts_per(options.units or unit, signal.label.strip(), path),
        sampling_rate=check_rate(options.sampling_rate or rate, path),
        lead=signal.label.strip(),
        positions=positions,
        symbols=symbols,
        notes=overruled(options, rate, unit),
        leads=leads,
        start=_start(file),
    )


def _start(file: Any) -> datetime | time | None:
    """When the recording began; without the date where it is not stated or anonymized."""
    clock: time = file.starttime
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # EDF+ states the date twice; its own field counts
            date = file.startdate
    except ValueError:  # anonymized
        return clock
    return clock if (date.year, date.month, date.day) == NO_DATE else datetime.combine(date, clock)


def _require_scale(signal: Any, path: Path) -> None:
    """Refuse a signal without a scale, of which the library returns the stored numbers."""
    physical = signal.physical_max - signal.physical_min
    digital = signal.digital_max - signal.digital_min
    if not (np.isfinite(physical) and physical != 0 and digital != 0):
        raise DataError(
            f"the scale of {signal.label.strip()} is not valid: from {signal.digital_min} to "
            f"{signal.digital_max} as stored is {signal.physical_min} to {signal.physical_max} "
            f"{signal.physical_dimension}",
            file=path,
        )


def _is_no_ecg(signal: Any) -> bool:
    """Whether a signal is not labelled as ECG, as breath, position and EEG are not."""
    return not signal.label.strip().upper().startswith(("ECG", "EKG"))
