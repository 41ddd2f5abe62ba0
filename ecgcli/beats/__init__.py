"""Beats: their samples and labels, and further information on each.

Information that has no place in a beats CSV (record, patient, lead, time, symbol, RR
intervals) is stored in a sidecar ``NAME.info.csv`` with the same row order.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from ecgcli.beats.reader import BeatsReader, checksum, write_rows
from ecgcli.cells import from_cell, quoting, to_cell
from ecgcli.choices import Storage
from ecgcli.classes import AAMI_CLASSES, CLASS_SETS, LABEL_OF_SYMBOL
from ecgcli.errors import DataError, OutputError
from ecgcli.files import atomic_write, is_stream, remove
from ecgcli.inputs import is_parquet, read_array, require_file
from ecgcli.wording import counted

if TYPE_CHECKING:
    import pandas as pd

    from ecgcli.beats.parquet import ParquetReader

#: The sidecar's columns of numbers, all in seconds: the time of the R peak, the RR intervals before
#: and after it, and their means over the whole recording and over the 10 s around the beat.
TIMES = ["time", "previous_rr", "next_rr", "mean_rr", "local_rr"]
#: All of the sidecar's columns. ``copy`` names the modification of a recording that was modified
#: for training, and is empty for the original.
INFO_COLUMNS = ["record", "patient", "lead", "time", "symbol", *TIMES[1:], "copy"]
#: The sidecar's columns of text; in the file, each text is the cell of `ecgcli.cells.to_cell`.
TEXTS = [name for name in INFO_COLUMNS if name not in TIMES]
#: Columns of the file alone, the same in every row: the CRC-32 of the samples and of the context
#: that the sidecar was written with, as `ecgcli.beats.reader.checksum`; empty without context.
CHECKSUMS = ("samples_crc32", "context_crc32")
#: Columns missing from the sidecars of earlier versions, and their values there.
_ADDED_COLUMNS = {"copy": ""}

#: Prefix of the names of simulated records.
SYNTHETIC_PREFIX = "synthetic"


@dataclass(frozen=True)
class Beats:
    """Heartbeats, ready for a model.

    Attributes:
        samples: ``(beats, 187)`` float32 in 0..1 at 120 Hz, zero-padded; ``(beats, 0)`` where they
            were not read.
        labels: ``(beats,)`` int64 indices into ``classes``, or None.
        info: the sidecar, one row per beat with `INFO_COLUMNS`, or None.
        context: ``(beats, features)`` float32, features of each beat relative to its recording
            (see `ecgcli.beats.context`), or None.
        peak: ``(beats,)`` int64, the R peak at which each beat begins, as an index into
            `Recording.beat_positions` of its recording. None for beats read from a file.
        classes: the class names, in the order of the labels.
    """

    samples: NDArray[np.float32]
    labels: NDArray[np.int64] | None = None
    info: pd.DataFrame | None = None
    context: NDArray[np.float32] | None = None
    peak: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = AAMI_CLASSES

    def __len__(self) -> int:
        return len(self.samples)

    def take(self, rows: NDArray[np.intp]) -> Beats:
        """The beats at ``rows``, in that order."""
        return Beats(
            self.samples[rows],
            None if self.labels is None else self.labels[rows],
            None if self.info is None else self.info.iloc[rows].reset_index(drop=True),
            None if self.context is None else self.context[rows],
            None if self.peak is None else self.peak[rows],
            self.classes,
        )

    def counts(self, rows: NDArray[np.intp] | NDArray[np.bool_] | None = None) -> dict[str, int]:
        """Number of beats of each class, of all beats or of those at ``rows``, in class order."""
        labels = self.known_labels if rows is None else self.known_labels[rows]
        tally = np.bincount(labels, minlength=len(self.classes))
        return {name: int(count) for name, count in zip(self.classes, tally, strict=True)}

    @property
    def label_names(self) -> NDArray[np.str_]:
        """The name of each beat's class, ``(beats,)``.

        Raises:
            DataError: the beats are unlabelled.
        """
        return np.array(self.classes)[self.known_labels]

    @property
    def known_labels(self) -> NDArray[np.int64]:
        """The labels, for callers that require them.

        Raises:
            DataError: the beats are unlabelled.
        """
        if self.labels is None:
            raise DataError(
                "these beats are unlabelled; the class is required, in column 188 of a CSV and in "
                "the column label of parquet"
            )
        return self.labels

    @property
    def known_peak(self) -> NDArray[np.int64]:
        """``peak``, for callers that require it.

        Raises:
            DataError: the beats were read from a file, which does not store it.
        """
        if self.peak is None:
            raise DataError(
                "these beats were read from a file, which does not store their R peaks; cut them "
                "from their recording"
            )
        return self.peak

    @property
    def records(self) -> NDArray[np.str_]:
        """The recording of each beat, ``(beats,)``; without a sidecar, one without a name."""
        if self.info is None:
            return np.full(len(self), "")
        return self.info["record"].to_numpy(str)

    @property
    def patients(self) -> list[str]:
        """The patients of the beats, sorted; empty where unknown."""
        return [] if self.info is None else sorted(self.info["patient"].unique())

    @property
    def synthetic(self) -> bool:
        """Whether any of the beats are synthetic, by the sidecar."""
        return self.info is not None and bool(
            self.info["record"].str.startswith(SYNTHETIC_PREFIX).any()
        )

    def fingerprint(self) -> str:
        """SHA-256 of samples and labels: equal for equal beats, whatever the form of the CSV."""
        digest = hashlib.sha256(self.samples.astype("<f4").tobytes())
        if self.labels is not None:
            digest.update(self.labels.astype("<i8").tobytes())
        return digest.hexdigest()


def concatenate(parts: Sequence[Beats]) -> Beats:
    """All beats in one; optional arrays are kept where every part has them.

    Raises:
        DataError: the labels of two parts mean different classes.
    """
    classes = parts[0].classes
    for part in parts:
        require_one_meaning(classes, part.classes)
    labels = [part.labels for part in parts if part.labels is not None]
    infos = [part.info for part in parts if part.info is not None]
    contexts = [part.context for part in parts if part.context is not None]
    peaks = [part.peak for part in parts if part.peak is not None]
    import pandas as pd

    return Beats(
        np.concatenate([part.samples for part in parts]),
        np.concatenate(labels) if len(labels) == len(parts) else None,
        pd.concat(infos, ignore_index=True) if len(infos) == len(parts) else None,
        np.concatenate(contexts) if len(contexts) == len(parts) else None,
        np.concatenate(peaks) if len(peaks) == len(parts) else None,
        classes,
    )


def require_one_meaning(classes: tuple[str, ...], others: tuple[str, ...]) -> None:
    """Refuse to join beats of different classes.

    Raises:
        DataError: the labels of two parts mean different classes.
    """
    if others != classes:
        raise DataError(
            f"beats of the classes {' '.join(classes)} and beats of the classes "
            f"{' '.join(others)} cannot be joined: their labels have different meanings"
        )


def beat_lengths(samples: NDArray[np.float32]) -> NDArray[np.intp]:
    """Number of samples of each beat before its zero padding; ``(beats,)``."""
    filled = samples != 0
    last = samples.shape[1] - filled[:, ::-1].argmax(1)
    return np.where(filled.any(1), last, 0)


def within_beats(samples: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which samples come before the zero padding; of the shape of ``samples``."""
    inside: NDArray[np.bool_] = np.arange(samples.shape[1]) < beat_lengths(samples)[:, None]
    return inside


def read_beats(
    source: Path | str, classes: tuple[str, ...] | None = None, *, normalize: bool = False
) -> Beats:
    """Read a whole file of beats: a CSV and its sidecar, when there is one, or parquet.

    Args:
        source: the file, a folder of parquet files, or ``-`` for standard input.
        classes: the class names, such as those of a checkpoint's card; None to infer them from
            the sidecar's annotation symbols, or from a label that only one of `CLASS_SETS` has.
        normalize: scale each beat to 0..1 by its own minimum and maximum.

    Raises:
        DataError: the file or the sidecar is not valid, or ``classes`` is None
            and the labels fit more than one set of classes.
    """
    count = max(map(len, CLASS_SETS.values())) if classes is None else len(classes)
    with beats_reader(source, classes=count, normalize=normalize) as reader:
        blocks = list(reader)
    samples = np.concatenate([block.samples for block in blocks])
    parts = [block.labels for block in blocks if block.labels is not None]
    labels = np.concatenate(parts) if parts else None
    info, context = read_info(source, len(samples)), read_context(source, len(samples))
    require_unmixed(source, reader.checksum, context)
    if classes is None:
        classes = reader.classes or (
            AAMI_CLASSES if labels is None else classes_of(labels, info, source)
        )
    require_classes(source, classes, reader.classes)
    return Beats(samples, labels, info, context, classes=classes)


def beats_reader(
    source: Path | str, *, classes: int = 5, normalize: bool = False
) -> BeatsReader | ParquetReader:
    """The reader of a beats CSV, or of beats in parquet; both yield `Block` after `Block`.

    Args:
        source: the file, a folder of parquet files, or ``-`` for a CSV in standard input.
        classes: number of classes; labels must lie in ``0..classes-1``.
        normalize: scale each beat to 0..1 by its own minimum and maximum.

    Raises:
        DataError: the file is missing, or not one of beats.
    """
    if not is_parquet(source):
        return BeatsReader(source, classes=classes, normalize=normalize)
    from ecgcli.beats.parquet import ParquetReader

    return ParquetReader(source, classes=classes, normalize=normalize)


def require_classes(source: Path | str, classes: tuple[str, ...], stated: tuple[str, ...]) -> None:
    """Refuse a file of other classes than those asked for; ``stated`` are those it states, if any.

    Raises:
        DataError: it states others.
    """
    if stated and classes != stated:
        raise DataError(
            f"its labels mean {' '.join(stated)}, and {' '.join(classes)} are asked for",
            file=source,
        )


def classes_of(
    labels: NDArray[np.int64], info: pd.DataFrame | None, source: Path | str
) -> tuple[str, ...]:
    """The classes of a file's labels, as far as they can be inferred."""
    if info is not None and info["symbol"].isin(LABEL_OF_SYMBOL).all():
        return AAMI_CLASSES  # the labels were derived from these symbols
    highest = int(labels.max())
    fitting = {name: names for name, names in CLASS_SETS.items() if highest < len(names)}
    if len(fitting) > 1:
        choices = " or ".join(
            f"{' '.join(names)} (--classes {name})" for name, names in fitting.items()
        )
        raise DataError(
            f"no label is above {highest}, so the classes may be {choices}; say which", file=source
        )
    return next(iter(fitting.values()))


def read_labelled(
    source: Path | str, classes: tuple[str, ...] | None = None, *, normalize: bool = False
) -> Beats:
    """`read_beats` for a file that must have its 188th column."""
    beats = read_beats(source, classes, normalize=normalize)
    if beats.labels is None:
        raise DataError(
            "not every beat has a class, in the column label"
            if is_parquet(source)
            else "found 187 columns, so no class; a labelled beats CSV has the class in column 188",
            file=source,
        )
    return beats


def write_beats(target: Path, beats: Beats, storage: Storage = "float32") -> None:
    """Write beats as parquet when named ``.parquet``, else as a CSV, complete or not at all.

    A CSV is gzipped when named ``.gz`` and has sidecars; ``storage`` is how parquet stores
    samples.

    The sidecars of an earlier file of this name are removed before the new file gets its name.
    Even if the program is killed, a sidecar on disk belongs to its file, or there is no sidecar.
    A stream, such as ``-``, gets no sidecars (see `ecgcli.files.is_stream`).

    Raises:
        OutputError: it cannot be written, or would take the sidecars of ``x.csv`` for ``x.csv.gz``
            or the other way round: their names are the same.
    """
    if target.suffix.lower() == ".parquet":
        from ecgcli.beats.parquet_writer import writing_parquet

        has_info, has_context = beats.info is not None, beats.context is not None
        with writing_parquet(target, storage=storage, info=has_info, context=has_context) as writer:
            writer.write(beats)
        return
    _require_own_sidecars(target)
    alone = is_stream(target)
    with ExitStack() as sidecars, atomic_write(target) as stream:
        if not alone:
            _write_sidecars(sidecars, target, beats)
        if target.suffix == ".gz":
            with gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=3, mtime=0) as packed:
                write_rows(cast(IO[bytes], packed), beats.samples, beats.labels)
        else:
            write_rows(stream, beats.samples, beats.labels)
        if not alone:
            remove(info_path(target))
            remove(context_path(target))


def _require_own_sidecars(target: Path) -> None:
    name = target.name
    other = target.with_name(name.removesuffix(".gz") if name.endswith(".gz") else f"{name}.gz")
    for sidecar in (info_path(target), context_path(target)):
        if sidecar.exists() and other.exists():
            raise OutputError(
                f"{target}: its sidecar would replace that of {other}, {sidecar.name}; choose "
                "another name"
            )


def _write_sidecars(sidecars: ExitStack, target: Path, beats: Beats) -> None:
    """Write the sidecars of beats; they get their names when ``sidecars`` is closed."""
    if beats.info is not None:
        arrays = (beats.samples, beats.context)
        sums = ["" if a is None else _hexadecimal(checksum(a)) for a in arrays]
        info = beats.info.assign(**dict(zip(CHECKSUMS, sums, strict=True)))
        _write_info(sidecars.enter_context(atomic_write(info_path(target))), info)
    if beats.context is not None:
        block = sidecars.enter_context(atomic_write(context_path(target)))
        np.save(block, np.ascontiguousarray(beats.context), allow_pickle=False)


def _write_info(stream: IO[bytes], info: pd.DataFrame) -> None:
    """Write a sidecar with its `CHECKSUMS`."""
    texts = (str(text) for name in TEXTS for text in info[name].unique())
    _with_texts(info, to_cell).to_csv(
        stream,
        index=False,
        columns=[*INFO_COLUMNS, *CHECKSUMS],
        lineterminator="\n",
        quoting=quoting(texts),
    )


def _hexadecimal(number: int) -> str:
    """A checksum as a text that no spreadsheet takes for a number."""
    return f"x{number:08x}"


def _with_texts(info: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    """The sidecar with its texts changed, each different one once."""
    for name in TEXTS:
        texts = [text for text in info[name].unique() if isinstance(text, str)]
        changed = {text: change(text) for text in texts if change(text) != text}
        if changed:
            info = info.assign(**{name: info[name].replace(changed)})
    return info


def info_path(beats_csv: Path | str) -> Path:
    """Where the sidecar of a beats CSV lies: ``beats.csv(.gz)`` -> ``beats.info.csv``."""
    path = Path(beats_csv)
    return path.with_name(path.name.removesuffix(".gz").removesuffix(".csv") + ".info.csv")


def context_path(beats_csv: Path | str) -> Path:
    """Where the context of a beats CSV lies: ``beats.csv(.gz)`` -> ``beats.context.npy``."""
    sidecar = info_path(beats_csv)
    return sidecar.with_name(sidecar.name.removesuffix(".info.csv") + ".context.npy")


def read_context(beats_csv: Path | str, beats: int | None = None) -> NDArray[np.float32] | None:
    """The context of beats, with ``beats`` rows if that is known; None when there is none.

    Raises:
        DataError: it is not such an array, or has another number of rows.
    """
    if is_parquet(beats_csv):
        from ecgcli.beats.parquet import read_context_column

        return read_context_column(beats_csv)
    path = context_path(beats_csv)
    if str(beats_csv) == "-" or not path.exists():
        return None
    try:
        context: NDArray[np.float32] = read_array(path)
    except (ValueError, OSError) as error:
        raise DataError(
            f"the context of the beats cannot be read: {error}; create it again with "
            "ecg prepare --context, or remove it",
            file=path,
        ) from error
    if context.ndim != 2 or context.dtype != np.float32 or len(context) != (beats or len(context)):
        raise DataError(
            f"found {context.dtype} {context.shape}, expected float32 with a row for each of the "
            f"{beats} beats; create it again with ecg prepare --context, or remove it",
            file=path,
        )
    return context


def read_info(beats_csv: Path | str, beats: int | None = None) -> pd.DataFrame | None:
    """The sidecar of a beats CSV, with ``beats`` rows if that is known; None when there is none.

    Parquet has its columns.

    Raises:
        DataError: it lacks a column or has another number of rows.
    """
    if is_parquet(beats_csv):
        from ecgcli.beats.parquet import read_info_columns

        return read_info_columns(beats_csv)
    path = info_path(beats_csv)
    if str(beats_csv) == "-" or not path.exists():
        return None
    import pandas as pd

    try:
        require_file(path)
        info = pd.read_csv(
            path,
            usecols=lambda name: name not in CHECKSUMS,
            dtype={name: float if name in TIMES else str for name in INFO_COLUMNS},
            keep_default_na=False,  # a lead may be named NA
            na_values=dict.fromkeys(TIMES, ""),
        )
    except (ValueError, OSError) as error:
        raise DataError(f"the sidecar cannot be read: {error}", file=path) from error
    needed = [name for name in INFO_COLUMNS if name not in _ADDED_COLUMNS]
    missing = [name for name in needed if name not in info]
    if missing:
        raise DataError(
            f"the sidecar lacks {', '.join(missing)}; it needs {', '.join(needed)}, as "
            "ecg prepare and ecg download write it",
            file=path,
        )
    info = info.assign(**{k: v for k, v in _ADDED_COLUMNS.items() if k not in info})
    info = _with_texts(info, from_cell)
    if beats is not None:
        require_rows(len(info), beats, beats_csv)
    return info


def require_rows(rows: int, beats: int, beats_csv: Path | str) -> None:
    """Refuse a sidecar with another number of rows than its file has beats.

    Raises:
        DataError: the numbers differ.
    """
    if rows != beats:
        raise DataError(
            f"the sidecar has {counted(rows, 'row')} for {counted(beats, 'beat')}; "
            "create it again with its beats, or remove it",
            file=info_path(beats_csv),
        )


def require_unmixed(
    beats_csv: Path | str, samples: int, context: NDArray[np.float32] | None
) -> None:
    """Refuse a sidecar or a context that was not written with its beats, as far as that is known.

    Sidecars of earlier versions lack `CHECKSUMS`, and are not checked.

    Args:
        beats_csv: the file.
        samples: the checksum of all its samples, `BeatsReader.checksum`.
        context: its context, or None.

    Raises:
        DataError: a checksum differs.
    """
    path = info_path(beats_csv)
    if str(beats_csv) == "-" or is_parquet(beats_csv) or not path.exists():
        return
    import pandas as pd

    first = pd.read_csv(path, nrows=1, dtype=str, keep_default_na=False)
    sums = dict(zip(first.columns, first.to_numpy()[0], strict=True))
    if sums.get("samples_crc32", _hexadecimal(samples)) != _hexadecimal(samples):
        raise DataError(
            "the sidecar was written with other beats; create it again with its beats, "
            "or remove it",
            file=path,
        )
    if context is None:
        return
    written_with = _hexadecimal(checksum(context))
    if sums.get("context_crc32", written_with) != written_with:
        raise DataError(
            "the context was written with other beats; create it again with ecg prepare --context, "
            "or remove it",
            file=context_path(beats_csv),
        )
