"""Checkpoint and recordings -> classes with times, and a description of the rhythm."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ecgcli import __version__
from ecgcli.arrays import Probabilities
from ecgcli.beats.preparation import Failure, Prepared, prepare_recording
from ecgcli.choices import EngineName, TableFormat
from ecgcli.classes import AAMI_CLASSES, ABSTAINED
from ecgcli.errors import ConfigError, DataError, EcgError, OutputError
from ecgcli.fibrillation import AFIB, OTHER, UNKNOWN, AtrialRhythm
from ecgcli.fibrillation.model import bundled_model
from ecgcli.files import sha256, write_json
from ecgcli.guard import MARK, require_replaceable
from ecgcli.locking import FOLDER_LOCK, locked
from ecgcli.parallel import in_order_prepared
from ecgcli.prediction import Classifier, load
from ecgcli.prediction.beats import check_probability, labels_for, output, table_of, table_writer
from ecgcli.prediction.leads import probabilities_of
from ecgcli.recordings import NO_OPTIONS, ReadOptions
from ecgcli.recordings.annotated_rhythm import VENTRICULAR
from ecgcli.recordings.annotation_file import annotation_bytes
from ecgcli.recordings.identity import content_sha256
from ecgcli.recordings.rhythm import Rhythm, describe_rhythm
from ecgcli.recordings.rhythm_annotations import FIBRILLATION, NORMAL, RHYTHM_SYMBOL
from ecgcli.recordings.search import distinct_names, place_below
from ecgcli.weights import bundled_checkpoint

#: The formats of a recording's predictions; wfdb is an annotation file.
RecordingFormat = TableFormat | Literal["wfdb"]

#: The rhythm annotation of each rhythm; WFDB has none for an unknown rhythm.
_RHYTHM_TEXT = {AFIB: FIBRILLATION, OTHER: NORMAL, UNKNOWN: "(U"}

ENDINGS: dict[RecordingFormat, str] = {
    "csv": ".csv", "json": ".json", "parquet": ".parquet", "wfdb": ".ecg",
}  # fmt: skip
#: The file in a task's folder that lists all recordings.
SUMMARY = "summary.json"
#: Ending of the file with a recording's summary.
_NOTE = ".summary.json"


@dataclass(frozen=True)
class Classified:
    """The beats of a recording and their classes.

    ``times`` (s), ``probabilities``, ``labels`` and ``rhythms`` (see `AtrialRhythm`) belong to the
    beats that could be cut; the label is one past the last class where the model abstained.
    ``peaks`` (s), ``kinds`` (class names) and ``atrial`` belong to all beats; the kind is empty
    where a beat has no class. ``missed`` are the intervals between the peaks in which a beat may
    have been missed.
    """

    path: Path
    name: str
    sampling_rate: float
    seconds: float
    classes: tuple[str, ...]
    times: NDArray[np.float64]
    probabilities: Probabilities
    labels: NDArray[np.intp]
    rhythms: NDArray[np.str_]
    peaks: NDArray[np.float64]
    kinds: NDArray[np.str_]
    atrial: AtrialRhythm
    unusable: tuple[tuple[float, float], ...]
    notes: tuple[str, ...]
    missed: NDArray[np.bool_]
    #: Whether the R peaks are annotations, and not found by a detector.
    annotated: bool

    def table(self) -> pa.Table:
        """A row for each beat cut: number, time of the R peak (s), class, probabilities, rhythm."""
        return table_of(
            self.probabilities, self.labels, self.classes, times=self.times, rhythms=self.rhythms
        )

    @property
    def abstained(self) -> int:
        """The number of beats without a class because no probability was high enough."""
        return int((self.labels == len(self.classes)).sum())

    def rhythm(self) -> Rhythm:
        """The rhythm of all beats."""
        without = sum(stop - start for start, stop in self.unusable)
        return describe_rhythm(
            self.peaks, self.kinds, self.classes, self.seconds, without, self.missed
        )

    def summary(self) -> dict[str, Any]:
        """The rhythm and the notes as a document of plain values."""
        facts = {
            "recording": self.name,
            "notes": list(self.notes),
            "r_peaks": "annotated" if self.annotated else "detected",
            "abstained": self.abstained,
        }
        fibrillation = {"fibrillation": self.atrial.summary(self.sampling_rate)}
        return facts | asdict(self.rhythm()) | fibrillation


class Report(Protocol):
    """Writes a page of each recording that is classified; see `ecgcli.view.reports`."""

    def below(self, root: Path) -> Report:
        """Pages that lie as their recordings lie below ``root``."""

    def page_of(self, recording: Path) -> Path:
        """Where the page of a recording is."""

    def write(self, classified: Classified, classifier: Classifier) -> None:
        """Write the page of a recording."""

    def write_index(self, summaries: Sequence[dict[str, Any]]) -> Path:
        """Write a list of the pages, from the summaries of their recordings."""


@dataclass(frozen=True)
class Task:
    """How each of several recordings is classified, and where its result and its page go.

    The result of ``root/p1/holter.edf`` is ``folder/p1/holter.csv``.
    """

    checkpoint: Path
    engine: EngineName
    options: ReadOptions
    folder: Path
    table_format: RecordingFormat
    abstain: float = 0.0
    report: Report | None = None
    root: Path = Path()

    def result_of(self, recording: Path, ending: str) -> Path:
        """The file for a result of a recording below `root`."""
        place = self.folder / place_below(self.root, recording)
        return place.with_name(f"{place.name}{ending}")

    def made_with(self) -> dict[str, Any]:
        """Everything that a result depends on besides its recording."""
        return {
            "model": str(self.checkpoint),
            "model_sha256": sha256(self.checkpoint),
            "fibrillation_sha256": sha256(bundled_checkpoint("fibrillation")),
            "ecgcli": __version__,
            "abstain": self.abstain,
        } | asdict(self.options)


def classify_recording(
    classifier: Classifier,
    path: Path,
    options: ReadOptions = NO_OPTIONS,
    abstain: float = 0.0,
    name: str = "",
) -> Classified:
    """Find the beats of a recording, classify each beat that can be cut, find its episodes.

    Beats whose highest probability is below ``abstain`` count as not classified; ``name`` is
    given where that of the file is not enough.

    Raises:
        DataError: the recording cannot be read.
        ConfigError: ``abstain`` is not a probability, or there is no such detector.
    """
    check_probability(abstain)
    prepared = prepare_recording(path, options, name=name, context="context" in classifier.views)
    return classify_prepared(classifier, prepared, abstain)


def classify_prepared(
    classifier: Classifier, prepared: Prepared, abstain: float = 0.0
) -> Classified:
    """`classify_recording` for a recording whose beats have been cut."""
    beats, classes = prepared.beats, classifier.classes
    times = np.empty(0) if beats.info is None else beats.info["time"].to_numpy(np.float64)
    probabilities = probabilities_of(classifier, prepared)
    labels = labels_for(probabilities, abstain)
    kinds = np.full(len(prepared.peaks), "", dtype="<U8")
    kinds[beats.known_peak] = np.array((*classes, ""))[labels]
    ventricular = np.zeros(len(prepared.peaks), bool)
    most_probable = np.array(classes)[labels_for(probabilities)]
    ventricular[beats.known_peak] = np.isin(most_probable, VENTRICULAR)
    atrial = bundled_model().rhythm(prepared.peaks, ventricular)
    return Classified(
        path=prepared.path,
        name=prepared.name,
        sampling_rate=prepared.sampling_rate,
        seconds=prepared.seconds,
        classes=classes,
        times=times,
        probabilities=probabilities,
        labels=labels,
        rhythms=atrial.rhythms[beats.known_peak],
        peaks=prepared.peaks,
        kinds=kinds,
        atrial=atrial,
        unusable=prepared.unusable,
        notes=(*prepared.notes, *filter(None, [atrial.note])),
        missed=prepared.missed,
        annotated=prepared.annotated,
    )


def write_classified(
    target: Path | str, classified: Classified, table_format: RecordingFormat
) -> None:
    """Write a recording's predictions, completely or not at all; ``-`` is standard output.

    Raises:
        OutputError: the target cannot be written, or is an annotation file of another program.
    """
    with output(target, annotations=table_format == "wfdb") as stream:
        if table_format == "wfdb":
            stream.write(_annotation_file(classified))
        elif table_format == "json":
            rows = classified.table().to_pylist()
            text = json.dumps({"summary": classified.summary(), "beats": rows}, indent=1)
            stream.write(text.encode() + b"\n")
        else:
            with table_writer(stream, table_format, classified.classes, timed=True) as writer:
                writer.write(classified.table())


def classify_many(
    paths: Sequence[Path], task: Task, jobs: int
) -> Generator[dict[str, Any] | Failure, None, None]:
    """Classify recordings in ``jobs`` processes, each into a file below the task's folder.

    Yields the summary of each recording, in order, or why it failed. A recording whose file
    (and page, if there are pages) was already made from the same content, by the same model,
    options and version of ecg, is skipped, so an interrupted run continues where it stopped. A
    result of another recording of the same name is not replaced: that recording fails.

    Raises:
        ConfigError: two results would be one file.
        OutputError: a result would replace a recording, or an annotation file of another
            program; or another process writes into the folder. Nothing has been computed then.
    """
    _require_free(paths, task)
    threads = None if jobs == 1 or len(paths) == 1 else 1
    names = distinct_names(paths)
    items = [(path, names.get(path, "")) for path in paths]
    prepare = partial(_worker, task, task.made_with(), threads)
    return _alone_in(task.folder, in_order_prepared(prepare, items, jobs))


def _alone_in(
    folder: Path, work: Generator[dict[str, Any] | Failure, None, None]
) -> Generator[dict[str, Any] | Failure, None, None]:
    """Do the work while no other process writes results into the folder."""
    in_use = f"{folder}: another ecg predict writes its results here"
    advice = "wait until it ends, or choose another folder with --out"
    with closing(work), locked(folder / FOLDER_LOCK, in_use, advice):
        yield from work


def _require_free(paths: Sequence[Path], task: Task) -> None:
    """Refuse results that cannot all be written into the task's folder."""
    results: dict[Path, str] = {task.folder / SUMMARY: "the list of all recordings"}
    for path in paths:
        for ending in (ENDINGS[task.table_format], _NOTE):
            target = task.result_of(path, ending)
            other = results.setdefault(target, f"a result of {path}")
            if other != f"a result of {path}":
                raise ConfigError(
                    f"{path}: its result would be {target}, which is {other}; choose another "
                    "--format, or process it alone"
                )
            require_replaceable(target, annotations=ending == ENDINGS["wfdb"])


def _worker(
    task: Task, made_with: dict[str, Any], threads: int | None
) -> Callable[[tuple[Path, str]], dict[str, Any] | Failure]:
    """The function a process applies to each recording, with its classifier loaded once."""
    classifier = load(task.checkpoint, engine=task.engine, threads=threads)
    return partial(_classify_into_folder, classifier, task, made_with)


def _classify_into_folder(
    classifier: Classifier, task: Task, made_with: dict[str, Any], recording: tuple[Path, str]
) -> dict[str, Any] | Failure:
    path, name = recording
    target = task.result_of(path, ENDINGS[task.table_format])
    note = task.result_of(path, _NOTE)
    try:
        content = {"content_sha256": content_sha256(path, task.options.annotations)}
        earlier = _earlier_summary(note) if target.exists() else {}
        page = None if task.report is None else task.report.page_of(path)
        if earlier.get("made_with") == made_with | content and (
            page is None or (earlier.get("page") == str(page.resolve()) and page.exists())
        ):
            return earlier | {"recording": name or earlier["recording"], "done_before": True}
        _require_same_recording(path, earlier, target)
        classified = classify_recording(classifier, path, task.options, task.abstain, name)
        write_classified(target, classified, task.table_format)
        summary = classified.summary() | {
            "path": str(path.resolve()),
            "made_with": made_with | content,
        }
        if task.report is not None and page is not None:
            task.report.write(classified, classifier)
            summary["page"] = str(page.resolve())
        write_json(note, summary)  # last: it marks the table as complete
        return summary
    except EcgError as error:
        return Failure(path, str(error))


def _earlier_summary(note: Path) -> dict[str, Any]:
    """The summary in a file; empty where there is none, or where it is damaged."""
    try:
        summary = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    whole = isinstance(summary, dict) and isinstance(summary.get("beats"), int)
    return summary if whole else {}


def _require_same_recording(path: Path, earlier: dict[str, Any], target: Path) -> None:
    """Refuse to replace the result of another recording that has the same name.

    Raises:
        OutputError: the result is that of another recording.
    """
    owner = earlier.get("path", str(path.resolve()))
    if owner != str(path.resolve()):
        raise OutputError(
            f"{path}: {target} is the result of {owner}, which has the same name; "
            "choose another folder with --out"
        )


def _annotation_file(classified: Classified) -> bytes:
    """The beats as a WFDB annotation file, each with its class as symbol, and rhythm changes.

    The first beat has the auxiliary text `MARK`.

    Raises:
        DataError: there are no beats, and an annotation file cannot be empty.
        ConfigError: the classes are not annotation symbols.
    """
    if classified.classes != AAMI_CLASSES:
        raise ConfigError(f"--format wfdb has no symbols for {' and '.join(classified.classes)}")
    if not len(classified.times):
        raise DataError(
            "no beats were found, and an annotation file cannot be empty; use --format csv",
            file=classified.path,
        )
    symbols = [(*classified.classes, ABSTAINED)[label] for label in classified.labels]
    rate = classified.sampling_rate
    samples = np.round(classified.times * rate).astype(np.int64)
    marks = rhythm_marks(classified.rhythms)
    begins = np.maximum(samples[list(marks)] - 1, 0)  # a sample before the beat it begins with
    places = np.concatenate([begins, samples])
    order = np.argsort(places, kind="stable")
    symbols = [RHYTHM_SYMBOL] * len(marks) + symbols
    texts = [*marks.values(), MARK, *[""] * (len(samples) - 1)]
    return annotation_bytes(
        places[order],
        [symbols[place] for place in order],
        [texts[place] for place in order],
        rate,
    )


def rhythm_marks(rhythms: NDArray[np.str_]) -> dict[int, str]:
    """The beats at which a rhythm begins, with the text of its annotation; ascending.

    Where nothing is known of the rhythm of a recording, it has none.
    """
    if not len(rhythms) or (rhythms == UNKNOWN).all():
        return {}
    begins = np.flatnonzero(np.append(True, rhythms[1:] != rhythms[:-1]))
    return {int(beat): _RHYTHM_TEXT[str(rhythms[beat])] for beat in begins}
