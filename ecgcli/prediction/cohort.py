"""Many recordings -> a result of each and files about all, which a later run continues."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from ecgcli import __version__
from ecgcli.beats.preparation import Failure
from ecgcli.choices import EngineName
from ecgcli.errors import ConfigError, EcgError, OutputError
from ecgcli.files import json_text, sha256
from ecgcli.inputs import parse_json
from ecgcli.machines import in_order_on_cluster
from ecgcli.parallel import in_order_prepared
from ecgcli.prediction import Classifier, load
from ecgcli.prediction.cohort_files import (
    FAILURES,
    SUMMARY,
    TABLE,
    cohort_files,
    is_of_shard,
    is_summary,
)
from ecgcli.prediction.recordings import (
    ENDINGS,
    Classified,
    RecordingFormat,
    classify_recording,
    write_into,
)
from ecgcli.prediction.results import Results
from ecgcli.prediction.shards import Shard, require_same_split
from ecgcli.recordings import ReadOptions
from ecgcli.recordings.identity import content_sha256
from ecgcli.recordings.search import distinct_names, place_below
from ecgcli.weights import bundled_checkpoint

#: Ending of the file with a recording's summary.
_NOTE = ".summary.json"
#: The folder with the beats of all recordings, partitioned by recording.
BEATS = "beats.parquet"
_ABOUT_ALL = "a file about all recordings"

#: A recording, and its name where that of the file is not enough.
Named = tuple[Path, str]


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

    The result of ``root/p1/holter.edf`` is ``p1/holter.csv`` in the results. With ``beats``, its
    rows are also in the data set `BEATS`. A task with a shard has the recordings of that shard.
    """

    checkpoint: Path
    engine: EngineName
    options: ReadOptions
    results: Results
    table_format: RecordingFormat
    abstain: float = 0.0
    report: Report | None = None
    root: Path = Path()
    shard: Shard | None = None
    beats: bool = False

    def recordings_of(self, paths: Sequence[Path]) -> list[Named]:
        """The recordings of the task's shard, each with the name it has among all of them."""
        names = distinct_names(paths)
        return [(path, names.get(path, "")) for path in paths if self._has(path)]

    def _has(self, path: Path) -> bool:
        return self.shard is None or self.shard.has(place_below(self.root, path).as_posix())

    def result_of(self, recording: Path, ending: str) -> str:
        """The name of a result of a recording below `root`."""
        return f"{place_below(self.root, recording).as_posix()}{ending}"

    def part_of(self, recording: Path) -> str:
        """The name of the part of `BEATS` with a recording's beats, as Hive partitions lie."""
        place = place_below(self.root, recording).as_posix()
        return f"{BEATS}/recording={quote(place, safe='')}/beats.parquet"

    def other_parts(self, recordings: Iterable[Path]) -> int:
        """The number of parts of `BEATS` that are of other recordings, from earlier runs."""
        own = {Path(self.part_of(path)).parent.name for path in recordings}
        return len({*self.results.folders(BEATS)} - own)

    def results_of(self, recording: Path) -> list[str]:
        """The names of all results of a recording but its page and its summary."""
        parts = [self.part_of(recording)] if self.beats else []
        return [self.result_of(recording, ENDINGS[self.table_format]), *parts]

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
    recordings: Sequence[Named], task: Task, jobs: int, cluster: str | None = None
) -> Generator[dict[str, Any] | Failure, None, None]:
    """Classify recordings in ``jobs`` processes, each into a file of the task's results.

    With the address of a ``cluster`` (see `ecgcli.machines`), its processes do the work.

    Yields the summary of each recording, in order, or why it failed. A recording whose file
    (and page, if there are pages) was already made from the same content, by the same model,
    options and version of ecg, is skipped, so an interrupted run continues where it stopped. One
    whose summary is damaged, or whose file has changed since it was made, is made again, and its
    summary names what was replaced. A result of another recording of the same name is not
    replaced: that recording fails. Once all are done, the files of
    `ecgcli.prediction.cohort_files` are written.

    Raises:
        ConfigError: two results would be one file, or shards would overlap.
        OutputError: a result would replace a recording, or an annotation file of another
            program; or another process writes into the folder. Nothing has been computed then.
    """
    _require_free([path for path, _ in recordings], task)
    if task.shard is not None:
        require_same_split(task.shard, task.results.names(), str(task.results))
    if cluster is not None and recordings:
        prepare = partial(_worker, task, task.made_with(), 1)
        return _alone(task, in_order_on_cluster(cluster, prepare, recordings, _lost))
    threads = None if jobs == 1 or len(recordings) == 1 else 1
    prepare = partial(_worker, task, task.made_with(), threads)
    return _alone(task, in_order_prepared(prepare, recordings, min(jobs, len(recordings) or 1)))


def _lost(recording: Named, reason: str) -> Failure:
    path, _ = recording
    return Failure(path, f"{path}: {reason}")


def _alone(
    task: Task, work: Generator[dict[str, Any] | Failure, None, None]
) -> Generator[dict[str, Any] | Failure, None, None]:
    """Do the work while no other run writes these results, and write the files about all."""
    shard = "" if task.shard is None else task.shard.label
    with closing(work), task.results.locked(shard), cohort_files(task.results, task.shard) as files:
        for result in work:
            files.add(result)
            yield result


def _require_free(paths: Iterable[Path], task: Task) -> None:
    """Refuse results that cannot all be written."""
    about_all = (SUMMARY, TABLE, FAILURES, *((BEATS,) if task.beats else ()))
    owners = dict.fromkeys(about_all, _ABOUT_ALL)
    for path in paths:
        for ending in (ENDINGS[task.table_format], _NOTE):
            name = task.result_of(path, ending)
            own = f"a result of {path}"
            owner = owners.setdefault(name, _ABOUT_ALL if is_of_shard(name) else own)
            if owner != own:
                raise ConfigError(
                    f"{path}: its result would be {task.results.place_of(name)}, which is {owner}; "
                    "choose another --format, or process it alone"
                )
            task.results.require_replaceable(name, annotations=ending == ENDINGS["wfdb"])


def _worker(
    task: Task, made_with: dict[str, Any], threads: int | None
) -> Callable[[Named], dict[str, Any] | Failure]:
    """The function a process applies to each recording, with its classifier loaded once."""
    classifier = load(task.checkpoint, engine=task.engine, threads=threads)
    return partial(_classify_or_fail, classifier, task, made_with)


def _classify_or_fail(
    classifier: Classifier, task: Task, made_with: dict[str, Any], recording: Named
) -> dict[str, Any] | Failure:
    path, name = recording
    try:
        content = {"content_sha256": content_sha256(path, task.options.annotations)}
        earlier, damaged = _earlier_summary(task, path)
        made = _made_before(earlier, made_with | content)
        wanted = _wanted(task, path, earlier, made)
        if all(was and was == now for was, now in wanted.values()):
            return earlier | {"recording": name or earlier["recording"], "done_before": True}
        _require_same_recording(path, earlier, task)
        summary = _classify(classifier, task, made_with | content, recording, made)
        different = (place for place, (was, now) in wanted.items() if was and now and was != now)
        replaced = {"damaged": damaged, "changed": next(different, "")}
        return summary | {why: place for why, place in replaced.items() if place}
    except EcgError as error:
        return Failure(path, str(error))


def _classify(
    classifier: Classifier,
    task: Task,
    made_with: dict[str, Any],
    recording: Named,
    made: dict[str, str],
) -> dict[str, Any]:
    """Classify a recording and write its results, last its summary: it marks them as complete.

    ``made`` are the results that an earlier run made in the same way, each with its fingerprint.
    """
    began = time.perf_counter()
    path, name = recording
    classified = classify_recording(classifier, path, task.options, task.abstain, name)
    _write_beats(task, classified)
    written = {name: task.results.fingerprint(name) for name in task.results_of(path)}
    summary = classified.summary() | {
        "path": str(path.resolve()),
        "made_with": made_with,
        "results": dict(sorted((made | written).items())),
    }
    if task.report is not None:
        task.report.write(classified, classifier)
        page = task.report.page_of(path)
        summary |= {"page": str(page.resolve()), "page_sha256": sha256(page)}
    with task.results.writing(task.result_of(path, _NOTE)) as stream:
        stream.write(json_text(summary).encode("utf-8", "backslashreplace") + b"\n")
    return summary | {"processing_seconds": round(time.perf_counter() - began, 3)}


def _write_beats(task: Task, classified: Classified) -> None:
    """Write the predictions of a recording's beats, and its part of `BEATS`."""
    annotations = task.table_format == "wfdb"
    result = task.result_of(classified.path, ENDINGS[task.table_format])
    with task.results.writing(result, annotations=annotations) as stream:
        write_into(stream, classified, task.table_format)
    if task.beats:
        with task.results.writing(task.part_of(classified.path)) as stream:
            write_into(stream, classified, "parquet")


def _earlier_summary(task: Task, path: Path) -> tuple[dict[str, Any], str]:
    """The summary of an earlier result, empty where there is none, and its file if damaged."""
    name = task.result_of(path, _NOTE)
    try:
        summary: dict[str, Any] = parse_json(task.results.read(name))
    except FileNotFoundError:
        return {}, ""
    except (OSError, ValueError):
        summary = {}
    return (summary, "") if is_summary(summary) else ({}, task.results.place_of(name))


def _made_before(earlier: dict[str, Any], made_with: dict[str, Any]) -> dict[str, str]:
    """The results that an earlier run made of the same content and in the same way."""
    same = earlier.get("made_with") == made_with
    made: dict[str, str] = earlier.get("results", {}) if same else {}
    return made


def _wanted(
    task: Task, path: Path, earlier: dict[str, Any], made: dict[str, str]
) -> dict[str, tuple[str, str]]:
    """Of each wanted result and of the page, the fingerprint when it was made, and that of now.

    Both are empty where it was not made in the same way; that of now, where it is not there.
    """
    results, wanted = task.results, dict[str, tuple[str, str]]()
    for name in task.results_of(path):
        now = results.fingerprint(name) if name in made else ""
        wanted[results.place_of(name)] = (made.get(name, ""), now)
    if task.report is not None:
        page = task.report.page_of(path)
        is_own = made and earlier.get("page") == str(page.resolve())
        was = earlier.get("page_sha256", "") if is_own else ""
        wanted[str(page)] = (was, sha256(page) if was and page.is_file() else "")
    return wanted


def _require_same_recording(path: Path, earlier: dict[str, Any], task: Task) -> None:
    """Refuse to replace the result of another recording that has the same name.

    Raises:
        OutputError: the result is that of another recording.
    """
    owner = earlier.get("path")
    if owner is not None and owner != str(path.resolve()):
        names = [task.result_of(path, ENDINGS[task.table_format]), task.result_of(path, _NOTE)]
        target = task.results.place_of(next(filter(task.results.has, names), names[-1]))
        raise OutputError(
            f"{path}: {target} is the result of {owner}, which has the same name; "
            "choose another folder with --out"
        )
