"""Checkpoint + recordings -> classes with times, and what the rhythm comes to."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ecgcli.arrays import Probabilities
from ecgcli.beats.preparation import Failure, Prepared, prepare_recording
from ecgcli.choices import EngineName, TableFormat
from ecgcli.classes import AAMI_CLASSES, ABSTAINED
from ecgcli.errors import ConfigError, DataError, EcgError
from ecgcli.files import sha256, write_json
from ecgcli.parallel import in_order_prepared
from ecgcli.prediction import Classifier, load
from ecgcli.prediction.beats import called, check_probability, output, table_of, table_writer
from ecgcli.recordings import NO_OPTIONS, ReadOptions
from ecgcli.recordings.rhythm import Rhythm, describe_rhythm

#: What a recording's prediction can be written as; wfdb is an annotation file.
RecordingFormat = TableFormat | Literal["wfdb"]

ENDINGS: dict[RecordingFormat, str] = {
    "csv": ".csv", "json": ".json", "parquet": ".parquet", "wfdb": ".ecg",
}  # fmt: skip


@dataclass(frozen=True)
class Classified:
    """A recording's beats.

    ``times`` (s) and ``probabilities`` are of the beats that were classified; ``peaks`` (s)
    and ``kinds`` of all, the kind empty where a beat was not classified. ``labels`` are the
    classes `called` for the probabilities, where the model did not abstain.
    """

    path: Path
    name: str
    sampling_rate: float
    seconds: float
    classes: tuple[str, ...]
    times: NDArray[np.float64]
    probabilities: Probabilities
    labels: NDArray[np.intp]
    peaks: NDArray[np.float64]
    kinds: NDArray[np.str_]
    unusable: tuple[tuple[float, float], ...]
    notes: tuple[str, ...]

    def table(self) -> pa.Table:
        """A row a classified beat: number, time of the R peak in s, class, probabilities."""
        return table_of(self.probabilities, self.labels, self.classes, times=self.times)

    @property
    def abstained(self) -> int:
        """How many beats were left without a class because no probability was high enough."""
        return int((self.labels == len(self.classes)).sum())

    def rhythm(self) -> Rhythm:
        """What the beats come to."""
        without = sum(stop - start for start, stop in self.unusable)
        return describe_rhythm(self.peaks, self.kinds, self.classes, self.seconds, without)

    def summary(self) -> dict[str, Any]:
        """The rhythm and the notes as a document of plain values."""
        known = {"recording": self.name, "notes": list(self.notes), "abstained": self.abstained}
        return known | asdict(self.rhythm())


@dataclass(frozen=True)
class Task:
    """How each of several recordings is classified, and where its result goes."""

    checkpoint: Path
    engine: EngineName
    options: ReadOptions
    folder: Path
    table_format: RecordingFormat
    abstain: float = 0.0

    def made_with(self) -> dict[str, Any]:
        """What a result depends on besides its recording."""
        return {
            "model": str(self.checkpoint),
            "model_sha256": sha256(self.checkpoint),
            "detector": self.options.detector,
            "abstain": self.abstain,
        } | asdict(self.options)


def classify_recording(
    classifier: Classifier, path: Path, options: ReadOptions = NO_OPTIONS, abstain: float = 0.0
) -> Classified:
    """Find the beats of a recording and classify each that can be cut.

    Beats whose highest probability is below ``abstain`` count as not classified.

    Raises:
        DataError: the recording cannot be read.
        ConfigError: ``abstain`` is no probability, or there is no such detector.
    """
    check_probability(abstain)
    prepared = prepare_recording(path, options, context="context" in classifier.views)
    return classify_prepared(classifier, prepared, abstain)


def classify_prepared(
    classifier: Classifier, prepared: Prepared, abstain: float = 0.0
) -> Classified:
    """`classify_recording` for a recording whose beats are cut already."""
    beats, classes = prepared.beats, classifier.classes
    times = np.empty(0) if beats.info is None else beats.info["time"].to_numpy(np.float64)
    probabilities = classifier.probabilities(beats)
    labels = called(probabilities, abstain)
    kinds = np.full(len(prepared.peaks), "", dtype="<U8")
    kinds[beats.known_peak] = np.array((*classes, ""))[labels]
    return Classified(
        path=prepared.path,
        name=prepared.name,
        sampling_rate=prepared.sampling_rate,
        seconds=prepared.seconds,
        classes=classes,
        times=times,
        probabilities=probabilities,
        labels=labels,
        peaks=prepared.peaks,
        kinds=kinds,
        unusable=prepared.unusable,
        notes=prepared.notes,
    )


def write_classified(target: Path | str, found: Classified, table_format: RecordingFormat) -> None:
    """Write a recording's prediction, complete or not at all; ``-`` is standard output."""
    with output(target) as stream:
        if table_format == "wfdb":
            stream.write(_annotation_file(found))
        elif table_format == "json":
            rows = found.table().to_pylist()
            text = json.dumps({"summary": found.summary(), "beats": rows}, indent=1)
            stream.write(text.encode() + b"\n")
        else:
            with table_writer(stream, table_format, found.classes, timed=True) as writer:
                writer.write(found.table())


def classify_many(
    paths: Sequence[Path], task: Task, jobs: int
) -> Generator[dict[str, Any] | Failure, None, None]:
    """Classify recordings on ``jobs`` processes, each into a file of the task's folder.

    Gives each one's summary, in order, or why it failed. A recording whose file was made
    the same way already, by the same model, is not done again, so an interrupted run goes
    on where it stopped.
    """
    threads = None if jobs == 1 or len(paths) == 1 else 1
    return in_order_prepared(partial(_worker, task, task.made_with(), threads), paths, jobs)


def _worker(
    task: Task, made_with: dict[str, Any], threads: int | None
) -> Callable[[Path], dict[str, Any] | Failure]:
    """What a process does with each recording, its classifier loaded once."""
    classifier = load(task.checkpoint, engine=task.engine, threads=threads)
    return partial(_classify_into_folder, classifier, task, made_with)


def _classify_into_folder(
    classifier: Classifier, task: Task, made_with: dict[str, Any], path: Path
) -> dict[str, Any] | Failure:
    target = task.folder / f"{path.stem}{ENDINGS[task.table_format]}"
    note = task.folder / f"{path.stem}.summary.json"
    try:
        if target.exists() and note.exists():
            done: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
            if done.get("made_with") == made_with:
                return done | {"done_before": True}
        found = classify_recording(classifier, path, task.options, task.abstain)
        write_classified(target, found, task.table_format)
        summary = found.summary() | {"made_with": made_with}
        write_json(note, summary)  # last: it says that the other is whole
        return summary
    except EcgError as error:
        return Failure(path, str(error))


def _annotation_file(found: Classified) -> bytes:
    """The beats as a WFDB annotation file, each with its class as symbol.

    Raises:
        DataError: there are no beats, and an annotation file cannot be empty.
        ConfigError: the classes are no annotation symbols.
    """
    import wfdb

    if found.classes != AAMI_CLASSES:
        raise ConfigError(f"--format wfdb has no symbols for {' and '.join(found.classes)}")
    if not len(found.times):
        raise DataError(
            "no beats were found, and an annotation file cannot be empty; use --format csv",
            file=found.path,
        )
    symbols = [(*found.classes, ABSTAINED)[label] for label in found.labels]
    samples = np.round(found.times * found.sampling_rate).astype(np.int64)
    with tempfile.TemporaryDirectory() as folder:
        wfdb.wrann("beats", "ecg", samples, symbols, fs=found.sampling_rate, write_dir=folder)
        return (Path(folder) / "beats.ecg").read_bytes()
