"""Many recordings -> a folder with a result of each, which a later run continues."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from ecgcli import __version__
from ecgcli.beats.preparation import Failure
from ecgcli.choices import EngineName
from ecgcli.errors import ConfigError, EcgError, OutputError
from ecgcli.files import sha256, write_json
from ecgcli.guard import require_replaceable
from ecgcli.inputs import read_json
from ecgcli.locking import FOLDER_LOCK, locked
from ecgcli.parallel import in_order_prepared
from ecgcli.prediction import Classifier, load
from ecgcli.prediction.recordings import (
    ENDINGS,
    Classified,
    RecordingFormat,
    classify_recording,
    write_classified,
)
from ecgcli.recordings import ReadOptions
from ecgcli.recordings.identity import content_sha256
from ecgcli.recordings.search import distinct_names, place_below
from ecgcli.weights import bundled_checkpoint

#: The file in a task's folder that lists all recordings.
SUMMARY = "summary.json"
#: Ending of the file with a recording's summary.
_NOTE = ".summary.json"


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
        summary = read_json(note)
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
