"""Anomaly model and beats or a recording -> the anomaly score of each beat."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ecgcli.anomaly.model import AnomalyModel
from ecgcli.beats import Beats, read_beats
from ecgcli.beats.preparation import patients_of, prepare_recording
from ecgcli.classes import AAMI_CLASSES
from ecgcli.errors import DataError
from ecgcli.evaluation.beats import describe_split
from ecgcli.metrics import Score
from ecgcli.metrics.roc import Curve, roc, roc_area
from ecgcli.recordings import NO_OPTIONS, ReadOptions, is_recording
from ecgcli.wording import counted

#: The name of all other classes together, in comparison with the normal beats.
REST = "the rest"


@dataclass(frozen=True)
class Scored:
    """Beats and their anomaly scores.

    Attributes:
        model, data: their paths.
        classes: the class names of the labels, the normal class first.
        beats: the beats scored.
        times: of their R peaks in s; None for beats of a CSV.
        scores: ``(beats,)``, higher is more unusual.
        percentiles: ``(beats,)`` the share of held-out normal beats that score lower, 0..1.
        quantile, threshold: a beat whose score is above the threshold is anomalous; of
            the held-out normal beats the share ``quantile`` is not.
        statement: what can and cannot be concluded from figures on these beats.
        notes: on the recording.
    """

    model: str
    data: str
    classes: tuple[str, ...]
    beats: Beats
    times: NDArray[np.float64] | None
    scores: NDArray[np.float64]
    percentiles: NDArray[np.float64]
    quantile: float
    threshold: float
    statement: str
    notes: tuple[str, ...] = ()

    @property
    def anomalous(self) -> NDArray[np.bool_]:
        """Which beats are above the threshold."""
        return self.scores > self.threshold

    @property
    def truth(self) -> NDArray[np.int64] | None:
        """The labels; None unless there are normal beats and others among them."""
        labels = self.beats.labels
        return None if labels is None or len({*(labels > 0)}) < 2 else labels

    def areas(self) -> dict[str, Score]:
        """The area under the ROC curve of all other beats, and of each other class, from normal.

        Empty where the beats have no labels, are all normal, or include no normal beat.
        """
        return {
            name: roc_area(positive[rows], self.scores[rows])
            for name, (positive, rows) in self._sides().items()
        }

    def curves(self) -> dict[str, Curve]:
        """The ROC curves of the same comparisons."""
        return {
            name: roc(positive[rows], self.scores[rows].astype(np.float32))
            for name, (positive, rows) in self._sides().items()
        }

    def figures(self) -> dict[str, float]:
        """Every figure that ``--require`` accepts.

        Raises:
            DataError: the beats are not labelled, are all normal, or include no normal beat.
        """
        if self.truth is None:
            kinds = (
                "no labels"
                if self.beats.labels is None
                else "only normal beats"
                if (self.beats.labels == 0).all()
                else "no normal beats"
            )
            raise DataError(
                f"found {kinds}; a ROC needs labelled beats, both normal and others",
                file=self.data,
            )
        areas = self.areas()
        return {"roc_auc": areas.pop(REST).value} | {
            f"roc_auc_{name}": area.value for name, area in areas.items()
        }

    def table(self) -> pa.Table:
        """A row for each beat: number, time, class if labelled, score, percentile, anomalous."""
        columns: dict[str, Any] = {"beat": np.arange(len(self.scores))}
        if self.times is not None:
            columns["time"] = self.times
        if self.beats.labels is not None:
            columns["class"] = self.beats.label_names
        columns["score"] = self.scores.round(4)
        columns["percentile"] = (100 * self.percentiles).round(2)
        columns["anomalous"] = self.anomalous
        return pa.table(columns)

    def as_json(self) -> dict[str, Any]:
        """The summary as a document of plain values."""
        flagged = self.anomalous
        labels = self.beats.labels
        kinds = {} if labels is None else {n: labels == c for c, n in enumerate(self.classes)}
        return {
            "model": self.model,
            "data": self.data,
            "notes": list(self.notes),
            "statement": self.statement,
            "beats": len(flagged),
            "anomalous": int(flagged.sum()),
            "quantile": self.quantile,
            "threshold": round(self.threshold, 4),
            "by_class": {
                name: {"beats": int(rows.sum()), "anomalous": int(flagged[rows].sum())}
                for name, rows in kinds.items()
                if rows.any()
            },
            "roc_auc": {
                name: {"value": round(a.value, 4), "low": round(a.low, 4), "high": round(a.high, 4)}
                for name, a in self.areas().items()
            },
            "interval": "95%, DeLong, over beats",
        }

    def _sides(self) -> dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
        """For each comparison, by name: which beats are positive, and which are included."""
        truth = self.truth
        if truth is None:
            return {}
        present = [label for label in range(1, len(self.classes)) if (truth == label).any()]
        by_class = {
            self.classes[label]: (truth == label, (truth == label) | (truth == 0))
            for label in present
        }
        return {REST: (truth > 0, np.ones(len(truth), bool))} | by_class


def score_file(
    model: AnomalyModel,
    place: str,
    data: Path,
    *,
    quantile: float | None = None,
    normalize: bool = False,
    options: ReadOptions = NO_OPTIONS,
) -> Scored:
    """Score each beat of a beats CSV or of a recording.

    Args:
        model: the anomaly model.
        place: the model's path, for the report.
        data: a beats CSV or a recording.
        quantile: the share of normal beats below the threshold; None is the model's.
        normalize: scale each beat of a CSV to 0..1 first.
        options: how a recording is read.

    Raises:
        DataError: the file is not valid, or the recording is too short to hold a beat.
    """
    notes: tuple[str, ...] = ()
    times = None
    if is_recording(str(data), options.sampling_rate):
        if model.card.classes != AAMI_CLASSES:
            options = replace(options, annotations="none")
        patient = patients_of([data])[data]
        prepared = prepare_recording(data, options, patient=patient)
        beats, notes = prepared.beats, prepared.notes
        if beats.info is not None:
            times = beats.info["time"].to_numpy(np.float64)
        if not len(beats):
            raise DataError(
                f"too short: {counted(len(prepared.peaks), 'R peak')} in {prepared.seconds:.1f} s; "
                "a beat needs the two after it",
                file=data,
            )
    else:
        beats = read_beats(data, model.card.classes, normalize=normalize)
    scores = model.score(beats.samples)
    return Scored(
        model=place,
        data=str(data),
        classes=model.card.classes,
        beats=beats,
        times=times,
        scores=scores,
        percentiles=model.percentiles(scores),
        quantile=quantile or model.card.quantile,
        threshold=model.threshold(quantile),
        statement=describe_split(model.card.training_data, beats),
        notes=notes,
    )
