"""Beats in parquet whose samples stay on disk, for training on more than memory holds.

Parquet is compressed, so rows cannot be read from it one by one. Beside each file,
``FILE.samples.npy`` holds its samples as one array, of the type stored in parquet, which the
system maps into memory page by page and may give up again. It is made once, and used again
where its checksum is that of the samples in the parquet file. Labels and sidecars are in memory.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.beats import INFO_COLUMNS, Beats, concatenate, require_classes
from ecgcli.beats.parquet import (
    GROUP_BEATS,
    ParquetFile,
    ParquetReader,
    decoded,
    read_context_column,
    read_info_columns,
)
from ecgcli.beats.reader import BEAT_LENGTH, normalize
from ecgcli.errors import DataError, OutputError
from ecgcli.files import atomic_write
from ecgcli.progress import SILENT, Progress

#: The columns of the sidecar that say whose a beat is.
OWNERS = ("record", "patient", "copy")


@dataclass(frozen=True)
class SampleMaps:
    """The samples of beats on disk, in one array for each file.

    Attributes:
        maps: arrays ``(beats, 187)``, mapped from files.
        normalized: whether to scale each beat to 0..1 by its own minimum and maximum.
    """

    maps: tuple[NDArray[Any], ...]
    normalized: bool = False

    def __len__(self) -> int:
        return sum(map(len, self.maps))

    def read(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """The samples of the beats at ``rows``; ``(rows, 187)``."""
        if len(self.maps) == 1:
            values = self.maps[0][rows]
        else:
            values = np.empty((len(rows), BEAT_LENGTH), self.maps[0].dtype)
            ends = np.cumsum([len(each) for each in self.maps])
            files = np.searchsorted(ends, rows, side="right")
            for number in np.unique(files):
                here = files == number
                values[here] = self.maps[number][
                    rows[here] - (ends[number] - len(self.maps[number]))
                ]
        samples = decoded(values)
        return normalize(samples) if self.normalized else samples


class MappedBeats(Beats):
    """Beats whose samples are read from disk when they are asked for.

    Args:
        maps: the samples of all beats of the files.
        rows: which of them these beats are, in their order.
        beats: everything else of these beats; its samples are not used.
    """

    def __init__(self, maps: SampleMaps, rows: NDArray[np.intp], beats: Beats) -> None:
        for name in ("labels", "info", "context", "peak", "classes"):
            object.__setattr__(self, name, getattr(beats, name))
        object.__setattr__(self, "maps", maps)
        object.__setattr__(self, "rows", rows)

    maps: SampleMaps
    rows: NDArray[np.intp]

    @property
    def samples(self) -> NDArray[np.float32]:
        """All samples, in memory."""
        return self.maps.read(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: NDArray[np.intp]) -> MappedBeats:
        """The beats at ``rows``, in that order; their samples stay on disk."""
        return MappedBeats(self.maps, self.rows[rows], _without_samples(self, len(self)).take(rows))

    def fingerprint(self) -> str:
        """As that of the same beats in memory."""
        digest = hashlib.sha256()
        for first in range(0, len(self), GROUP_BEATS):
            block = self.maps.read(self.rows[first : first + GROUP_BEATS])
            digest.update(block.astype("<f4", copy=False).data)
        if self.labels is not None:
            digest.update(self.labels.astype("<i8", copy=False).data)
        return digest.hexdigest()


def _without_samples(beats: Beats, count: int) -> Beats:
    nothing = np.empty((count, 0), np.float32)
    return Beats(nothing, beats.labels, beats.info, beats.context, beats.peak, beats.classes)


def map_beats(
    sources: Sequence[Path],
    classes: tuple[str, ...],
    *,
    views: Sequence[str] = ("rr", "context"),
    normalize: bool = False,
    progress: Progress = SILENT,
) -> MappedBeats:
    """The labelled beats of parquet files, whose samples stay on disk.

    Args:
        sources: files, or folders of shards, in the order of the beats.
        classes: the names of the labels.
        views: the views that are needed (see `ecgcli.beats.views`): without ``rr`` the sidecar
            has only `OWNERS`, without ``context`` there is none, which saves their memory.
        normalize: scale each beat to 0..1 by its own minimum and maximum.
        progress: has a message for each array that is made or used again.

    Raises:
        DataError: a file is missing or not valid, or a beat has no class.
        OutputError: the array beside a file cannot be written.
    """
    parts = [_map_source(source, classes, views, normalize, progress) for source in sources]
    maps = SampleMaps(tuple(array for arrays, _ in parts for array in arrays), normalize)
    others = parts[0][1] if len(parts) == 1 else concatenate([beats for _, beats in parts])
    return MappedBeats(maps, np.arange(len(maps)), others)


def _map_source(
    source: Path,
    classes: tuple[str, ...],
    views: Sequence[str],
    normalize: bool,
    progress: Progress,
) -> tuple[list[NDArray[Any]], Beats]:
    """The arrays of a file's samples, one for each shard, and its beats without samples."""
    with ParquetReader(source, classes=len(classes), normalize=normalize) as reader:
        require_classes(source, classes, reader.classes)
        labels = np.concatenate([file.labels(len(classes)) for file in reader.files])
        arrays = [_map_samples(file, normalize, progress) for file in reader.files]
    if len({array.dtype for array in arrays}) > 1:
        raise DataError("its shards store samples in different types", file=source)
    nothing = np.empty((len(labels), 0), np.float32)
    info = read_info_columns(source, INFO_COLUMNS if "rr" in views else OWNERS)
    context = read_context_column(source) if "context" in views else None
    return arrays, Beats(nothing, labels, info, context, classes=classes)


def samples_path(parquet: Path) -> Path:
    """Where the samples of a parquet file lie as an array: ``beats.parquet.samples.npy``."""
    return parquet.with_name(f"{parquet.name}.samples.npy")


def _map_samples(file: ParquetFile, normalize: bool, progress: Progress) -> NDArray[Any]:
    """The samples of a file, mapped from the array beside it, which is made where there is none."""
    path = samples_path(file.path)
    array = _opened(path, file)
    if array is not None and _checksum(array, file, normalize) == file.content.samples_crc32:
        progress.message(f"The samples of {file.path} are read from {path}: same checksum")
        return array
    progress.message(f"Writing the samples of {file.path} to {path}, to train from")
    _write_samples(path, file, normalize)
    array = _opened(path, file)
    if array is None:
        raise OutputError(f"{path}: it changed as soon as it was written; is it written twice?")
    return array


def _opened(path: Path, file: ParquetFile) -> NDArray[Any] | None:
    """The array beside a file; None where there is none, or one of another size or type."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    fits = array.shape == (file.beats, BEAT_LENGTH) and array.dtype == file.type
    return array if fits else None


def _checksum(array: NDArray[Any], file: ParquetFile, normalize: bool) -> int:
    crc = 0
    for first in range(0, len(array), GROUP_BEATS):
        values = np.ascontiguousarray(array[first : first + GROUP_BEATS])
        crc = zlib.crc32(values.data, crc)
        file.check(values, normalize, first)
    return crc


def _write_samples(path: Path, file: ParquetFile, normalize: bool) -> None:
    """Write the array beside a file.

    Raises:
        DataError: the samples are not those that the file was written with, or not valid.
    """
    crc, header = 0, {"descr": file.type.str, "fortran_order": False}
    with atomic_write(path) as stream:
        shape = (file.beats, BEAT_LENGTH)
        np.lib.format.write_array_header_1_0(stream, header | {"shape": shape})
        for values, _ in file.blocks():
            file.check(values, normalize)
            crc = zlib.crc32(values.data, crc)
            stream.write(values.data)
        if file.content.samples_crc32 not in (None, crc):
            raise DataError("its samples are not those it was written with", file=file.path)
