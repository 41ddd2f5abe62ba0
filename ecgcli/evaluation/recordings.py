"""Classifier + annotated recordings -> the figures of ANSI/AAMI EC57, with detected R peaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.beats.preparation import Prepared, patients_of
from ecgcli.checkpoints import card_text
from ecgcli.classes import AAMI_CLASSES, LABEL_OF_SYMBOL
from ecgcli.errors import CheckpointError, DataError
from ecgcli.evaluation.beats import describe_patients
from ecgcli.fibrillation.comparison import compare_rhythm
from ecgcli.metrics import Matrix
from ecgcli.metrics.aami import (
    FIGURES,
    Aami,
    Stretches,
    compare,
    pair_beats,
    summarize,
    within,
)
from ecgcli.metrics.episodes import FIGURES as EPISODE_FIGURES
from ecgcli.metrics.episodes import EpisodeFigures, summarize_episodes
from ecgcli.metrics.mistakes import NO_MISTAKES, Mistakes, find_mistakes, join_mistakes
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
    #: The most confident errors among the detected beats.
    mistakes: Mistakes = NO_MISTAKES
    #: The model's card, as text.
    card: str = ""

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


def figure_names() -> list[str]:
    """The names that `RecordingEvaluation.scores` can have."""
    return [*FIGURES, *EPISODE_FIGURES]


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
    episodes, mistakes = {}, []
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
        prepared = prepare_for(classifier, (blind, *others), path, options, samples=True)
        classified = classify_prepared(classifier, prepared)
        matrices[reference.name] = compare_beats(reference, classified, skip_first)
        mistakes.append(_mistakes(reference, prepared, classified, skip_first))
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
        mistakes=join_mistakes(mistakes),
        card=card_text(classifier.path, classifier.card),
    )


def compare_beats(reference: Recording, classified: Classified, skip_first: float = 0.0) -> Matrix:
    """The matrix ``(7, 7)`` of a recording's annotated beats and the detected ones."""
    truth, labels = _annotated_beats(reference, skip_first)
    predicted = np.array(
        [AAMI_CLASSES.index(kind) if kind else _UNCLASSIFIED for kind in classified.kinds], np.int64
    )
    kept = classified.peaks >= skip_first
    return compare(
        (truth, labels),
        (classified.peaks[kept], predicted[kept]),
        fibrillation=flutter_of(reference),
        unreadable=classified.unusable,
    )


def _annotated_beats(
    reference: Recording, skip_first: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Times in s and labels of the annotated beats after the first seconds."""
    times = reference.beat_positions / reference.sampling_rate
    symbols = np.array(reference.symbols)[reference.is_beat]
    labels = np.array([LABEL_OF_SYMBOL[symbol] for symbol in symbols], np.int64)
    kept = times >= skip_first
    return times[kept], labels[kept]


def _mistakes(
    reference: Recording, prepared: Prepared, classified: Classified, skip_first: float
) -> Mistakes:
    """The most confident errors in a recording, those among its first seconds excepted."""
    true_times, labels = _annotated_beats(reference, skip_first)
    flutter = flutter_of(reference)
    times, no_beat, excluded = classified.peaks, len(AAMI_CLASSES), -1
    truth = np.full(len(times), excluded, np.int64)
    kept = np.flatnonzero(times >= skip_first)
    for i, j in pair_beats(true_times, times[kept]):
        if j >= 0 and (i >= 0 or not within(times[kept[j]], flutter)):
            truth[kept[j]] = labels[i] if i >= 0 else no_beat
    truth = truth[prepared.beats.known_peak] if len(prepared.beats) else truth[:0]
    rows = np.flatnonzero(truth != excluded)
    return find_mistakes(prepared.beats.take(rows), truth[rows], classified.probabilities[rows])


def flutter_of(recording: Recording) -> Stretches:
    """Ventricular flutter or fibrillation, annotated between ``[`` and ``]``, in seconds."""
    times = recording.positions / recording.sampling_rate
    symbols = np.array(recording.symbols)
    starts, stops = times[symbols == "["].tolist(), times[symbols == "]"].tolist()
    return list(zip(starts, [*stops, recording.seconds], strict=False))
