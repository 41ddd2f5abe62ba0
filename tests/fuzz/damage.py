"""Ways to damage a file: each takes its bytes and a random generator, and gives other bytes."""

from __future__ import annotations

import ast
import gzip
import json
import re
import tempfile
import zlib
from binascii import crc_hqx
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ecgcli.checkpoints.container import CHECKSUM, write_tensors

Random = np.random.Generator
Damage = Callable[[bytes, Random], bytes]

#: Text where a number, a name or a path belongs.
ODD_TEXTS = (
    "", " ", "nan", "NaN", "inf", "-inf", "1e999", "1e308", "-1e308", "-1", "-0", "0", "1", "2",
    "1e-320", "0.5", "1_000", "0x10", "1,5", "1 000", "9" * 20, "9" * 400, "²", "٣", "½", "abc",
    "é", "\x1b[31m", "[/b]", "[red]", "$\\frac{a$", "=1+1", "'", '"', "''", "%s", "{0}", "\\N{x}",
    "NA", "None", "True", "null", "-", "~", "*", "../../x", "sub/q", "/dev/zero", "a\0b",
    "\ud800", "\ufeff", "\u202e", "N", "x" * 5000, "7" * 140_000,
)  # fmt: skip
#: The same for values of a document.
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**63, 2**64 - 1, 10**30, 10**400, -0.5, 0.0, 1e308,
    float("nan"), float("inf"), float("-inf"), "", "x", "nan", "2001-99-99", "\ud800", "a\0b",
    "[/b]", "../x", "x" * 5000, [], {}, [[]], [None], {"": None}, [1, 2, 3], {"a": {"b": [1]}},
    list(range(3000)),
)  # fmt: skip
#: What YAML alone makes of a text.
_YAML_TEXTS = (
    "2001-99-99", "2001-01-01", "!!timestamp x", "!!python/object:os.system {}", "!!binary x",
    "!!float x", "&a [*a]", "*unknown", "{a: 1, a: 2}", "? [a]", "|", ">", "<<: 1", "0o8", "0b2",
    "1:30:00", ".inf", ".nan", "~", "yes", "'", '"', "[", "{", "- a", "%TAG", "--- a\n--- b",
    "18446744073709551615", "1" * 5000, "1e400", '"\\ud800"', '"\\0"', "[" * 300, "{a: " * 300,
    "a" * 5000, "@x", "\t", "1000000000", "meta", "cuda:99", "[1, null]", "{x: .nan}",
)  # fmt: skip
_ALIASES = (
    "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True))  # noqa: E501
    + "name: *i\n"
).encode()  # fmt: skip


def encoded(text: str) -> bytes:
    """UTF-8 that lets through what a text file must not hold."""
    return text.encode("utf-8", "surrogatepass")


def pick(random: Random, choices: Any) -> Any:
    """One of several, which need not be of one type."""
    return choices[int(random.integers(len(choices)))]


def _span(data: bytes, random: Random, longest: int = 4096) -> tuple[int, int]:
    """A stretch of the bytes: short ones are as likely as long ones."""
    length = min(len(data), int(longest ** random.random()))
    start = int(random.integers(len(data) - length + 1))
    return start, start + length


def _flip_a_bit(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    if changed:
        changed[int(random.integers(len(changed)))] ^= 1 << int(random.integers(8))
    return bytes(changed)


def _flip_bits(data: bytes, random: Random) -> bytes:
    for _ in range(int(random.integers(2, 60))):
        data = _flip_a_bit(data, random)
    return data


def _flip_a_bit_near_the_start(data: bytes, random: Random) -> bytes:
    head = min(len(data), 256)
    return _flip_a_bit(data[:head], random) + data[head:]


def _truncate(data: bytes, random: Random) -> bytes:
    return data[: int(random.integers(len(data) + 1))]


def _truncate_a_little(data: bytes, random: Random) -> bytes:
    return data[: -int(random.integers(1, 9))]


def _truncate_to_a_little(data: bytes, random: Random) -> bytes:
    return data[: int(random.integers(0, 40))]


def _cut_out(data: bytes, random: Random) -> bytes:
    start, stop = _span(data, random)
    return data[:start] + data[stop:]


def _zeros(data: bytes, random: Random) -> bytes:
    start, stop = _span(data, random)
    return data[:start] + bytes(stop - start) + data[stop:]


def _noise(data: bytes, random: Random) -> bytes:
    start, stop = _span(data, random)
    return data[:start] + random.bytes(stop - start) + data[stop:]


def _repeat(data: bytes, random: Random) -> bytes:
    start, stop = _span(data, random)
    return data[:stop] + data[start:stop] + data[stop:]


def _swap(data: bytes, random: Random) -> bytes:
    start, stop = _span(data, random)
    middle = (start + stop) // 2
    return data[:start] + data[middle:stop] + data[start:middle] + data[stop:]


def _append(data: bytes, random: Random) -> bytes:
    return data + pick(random, (b"\0", b"\n", random.bytes(100), data, b"\0" * 5000, b"\x1a"))


def _another_kind_of_file(data: bytes, random: Random) -> bytes:
    magic = (
        b"", b"\0", b"\xff\xfe", b"PK\x03\x04", b"PAR1", b"\x1f\x8b", b"\x7fELF", b"\x89PNG\r\n",
        b"\x93NUMPY", b"MATLAB 5.0", b"0       ", b"\x80\x04.", b"{}", b"[]", b"null", b"%PDF-1.7",
        b"\xef\xbb\xbf", b"<html>", b"version https://git-lfs", gzip.compress(data[:2000]),
    )  # fmt: skip
    return bytes(pick(random, magic))


#: For every file.
ANY: dict[str, Damage] = {
    "a bit flipped": _flip_a_bit,
    "bits flipped": _flip_bits,
    "a bit flipped near the start": _flip_a_bit_near_the_start,
    "truncated": _truncate,
    "truncated a little": _truncate_a_little,
    "truncated to a little": _truncate_to_a_little,
    "a stretch cut out": _cut_out,
    "a stretch of zeros": _zeros,
    "a stretch of noise": _noise,
    "a stretch repeated": _repeat,
    "two stretches swapped": _swap,
    "bytes appended": _append,
    "another kind of file": _another_kind_of_file,
}


# Text: tables, headers.


def _mark(data: bytes) -> bytes:
    return max(b",", b";", b"\t", b" ", key=data[:4000].count)


def _on_a_row(
    change: Callable[[list[bytes], Random], list[bytes]],
) -> Damage:
    def damage(data: bytes, random: Random) -> bytes:
        lines = data.split(b"\n")
        mark = _mark(data)
        number = int(random.integers(len(lines)))
        lines[number] = mark.join(change(lines[number].split(mark), random))
        return b"\n".join(lines)

    return damage


def _odd_cell(cells: list[bytes], random: Random) -> list[bytes]:
    cells[int(random.integers(len(cells)))] = encoded(pick(random, ODD_TEXTS))
    return cells


def _odd_part_of_a_cell(cells: list[bytes], random: Random) -> list[bytes]:
    """A number in a cell such as ``200.0(0)/mV`` becomes another."""
    where = int(random.integers(len(cells)))
    numbers = list(re.finditer(rb"[\d.]+", cells[where]))
    if numbers:
        number = pick(random, numbers)
        new = encoded(pick(random, ODD_TEXTS[:27]))
        cells[where] = cells[where][: number.start()] + new + cells[where][number.end() :]
    return cells


def _other_digit(cells: list[bytes], random: Random) -> list[bytes]:
    where = int(random.integers(len(cells)))
    cells[where] = re.sub(rb"\d", b"%d" % random.integers(10), cells[where], count=1)
    return cells


def _cells_swapped(cells: list[bytes], random: Random) -> list[bytes]:
    one, other = (int(place) for place in random.integers(len(cells), size=2))
    cells[one], cells[other] = cells[other], cells[one]
    return cells


def _cell_removed(cells: list[bytes], random: Random) -> list[bytes]:
    del cells[int(random.integers(len(cells)))]
    return cells


def _cell_added(cells: list[bytes], random: Random) -> list[bytes]:
    cells.insert(int(random.integers(len(cells) + 1)), encoded(pick(random, ODD_TEXTS)))
    return cells


def _on_lines(change: Callable[[list[bytes], Random], list[bytes]]) -> Damage:
    def damage(data: bytes, random: Random) -> bytes:
        return b"\n".join(change(data.split(b"\n"), random))

    return damage


def _line_repeated(lines: list[bytes], random: Random) -> list[bytes]:
    where = int(random.integers(len(lines)))
    return [*lines[:where], lines[where], *lines[where:]]


def _line_removed(lines: list[bytes], random: Random) -> list[bytes]:
    where = int(random.integers(len(lines)))
    return lines[:where] + lines[where + 1 :]


def _lines_swapped(lines: list[bytes], random: Random) -> list[bytes]:
    return _cells_swapped(lines, random)


def _line_inserted(lines: list[bytes], random: Random) -> list[bytes]:
    where = int(random.integers(len(lines) + 1))
    return [*lines[:where], encoded(pick(random, ODD_TEXTS)), *lines[where:]]


def _few_lines(lines: list[bytes], random: Random) -> list[bytes]:
    return lines[: int(random.integers(0, 4))]


def _line_ends(data: bytes, random: Random) -> bytes:
    return data.replace(b"\n", pick(random, (b"\r\n", b"\r", b"\n\n", b"\n\r", b"\x0b", b"\x85")))


def _other_encoding(data: bytes, random: Random) -> bytes:
    text = data.decode("utf-8", "replace")
    encoding = pick(random, ("utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp500"))
    return text.encode(encoding, "replace")


def _other_mark(data: bytes, random: Random) -> bytes:
    return data.replace(_mark(data), pick(random, (b",", b";", b"\t", b"|", b" ", b", ")))


def _quotes(data: bytes, random: Random) -> bytes:
    start, stop = _span(data, random)
    return data[:start] + b'"' + data[start:stop] + b'"' * int(random.integers(2)) + data[stop:]


#: For tables and the headers of WFDB records.
TEXT: dict[str, Damage] = {
    "an odd cell": _on_a_row(_odd_cell),
    "an odd number": _on_a_row(_odd_part_of_a_cell),
    "another digit": _on_a_row(_other_digit),
    "cells swapped": _on_a_row(_cells_swapped),
    "a cell removed": _on_a_row(_cell_removed),
    "a cell added": _on_a_row(_cell_added),
    "a line repeated": _on_lines(_line_repeated),
    "a line removed": _on_lines(_line_removed),
    "lines swapped": _on_lines(_lines_swapped),
    "a line inserted": _on_lines(_line_inserted),
    "few lines": _on_lines(_few_lines),
    "other line ends": _line_ends,
    "another encoding": _other_encoding,
    "another separator": _other_mark,
    "quotes": _quotes,
}


# Documents: JSON and YAML.


#: A document of more values consists of aliases, which stand for any number of values.
_PLACES = 2000


def _places(document: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys that lead to each value of a document, the document itself excepted."""
    if isinstance(document, dict):
        children = list(document.items())
    elif isinstance(document, list):
        children = list(enumerate(document[:20]))
    else:
        return
    for key, value in children:
        yield (*at, key)
        yield from _places(value, (*at, key))


def changed_document(document: Any, random: Random) -> Any:
    """A document with one value replaced, removed or renamed, or something else altogether."""
    places = list(islice(_places(document), _PLACES))
    if not places or random.random() < 0.05:
        return pick(random, ODD_VALUES)
    *path, last = pick(random, places)
    holder = document
    for key in path:
        holder = holder[key]
    action = random.random()
    if action < 0.7:
        holder[last] = pick(random, ODD_VALUES)
    elif action < 0.85:
        del holder[last]
    elif isinstance(holder, dict):
        holder[pick(random, ("", "x", "[/b]", "\ud800", f"{last}x"))] = holder.pop(last)
    else:
        holder.append(pick(random, ODD_VALUES))
    return document


def _dumped(document: Any) -> bytes:
    return encoded(json.dumps(document, ensure_ascii=False))


def _odd_value(data: bytes, random: Random) -> bytes:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):  # damaged before
        return data
    return _dumped(changed_document(document, random))


def _key_repeated(data: bytes, random: Random) -> bytes:
    keys = list(re.finditer(rb'"\w+": ?[^,{}\[\]]+,', data))
    if not keys:
        return data
    key = pick(random, keys)
    return (
        data[: key.start()] + b'"x": 1,'.replace(b"x", key[0].split(b'"')[1]) + data[key.start() :]
    )


def _deep(data: bytes, random: Random) -> bytes:
    depth = int(random.integers(500, 100_000))
    return b"[" * depth + data + b"]" * depth


JSON: dict[str, Damage] = {
    "an odd value": _odd_value,
    "several odd values": lambda data, random: _odd_value(_odd_value(data, random), random),
    "a key repeated": _key_repeated,
    "deep nesting": _deep,
}


def _odd_yaml(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    number = int(random.integers(len(lines)))
    key, colon, _ = lines[number].partition(b":")
    odd = encoded(pick(random, (*_YAML_TEXTS, *ODD_TEXTS)))
    lines[number] = key + colon + b" " + odd
    return b"\n".join(lines)


def _odd_yaml_value(data: bytes, random: Random) -> bytes:
    import yaml

    try:
        document = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError):  # damaged before
        return data
    if len(list(islice(_places(document), _PLACES))) == _PLACES:  # of aliases, not to be dumped
        return data
    return _dumped(changed_document(document, random))


YAML: dict[str, Damage] = {
    "an odd text": _odd_yaml,
    "an odd value": _odd_yaml_value,
    "aliases of aliases": lambda data, _: _ALIASES + data,
    "tabs": lambda data, _: data.replace(b"  ", b"\t"),
    "deep nesting": _deep,
}


# Binary formats whose header says how much follows.


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


def _safetensors(change: Callable[[dict[str, Any], Random], Any]) -> Damage:
    """Change the header of a checkpoint; its length is right."""

    def damage(data: bytes, random: Random) -> bytes:
        length = int.from_bytes(data[:8], "little")
        try:
            header = json.loads(data[8 : 8 + length])
            text = _dumped(change(header, random))
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError):  # damaged before
            return data
        return len(text).to_bytes(8, "little") + text + data[8 + length :]

    return damage


def _odd_card(header: dict[str, Any], random: Random) -> Any:
    """A value of a document within the metadata."""
    metadata = header["__metadata__"]
    name = pick(random, sorted(metadata))
    metadata[name] = json.dumps(changed_document(json.loads(metadata[name]), random))
    return header


def _odd_metadata(header: dict[str, Any], random: Random) -> Any:
    metadata = header["__metadata__"]
    metadata[pick(random, sorted(metadata))] = pick(random, ("[]", "null", "3", "{}", "x", '"x"'))
    return header


def _tensors_swapped(header: dict[str, Any], random: Random) -> Any:
    names = sorted(set(header) - {"__metadata__"})
    one, other = pick(random, names), pick(random, names)
    header[one], header[other] = header[other], header[one]
    return header


def _bit_of_a_tensor(data: bytes, random: Random) -> bytes:
    start = 8 + int.from_bytes(data[:8], "little")
    return data[:start] + _flip_a_bit(data[start:], random)


CHECKPOINT: dict[str, Damage] = {
    "an odd value in the card": _safetensors(_odd_card),
    "an odd card": _safetensors(_odd_metadata),
    "an odd header": _safetensors(changed_document),
    "tensors swapped": _safetensors(_tensors_swapped),
    "a bit of a tensor flipped": _bit_of_a_tensor,
}


def _forged(damage: Damage) -> Damage:
    """Damage done on purpose: the checksum is that of what is in the file."""

    def forge(data: bytes, random: Random) -> bytes:
        damaged = damage(data, random)
        try:
            tensors, metadata = load(damaged), _metadata_of(damaged)
            metadata.pop(CHECKSUM, None)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "x.safetensors")
                write_tensors(path, tensors, metadata)
                return path.read_bytes()
        except (SafetensorError, ValueError, TypeError, AttributeError):
            return damaged

    return forge


def _metadata_of(data: bytes) -> dict[str, str]:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return dict(header.get("__metadata__", {}))


def _odd_tensor(data: bytes, random: Random) -> bytes:
    """One tensor with odd values, of another shape or type."""
    try:
        tensors, metadata = load(data), _metadata_of(data)
        name = pick(random, sorted(tensors))
        values = tensors[name]
        first = values.copy()
        first.flat[:1] = pick(random, (0, 1, 100))
        with np.errstate(invalid="ignore"):
            changed = pick(random, (
                values * 0, values.ravel(), values[:-1], values[..., :1], values[None], first,
                values.astype("f8"), values.astype("i1"), values.astype("f4") * np.inf,
                np.zeros(0, values.dtype), -values.astype("i8"), np.concatenate([values, values]),
            ))  # fmt: skip
        tensors[name] = np.ascontiguousarray(changed)
        return bytes(save(tensors, metadata))
    except (SafetensorError, ValueError, IndexError, TypeError, OverflowError):
        return data


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

#: The ways to damage each kind of file.
DAMAGES: dict[str, dict[str, Damage]] = {
    "table": TEXT | ANY,
    "json": JSON | TEXT | ANY,
    "yaml": YAML | TEXT | ANY,
    "npy": NPY | ANY,
    "edf": EDF | ANY,
    "ishne": ISHNE | ANY,
    "binary": ANY,
    "annotations": ANNOTATIONS | ANY,
    "checkpoint": CHECKPOINT | ANY,
    "forged": {
        name: _forged(damage)
        for name, damage in (CHECKPOINT | {"an odd tensor": _odd_tensor}).items()
    },
    "gzip": GZIP | ANY,
}
