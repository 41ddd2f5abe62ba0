"""WFDB records: header, signal and annotation files, as PhysioNet has them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.errors import DataError, shown
from ecgcli.recordings import (
    HIGHEST_RATE,
    ReadOptions,
    Recording,
    check_checksum,
    check_rate,
    choose_lead,
    millivolts_per,
    overruled,
)
from ecgcli.recordings.annotation_file import Annotations, read_annotation_file
from ecgcli.recordings.formats import reading_as, register
from ecgcli.recordings.identity import segment_headers
from ecgcli.recordings.rhythm_annotations import rhythm_spans

#: Bytes of a sample in the formats that have a fixed number (signal(5) of the WFDB manuals).
_BYTES = {
    "8": 1, "80": 1, "16": 2, "61": 2, "160": 2, "24": 3, "32": 4, "212": 3 / 2, "310": 4 / 3,
    "311": 4 / 3,
}  # fmt: skip


#: Characters of a header's line; WFDB's own programs read at most 255 (header(5)).
_LONGEST_LINE = 10_000


@register(
    "wfdb",
    "WFDB records, as PhysioNet has them",
    endings=(".hea", ".dat", ".atr", ""),
    in_folders=(".hea",),  # each record has one, beside its other files
)
def read(path: Path, options: ReadOptions) -> Recording:
    """Read a WFDB record, single or multi-segment, in any format the wfdb library reads.

    Raises:
        DataError: a file is missing, cut off, or not the one the header was written for.
    """
    record = record_of(path)
    _require_segments(path, record)
    header = _read_header(path, record)
    _require_possible_frames(path, header)
    stated = _stated_rate(record)
    rate = check_rate(options.sampling_rate or stated, path)
    leads = _leads(header, record)
    number = choose_lead(leads, options.lead, path)
    signal, unit, notes = _read_lead(path, record, header, number, options)
    signal *= millivolts_per(options.units or unit, leads[number], path)
    positions, symbols, texts = _annotations(record, options.annotations)
    return Recording(
        name=record.name,
        patient=record.name,
        signal=signal,
        sampling_rate=rate,
        lead=leads[number],
        positions=positions,
        symbols=symbols,
        rhythms=rhythm_spans(positions / rate, symbols, texts),
        notes=(*notes, *_gain_note(header, record, number), *overruled(options, stated, unit)),
        leads=tuple(leads),
        start=header.base_datetime or header.base_time,
    )


def record_of(path: Path) -> Path:
    """The path of a record without the ending of one of its files."""
    return path.with_suffix("") if path.suffix.lower() in (".hea", ".dat", ".atr") else path


def read_rate(path: Path) -> float:
    """The sampling rate that a record's header states, in Hz.

    Raises:
        DataError: the header is missing or damaged, or does not state it.
    """
    record = record_of(path)
    _read_header(path, record)
    return check_rate(_stated_rate(record), path)


def _read_header(path: Path, record: Path) -> Any:
    """A header as the library reads it.

    Raises:
        DataError: it is missing or damaged.
    """
    import wfdb

    _require_short_lines(path, Path(f"{record}.hea"))
    return _try(path, lambda: wfdb.rdheader(str(record)))


def _require_short_lines(path: Path, header: Path) -> None:
    """Refuse a header with a line on which the library's patterns would take minutes."""
    if header.is_file():
        lines = header.read_text(encoding="utf-8", errors="replace").splitlines()
        for number, line in enumerate(lines, 1):
            if len(line) > _LONGEST_LINE:
                raise DataError(
                    f"line {number} of {header.name} has {len(line):,} characters; valid: at most "
                    f"{_LONGEST_LINE:,}; it is damaged: fetch it again",
                    file=path,
                )


def read_annotations(record: Path, annotator: str) -> Annotations:
    """The annotations of a WFDB annotation file ``RECORD.ANNOTATOR``.

    Raises:
        DataError: the file is missing or damaged.
    """
    return read_annotation_file(record.with_name(f"{record.name}.{annotator}"))


def named_annotations(annotator: str, recording: Path) -> Annotations:
    """Those of a WFDB annotation file; none for ``auto`` and ``none``.

    Args:
        annotator: the path of the file, or its ending where it lies beside the recording.
        recording: the path of the recording.

    Raises:
        DataError: the file is missing or damaged.
    """
    if annotator in ("auto", "none"):
        return np.empty(0), (), ()
    if "." not in annotator and "/" not in annotator:
        return read_annotations(recording.with_suffix(""), annotator)
    path = Path(annotator)
    if not path.suffix and not path.is_file():
        raise DataError(
            f"found annotations {shown(annotator)}; valid: auto, none, an annotator such as atr, "
            "or the path of an annotation file such as 100.atr"
        )
    return read_annotation_file(path)


def _annotations(record: Path, annotator: str) -> Annotations:
    """An annotator of the record by its name, else a file."""
    if annotator == "auto" and record.with_name(record.name + ".atr").exists():
        return read_annotations(record, "atr")
    if annotator in ("auto", "none") or "." in annotator or "/" in annotator:
        return named_annotations(annotator, record)
    return read_annotations(record, annotator)


def _header_lines(record: Path) -> list[list[str]]:
    """The fields of each line of the header that is not a comment, the record line first.

    Raises:
        DataError: it has no record line.
    """
    file = record.with_name(record.name + ".hea")
    text = file.read_text(encoding="utf-8", errors="replace")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    fields = [line.split() for line in lines if line.strip()]
    if not fields:
        raise DataError("the header is empty", file=file)
    return fields


def _gain_note(header: Any, record: Path, number: int) -> tuple[str, ...]:
    """That a lead is uncalibrated: its gain is 0 or not stated.

    The format then prescribes 200 steps per mV (header(5)), and the library applies them
    silently.
    """
    if hasattr(header, "seg_name"):
        return ()
    gain = [*_header_lines(record)[1 + number], "0", "0"][2]
    stated = re.match(r"[+-]?[\d.]+(?:[eE][+-]?\d+)?", gain)
    if stated is not None and float(stated[0]) != 0:
        return ()
    return (
        f"lead {header.sig_name[number]} is uncalibrated (gain 0): amplitudes are in steps of "
        "1/200 mV, the format's default",
    )


def _stated_rate(record: Path) -> float | None:
    """The rate in the header's record line; the library would make a missing one 250 Hz."""
    fields = _header_lines(record)[0]
    if len(fields) < 3:
        return None
    try:
        return float(fields[2].split("/")[0].split("(")[0])
    except ValueError:
        return None


def _require_possible_frames(path: Path, header: Any) -> None:
    """Refuse numbers of samples that the library would count up to one by one."""
    per_frame = [number for number in getattr(header, "samps_per_frame", None) or [] if number]
    skew = [abs(number) for number in getattr(header, "skew", None) or [] if number]
    if max((*per_frame, *skew), default=0) > HIGHEST_RATE:
        raise DataError("the header states an impossible number of samples a frame", file=path)


def _require_segments(path: Path, record: Path) -> None:
    """Refuse a record whose segments are missing, elsewhere, or made of segments themselves.

    The library takes the segment ``sub/q`` for ``q``, and would read a record that names itself
    as its segment for ever.
    """
    header = Path(f"{record}.hea")
    for segment in sorted(segment_headers(header)):
        name = shown(os.path.relpath(segment.with_suffix(""), header.parent))
        if segment.parent != header.parent:
            raise DataError(f"the segment {name} is not in the same folder", file=path)
        if not segment.is_file():
            raise DataError(f"the segment {name} is missing", file=path)
        if segment_headers(segment):
            raise DataError(f"the segment {name} is made of segments", file=path)
        _require_short_lines(path, segment)


def _leads(header: Any, record: Path) -> list[str]:
    """The leads' names; those of a multi-segment record are in its first whole segment."""
    if getattr(header, "sig_name", None):
        return [str(name) for name in header.sig_name]
    for segment in getattr(header, "seg_name", None) or []:
        if segment != "~":
            part = _read_header(record, record.with_name(segment))
            if part.sig_name:
                return [str(name) for name in part.sig_name]
    raise DataError("the header names no signals", file=record)


def _read_lead(
    path: Path, record: Path, header: Any, number: int, options: ReadOptions
) -> tuple[NDArray[np.float64], str | None, tuple[str, ...]]:
    """One lead in physical units, its unit, and a note if its checksum is not the header's."""
    import wfdb

    if hasattr(header, "seg_name"):
        signals = _try(path, lambda: wfdb.rdrecord(str(record), channels=[number]))
        return signals.p_signal[:, 0].astype(np.float64), signals.units[0], ()
    _require_size(path, record, header, number)
    signals = _try(path, lambda: wfdb.rdrecord(str(record), channels=[number], physical=False))
    _require_whole(path, header, signals)
    stated = header.checksum[number] if header.checksum else None
    notes = check_checksum(
        stated is None or signals.calc_checksum()[0] == stated % 65536,
        f"the checksum of lead {header.sig_name[number]} is not the header's: the signal file is "
        "damaged or of another record",
        path,
        options,
    )
    return signals.dac()[:, 0], header.units[number], notes


def _require_size(path: Path, record: Path, header: Any, number: int) -> None:
    """Refuse a signal file that is shorter than its header states.

    The library's own error is NumPy's, about shapes of arrays.
    """
    name, size_of_sample = header.file_name[number], _BYTES.get(header.fmt[number])
    if header.sig_len is None or size_of_sample is None:
        return
    of_file = [each for each, file in enumerate(header.file_name) if file == name]
    frame = sum(header.samps_per_frame[each] or 1 for each in of_file)
    file = record.with_name(name)
    expected = (header.byte_offset[number] or 0) + int(header.sig_len * frame * size_of_sample)
    if file.is_file() and (found := file.stat().st_size) < expected:
        raise DataError(
            f"the signal file {name} has {found:,} bytes, and the {header.sig_len:,} samples that "
            f"the header states take {expected:,}; it is cut off: fetch it again",
            file=path,
        )


def _require_whole(path: Path, header: Any, signals: Any) -> None:
    if header.sig_len is not None and len(signals.d_signal) != header.sig_len:
        raise DataError(
            f"the header states {header.sig_len} samples and the signal file has "
            f"{len(signals.d_signal)}; it is cut off: fetch it again",
            file=path,
        )


def _try(path: Path, read: Any) -> Any:
    """Call a function of the library, which raises errors of many kinds for a wrong file."""
    with reading_as("a WFDB record", path):
        try:
            return read()
        except FileNotFoundError as error:
            raise DataError(
                f"the record's file {Path(error.filename or '').name} is missing", file=path
            ) from error
