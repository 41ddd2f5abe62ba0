"""Files of beats block by block, each with its rows of the sidecars, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ecgcli.beats import Beats, concatenate, require_rows, require_unmixed
from ecgcli.beats.reader import BeatsReader

if TYPE_CHECKING:
    import pandas as pd

    from ecgcli.beats.parquet import ParquetReader

#: The sidecars of a file: information and context, a row for each beat.
Sidecars = tuple["pd.DataFrame | None", "NDArray[np.float32] | None"]


def beats_of_blocks(
    reader: BeatsReader | ParquetReader, sidecars: Sidecars | None, source: Path | str
) -> Iterator[Beats]:
    """The blocks of a reader as beats.

    Args:
        reader: of the file.
        sidecars: of the file; None if they are neither used nor checked.
        source: the file, for errors.

    Raises:
        DataError: a block is not valid, or a sidecar has another number of rows or was written
            with other beats; that may show only after the last block.
    """
    info, context = sidecars or (None, None)
    first = 0
    for block in reader:
        rows = slice(first, first + len(block.samples))
        for sidecar in (info, context):
            if sidecar is not None and len(sidecar) < rows.stop:
                require_rows(len(sidecar), rows.stop, source)
        yield Beats(
            block.samples,
            block.labels,
            None if info is None else info.iloc[rows],
            None if context is None else context[rows],
        )
        first = rows.stop
    for sidecar in (info, context):
        if sidecar is not None:
            require_rows(len(sidecar), first, source)
    if sidecars is not None:
        require_unmixed(source, reader.checksum, context)


def whole_recordings(blocks: Iterable[Beats]) -> Iterator[Beats]:
    """The same beats, cut so that the consecutive beats of a recording are in one block.

    For models that look at the beats of a recording together. Takes the memory of the longest
    recording; beats without a sidecar count as those of one.
    """
    held: list[Beats] = []
    for block in filter(len, blocks):
        names = block.records
        if held and names[0] != held[-1].records[-1]:
            yield concatenate(held)
            held = []
        others = np.flatnonzero(names != names[-1])
        if len(others):  # its last recording may go on in the next block
            begin = others[-1] + 1
            yield concatenate([*held, block.take(np.arange(begin))])
            held, block = [], block.take(np.arange(begin, len(block)))
        held.append(block)
    if held:
        yield concatenate(held)
