"""Beats in parquet: the samples of each beat and all that is known of it, in one file or in shards.

A file has a row for each beat:

- ``samples``: a list of 187 numbers, as in a beats CSV; float32, or rounded to float16, or to
  uint8 with 255 for 1 (see `encoded`);
- ``label``: the class, an index into the names in the file's metadata; empty without a class;
- the columns of the sidecar (`INFO_COLUMNS`), all or none of them;
- ``context``: a list of the beat's features relative to its recording, or no such column.

A folder of shards holds ``part-00000.parquet``, ``part-00001.parquet``, … in the order of the
beats. Each has its number in its metadata, and the last has their count, so none can be missing
unnoticed. Pages have checksums, and the metadata that of all samples.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as papq
from numpy.typing import NDArray

from ecgcli.beats import INFO_COLUMNS, TEXTS
from ecgcli.beats.reader import BEAT_LENGTH, SAMPLING_RATE, Block, normalize
from ecgcli.choices import Storage
from ecgcli.errors import DataError
from ecgcli.inputs import missing, require_file
from ecgcli.wording import counted

if TYPE_CHECKING:
    import pandas as pd

#: Beats in a row group, the unit of compression.
GROUP_BEATS = 32_768
#: Beats in a block that is read. Smaller ones take more time, larger ones more memory.
_BLOCK_BEATS = 8_192
#: The entry of a file's metadata that is ecg's: JSON.
ENTRY = b"ecg"
_CREATE = "create it again with ecg prepare"
_UNREADABLE = (OSError, pa.ArrowException, KeyError)


def encoded(samples: NDArray[np.float32], storage: Storage) -> NDArray[Any]:
    """Samples in 0..1 as they are stored; what is not zero stays so, as zeros are padding."""
    if storage == "float32":
        return np.ascontiguousarray(samples, np.float32)
    if storage == "float16":
        rounded = samples.astype(np.float16)
        return np.where(
            (rounded == 0) & (samples > 0), np.nextafter(rounded, np.float16(1)), rounded
        )
    return np.maximum(np.rint(samples * 255).astype(np.uint8), samples > 0)


def decoded(values: NDArray[Any]) -> NDArray[np.float32]:
    """Stored samples as float32."""
    samples = np.asarray(values, np.float32)
    return samples / np.float32(255) if values.dtype == np.uint8 else samples


@dataclass(frozen=True)
class Content:
    """What a file of beats states about itself, in its metadata.

    Attributes:
        classes: the names of the labels; empty where unknown.
        samples_crc32: the CRC-32 of all samples as stored; None in files of other programs.
        shard: the number of this shard, from 0; None for a file of its own.
        shards: their count, in the last one.
    """

    classes: tuple[str, ...] = ()
    samples_crc32: int | None = None
    shard: int | None = None
    shards: int | None = None

    def packed(self) -> bytes:
        """The metadata's entry."""
        facts = {
            "sampling_rate": SAMPLING_RATE,
            "classes": self.classes,
            "samples_crc32": self.samples_crc32,
            "shard": self.shard,
            "shards": self.shards,
        }
        return json.dumps({k: v for k, v in facts.items() if v is not None}).encode()


def _content_of(file: papq.ParquetFile, path: Path) -> Content:
    entry = (file.schema_arrow.metadata or {}).get(ENTRY)
    entry = (file.metadata.metadata or {}).get(ENTRY, entry)
    if entry is None:
        return Content()
    try:
        facts = json.loads(entry)
        numbers = [facts.get(name) for name in ("samples_crc32", "shard", "shards")]
        if not all(number is None or isinstance(number, int) for number in numbers):
            raise TypeError
        return Content(tuple(map(str, facts["classes"])), *numbers)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"its metadata are damaged; {_CREATE}", file=path) from error


def shard_path(folder: Path, number: int) -> Path:
    """The file of a shard."""
    return folder / f"part-{number:05}.parquet"


class ParquetReader:
    """Reads beats from parquet block by block, like `ecgcli.beats.reader.BeatsReader`.

    Args:
        source: a file, or a folder of shards.
        classes: number of classes; labels must lie in ``0..classes-1``.
        normalize: scale each beat to 0..1 by its own minimum and maximum.

    Raises:
        DataError: a file or a shard is missing, is damaged, or has other columns; on reading,
            a value is not valid.
    """

    def __init__(self, source: Path | str, *, classes: int = 5, normalize: bool = False) -> None:
        self.name, self._classes, self._normalize = str(source), classes, normalize
        paths = shards_of(Path(source))
        self.files = [ParquetFile(path) for path in paths]
        _require_all_shards(self.files, Path(source))
        self.beats = sum(file.beats for file in self.files)
        if not self.beats:
            raise DataError("it has no beats", file=source)
        #: Whether every beat has a class.
        self.labelled = all(file.labelled for file in self.files)
        self.size = sum(path.stat().st_size for path in paths)
        #: The checksum of CSVs, which parquet does not need: its pages have their own.
        self.checksum = 0
        self._read = 0

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, as the file states them; empty where it does not.

        Raises:
            DataError: two shards state different ones.
        """
        names = {file.content.classes for file in self.files}
        if len(names) > 1:
            raise DataError("its shards have beats of different classes", file=self.name)
        return next(iter(names))

    @property
    def position(self) -> int:
        """About how many bytes of `size` have been read."""
        return self.size * self._read // self.beats

    def __enter__(self) -> ParquetReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        for file in self.files:
            file.close()

    def __iter__(self) -> Iterator[Block]:
        for file in self.files:
            for values, labels in file.blocks(self._classes if self.labelled else 0):
                file.check(values, self._normalize)
                samples = decoded(values)
                self._read += len(samples)
                yield Block(normalize(samples) if self._normalize else samples, labels)


class ParquetFile:
    """One parquet file of beats, opened and its columns checked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            require_file(path)
            self._file = papq.ParquetFile(path, pre_buffer=False, page_checksum_verification=True)
        except FileNotFoundError as error:
            raise missing(path) from error
        except _UNREADABLE as error:
            raise _damaged(path, error) from error
        self.content = _content_of(self._file, path)
        self.schema = self._file.schema_arrow
        self.beats: int = self._file.metadata.num_rows
        self.type = self._type_of_samples()
        self._row = 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _type_of_samples(self) -> np.dtype[Any]:
        """The stored type of the samples.

        Raises:
            DataError: there are none, or not of a type that can be read.
        """
        if "samples" not in self.schema.names:
            names = ", ".join(self.schema.names[:8])
            raise DataError(
                f"there is no column samples, only {names}; ecg prepare BEATS.csv -o "
                f"{self.path.name} writes beats as parquet",
                file=self.path,
            )
        found = self.schema.field("samples").type
        lists = pa.types.is_list(found) or pa.types.is_large_list(found)
        fixed = pa.types.is_fixed_size_list(found)
        if fixed and found.list_size != BEAT_LENGTH:
            raise DataError(
                f"found {found.list_size} samples in a beat; a beat has {BEAT_LENGTH}",
                file=self.path,
                column="samples",
            )
        number = found.value_type if lists or fixed else pa.null()
        of_ecg = number == pa.uint8() and bool(self.content.classes)
        if not (pa.types.is_floating(number) or of_ecg):
            raise DataError(
                f"found {found}; a beat is a list of {BEAT_LENGTH} numbers of the type float32, "
                "float16, float64, or uint8 as ecg prepare writes it",
                file=self.path,
                column="samples",
            )
        stored: np.dtype[Any] = np.dtype(number.to_pandas_dtype())
        return np.dtype(np.float32) if stored == np.float64 else stored

    @cached_property
    def labelled(self) -> bool:
        """Whether every beat has a class; reads the column of labels, when it is first asked for.

        Raises:
            DataError: the labels are not whole numbers.
        """
        if "label" not in self.schema.names:
            return False
        kind = self.schema.field("label").type
        if not pa.types.is_integer(kind):
            raise DataError(
                f"found {kind}; a label is a whole number, an index into the classes",
                file=self.path,
                column="label",
            )
        return not any(column.null_count for column in self.column(["label"]).columns)

    def column(self, names: Sequence[str]) -> pa.Table:
        """Whole columns."""
        try:
            return self._file.read(columns=list(names))
        except _UNREADABLE as error:
            raise _damaged(self.path, error) from error

    def blocks(self, classes: int = 0) -> Iterator[tuple[NDArray[Any], NDArray[np.int64] | None]]:
        """Samples as stored ``(beats, 187)``, block by block.

        With the number of classes, the labels too.
        """
        self._row = 0
        try:
            batches = self._file.iter_batches(
                _BLOCK_BEATS, columns=["samples", *(["label"] if classes else [])]
            )
            for batch in batches:
                values = self._rows(batch.column("samples"))
                yield values, self._labels(batch.column("label"), classes) if classes else None
                self._row += len(values)
        except _UNREADABLE as error:
            raise _damaged(self.path, error) from error

    def labels(self, classes: int) -> NDArray[np.int64]:
        """All labels.

        Raises:
            DataError: a beat has none, or one that is no class.
        """
        if not self.labelled:
            raise DataError("not every beat has a class, in the column label", file=self.path)
        self._row = 0
        return self._labels(self.column(["label"]).column(0), classes)

    def _rows(self, lists: pa.Array) -> NDArray[Any]:
        lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        wrong = np.flatnonzero(lengths != BEAT_LENGTH)
        if len(wrong):
            raise self._wrong(
                int(wrong[0]), "samples",
                f"found {counted(int(lengths[wrong[0]]), 'sample')}; a beat has {BEAT_LENGTH}",
            )  # fmt: skip
        flat = lists.flatten()
        if flat.null_count:
            row, place = divmod(int(np.flatnonzero(flat.is_null().to_numpy(False))[0]), BEAT_LENGTH)
            raise self._wrong(row, "samples", f"sample {place} is missing")
        return np.asarray(flat.to_numpy(), self.type).reshape(-1, BEAT_LENGTH)

    def _labels(self, column: Any, classes: int) -> NDArray[np.int64]:
        labels = np.asarray(column.to_numpy(), np.int64)
        wrong = np.flatnonzero((labels < 0) | (labels >= classes))
        if len(wrong):
            raise self._wrong(
                int(wrong[0]), "label",
                f"found {labels[wrong[0]]}; a class is one of 0 to {classes - 1}",
            )  # fmt: skip
        return labels

    def check(self, values: NDArray[Any], normalize: bool, first: int | None = None) -> None:
        """Refuse a sample that is no number, or not in 0..1 unless beats are normalized.

        ``values`` are as stored, from the current block, or from row ``first``.
        """
        if values.dtype == np.uint8:
            return
        self._row = self._row if first is None else first
        fine = np.isfinite(values) if normalize else (values >= 0) & (values <= 1)
        if not fine.all():
            row, place = map(int, np.argwhere(~fine)[0])
            raise self._wrong(
                row, "samples",
                f"sample {place} is {values[row, place]:g}; samples are numbers in 0..1, or "
                "scaled to it with --normalize (data.normalize=true in training)",
            )  # fmt: skip

    def _wrong(self, row: int, column: str, problem: str) -> DataError:
        return DataError(problem, file=self.path, row=self._row + row + 1, column=column)


def _damaged(path: Path, error: Exception) -> DataError:
    reason = " ".join(str(error).split())[:120].rstrip(".")
    return DataError(f"cannot be read as parquet ({reason}); {_CREATE}", file=path)


def shards_of(source: Path) -> list[Path]:
    """The files of beats in parquet: the file itself, or those of a folder in their order.

    Raises:
        DataError: the folder has none.
    """
    if not source.is_dir():
        return [source]
    paths = sorted(source.glob("part-*.parquet"))
    if not paths:
        raise DataError("there is no shard (part-00000.parquet, …) in this folder", file=source)
    return paths


def _require_all_shards(files: Sequence[ParquetFile], source: Path) -> None:
    """Refuse a folder without all of its shards, as far as they are numbered."""
    numbers = [file.content.shard for file in files]
    if not source.is_dir() or set(numbers) == {None}:
        return
    if numbers != list(range(len(numbers))) or files[-1].content.shards is None:
        missing = next((n for n, number in enumerate(numbers) if n != number), len(numbers))
        raise DataError(
            f"{shard_path(source, missing).name} is missing, or not the shard of its name; "
            f"{_CREATE}",
            file=source,
        )


def read_columns(source: Path | str, names: Iterable[str]) -> pa.Table | None:
    """Columns of beats in parquet; None where the files have none of them.

    Raises:
        DataError: a file lacks one of them, or cannot be read.
    """
    wanted, parts, paths = list(names), [], shards_of(Path(source))
    for path in paths:
        file = ParquetFile(path)
        missing = [name for name in wanted if name not in file.schema.names]
        if missing and len(missing) < len(wanted):
            raise DataError(
                f"there is no column {missing[0]}; with information on beats, it needs "
                f"{', '.join(wanted)}",
                file=path,
            )
        if not missing:
            parts.append(file.column(wanted))
        file.close()
    if parts and len(parts) < len(paths):
        raise DataError(f"some of its shards have a column {wanted[0]}, others not", file=source)
    return pa.concat_tables(parts) if parts else None


def has_column(source: Path | str, name: str) -> bool:
    """Whether all files of beats in parquet have a column.

    Raises:
        DataError: a file cannot be read.
    """
    files = [ParquetFile(path) for path in shards_of(Path(source))]
    for file in files:
        file.close()
    return all(name in file.schema.names for file in files)


def read_info_columns(
    source: Path | str, names: Sequence[str] = INFO_COLUMNS
) -> pd.DataFrame | None:
    """Columns of the sidecar of beats in parquet, by default all; None without them.

    Raises:
        DataError: some are missing or of another type.
    """
    table = read_columns(source, names)
    if table is None:
        return None
    for name in names:
        kind = table.schema.field(name).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        if text != (name in TEXTS) or not (text or pa.types.is_floating(kind)):
            valid = "text" if name in TEXTS else "float64, in s"
            raise DataError(f"found {kind}; valid: {valid}", file=source, column=name)
    info: pd.DataFrame = table.to_pandas(split_blocks=True, self_destruct=True)
    del table
    changed = [
        name for name in names if name in TEXTS and (info[name].dtype != str or info[name].hasnans)
    ]
    return info.assign(**{name: info[name].fillna("").astype(str) for name in changed})


def read_context_column(source: Path | str) -> NDArray[np.float32] | None:
    """The context of beats in parquet, ``(beats, features)``; None without one.

    Raises:
        DataError: it is no list of float32 of one length.
    """
    table = read_columns(source, ["context"])
    if table is None:
        return None
    kind = table.schema.field("context").type
    if not pa.types.is_fixed_size_list(kind) or kind.value_type != pa.float32():
        raise DataError(
            f"found {kind}; the context is a list of float32 of one length; create it again with "
            "ecg prepare --context",
            file=source,
            column="context",
        )
    chunks = [chunk.flatten().to_numpy() for chunk in table.column("context").chunks]
    context: NDArray[np.float32] = np.concatenate(chunks).reshape(-1, kind.list_size)
    return context
