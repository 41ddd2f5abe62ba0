"""Beats -> parquet, written piece by piece; `ecgcli.beats.parquet` describes the files."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as papq
from numpy.typing import NDArray

from ecgcli.beats import INFO_COLUMNS, TEXTS, Beats, require_one_meaning
from ecgcli.beats.parquet import ENTRY, GROUP_BEATS, Content, encoded, shard_path
from ecgcli.beats.reader import BEAT_LENGTH
from ecgcli.choices import Storage
from ecgcli.files import atomic_write, remove

#: Beats in a shard of a folder.
SHARD_BEATS = 1_000_000
_SHARD = re.compile(r"part-\d{5}\.parquet")


class _FileWriter:
    """Writes one parquet file, piece by piece."""

    def __init__(self, stream: IO[bytes], schema: pa.Schema, storage: Storage) -> None:
        self._schema, self._storage = schema, storage
        self._pieces: list[pa.Table] = []
        self.beats = self._waiting = self._sum = 0
        self._writer = papq.ParquetWriter(
            stream,
            schema,
            compression="zstd",
            use_dictionary=[name for name in TEXTS if name in schema.names],
            write_statistics=["label"],
            write_page_checksum=True,
        )

    def write(self, beats: Beats) -> None:
        values = encoded(beats.samples, self._storage)
        self._sum = zlib.crc32(values.data, self._sum)
        self._pieces.append(_table(values, beats, self._schema))
        self.beats += len(values)
        self._waiting += len(values)
        if self._waiting >= GROUP_BEATS:
            self._flush()

    def _flush(self) -> None:
        if self._pieces:
            self._writer.write_table(pa.concat_tables(self._pieces), GROUP_BEATS)
        self._pieces, self._waiting = [], 0

    def close(self, content: Content) -> None:
        self._flush()
        whole = Content(content.classes, self._sum, content.shard, content.shards)
        self._writer.add_key_value_metadata({ENTRY: whole.packed()})
        self._writer.close()

    def discard(self) -> None:
        """Close what was not completed, while its stream is open; the file is removed then."""
        self._writer.close()


class ParquetWriter:
    """Writes beats piece by piece, with memory for one row group; see `writing_parquet`."""

    def __init__(
        self, target: Path, storage: Storage, info: bool, context: bool, shard_beats: int | None
    ) -> None:
        self._target, self._storage, self._shard_beats = target, storage, shard_beats
        self._info, self._context = info, context
        #: The names of the labels; those of the beats by default.
        self.classes: tuple[str, ...] = ()
        self._shard = 0
        self._file: _FileWriter | None = None
        self.open_files = ExitStack()

    def write(self, beats: Beats) -> None:
        """Append beats.

        Raises:
            DataError: their labels mean other classes than those before.
        """
        require_one_meaning(self.classes or beats.classes, beats.classes)
        self.classes = beats.classes
        first = 0
        while first < len(beats):
            file = self._file_with_room(beats)
            room = len(beats) if self._shard_beats is None else self._shard_beats - file.beats
            rows = np.arange(first, min(len(beats), first + room))
            file.write(beats if len(rows) == len(beats) else beats.take(rows))
            first += len(rows)

    def _file_with_room(self, beats: Beats) -> _FileWriter:
        """The current file; the next shard when that is full."""
        if self._file is not None and self._file.beats == self._shard_beats:
            self.close(last=False)
        if self._file is None:
            path = self._target
            if self._shard_beats is not None:
                path = shard_path(self._target, self._shard)
                if self._shard == 0:
                    _remove_shards(self._target)
            stream = self.open_files.enter_context(atomic_write(path))
            self._file = _FileWriter(stream, self._schema(beats), self._storage)
            self.open_files.callback(self._file.discard)
        return self._file

    def _schema(self, beats: Beats) -> pa.Schema:
        numbers = {"float32": pa.float32(), "float16": pa.float16(), "uint8": pa.uint8()}
        columns = [("samples", pa.list_(numbers[self._storage], BEAT_LENGTH)), ("label", pa.int8())]
        if self._info:
            columns += [
                (name, pa.string() if name in TEXTS else pa.float64()) for name in INFO_COLUMNS
            ]
        if self._context and beats.context is not None:
            columns.append(("context", pa.list_(pa.float32(), beats.context.shape[1])))
        return pa.schema(columns)

    def close(self, *, last: bool = True) -> None:
        """Complete the current file, which is the ``last`` or is followed by another shard."""
        if self._file is not None:
            shard = None if self._shard_beats is None else self._shard
            shards = self._shard + 1 if last and shard is not None else None
            self._file.close(Content(self.classes, None, shard, shards))
            self._file = None
            self.open_files.close()
            self._shard += 1


@contextmanager
def writing_parquet(
    target: Path,
    *,
    storage: Storage = "float32",
    info: bool = True,
    context: bool = False,
    shard_beats: int | None = None,
) -> Iterator[ParquetWriter]:
    """A writer of a parquet file, or of a folder of shards.

    A file appears once it is complete. Earlier shards in the folder are removed when the first
    beat is written; the folder is complete once it has its last shard.

    Args:
        target: the file, or the folder.
        storage: how samples are stored.
        info: whether all beats have a sidecar.
        context: whether all beats have a context.
        shard_beats: number of beats in each shard of a folder; None for a file.
    """
    writer = ParquetWriter(target, storage, info, context, shard_beats)
    with writer.open_files:  # which discards a file that is not complete
        yield writer
        writer.close()


def _remove_shards(folder: Path) -> None:
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if _SHARD.fullmatch(path.name):
            remove(path)


def _table(values: NDArray[Any], beats: Beats, schema: pa.Schema) -> pa.Table:
    columns: dict[str, Any] = {
        "samples": _lists(values),
        "label": pa.nulls(len(beats), pa.int8())
        if beats.labels is None
        else pa.array(beats.labels.astype(np.int8)),
    }
    if "record" in schema.names and beats.info is not None:
        for name in INFO_COLUMNS:
            texts = schema.field(name).type == pa.string()
            column = beats.info[name].astype(str) if texts else beats.info[name].astype(float)
            columns[name] = pa.array(column, schema.field(name).type, from_pandas=not texts)
    if "context" in schema.names and beats.context is not None:
        columns["context"] = _lists(beats.context)
    return pa.table(columns, schema)


def _lists(rows: NDArray[Any]) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(rows).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, rows.shape[1])
