"""What a review leaves behind: a table of the corrected beats and a WFDB annotation file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgcli.cells import quoting, to_cell
from ecgcli.classes import ABSTAINED, LABEL_OF_SYMBOL
from ecgcli.errors import DataError
from ecgcli.files import atomic_write, write_text
from ecgcli.guard import MARK
from ecgcli.prediction.beats import DECIMALS
from ecgcli.recordings.annotation_file import annotation_bytes
from ecgcli.recordings.rhythm_annotations import FIBRILLATION, NORMAL, RHYTHM_SYMBOL
from ecgcli.review.answers import DECIMALS as TIME_DECIMALS
from ecgcli.review.session import Review, Reviewed

#: The annotator's name, which is also the ending of the annotation file.
ANNOTATOR = "reviewed"
#: The annotation symbol of a change of signal quality.
_QUALITY = "~"
#: The subtypes of a change of quality: no lead can be read; all can.
_UNREADABLE, _READABLE = -1, 0


def write_results(review: Review, folder: Path, name: str) -> tuple[Path, Path]:
    """Write ``NAME.reviewed.csv`` and ``NAME.reviewed``; each completely or not at all.

    Returns:
        The table and the annotation file.

    Raises:
        OutputError: the folder cannot be written, or another program made the annotation file.
        DataError: there are no beats.
    """
    beats = review.beats()
    table, annotations = folder / f"{name}.{ANNOTATOR}.csv", folder / f"{name}.{ANNOTATOR}"
    content = _annotation_file(review, beats)
    write_text(table, _table(review, beats))
    with atomic_write(annotations, annotations=True) as stream:
        stream.write(content)
    return table, annotations


def _table(review: Review, beats: Reviewed) -> str:
    """A row for each beat; ``reader`` names who gave the class and is empty where nobody did."""
    stream = io.StringIO()
    readers = [to_cell(reader) for reader in beats.readers]
    writer = csv.writer(stream, lineterminator="\n", quoting=quoting(readers))
    writer.writerow(("beat", "time", "class", *review.classes, "reader"))
    probabilities = np.round(beats.probabilities.astype(float), DECIMALS).tolist()
    rows = zip(beats.times.tolist(), beats.letters, probabilities, readers, strict=True)
    for number, (time, letter, shares, reader) in enumerate(rows):
        writer.writerow((number, round(time, TIME_DECIMALS), letter or ABSTAINED, *shares, reader))
    return stream.getvalue()


def _annotation_file(review: Review, beats: Reviewed) -> bytes:
    """The beats that can be read, by their symbols, and the stretches that were named.

    The first beat has the auxiliary text `MARK`.

    Raises:
        DataError: there are no beats, and an annotation file cannot be empty.
    """
    corrections, rate = review.corrections, review.analysis.prepared.sampling_rate
    kept = ~corrections.unreadable(beats.times)
    if not kept.any():
        raise DataError(
            "no beats are left, and an annotation file cannot be empty", file=review.analysis.path
        )
    symbols = _symbols(review, beats)[kept].tolist()
    texts = [MARK, *[""] * (len(symbols) - 1)]
    marks = [
        (time, symbol, 0, text)
        for time, symbol, text in zip(beats.times[kept], symbols, texts, strict=True)
    ]
    for stretch in corrections.stretches:
        if stretch.kind == "fibrillation":
            marks.append((stretch.start, RHYTHM_SYMBOL, 0, FIBRILLATION))
            marks.append((stretch.stop, RHYTHM_SYMBOL, 0, NORMAL))
        else:
            marks.append((stretch.start, _QUALITY, _UNREADABLE, ""))
            marks.append((stretch.stop, _QUALITY, _READABLE, ""))
    times, all_symbols, subtypes, notes = zip(*sorted(marks), strict=True)
    samples = np.round(np.array(times) * rate).astype(np.int64)
    return annotation_bytes(samples, all_symbols, notes, rate, subtypes)


def _symbols(review: Review, beats: Reviewed) -> NDArray[np.object_]:
    """The symbol of each beat: the annotated one where it has the same class, else the class."""
    symbols = np.array([letter or ABSTAINED for letter in beats.letters], object)
    annotated = review.analysis.symbols
    for place, number in enumerate(beats.numbers):
        if number < len(annotated):
            symbol = annotated[number]
            if review.classes[LABEL_OF_SYMBOL[symbol]] == beats.letters[place]:
                symbols[place] = symbol
    return symbols
