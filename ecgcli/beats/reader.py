"""The beats CSV: the public heartbeat format, read forgivingly and written exactly.

One beat per row: 187 samples in 0..1 at 120 Hz, zero-padded, then the class as a
number; an unlabelled file has the 187 samples alone. Reading is forgiving about
form (header row, leading index column, gzip, BOM, CRLF, semicolons, decimal
commas, tabs) and strict about content, where every error names row and column.

Files are read in blocks of whole lines, so one larger than memory streams.
"""

from __future__ import annotations

import csv
import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from ecgcli.errors import DataError
from ecgcli.inputs import missing, open_input
from ecgcli.wording import counted

#: Samples in a row. 187 at 120 Hz are 1.56 s.
BEAT_LENGTH = 187
#: Hz. The published description of the files states 125; data/README.md shows that it is 120.
SAMPLING_RATE = 120.0
#: Bytes of text parsed at a time: 900 rows of the public files, which a cache still holds.
BLOCK_BYTES = 4 << 20

_VALID_ROW = f"a beat is {BEAT_LENGTH} samples, or {BEAT_LENGTH} samples and the class"
_NOT_TEXT = {
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"PAR1": "parquet; name the file, which is not read from standard input",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8 CSV",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8 CSV",
}


@dataclass(frozen=True)
class Layout:
    """The layout of a beats CSV, inferred from its first lines."""

    delimiter: str
    decimal: Literal[".", ","]
    columns: int
    header: bool
    index: bool
    labelled: bool


@dataclass(frozen=True)
class Block:
    """Consecutive beats: samples ``(beats, 187)`` float32, labels ``(beats,)`` int64 or None."""

    samples: NDArray[np.float32]
    labels: NDArray[np.int64] | None


#: A table of no more columns than this may be a recording: a clock and twelve leads.
_LEADS = 13


class BeatsReader:
    """Reads a beats CSV block by block; a context manager and an iterator of `Block`.

    Args:
        source: the file (``.csv``, ``.csv.gz``), or ``-`` for standard input.
        classes: number of classes; labels must lie in ``0..classes-1``.
        normalize: scale each beat to 0..1 by its own minimum and maximum, for files
            in raw amplitudes; without it a value outside 0..1 is an error.

    Raises:
        DataError: the file is missing, is not a beats CSV, or has an invalid value.
    """

    def __init__(
        self,
        source: Path | str,
        *,
        classes: int = 5,
        normalize: bool = False,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self.name = "standard input" if str(source) == "-" else str(source)
        self._classes, self._normalize, self._block_bytes = classes, normalize, block_bytes
        with _reading(self.name):
            self._raw = _open(source)
        self._line = 1
        #: `checksum` of the samples read so far, as they are in the file.
        self.checksum = 0
        try:
            with _reading(self.name):
                self._text = _decompressed(self._raw)
            self._pending = self._read_lines()
            self._refuse_other_formats(self._pending)
            self._pending = self._pending.removeprefix(b"\xef\xbb\xbf")
            self.layout = self._sniff(self._pending)
        except BaseException:
            self.close()
            raise

    @property
    def labelled(self) -> bool:
        """Whether the file has classes."""
        return self.layout.labelled

    #: The names of the classes, which a CSV does not state.
    classes: tuple[str, ...] = ()

    @property
    def size(self) -> int | None:
        """Bytes on disk, or None for a stream."""
        is_stream = self._raw is sys.stdin.buffer or not self._raw.seekable()
        return None if is_stream else Path(self.name).stat().st_size

    @property
    def position(self) -> int:
        """Bytes of the file read so far, of `size`."""
        return 0 if self.size is None else self._raw.tell()

    def __enter__(self) -> BeatsReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self._raw is not sys.stdin.buffer:
            self._raw.close()

    def __iter__(self) -> Iterator[Block]:
        block = self._pending
        if self.layout.header:
            _names, _, block = block.partition(b"\n")
            self._line += 1
        beats = 0
        while block or (block := self._read_lines()):
            if not block.isspace():
                parsed = self._parse(block)
                beats += len(parsed.samples)
                yield parsed
            self._line += block.count(b"\n")
            block = b""
        if not beats:
            raise DataError("no beats below the header; " + _VALID_ROW, file=self.name)

    def _read_lines(self) -> bytes:
        """The next block, ending at a line end; empty at the end of the file."""
        with _reading(self.name):
            block = self._text.read(self._block_bytes)
            if block and not block.endswith(b"\n"):
                block += self._text.readline(BLOCK_BYTES)
        return block

    def _refuse_other_formats(self, head: bytes) -> None:
        if not head.strip():
            raise DataError("the file is empty; " + _VALID_ROW, file=self.name)
        for magic, description in _NOT_TEXT.items():
            if head.startswith(magic):
                raise DataError(f"this is {description}", file=self.name)
        if b"\0" in head[: 1 << 16]:
            raise DataError("this is a binary file; a beats CSV is text", file=self.name)

    def _sniff(self, block: bytes) -> Layout:
        lines = [line for line in block[: 1 << 20].splitlines() if line.strip()][:8]
        if not lines:
            raise DataError("its first rows are empty; " + _VALID_ROW, file=self.name)
        delimiter = max(",;\t", key=lambda mark: lines[-1].count(mark.encode()))
        decimal: Literal[".", ","] = "," if delimiter != "," and b"," in lines[-1] else "."
        rows = [_cells(line, delimiter, decimal) for line in lines]
        header = _is_header(rows[0])
        data = rows[1:] if header else rows
        columns = len(data[0]) if data else len(rows[0])
        index = _has_index(rows[0] if header else None, data, columns)
        samples = columns - index
        if samples not in (BEAT_LENGTH, BEAT_LENGTH + 1):
            hint = "; if this is a recording, give --fs and --units" if columns <= _LEADS else ""
            raise DataError(
                f"found {counted(columns, 'column')}; {_VALID_ROW} "
                f"({BEAT_LENGTH} or {BEAT_LENGTH + 1}){hint}",
                file=self.name,
                row=1 + (header and bool(data)),
            )
        return Layout(delimiter, decimal, columns, header, index, samples == BEAT_LENGTH + 1)

    def _parse(self, block: bytes) -> Block:
        layout = self.layout
        names = [str(number) for number in range(layout.columns)]
        try:
            table = pacsv.read_csv(
                pa.BufferReader(block),
                pacsv.ReadOptions(column_names=names, block_size=1 << 20),
                pacsv.ParseOptions(delimiter=layout.delimiter),
                pacsv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.float32()),
                    null_values=[],
                    decimal_point=layout.decimal,
                ),
            )
        except pa.ArrowInvalid as error:
            raise self._diagnose(block, str(error)) from error
        values = np.empty((table.num_rows, layout.columns - layout.index), np.float32)
        for column, cells in enumerate(table.columns[layout.index :]):
            values[:, column] = cells.to_numpy()
        samples = np.ascontiguousarray(values[:, :BEAT_LENGTH])
        self.checksum = checksum(samples, self.checksum)
        labels = values[:, BEAT_LENGTH] if layout.labelled else None
        self._check(samples, labels, block)
        if self._normalize:
            samples = normalize(samples)
        return Block(samples, None if labels is None else labels.astype(np.int64))

    def _check(
        self, samples: NDArray[np.float32], labels: NDArray[np.float32] | None, block: bytes
    ) -> None:
        def refuse(wrong: NDArray[np.bool_], valid: str) -> None:
            if wrong.any():
                row, column = np.argwhere(wrong.reshape(len(samples), -1))[0]
                column += BEAT_LENGTH if wrong.ndim == 1 else 0
                raise self._wrong_cell(block, int(row), int(column), valid)

        refuse(~np.isfinite(samples), "a sample is a number; drop or repair this beat")
        if not self._normalize:
            refuse(
                (samples < 0) | (samples > 1),
                "samples lie in 0..1; scale each beat to 0..1 with --normalize "
                "(data.normalize=true in training)",
            )
        if labels is not None:
            refuse(
                ~np.isin(labels, np.arange(self._classes)),
                f"a class is one of 0 to {self._classes - 1}",
            )

    def _wrong_cell(self, block: bytes, row: int, column: int, valid: str) -> DataError:
        """The error for a value, quoted as written in the file."""
        numbered = enumerate(block.splitlines(), self._line)
        line, text = [(number, text) for number, text in numbered if text.strip()][row]
        column += self.layout.index
        cell = _cells(text, self.layout.delimiter, ".")[column]
        return DataError(f"found {cell}; {valid}", file=self.name, row=line, column=column + 1)

    def _diagnose(self, block: bytes, fallback: str) -> DataError:
        """Say which row or cell the parser could not read."""
        layout = self.layout
        for number, line in enumerate(block.splitlines(), self._line):
            cells = _cells(line, layout.delimiter, layout.decimal)
            if not line.strip():
                continue
            if len(cells) != layout.columns:
                return DataError(
                    f"found {counted(len(cells), 'column')} where the rows above have "
                    f"{layout.columns}; the row is cut off or has a stray separator",
                    file=self.name,
                    row=number,
                )
            for column, cell in enumerate(cells, 1):
                if not _is_number(cell):
                    return DataError(
                        f"found {cell[:40]!r} where a number belongs",
                        file=self.name,
                        row=number,
                        column=column,
                    )
        return DataError(f"cannot be parsed: {fallback}", file=self.name)


def write_rows(
    stream: IO[bytes], samples: NDArray[np.float32], labels: NDArray[np.int64] | None
) -> None:
    """Write beats ``(beats, 187)`` and their labels to a binary stream in the public format.

    Values are written as the shortest text that reads back to the same float32.
    """
    columns = [pa.array(np.ascontiguousarray(column)) for column in samples.T]
    if labels is not None:
        columns.append(pa.array(labels))
    table = pa.table(columns, names=[str(number) for number in range(len(columns))])
    pacsv.write_csv(table, stream, pacsv.WriteOptions(include_header=False))


def checksum(array: NDArray[np.float32], before: int = 0) -> int:
    """The CRC-32 of an array, as little-endian float32; ``before`` is that of rows before it."""
    return zlib.crc32(np.ascontiguousarray(array, "<f4").data, before)


def normalize(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each beat ``(beats, 187)`` to 0..1 by its own minimum and maximum.

    The run of zeros that ends a row is padding: it takes no part and stays zero.
    A constant beat becomes zero.
    """
    beat = np.logical_or.accumulate(samples[:, ::-1] != 0, axis=1)[:, ::-1]
    low = np.where(beat, samples, np.inf).min(axis=1, keepdims=True)
    high = np.where(beat, samples, -np.inf).max(axis=1, keepdims=True)
    span = np.where(high > low, high - low, 1.0)
    return np.where(beat, (samples - low) / span, 0.0).astype(np.float32)


def _open(source: Path | str) -> IO[bytes]:
    if str(source) == "-":
        return sys.stdin.buffer
    if Path(source).is_dir():
        raise DataError("this is a folder; name a beats CSV", file=source)
    return open_input(Path(source))


def _decompressed(raw: IO[bytes]) -> IO[bytes]:
    head = raw.peek(2)  # type: ignore[attr-defined]
    return cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if head[:2] == b"\x1f\x8b" else raw


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Refuse what cannot be opened or read in this block.

    Raises:
        DataError: it is missing, cannot be read, or is a damaged gzip stream.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise missing(name) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            "the gzip stream is cut off or damaged; fetch the file again", file=name
        ) from error
    except OSError as error:  # also of standard input that the caller closed
        raise DataError(f"cannot be read: {error.strerror or error}", file=name) from error


def _cells(line: bytes, delimiter: str, decimal: str) -> list[str]:
    """A line's cells, with decimal commas made points."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text = line.decode("latin-1")
    try:
        cells = next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:  # a cell of more than 131,072 characters is not a number
        cells = text.split(delimiter)
    return [cell.strip().replace(",", ".") if decimal == "," else cell.strip() for cell in cells]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _is_header(cells: list[str]) -> bool:
    """Column names, or the numbers 0, 1, 2, … that pandas writes where columns have no names."""
    if sum(not _is_number(cell) for cell in cells) > len(cells) / 2:
        return True
    last = cells[-BEAT_LENGTH:]
    start = int(last[0]) if last[0].isdecimal() and len(last[0]) < 4 else 0
    return len(last) == BEAT_LENGTH and last == [str(start + n) for n in range(BEAT_LENGTH)]


def _has_index(header: list[str] | None, rows: list[list[str]], columns: int) -> bool:
    """Whether the first column numbers the rows."""
    if header is not None and len(header) == columns:
        return header[0].lower() in ("", "index", "unnamed: 0")
    first = [row[0] for row in rows]
    enough = len(rows) >= (2 if columns == BEAT_LENGTH + 2 else 3)
    return enough and any(first == [str(start + n) for n in range(len(rows))] for start in (0, 1))
