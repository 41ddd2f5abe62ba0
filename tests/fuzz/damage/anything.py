"""Damage that any file can have, and the odd values that damage to others puts in."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import numpy as np

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


def encoded(text: str) -> bytes:
    """UTF-8 that lets through what a text file must not hold."""
    return text.encode("utf-8", "surrogatepass")


def pick(random: Random, choices: Any) -> Any:
    """One of several, which need not be of one type."""
    return choices[int(random.integers(len(choices)))]


def span(data: bytes, random: Random, longest: int = 4096) -> tuple[int, int]:
    """A stretch of the bytes: short ones are as likely as long ones."""
    length = min(len(data), int(longest ** random.random()))
    start = int(random.integers(len(data) - length + 1))
    return start, start + length


def flip_a_bit(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    if changed:
        changed[int(random.integers(len(changed)))] ^= 1 << int(random.integers(8))
    return bytes(changed)


def _flip_bits(data: bytes, random: Random) -> bytes:
    for _ in range(int(random.integers(2, 60))):
        data = flip_a_bit(data, random)
    return data


def _flip_a_bit_near_the_start(data: bytes, random: Random) -> bytes:
    head = min(len(data), 256)
    return flip_a_bit(data[:head], random) + data[head:]


def _truncate(data: bytes, random: Random) -> bytes:
    return data[: int(random.integers(len(data) + 1))]


def _truncate_a_little(data: bytes, random: Random) -> bytes:
    return data[: -int(random.integers(1, 9))]


def _truncate_to_a_little(data: bytes, random: Random) -> bytes:
    return data[: int(random.integers(0, 40))]


def _cut_out(data: bytes, random: Random) -> bytes:
    start, stop = span(data, random)
    return data[:start] + data[stop:]


def _zeros(data: bytes, random: Random) -> bytes:
    start, stop = span(data, random)
    return data[:start] + bytes(stop - start) + data[stop:]


def _noise(data: bytes, random: Random) -> bytes:
    start, stop = span(data, random)
    return data[:start] + random.bytes(stop - start) + data[stop:]


def _repeat(data: bytes, random: Random) -> bytes:
    start, stop = span(data, random)
    return data[:stop] + data[start:stop] + data[stop:]


def _swap(data: bytes, random: Random) -> bytes:
    start, stop = span(data, random)
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
    "a bit flipped": flip_a_bit,
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
