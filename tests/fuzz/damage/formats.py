"""Damage to binary formats whose header says how much follows, and to gzip."""

from __future__ import annotations

import ast
import gzip
import zlib
from binascii import crc_hqx

import numpy as np

from tests.fuzz.damage.anything import ODD_TEXTS, Damage, Random, encoded, pick
from tests.fuzz.damage.text import TEXT


def _npy_header(data: bytes, random: Random) -> bytes:
    """The header says another shape or type; its length is right."""
    if len(data) < 80 or data[:6] != b"\x93NUMPY":  # damaged before
        return data
    length = int.from_bytes(data[8:10], "little")
    try:
        header = ast.literal_eval(data[10 : 10 + length].decode("latin-1"))
        rows, *more = header["shape"]
    except (ValueError, SyntaxError, KeyError):
        return data
    changes = (
        {"shape": (10**15, *more)}, {"shape": (rows + 1, *more)}, {"shape": (rows - 1, *more)},
        {"shape": (-rows, *more)}, {"shape": (rows,)}, {"shape": ()}, {"shape": (0, *more)},
        {"shape": (*more, rows)}, {"shape": (rows, *more, 1)}, {"shape": (2**40, 2**40)},
        {"shape": (10**7, 50)}, {"shape": "x"}, {"shape": (True, *more)}, {"descr": "O"},
        {"descr": "|O"}, {"descr": "<U4"}, {"descr": "<f2"}, {"descr": ">f8"}, {"descr": "<c16"},
        {"descr": "<i1"}, {"descr": "|b1"}, {"descr": "<M8[ns]"}, {"descr": "|V8"}, {"descr": ""},
        {"descr": [("a", "<f8")]}, {"descr": None}, {"fortran_order": True}, {"x": 1},
    )  # fmt: skip
    text = repr(header | pick(random, changes)).encode().ljust(length - 1) + b"\n"
    return data[:8] + len(text).to_bytes(2, "little") + text + data[10 + length :]


def _npz(_: bytes, random: Random) -> bytes:
    import io

    packed = io.BytesIO()
    arrays = ({"a": np.zeros(3)}, {}, {"a": np.zeros((2, 2), "f4"), "b": np.zeros(1)})
    np.savez(packed, **pick(random, arrays))
    return packed.getvalue()


NPY: dict[str, Damage] = {"an odd header": _npy_header, "an npz": _npz}

#: Fields of an EDF header: start and width. Those of two signals begin at 256.
_EDF_FIELDS = (
    (0, 8), (8, 80), (88, 80), (168, 8), (176, 8), (184, 8), (192, 44), (236, 8), (244, 8),
    (252, 4), *((256 + 16 * n, 16) for n in (0, 1)), *((448 + 8 * n, 8) for n in range(12)),
    *((704 + 8 * n, 8) for n in (0, 1)),
)  # fmt: skip


def _edf_field(data: bytes, random: Random) -> bytes:
    start, width = pick(random, _EDF_FIELDS)
    odd = encoded(
        pick(random, (*ODD_TEXTS, "99999999", "-32768", "32767", "1e5", "EDF+D", "mV", "uV"))
    )
    return data[:start] + odd[:width].ljust(width) + data[start + width :]


def _edf_fields_swapped(data: bytes, random: Random) -> bytes:
    same = [field for field in _EDF_FIELDS if field[1] == 8]
    (one, width), (other, _) = pick(random, same), pick(random, same)
    changed = bytearray(data)
    changed[one : one + width], changed[other : other + width] = (
        data[other : other + width],
        data[one : one + width],
    )
    return bytes(changed)


EDF: dict[str, Damage] = {"an odd field": _edf_field, "fields swapped": _edf_fields_swapped}


#: Fields of the header of an ISHNE file that are read as numbers: start and width.
_ISHNE_FIELDS = (
    (10, 4), (14, 4), (18, 4), (22, 4), (26, 2), (156, 2), *((158 + 2 * n, 2) for n in range(3)),
    *((206 + 2 * n, 2) for n in range(3)), (272, 2), *((138 + 2 * n, 2) for n in range(9)),
)  # fmt: skip


def _ishne_field(data: bytes, random: Random) -> bytes:
    """A number of the header replaced, often with the checksum that then is right."""
    start, width = pick(random, _ISHNE_FIELDS)
    number = int(
        pick(random, (0, 1, -1, 2, 3, 12, 13, 522, 523, 32767, 2**31 - 1, -(2**31), 10000))
    )
    field = (number % (1 << 8 * width)).to_bytes(width, "little")
    data = data[:start] + field + data[start + width :]
    if random.random() < 0.7:
        begin = int.from_bytes(data[22:26], "little", signed=True)
        data = data[:8] + crc_hqx(data[10:begin], 0xFFFF).to_bytes(2, "little") + data[10:]
    return data


ISHNE: dict[str, Damage] = {"an odd field": _ishne_field}


def _word(data: bytes, random: Random) -> bytes:
    """Another 16-bit word, such as another annotation or its distance to the one before."""
    words = len(data) // 2
    if not words:
        return data
    where = 2 * int(random.integers(words))
    code = pick(random, (0, 1, 5, 10, 22, 28, 42, 49, 59, 60, 61, 62, 63, int(random.integers(64))))
    distance = pick(random, (0, 1, 40, 200, 1023))
    return data[:where] + int(code << 10 | distance).to_bytes(2, "little") + data[where + 2 :]


def _skip(data: bytes, random: Random) -> bytes:
    """A distance of 32 bits between two annotations, which may be negative or huge."""
    where = 2 * int(random.integers(len(data) // 2 + 1))
    distance = int(pick(random, (-1, -(2**31), 2**31 - 1, 10**9, -200, 5000, 10**7)))
    low, high = distance & 0xFFFF, (distance >> 16) & 0xFFFF
    skip = (59 << 10).to_bytes(2, "little") + high.to_bytes(2, "little") + low.to_bytes(2, "little")
    return data[:where] + skip + data[where:]


ANNOTATIONS: dict[str, Damage] = {"another annotation": _word, "a long distance": _skip}


def _inside_gzip(data: bytes, random: Random) -> bytes:
    try:
        text = gzip.decompress(data)
    except (OSError, EOFError, zlib.error):  # damaged before
        return data
    return gzip.compress(pick(random, tuple(TEXT.values()))(text, random), mtime=0)


def _bomb(_: bytes, random: Random) -> bytes:
    part: bytes = pick(random, (b"\0", b"\n", b"0,", b"1", b"0\n"))
    return gzip.compress(part * 20_000_000, 1, mtime=0)


GZIP: dict[str, Damage] = {
    "damaged inside": _inside_gzip,
    "two streams": lambda data, _: data + data,
    "expands to megabytes": _bomb,
}
