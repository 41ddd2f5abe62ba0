"""Evaluation -> JSON, pictures and a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecgcli import metrics
from ecgcli.checkpoints.runs import CONFIG, name_of_data, results_folder, shown_place
from ecgcli.classes import AAMI_CLASSES, CLASS_MEANINGS
from ecgcli.errors import CheckpointError
from ecgcli.evaluation import tables
from ecgcli.evaluation.beats import Evaluation
from ecgcli.evaluation.figures import (
    draw_confusion,
    draw_curves_by_class,
    draw_reliability,
)
from ecgcli.evaluation.recordings import RecordingEvaluation
from ecgcli.evaluation.rhythm import RhythmEvaluation
from ecgcli.files import sha256, write_json
from ecgcli.inputs import read_json
from ecgcli.metrics.aami import FIGURES, Aami
from ecgcli.metrics.episodes import FIGURES as EPISODE_FIGURES
from ecgcli.metrics.episodes import EpisodeFigures
from ecgcli.metrics.figures import draw_mistakes
from ecgcli.metrics.mistakes import NO_BEAT, worst_records_table
from ecgcli.pages import TextTable, write_page
from ecgcli.training.provenance import read_provenance
from ecgcli.wording import counted

REPORT = "report.json"
#: The key of a report that says which checkpoint was evaluated.
_CHECKSUM = "model_sha256"


_AREA_MEANINGS = {
    "ROC area": "the area under the curve of sensitivity by false positive rate; 0.5 is chance",
    "PR area": "the area under the curve of precision by recall; chance is the share of the class",
}


def report_folder(checkpoint: Path, data: Path) -> Path:
    """The folder for the report of a checkpoint: in its `results_folder`, named after the data."""
    return results_folder(checkpoint) / f"evaluation-{name_of_data(data)}"


def read_reports(checkpoint: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The evaluations of a checkpoint, the last one last: the file of each, and its document.

    Those of another checkpoint, which may have lain in the same place, are left out.

    Raises:
        CheckpointError: a report cannot be read.
    """
    found = results_folder(checkpoint).glob(f"evaluation-*/{REPORT}")
    paths = sorted(found, key=lambda path: path.stat().st_mtime_ns)
    own = _checksum(checkpoint)
    reports = [(path, _read_report(path)) for path in paths]
    return [(path, report) for path, report in reports if report.get(_CHECKSUM) == own]


def replaced_by(
    folder: Path, evaluation: Evaluation | RecordingEvaluation | RhythmEvaluation
) -> str:
    """What the report in a folder is about, if that is another model or other data; else empty."""
    try:
        earlier = _read_report(folder / REPORT)
    except CheckpointError:
        return ""
    model, data = earlier.get("model"), earlier["data"]
    same = (model, data) == (evaluation.model, evaluation.data)
    return "" if same else f"{model} on {data}"


def _checksum(model: Path) -> str:
    """The SHA-256 of a checkpoint; empty if it is not a file but, for example, a pipe."""
    return sha256(model) if model.is_file() else ""


def _read_report(path: Path) -> dict[str, Any]:
    try:
        report = read_json(path)
        if {"data", "classes", "confusion_matrix"} <= set(report):
            return dict(report)
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path}: cannot be read as a report; evaluate again") from error
    raise CheckpointError(f"{path}: is not the report of an evaluation; evaluate again")


def write_report(
    folder: Path, evaluation: Evaluation | RecordingEvaluation | RhythmEvaluation
) -> Path:
    """Write ``report.json``, the pictures and ``report.html``; returns the page."""
    checksum = {_CHECKSUM: _checksum(Path(evaluation.model))}
    write_json(folder / REPORT, evaluation.as_json() | checksum)
    if isinstance(evaluation, Evaluation):
        return _write_beats_page(folder, evaluation)
    if isinstance(evaluation, RecordingEvaluation):
        return _write_recordings_page(folder, evaluation)
    return write_page(
        folder,
        __package__,
        "rhythm.html",
        title="Evaluation of atrial fibrillation",
        evaluation=evaluation,
        **_origin(evaluation.model),
        **_episode_tables(evaluation.fibrillation),
    )


def _write_beats_page(folder: Path, evaluation: Evaluation) -> Path:
    shares = metrics.normalized(evaluation.matrix, "true")
    draw_confusion(
        folder / "confusion.png",
        shares,
        evaluation.matrix,
        evaluation.classes,
        f"{Path(evaluation.data).name}: share of the true class",
    )
    draw_curves_by_class(
        folder / "roc.png",
        {name: (curve.x, curve.y, curve.area) for name, curve in evaluation.roc.items()},
        ("false positive rate (1 - specificity)", "sensitivity"),
        "ROC, each class against the rest",
        zoom=(0, 0.1, 0.9, 1),
    )
    draw_curves_by_class(
        folder / "pr.png",
        {name: (curve.x, curve.y, curve.area) for name, curve in evaluation.pr.items()},
        ("recall (sensitivity)", "precision (positive predictivity)"),
        "Precision-recall, each class against the rest",
        zoom=(0.8, 1, 0.8, 1),
    )
    worst = None if evaluation.aami is None else _worst_records(evaluation.aami)
    draw_mistakes(folder, evaluation.mistakes, worst)
    bins = evaluation.reliability
    draw_reliability(
        folder / "reliability.png",
        bins.confidence,
        bins.accuracy,
        bins.beats,
        f"Reliability: expected calibration error {evaluation.calibration_error.value:.3f}",
    )
    return write_page(
        folder,
        __package__,
        "evaluation.html",
        title="Evaluation",
        evaluation=evaluation,
        **_origin(evaluation.model),
        beats=counted(evaluation.beats, "beat"),
        overall=tables.overall_table(evaluation),
        overall_meanings={metric.heading: metric.meaning for metric in metrics.OVERALL},
        class_meanings=_class_meanings(evaluation.classes)
        | {metric.heading: metric.meaning for metric in metrics.BY_CLASS},
        by_class=tables.class_table(evaluation),
        areas=tables.area_table(evaluation),
        area_meanings=_AREA_MEANINGS,
        calibration_error=tables.with_interval(evaluation.calibration_error),
        coverage=tables.coverage_table(evaluation),
        worst_records=worst,
        **_aami_tables(evaluation.aami),
    )


def _write_recordings_page(folder: Path, evaluation: RecordingEvaluation) -> Path:
    draw_confusion(
        folder / "confusion.png",
        metrics.normalized(evaluation.matrix, "true"),
        evaluation.matrix,
        AAMI_CLASSES,
        f"{Path(evaluation.data).name}: share of the true class",
    )
    worst = _worst_records(evaluation.aami)
    draw_mistakes(folder, evaluation.mistakes, worst)
    return write_page(
        folder,
        __package__,
        "recordings.html",
        title="Evaluation on recordings",
        evaluation=evaluation,
        **_origin(evaluation.model),
        worst_records=worst,
        **_aami_tables(evaluation.aami),
        **_episode_tables(evaluation.fibrillation),
    )


def _origin(model: str) -> dict[str, Any]:
    """The evaluated model and, where it lies in a run folder, the run, with its picture."""
    folder, facts = Path(model).parent, {"model": shown_place(Path(model))}
    if not (folder / CONFIG).is_file():
        return facts
    try:
        run = read_provenance(folder)
    except CheckpointError as error:  # the evaluation holds without it
        return facts | {"problem": str(error)}
    return facts | {"run": run, "pictures": [run.picture] if run.picture else []}


def _worst_records(aami: Aami) -> TextTable:
    return worst_records_table(aami.records, [*AAMI_CLASSES, NO_BEAT, "unreadable"])


def _episode_tables(episodes: EpisodeFigures | None) -> dict[str, Any]:
    if episodes is None:
        return {}
    return {
        "fibrillation": tables.episodes_table(episodes),
        "fibrillation_by_record": tables.episode_records_table(episodes),
        "fibrillation_meanings": {"AF": "atrial fibrillation"}
        | {metric.heading: metric.meaning for metric in EPISODE_FIGURES.values()},
    }


def _aami_tables(aami: Aami | None) -> dict[str, Any]:
    if aami is None:
        return {}
    return {
        "aami": tables.aami_table(aami),
        "by_record": tables.records_table(aami),
        "aami_meanings": _class_meanings(AAMI_CLASSES)
        | {"VEB, SVEB": "ventricular and supraventricular ectopic beats: the classes V and S"}
        | {"gross, average": "of all beats together, and the mean of the records"}
        | {metric.heading: metric.meaning for metric in FIGURES.values()},
    }


def _class_meanings(classes: Sequence[str]) -> dict[str, str]:
    return {name: CLASS_MEANINGS[name] for name in classes}
