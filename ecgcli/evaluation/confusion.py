"""The confusion matrix of a run, a checkpoint or a table of predictions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli import metrics
from ecgcli.beats import read_labelled
from ecgcli.checkpoints.runs import find_checkpoint, shown_place
from ecgcli.choices import Over
from ecgcli.errors import ConfigError, DataError
from ecgcli.evaluation.figures import draw_confusion
from ecgcli.evaluation.report import read_reports
from ecgcli.metrics import rounded
from ecgcli.prediction import Classifier, load
from ecgcli.prediction.beats import read_predictions
from ecgcli.wording import counted

_OVER = {
    "true": "share of the true class",
    "pred": "share of the predicted class",
    "all": "share of all beats",
}


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix ``(classes, classes)``, true class in rows, and its origin."""

    matrix: metrics.Matrix
    classes: tuple[str, ...]
    of: str
    #: Number of beats that the model did not classify; they are not in the matrix.
    abstained: int = 0
    #: The report of an evaluation that it is from, where it was not computed.
    report: Path | None = None

    def shares(self, over: Over) -> NDArray[np.float64]:
        """The matrix as shares; NaN where a class has no beats."""
        return metrics.normalized(self.matrix, over)

    def caption(self, over: Over) -> str:
        """What the matrix is of, and what its shares are of."""
        left_out = f"; {self.abstained:,} abstained, left out" if self.abstained else ""
        return f"{self.of}: {_OVER[over]}{left_out}"

    def draw(self, target: Path, over: Over) -> None:
        """Write the matrix as a PNG."""
        draw_confusion(target, self.shares(over), self.matrix, self.classes, self.caption(over))

    def as_json(self, over: Over) -> dict[str, Any]:
        """A document of plain values; an undefined share is null."""
        shares = self.shares(over)
        return {
            "of": self.of,
            "report": None if self.report is None else str(self.report),
            "classes": list(self.classes),
            "confusion_matrix": self.matrix.tolist(),
            "abstained": self.abstained,
            "normalized_over": over,
            "normalized": [[rounded(s) for s in row] for row in shares.tolist()],
            "rows": "true class",
            "columns": "predicted class",
        }


def find_confusion(source: Path | None, truth: Path | None) -> Confusion:
    """The matrix of ``source`` against the labels of ``truth``.

    Without ``truth``, the report of a run's last evaluation is looked up. A table of predictions
    has no evaluation and needs it.

    Raises:
        ConfigError: there is nothing to compare with.
        DataError: a file is wrong, or the two have different numbers of beats.
    """
    if source is not None and source.suffix.lower() in (".csv", ".json", ".parquet"):
        if truth is None:
            raise ConfigError(f"{source}: predictions need the labelled beats: add --data TEST.csv")
        return _of_table(source, truth)
    path = find_checkpoint(source)
    return _last_evaluation(path) if truth is None else _of_classifier(load(path), truth)


def _of_classifier(classifier: Classifier, truth: Path) -> Confusion:
    classes = classifier.classes
    beats = read_labelled(truth, classes)
    predicted = classifier.probabilities(beats).argmax(1)
    matrix = metrics.confusion_matrix(beats.known_labels, predicted, len(classes))
    return Confusion(matrix, classes, f"{classifier.name} on {truth.name}")


def _of_table(table: Path, truth: Path) -> Confusion:
    predicted, classes = read_predictions(table)
    labels = read_labelled(truth, classes).known_labels
    if len(predicted) != len(labels):
        raise DataError(
            f"{counted(len(predicted), 'prediction')} for {counted(len(labels), 'beat')} of "
            f"{truth}; name the file they were predicted from",
            file=table,
        )
    answered = predicted < len(classes)
    if not answered.any():
        raise DataError("every beat was abstained from; predict with a lower --abstain", file=table)
    matrix = metrics.confusion_matrix(labels[answered], predicted[answered], len(classes))
    of, abstained = f"{table.name} against {truth.name}", int((~answered).sum())
    return Confusion(matrix, classes, of, abstained)


def _last_evaluation(checkpoint: Path) -> Confusion:
    place, reports = shown_place(checkpoint), read_reports(checkpoint)
    if not reports:
        raise ConfigError(
            f"{place} has not been evaluated: add --data TEST.csv, "
            f"or run ecg evaluate {place} --data TEST.csv first"
        )
    path, report = reports[-1]
    of = f"{Path(place).name} on {Path(report['data']).name}"
    matrix = np.array(report["confusion_matrix"], np.int64)
    return Confusion(matrix, tuple(report["classes"]), of, report=path)
