"""Checkpoint and beats -> probabilities, streamed from a beats CSV to a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ecgcli.beats import Beats, beats_reader, read_context, read_info
from ecgcli.beats.blocks import beats_of_blocks, whole_recordings
from ecgcli.beats.views import inputs_of
from ecgcli.choices import TableFormat
from ecgcli.classes import ABSTAINED, CLASS_SETS
from ecgcli.errors import ConfigError, DataError, shown
from ecgcli.files import atomic_write
from ecgcli.inputs import missing, open_input
from ecgcli.parallel import one_ahead
from ecgcli.prediction import Classifier
from ecgcli.progress import SILENT, Progress

if TYPE_CHECKING:
    import pandas as pd

#: Decimals of the probabilities in a table.
DECIMALS = 6


@dataclass(frozen=True)
class Summary:
    """A summary of a prediction.

    ``counts`` is the number of beats predicted as each class, ``abstained`` the number
    without a class, and ``labels_ignored`` whether the file had labels.
    """

    counts: dict[str, int]
    labels_ignored: bool
    abstained: int = 0

    @property
    def beats(self) -> int:
        """The number of beats."""
        return sum(self.counts.values()) + self.abstained


class TableWriter(Protocol):
    """Takes a table of predictions piece by piece."""

    def write(self, table: pa.Table) -> None:
        """Append rows."""

    def close(self) -> None:
        """Complete the table; the stream stays open."""


def predict_file(
    classifier: Classifier,
    source: Path | str,
    target: Path | str,
    *,
    table_format: TableFormat,
    normalize: bool = False,
    abstain: float = 0.0,
    progress: Progress = SILENT,
) -> Summary:
    """Classify every beat of a CSV and write a row for each beat, in bounded memory.

    A row has the beat's number (from 0, in the order of the file), its class, and a
    probability for each class. A file is read while the beats before are classified.

    Args:
        classifier: the model.
        source: a beats CSV, or ``-`` for standard input.
        target: the file to write, or ``-`` for standard output.
        table_format: the format of the target.
        normalize: scale each beat to 0..1 first.
        abstain: beats whose highest probability is below this have the class `ABSTAINED`.
        progress: called with the number of bytes read.

    Raises:
        DataError: the source is not valid; no target is written.
        OutputError: the target cannot be written.
        ConfigError: ``abstain`` is not a probability.
    """
    check_probability(abstain)
    classes = classifier.classes
    counts = np.zeros(len(classes) + 1, np.int64)
    first = 0
    samples_only = classifier.views == ("samples",)
    sidecars = None if samples_only else (read_info(source), read_context(source))
    with beats_reader(source, classes=len(classes), normalize=normalize) as reader:
        blocks = beats_of_blocks(reader, sidecars, source)
        head = next(blocks)  # refuses an invalid file before the output opens
        inputs_of(head, classifier.views)
        schema = pa.schema(
            [
                ("beat", pa.int64()),
                ("class", pa.string()),
                *((each, pa.float32()) for each in classes),
            ]
        )
        parts: Iterator[Beats] = chain([head], blocks)
        if "recording" in classifier.views:
            parts = whole_recordings(parts)
        pieces = ((beats, reader.position) for beats in parts)
        with (
            atomic_write(target) as stream,
            table_writer(stream, table_format, schema) as writer,
            closing(pieces if reader.size is None else one_ahead(pieces)) as read,
        ):
            for beats, position in read:
                probabilities = classifier.probabilities(beats)
                predicted = labels_for(probabilities, abstain)
                counts += np.bincount(predicted, minlength=len(classes) + 1)
                writer.write(table_of(probabilities, predicted, classes, first=first))
                first += len(predicted)
                progress.update("predicting", position, reader.size, unit="bytes")
    return Summary(
        {name: int(count) for name, count in zip(classes, counts[:-1], strict=True)},
        reader.labelled,
        int(counts[-1]),
    )


def check_probability(abstain: float) -> None:
    """Refuse a threshold that is not a probability.

    Raises:
        ConfigError: it is outside 0..1.
    """
    if not 0 <= abstain <= 1:
        raise ConfigError(f"--abstain: found {abstain:g}; valid: a probability from 0 to 1")


def labels_for(probabilities: NDArray[np.float32], abstain: float = 0.0) -> NDArray[np.intp]:
    """The label of each beat; one past the last class where no probability reaches ``abstain``."""
    labels: NDArray[np.intp] = probabilities.argmax(axis=1)
    labels[probabilities.max(axis=1, initial=0) < abstain] = probabilities.shape[1]
    return labels


def read_predictions(path: Path) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Read the classes from a table that `predict_file` wrote (CSV, JSON or parquet).

    Returns:
        The label of each beat (one past the last class where the model abstained), and the
        names of the classes, which are those of the table's columns of probabilities.

    Raises:
        DataError: the file is not such a table.
    """
    table = read_table(path)
    if "class" not in table:
        raise DataError(
            "there is no column named class; ecg predict writes one (ecg predict beats.csv "
            f"-o {path.name})",
            file=path,
        )
    classes = next((names for names in CLASS_SETS.values() if {*names} <= {*table}), None)
    if classes is None:
        valid = " or ".join(" ".join(names) for names in CLASS_SETS.values())
        raise DataError(f"there are no columns of probabilities; valid: {valid}", file=path)
    label_of = {name: label for label, name in enumerate((*classes, ABSTAINED))}
    wrong = ~table["class"].isin(label_of)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"found class {shown(table['class'].iloc[row])}; valid: {', '.join(label_of)}",
            file=path,
            row=row + 2,
        )
    return np.array([label_of[name] for name in table["class"]], np.int64), classes


def read_table(path: Path) -> pd.DataFrame:
    """Read a table of predictions, unchecked.

    Raises:
        DataError: there is no such file, or it is no table.
    """
    import pandas as pd

    readers: dict[str, Callable[[IO[bytes]], pd.DataFrame]] = {
        ".json": pd.read_json,
        ".parquet": pd.read_parquet,
    }
    try:
        with open_input(path) as stream:
            return readers.get(path.suffix.lower(), pd.read_csv)(stream)
    except FileNotFoundError as error:
        raise missing(path) from error
    except (ValueError, TypeError, AttributeError, OSError, pa.ArrowException) as error:
        raise DataError(f"cannot be read as predictions: {error}", file=path) from error


def table_of(
    probabilities: NDArray[np.float32],
    labels: NDArray[np.intp],
    classes: tuple[str, ...],
    *,
    first: int = 0,
    before: dict[str, pa.Array] | None = None,
    after: dict[str, pa.Array] | None = None,
) -> pa.Table:
    """Rows for probabilities ``(beats, classes)`` and their labels, see `labels_for`.

    Rows are numbered from ``first``; the columns ``before`` stand before the class, and
    ``after`` at the end.
    """
    names = pa.DictionaryArray.from_arrays(
        pa.array(labels, pa.int8()), pa.array((*classes, ABSTAINED))
    )
    return pa.table(
        {"beat": pa.array(np.arange(first, first + len(probabilities)))}
        | (before or {})
        | {"class": names.dictionary_decode()}
        | {
            name: pa.array(np.ascontiguousarray(column))
            for name, column in zip(classes, probabilities.round(DECIMALS).T, strict=True)
        }
        | (after or {})
    )


@contextmanager
def table_writer(
    stream: IO[bytes], table_format: TableFormat, schema: pa.Schema
) -> Iterator[TableWriter]:
    """A writer of tables of this schema in the given format, closed when the block succeeds."""
    if table_format == "csv":
        import pyarrow.csv as pacsv

        options = pacsv.WriteOptions(include_header=False, quoting_style="none")
        stream.write(",".join(schema.names).encode() + b"\n")
        writer: TableWriter = pacsv.CSVWriter(stream, schema, write_options=options)
    elif table_format == "parquet":
        import pyarrow.parquet as papq

        writer = papq.ParquetWriter(stream, schema)
    else:
        writer = _JsonWriter(stream)
    yield writer
    writer.close()


class _JsonWriter:
    """One JSON array with an object for each beat, one per line."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._separator = stream, b"[\n"

    def write(self, table: pa.Table) -> None:
        for row in table.to_pylist():
            rounded = {k: round(v, DECIMALS) if isinstance(v, float) else v for k, v in row.items()}
            self._stream.write(self._separator + json.dumps(rounded).encode())
            self._separator = b",\n"

    def close(self) -> None:
        self._stream.write(b"\n]\n")
