"""DICOM waveforms: 12-lead and ambulatory ECGs of hospital archives.

DICOM PS3.3, section C.10.9 (Waveform Module). A file has groups of leads that were sampled
together (multiplex groups), such as the ECG itself and the mean of its beats; the longest is read.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ecgcli.errors import DataError, MissingExtraError
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

#: The transfer syntax of files that are compressed as a whole.
_DEFLATED = b"1.2.840.10008.1.2.1.99"


@register("dicom", "DICOM waveforms: ECGs of hospital archives", endings=(".dcm",))
def read(path: Path, options: ReadOptions) -> Recording:
    """Read one lead.

    Raises:
        DataError: the file is damaged, or holds no ECG.
        MissingExtraError: the package pydicom is not installed.
    """
    try:
        import pydicom
    except ImportError as error:
        raise MissingExtraError(
            "DICOM files need the package pydicom: pip install 'ecgcli[dicom]'"
        ) from error
    with (
        reading_as("DICOM", path),
        path.open("rb") as stream,
        # a read from it takes no more memory than the file has, whatever length is stated
        mmap(stream.fileno(), 0, access=ACCESS_READ) as data,
    ):
        _require_expanded(data, path)
        return _recording(pydicom.dcmread(cast(Any, data)), path, options)


def _require_expanded(data: mmap, path: Path) -> None:
    """Refuse a file that is compressed as a whole: it may expand to any size."""
    if data.find(_DEFLATED) >= 0:
        raise DataError(
            "it is compressed as a whole (deflated), which is not read; write it uncompressed, "
            "for example with dcmconv +te",
            file=path,
        )


def _recording(file: Any, path: Path, options: ReadOptions) -> Recording:
    groups = list(file.get("WaveformSequence") or [])
    if not groups:
        kind = getattr(file.get("SOPClassUID"), "name", None) or "DICOM file without a class"
        raise DataError(f"it holds no waveform; it is a {kind}", file=path)
    seconds = [_seconds(group) for group in groups]
    place = int(np.argmax(seconds))
    group = groups[place]
    channels = list(group.ChannelDefinitionSequence)
    names = [_lead_name(channel, number) for number, channel in enumerate(channels, 1)]
    number = choose_lead(names, options.lead, path)
    rate, unit = float(group.SamplingFrequency), _unit(channels[number])
    positions, symbols, _ = named_annotations(options.annotations, path)
    return Recording(
        name=path.stem,
        patient=path.stem,
        signal=_signal(file, place, number)
        * millivolts_per(options.units or unit, names[number], path),
        sampling_rate=check_rate(options.sampling_rate or rate, path),
        lead=names[number],
        positions=positions,
        symbols=symbols,
        notes=(*_group_notes(seconds, place), *overruled(options, rate, unit)),
        leads=tuple(names),
        start=_start(file, group),
    )


def _seconds(group: Any) -> float:
    rate = float(group.SamplingFrequency)
    return float(group.NumberOfWaveformSamples) / rate if rate else np.inf


def _signal(file: Any, place: int, number: int) -> NDArray[np.float64]:
    """A lead of a group in its unit: sensitivity and baseline applied, NaN where it is padded."""
    from pydicom.waveforms.numpy_handler import multiplex_array

    signal = np.array(multiplex_array(file, place, as_raw=False)[:, number], np.float64)
    group = file.WaveformSequence[place]
    if (padding := group.get("WaveformPaddingValue")) is not None:
        stored = multiplex_array(file, place, as_raw=True)[:, number]
        value = np.frombuffer(padding, stored.dtype)[0] if isinstance(padding, bytes) else padding
        signal[stored == value] = np.nan
    return signal


def _lead_name(channel: Any, number: int) -> str:
    """The lead's name, such as ``II`` for ``Lead II (Einthoven)``; else its label or number."""
    sources = channel.get("ChannelSourceSequence") or []
    meaning = str(sources[0].get("CodeMeaning") or "") if sources else ""
    name = meaning.removeprefix("Lead ").partition(" (")[0].strip()
    return name or str(channel.get("ChannelLabel") or "").strip() or str(number)


def _unit(channel: Any) -> str | None:
    """The unit of a channel's sensitivity; None where none is stated, as in arbitrary steps."""
    units = channel.get("ChannelSensitivityUnitsSequence") or []
    return str(units[0].CodeValue) if units and channel.get("ChannelSensitivity") else None


def _group_notes(seconds: list[float], place: int) -> tuple[str, ...]:
    """That there are other groups of leads, which are not read."""
    others = [f"{length:g} s" for number, length in enumerate(seconds) if number != place]
    if not others:
        return ()
    return (
        f"the file has {len(seconds)} groups of leads; read the longest ({seconds[place]:g} s, "
        f"the others have {', '.join(others)})",
    )


def _start(file: Any, group: Any) -> datetime | None:
    """When the group began, on the recorder's clock."""
    from pydicom.valuerep import DT

    stated = str(file.get("AcquisitionDateTime") or "")
    if not stated:
        stated = f"{file.get('AcquisitionDate') or ''}{file.get('AcquisitionTime') or ''}"
    if len(stated) < len("YYYYMMDDHHMMSS"):
        return None
    began = DT(stated)
    if began is None:
        return None
    offset = timedelta(milliseconds=float(group.get("MultiplexGroupTimeOffset") or 0))
    return datetime.combine(began.date(), began.time()) + offset
