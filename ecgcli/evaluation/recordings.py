"""Classifier + annotated recordings -> the figures of ANSI/AAMI EC57, with detected R peaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecgcli.beats.preparation import patients_of
from ecgcli.classes import AAMI_CLASSES, LABEL_OF_SYMBOL
from ecgcli.errors import CheckpointError, DataError
from ecgcli.evaluation.beats import describe_patients
from ecgcli.fibrillation.comparison import compare_rhythm
from ecgcli.metrics import Matrix
from ecgcli.metrics.aami import Aami, Stretches, compare, summarize
from ecgcli.metrics.episodes import EpisodeFigures, summarize_episodes
from ecgcli.prediction import Classifier
from ecgcli.prediction.leads import prepare_for
from ecgcli.prediction.recordings import Classified, classify_prepared
from ecgcli.progress import SILENT, Progress
from ecgcli.recordings import NO_OPTIONS, ReadOptions, Recording
from ecgcli.recordings.leads import read_chosen_leads
from ecgcli.recordings.peaks import with_peaks
from ecgcli.recordings.search import distinct_names

#: The class of a detected beat that could not be classified: unclassifiable, in the standard.
_UNCLASSIFIED = AAMI_CLASSES.index("Q")


@dataclass(frozen=True)
class RecordingEvaluation:
    """The figures of ANSI/AAMI EC57 of a model on recordings, and the scope of the score."""

    model: str
    data: str
    detector: str
    aami: Aami
    statement: str
    #: Of the records with rhythm annotations; None where there are none.
    fibrillation: EpisodeFigures | None = None
    #: Remarks on the reading of the recordings, each after the recording's name.
    notes: tuple[str, ...] = ()

    @property
    def matrix(self) -> Matrix:
        """Confusion matrix ``(5, 5)`` of the detected beats, over all records."""
        five = len(AAMI_CLASSES)
        total: Matrix = np.sum(list(self.aami.records.values()), axis=0)
        return total[:five, :five]

    def scores(self) -> dict[str, float]:
        """Every gross figure by its name for ``--require``."""
        figures = {name: figure.gross for name, figure in self.aami.figures.items()}
        return figures | (self.fibrillation.scores() if self.fibrillation else {})

    def as_json(self) -> dict[str, Any]:
        """A document of plain values."""
        return {
            "model": self.model,
            "data": self.data,
            "r_peaks": "detected",
            "detector": self.detector,
            "statement": self.statement,
            "notes": list(self.notes),
            "classes": list(AAMI_CLASSES),
            "confusion_matrix": self.matrix.tolist(),
            "aami": self.aami.as_json(),
            "fibrillation": self.fibrillation.as_json() if self.fibrillation else None,
        }


def evaluate_recordings(
    classifier: Classifier,
    paths: Sequence[Path],
    options: ReadOptions = NO_OPTIONS,
    *,
    data: str,
    skip_first: float = 0.0,
    progress: Progress = SILENT,
) -> RecordingEvaluation:
    """Find and classify the beats of recordings and compare them with the annotations.

    Args:
        classifier: of the five AAMI classes.
        paths: annotated recordings.
        options: how they are read; its annotations are the reference, its detector finds
            the R peaks.
        data: where the recordings lie, for the report.
        skip_first: seconds at the start of each that are excluded.
        progress: of the recordings.

    Raises:
        DataError: a recording cannot be read or has no annotations.
        CheckpointError: the model has other classes.
    """
    if classifier.classes != AAMI_CLASSES:
        classes = " and ".join(classifier.classes)
        raise CheckpointError(f"{classifier.path}: its classes are {classes}, not those of AAMI")
    matrices, names = {}, distinct_names(paths)
    episodes = {}
    notes: list[str] = []
    for done, path in enumerate(paths, 1):
        leads, left_out = read_chosen_leads(path, options, name=names.get(path, ""))
        reference, *others = leads
        if not reference.annotated:
            raise DataError(
                "no annotations to compare with; name them with --annotations", file=path
            )
        notes += (f"{reference.name}: {note}" for note in (*left_out, *reference.notes))
        blind = with_peaks(reference, np.empty(0))  # the model does not see the annotations
        prepared = prepare_for(classifier, (blind, *others), path, options)
        classified = classify_prepared(classifier, prepared)
        matrices[reference.name] = compare_beats(reference, classified, skip_first)
        if reference.rhythms:
            episodes[reference.name] = compare_rhythm(
                classified.atrial, reference.rhythms, skip_first
            )
        progress.update("evaluating", done, len(paths))
    return RecordingEvaluation(
        model=str(classifier.path),
        data=data,
        detector=options.detector,
        aami=summarize(matrices, skip_first),
        statement=describe_patients(
            set(classifier.card.training_data.patients), set(patients_of(paths).values())
        ),
        fibrillation=summarize_episodes(episodes, skip_first) if episodes else None,
        notes=tuple(notes),
    )


def compare_beats(reference: Recording, classified: Classified, skip_first: float = 0.0) -> Matrix:
    """The matrix ``(7, 7)`` of a recording's annotated beats and the detected ones."""
    flutter = flutter_of(reference)
    truth = reference.beat_positions / reference.sampling_rate
    symbols = np.array(reference.symbols)[reference.is_beat]
    labels = np.array([LABEL_OF_SYMBOL[symbol] for symbol in symbols], np.int64)
    predicted = np.array(
        [AAMI_CLASSES.index(kind) if kind else _UNCLASSIFIED for kind in classified.kinds], np.int64
    )
    true_kept, detected_kept = truth >= skip_first, classified.peaks >= skip_first
    return compare(
        (truth[true_kept], labels[true_kept]),
        (classified.peaks[detected_kept], predicted[detected_kept]),
        fibrillation=flutter,
        unreadable=classified.unusable,
    )


def flutter_of(recording: Recording) -> Stretches:
    """Ventricular flutter or fibrillation, annotated between ``[`` and ``]``, in seconds."""
    times = recording.positions / recording.sampling_rate
    symbols = np.array(recording.symbols)
    starts, stops = times[symbols == "["].tolist(), times[symbols == "]"].tolist()
    return list(zip(starts, [*stops, recording.seconds], strict=False))
