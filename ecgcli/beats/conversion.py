"""Writing beats as they come, and files of beats in another form: CSV and parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecgcli.beats import (
    Beats,
    beats_reader,
    classes_of,
    concatenate,
    context_path,
    info_path,
    read_context,
    read_info,
    require_classes,
    require_one_meaning,
    write_beats,
)
from ecgcli.beats.blocks import beats_of_blocks
from ecgcli.beats.parquet import has_column
from ecgcli.beats.parquet_writer import SHARD_BEATS, ParquetWriter, writing_parquet
from ecgcli.choices import Storage
from ecgcli.classes import AAMI_CLASSES, CLASS_SETS
from ecgcli.inputs import is_parquet
from ecgcli.progress import SILENT, Progress

_MOST_CLASSES = max(map(len, CLASS_SETS.values()))


class Output:
    """Takes beats piece by piece: into parquet at once, or into memory for a CSV."""

    def __init__(self, parquet: ParquetWriter | None) -> None:
        self._parquet, self._parts = parquet, list[Beats]()
        self._tally = np.zeros(_MOST_CLASSES, np.int64)
        self.beats = 0
        #: The names of the labels; those of the beats by default.
        self.classes: tuple[str, ...] = ()

    def write(self, beats: Beats) -> None:
        """Append beats.

        Raises:
            DataError: their labels mean other classes than those before.
        """
        self.beats += len(beats)
        self.classes = beats.classes
        if beats.labels is not None:
            self._tally += np.bincount(beats.labels, minlength=_MOST_CLASSES)
        if self._parquet is not None:
            self._parquet.write(beats)
        else:
            self._parts.append(beats)

    @property
    def counts(self) -> dict[str, int] | None:
        """Number of beats of each class; None where a beat has no class."""
        if self._tally.sum() < self.beats:
            return None
        return {name: int(self._tally[label]) for label, name in enumerate(self.classes)}

    def close(self, target: Path) -> None:
        """Write what is in memory."""
        if self._parquet is not None:
            self._parquet.classes = self.classes
        elif self._parts:
            write_beats(target, replace(concatenate(self._parts), classes=self.classes))


@contextmanager
def writing(
    target: Path,
    *,
    storage: Storage = "float32",
    shards: bool = False,
    info: bool = True,
    context: bool = False,
) -> Iterator[Output]:
    """An output whose file appears when the block succeeds.

    Args:
        target: a CSV, or parquet where it is named ``.parquet`` or is a folder of shards.
        storage: how parquet stores samples.
        shards: whether the target is a folder of shards.
        info: whether all beats have a sidecar.
        context: whether all beats have a context.
    """
    if not shards and target.suffix.lower() != ".parquet":
        output = Output(None)
        yield output
        output.close(target)
        return
    shard_beats = SHARD_BEATS if shards else None
    with writing_parquet(
        target, storage=storage, info=info, context=context, shard_beats=shard_beats
    ) as parquet:
        output = Output(parquet)
        yield output
        output.close(target)


def convert(
    sources: Sequence[str],
    target: Path,
    classes: tuple[str, ...] | None = None,
    *,
    normalize: bool = False,
    storage: Storage = "float32",
    shards: bool = False,
    progress: Progress = SILENT,
) -> Output:
    """Write the beats of files, in their order, into one; with sidecars where all have them.

    Parquet takes memory for a piece of the beats and for the sidecars of a file, a CSV for all.

    Args:
        sources: CSVs, ``-`` for standard input, parquet files, and folders of shards.
        target: see `writing`.
        classes: the names of the labels; None where the files say so themselves.
        normalize: scale each beat to 0..1 by its own minimum and maximum.
        storage: how parquet stores samples.
        shards: whether the target is a folder of shards.
        progress: called with the number of bytes read of a source.

    Raises:
        DataError: a source is not valid, or two have labels of different meanings.
    """
    with writing(
        target,
        storage=storage,
        shards=shards,
        info=all(_has(source, "record", info_path(source)) for source in sources),
        context=all(_has(source, "context", context_path(source)) for source in sources),
    ) as output:
        meanings = [_copy(source, output, classes, normalize, progress) for source in sources]
        for meaning in meanings:
            require_one_meaning(meanings[0], meaning)
        output.classes = meanings[0]
    return output


def _has(source: str, column: str, sidecar: Path) -> bool:
    return has_column(source, column) if is_parquet(source) else sidecar.exists()


def _copy(
    source: str,
    output: Output,
    classes: tuple[str, ...] | None,
    normalize: bool,
    progress: Progress,
) -> tuple[str, ...]:
    """Write all beats of a file, with its sidecars; the classes that its labels mean."""
    sidecars = info, _ = read_info(source), read_context(source)
    highest = -1
    with beats_reader(source, classes=len(classes or AAMI_CLASSES), normalize=normalize) as reader:
        for beats in beats_of_blocks(reader, sidecars, source):
            output.write(beats)
            if beats.labels is not None:
                highest = max(highest, int(beats.labels.max(initial=-1)))
            progress.update("converting", reader.position, reader.size, unit="bytes")
    if classes is None and not reader.classes and highest >= 0:
        classes = classes_of(np.array([highest]), info, source)
    meaning = classes or reader.classes or AAMI_CLASSES
    require_classes(source, meaning, reader.classes)
    return meaning
