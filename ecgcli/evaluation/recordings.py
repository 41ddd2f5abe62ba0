"""Classifier + annotated recordings -> the figures of ANSI/AAMI EC57, with detected R peaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecgcli.arrays import Labels
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
    Times,
    count_pairs,
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
#: Stand for the true label of a detected beat that has none: a false detection, and one that is
#: not compared.
_NO_BEAT, _EXCLUDED = len(AAMI_CLASSES), -1


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
        DataError: a recording cannot be read or has no annotations, or nothing is left of any.
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
        beats = pair_with_annotations(reference, classified, skip_first)
        matrices[reference.name] = beats.matrix()
        mistakes.append(_mistakes(beats, prepared, classified))
        if reference.rhythms:
            episodes[reference.name] = compare_rhythm(
                classified.atrial, reference.rhythms, skip_first
            )
        progress.update("evaluating", done, len(paths))
    if skip_first and not any(matrix.any() for matrix in matrices.values()):
        raise DataError(f"there are no beats after the first {skip_first:g} s", file=data)
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


@dataclass(frozen=True)
class PairedBeats:
    """The annotated and the detected beats of a recording after its first seconds.

    Attributes:
        truth: times in s and labels of the annotated beats.
        predicted: times in s and labels of the detected beats.
        pairs: of both; see `pair_beats`.
        flutter: see `flutter_of`.
        unreadable: stretches without ECG, in s.
    """

    truth: tuple[Times, Labels]
    predicted: tuple[Times, Labels]
    pairs: Sequence[tuple[int, int]]
    flutter: Stretches
    unreadable: Stretches

    def matrix(self) -> Matrix:
        """The matrix ``(7, 7)`` of the standard."""
        return count_pairs(
            self.pairs,
            self.truth,
            self.predicted,
            fibrillation=self.flutter,
            unreadable=self.unreadable,
        )

    def true_labels(self) -> Labels:
        """The true label of each detected beat; where there is none, `_NO_BEAT` or `_EXCLUDED`."""
        times, labels = self.predicted[0], self.truth[1]
        truth = np.full(len(times), _EXCLUDED, np.int64)
        for i, j in self.pairs:
            if j >= 0 and (i >= 0 or not within(times[j], self.flutter)):
                truth[j] = labels[i] if i >= 0 else _NO_BEAT
        return truth


def pair_with_annotations(
    reference: Recording, classified: Classified, skip_first: float = 0.0
) -> PairedBeats:
    """The detected beats of a recording, paired with its annotated beats.

    Args:
        reference: the recording with its annotations.
        classified: its detected beats.
        skip_first: seconds at the start that are excluded.
    """
    true_times = reference.beat_positions / reference.sampling_rate
    symbols = np.array(reference.symbols)[reference.is_beat]
    labels = np.array([LABEL_OF_SYMBOL[symbol] for symbol in symbols], np.int64)
    predicted = np.array(
        [AAMI_CLASSES.index(kind) if kind else _UNCLASSIFIED for kind in classified.kinds], np.int64
    )
    true_kept, kept = true_times >= skip_first, classified.peaks >= skip_first
    true_times, times = true_times[true_kept], classified.peaks[kept]
    return PairedBeats(
        truth=(true_times, labels[true_kept]),
        predicted=(times, predicted[kept]),
        pairs=tuple(pair_beats(true_times, times)),
        flutter=flutter_of(reference),
        unreadable=classified.unusable,
    )


def _mistakes(beats: PairedBeats, prepared: Prepared, classified: Classified) -> Mistakes:
    """The most confident errors in a recording, those among its first seconds excepted."""
    after = beats.true_labels()
    skipped = np.full(len(classified.peaks) - len(after), _EXCLUDED)
    truth = np.concatenate([skipped, after])[prepared.beats.known_peak]
    rows = np.flatnonzero(truth != _EXCLUDED)
    return find_mistakes(prepared.beats.take(rows), truth[rows], classified.probabilities[rows])


def flutter_of(recording: Recording) -> Stretches:
    """Ventricular flutter or fibrillation, annotated between ``[`` and ``]``, in seconds."""
    times = recording.positions / recording.sampling_rate
    symbols = np.array(recording.symbols)
    starts, stops = times[symbols == "["].tolist(), times[symbols == "]"].tolist()
    return list(zip(starts, [*stops, recording.seconds], strict=False))
