"""ISHNE: the exchange format of Holter recorders.

Badilini, The ISHNE Holter standard output file format, Annals of Noninvasive Electrocardiology 3
(1998) 263-266. All numbers are little-endian. A file is

- ``ISHNE1.0`` and a checksum (CRC-CCITT: polynomial 0x1021, from 0xFFFF on) of both blocks of the
  header;
- 512 bytes: sizes and places of the other blocks, the subject, date and time of the recording,
  number, names and resolutions (nV) of at most 12 leads, sampling rate;
- a block of text of any length;
- the samples: int16, those of all leads at a time together.
"""

from __future__ import annotations

import binascii
from datetime import date, datetime, time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgcli.errors import DataError
from ecgcli.recordings import (
    ReadOptions,
    Recording,
    check_checksum,
    check_rate,
    choose_lead,
    overruled,
)
from ecgcli.recordings.clock import Start
from ecgcli.recordings.formats import register
from ecgcli.recordings.formats.wfdb_record import named_annotations

#: The first bytes of a file.
MAGIC = b"ISHNE1.0"
#: The most leads a header describes.
MOST_LEADS = 12
#: The names of leads, by their code.
LEADS = (
    "unknown", "generic", "X", "Y", "Z", "I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3",
    "V4", "V5", "V6", "ES", "AS", "AI",
)  # fmt: skip

#: The header, with the field names of the specification.
HEADER = np.dtype(
    [
        ("magic", "S8"),
        ("checksum", "<u2"),
        ("variable_size", "<i4"),
        ("samples", "<i4"),
        ("variable_offset", "<i4"),
        ("ecg_offset", "<i4"),
        ("version", "<i2"),
        ("first_name", "S40"),
        ("last_name", "S40"),
        ("subject", "S20"),
        ("sex", "<i2"),
        ("race", "<i2"),
        ("birth", "<i2", 3),
        ("recorded", "<i2", 3),
        ("created", "<i2", 3),
        ("began", "<i2", 3),
        ("leads", "<i2"),
        ("codes", "<i2", MOST_LEADS),
        ("quality", "<i2", MOST_LEADS),
        ("resolutions", "<i2", MOST_LEADS),
        ("pacemaker", "<i2"),
        ("recorder", "S40"),
        ("rate", "<i2"),
        ("proprietary", "S80"),
        ("copyright", "S80"),
        ("reserved", "S88"),
    ]
)
#: Bytes before those that the checksum is of.
_UNCHECKED = 10


@register(
    "ishne",
    "ISHNE: the exchange format of Holter recorders",
    endings=(".ecg", ".ishne"),
    begins=MAGIC,  # the annotation files that ecg writes end in .ecg too
)
def read(path: Path, options: ReadOptions) -> Recording:
    """Read one lead.

    The number of samples is that of a lead, or that of all leads together, as some recorders
    write it; the size of the file decides.

    Raises:
        DataError: the file is no ISHNE recording, or is damaged.
    """
    try:
        data = np.memmap(path, np.uint8, "r")
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read as an ISHNE recording: {error}", file=path) from error
    if bytes(data[: len(MAGIC)]) != MAGIC:
        raise DataError(
            f"this is no ISHNE recording: it does not begin with {MAGIC.decode()}; if it holds "
            "annotations, name it with --annotations",
            file=path,
        )
    if len(data) < HEADER.itemsize:
        raise DataError(
            f"the file ends within its header, after {len(data)} bytes; it is cut off", file=path
        )
    header = data[: HEADER.itemsize].view(HEADER)[0]
    notes = _check_header(header, data, path, options)
    names = _lead_names(header, path)
    number = choose_lead(names, options.lead, path)
    samples = _samples(header, data, path)[:, number]
    positions, symbols, _ = named_annotations(options.annotations, path)
    return Recording(
        name=path.stem,
        patient=path.stem,
        signal=samples.astype(np.float64) * (_resolution(header, number, names, path) * 1e-6),
        sampling_rate=check_rate(options.sampling_rate or float(header["rate"]), path),
        lead=names[number],
        positions=positions,
        symbols=symbols,
        notes=(*notes, *overruled(options, float(header["rate"]), None), *_unused(options)),
        leads=tuple(names),
        start=_start(header),
    )


def _unused(options: ReadOptions) -> tuple[str, ...]:
    """A note on the option that does not apply: the header has the size of a step in nV."""
    return ("the file states its unit; --units is not used",) if options.units else ()


def _check_header(
    header: np.void, data: NDArray[np.uint8], path: Path, options: ReadOptions
) -> tuple[str, ...]:
    """Check the places of the blocks and the checksum; a note if that is wrong and ignored."""
    start = int(header["ecg_offset"])
    if not HEADER.itemsize <= start <= len(data):
        raise DataError(
            f"the header states that samples begin at byte {start}; valid: {HEADER.itemsize} to "
            f"{len(data)}, the size of the file",
            file=path,
        )
    checksum = binascii.crc_hqx(data[_UNCHECKED:start].tobytes(), 0xFFFF)
    return check_checksum(
        checksum == header["checksum"],
        f"the checksum of the header is {checksum:04X}, and the file states "
        f"{int(header['checksum']):04X}: the header is damaged",
        path,
        options,
    )


def _lead_names(header: np.void, path: Path) -> list[str]:
    """The leads' names; a code that has no name, or stands twice, has the lead's number as well."""
    count = int(header["leads"])
    if not 1 <= count <= MOST_LEADS:
        raise DataError(f"the header states {count} leads; valid: 1 to {MOST_LEADS}", file=path)
    codes = header["codes"][:count].tolist()
    plain = [LEADS[code] if 0 <= code < len(LEADS) else LEADS[0] for code in codes]
    return [
        f"{name} {number}" if name in LEADS[:2] or plain.count(name) > 1 else name
        for number, name in enumerate(plain, 1)
    ]


def _samples(header: np.void, data: NDArray[np.uint8], path: Path) -> NDArray[np.int16]:
    """The samples ``(samples, leads)``."""
    leads, stated = int(header["leads"]), int(header["samples"])
    block = data[int(header["ecg_offset"]) :]
    whole = len(block) // 2 // leads
    if len(block) % (2 * leads) or stated not in (whole, whole * leads):
        raise DataError(
            f"the header states {stated} samples of {leads} leads, and {len(block)} bytes are "
            "there; the file is cut off or damaged: fetch it again",
            file=path,
        )
    samples: NDArray[np.int16] = block.view("<i2").reshape(whole, leads)
    return samples


def _resolution(header: np.void, number: int, names: list[str], path: Path) -> int:
    """The size of a step of a lead, in nV."""
    resolution = int(header["resolutions"][number])
    if resolution <= 0:
        raise DataError(
            f"the header states a resolution of {resolution} nV for lead {names[number]}; valid: "
            "1 or more",
            file=path,
        )
    return resolution


def _start(header: np.void) -> Start:
    """When the recording began; a date or time that is none is not stated."""
    day, month, year = header["recorded"].tolist()
    try:
        clock = time(*header["began"].tolist())
    except ValueError:
        return None
    try:
        return datetime.combine(date(year, month, day), clock)
    except ValueError:
        return clock if clock != time() else None  # zeros stand for nothing stated
