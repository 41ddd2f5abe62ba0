"""ISHNE files, written field by field from the specification of 1998."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

#: Where the header has what a test changes: (offset in the file, format).
CHECKSUM, SAMPLES, ECG_OFFSET = (8, "<H"), (14, "<i"), (22, "<i")
LEADS, RESOLUTION, RATE = (156, "<h"), (206, "<h"), (272, "<h")


def write_ishne(
    path: Path,
    leads: np.ndarray,
    rate: int = 250,
    *,
    codes: tuple[int, ...] = (6, 15),
    resolutions: tuple[int, ...] = (2500, 5000),
    recorded: tuple[int, int, int] = (2, 5, 2005),
    began: tuple[int, int, int] = (22, 30, 0),
    text: bytes = b"a block of any length",
) -> None:
    """Write steps ``(samples, leads)``; the codes 6 and 15 are the leads II and V5."""
    missing = 12 - len(codes)
    header = b"".join(
        (
            struct.pack("<4ih", len(text), len(leads), 522, 522 + len(text), 1),
            b"Jane".ljust(40, b"\0"),
            b"Doe".ljust(40, b"\0"),
            b"17".ljust(20, b"\0"),
            struct.pack("<2h", 2, 0),
            struct.pack("<12h", 1, 1, 1950, *recorded, 3, 5, 2005, *began),
            struct.pack("<h", len(codes)),
            struct.pack("<12h", *codes, *(-9,) * missing),
            struct.pack("<12h", *(0,) * len(codes), *(-9,) * missing),
            struct.pack("<12h", *resolutions, *(-9,) * missing),
            struct.pack("<h", 0),
            b"digital".ljust(40, b"\0"),
            struct.pack("<h", rate),
            b"".ljust(80 + 80 + 88, b"\0"),
            text,
        )
    )
    magic = b"ISHNE1.0" + struct.pack("<H", crc_ccitt(header))
    path.write_bytes(magic + header + leads.astype("<i2").tobytes())


def crc_ccitt(data: bytes) -> int:
    """The checksum, bit by bit: polynomial x^16 + x^12 + x^5 + 1, from all ones on."""
    checksum = 0xFFFF
    for byte in data:
        checksum ^= byte << 8
        for _ in range(8):
            checksum = (checksum << 1) ^ (0x1021 if checksum & 0x8000 else 0)
            checksum &= 0xFFFF
    return checksum


def changed(path: Path, field: tuple[int, str], value: int, *, fits: bool = True) -> Path:
    """The file with another value in a field of its header; with ``fits``, the checksum too."""
    data = bytearray(path.read_bytes())
    struct.pack_into(field[1], data, field[0], value)
    if fits:
        (start,) = struct.unpack_from("<i", data, ECG_OFFSET[0])
        struct.pack_into("<H", data, CHECKSUM[0], crc_ccitt(bytes(data[10:start])))
    path.write_bytes(bytes(data))
    return path
