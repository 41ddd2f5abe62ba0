"""A record's beats and rhythms as annotated, without its signal."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgcli.classes import AAMI_CLASSES, LABEL_OF_SYMBOL
from ecgcli.errors import DataError
from ecgcli.recordings.formats.wfdb_record import read_annotations, read_rate, record_of
from ecgcli.recordings.rhythm_annotations import FIBRILLATION, RhythmSpan, rhythm_spans

#: The classes of beats that do not belong to the rhythm of the atria.
VENTRICULAR = ("V", "F")


@dataclass(frozen=True)
class AnnotatedRhythm:
    """The beats and the rhythms of a record.

    Attributes:
        name: the record's name.
        times: ``(beats,)`` the R peaks, in s, ascending.
        ectopic: ``(beats,)`` which beats are ventricular or fusion beats.
        rhythms: one after the other, at least one.
    """

    name: str
    times: NDArray[np.float64]
    ectopic: NDArray[np.bool_]
    rhythms: tuple[RhythmSpan, ...]

    @cached_property
    def digest(self) -> str:
        """Identifies the record by its R peaks; names such as 100 are those of many records."""
        return hashlib.sha256(self.times.tobytes()).hexdigest()[:16]


def read_annotated_rhythm(path: Path, annotator: str = "atr") -> AnnotatedRhythm:
    """Read the header and the annotations of a WFDB record; its signal file may be missing.

    Args:
        path: of the record, with or without ending.
        annotator: the ending of the annotation file.

    Raises:
        DataError: a file is missing or damaged, or there are no rhythm annotations.
    """
    rate = read_rate(path)
    positions, symbols, texts = read_annotations(record_of(path), annotator)
    rhythms = rhythm_spans(positions / rate, symbols, texts)
    if not rhythms:
        raise DataError(
            f"there are no rhythm annotations (such as {FIBRILLATION}) in its .{annotator} file",
            file=path,
        )
    labels = np.array([LABEL_OF_SYMBOL.get(symbol, -1) for symbol in symbols])
    ventricular = [AAMI_CLASSES.index(name) for name in VENTRICULAR]
    return AnnotatedRhythm(
        name=record_of(path).name,
        times=positions[labels >= 0] / rate,
        ectopic=np.isin(labels[labels >= 0], ventricular),
        rhythms=rhythms,
    )
