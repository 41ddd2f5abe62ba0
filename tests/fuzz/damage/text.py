"""Damage to tables and to the headers of WFDB records."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.fuzz.damage.anything import ODD_TEXTS, Damage, Random, encoded, pick, span


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
    start, stop = span(data, random)
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
