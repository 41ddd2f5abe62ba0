"""Recording -> page: with a model that classifies its beats, or with a table of predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgcli.beats.preparation import Prepared, prepare
from ecgcli.checkpoints import card_text
from ecgcli.fibrillation import AFIB
from ecgcli.files import write_text
from ecgcli.prediction import Classifier
from ecgcli.prediction.leads import prepare_for
from ecgcli.prediction.recordings import Classified, classify_prepared
from ecgcli.recordings import NO_OPTIONS, ReadOptions, Recording
from ecgcli.recordings.leads import read_leads
from ecgcli.view import UNCLASSIFIED, Model, Page, PageBeats
from ecgcli.view.events import find_events
from ecgcli.view.families import find_families
from ecgcli.view.predictions import beats_at, place_predictions, read_timed_predictions
from ecgcli.view.rendering import render


def view_recording(
    path: Path, classifier: Classifier, options: ReadOptions = NO_OPTIONS, *, abstain: float = 0.0
) -> Page:
    """The page of a recording whose beats a model classifies.

    Args:
        path: of the recording.
        classifier: the model.
        options: how the recording is read.
        abstain: beats whose highest probability is below this get no class.

    Raises:
        DataError: the recording cannot be read.
        ConfigError: there is no such detector.
    """
    leads, notes = read_leads(path, options)
    prepared = prepare_for(classifier, leads, path, options)
    classified = classify_prepared(classifier, prepared, abstain)
    return _page_of_classified(classified, leads, notes, describe_model(classifier))


def view_classified(
    classified: Classified, model: Model, options: ReadOptions = NO_OPTIONS
) -> Page:
    """The page of a recording that is classified already; ``options`` are those it was read by.

    Raises:
        DataError: the recording cannot be read again.
    """
    leads, notes = read_leads(classified.path, options)
    return _page_of_classified(classified, leads, notes, model)


def view_predictions(path: Path, table: Path, options: ReadOptions = NO_OPTIONS) -> Page:
    """The page of a recording with the classes of a table that ``ecg predict`` wrote.

    Raises:
        DataError: one of the two cannot be read, or the predictions are of another recording.
        ConfigError: there is no such detector.
    """
    predictions = read_timed_predictions(table)
    leads, notes = read_leads(path, options)
    prepared = prepare(leads[0], path, options)
    annotated = leads[0].annotated
    rows = place_predictions(predictions, prepared.peaks)
    if rows is None and annotated and options.annotations == "auto":
        # predicted with --annotations none: of the R peaks that the detector finds
        unannotated = replace(leads[0], positions=np.empty(0), symbols=())
        prepared = prepare(unannotated, path, options)
        annotated = False
        rows = place_predictions(predictions, prepared.peaks)
    if rows is None:
        raise predictions.of_another_recording(prepared.peaks, path)
    beats = page_beats(
        prepared.peaks,
        rows,
        predictions.labels,
        predictions.probabilities,
        predictions.classes,
        annotated=annotated,
    )
    return build_page(
        path, leads, beats, prepared, (*prepared.notes, *notes), predictions.rhythm, rows,
        None, f"from {table.name}",
    )  # fmt: skip


def write_page(target: Path, page: Page) -> None:
    """Write the page as HTML, complete or not at all.

    Raises:
        MissingExtraError: the package for the charts is not installed.
        OutputError: the place cannot be written.
    """
    write_text(target, render(page))


def describe_model(classifier: Classifier) -> Model:
    """The name and the card of a model."""
    return Model(classifier.name, card_text(classifier.path, classifier.card))


def page_beats(
    peaks: NDArray[np.float64],
    rows: NDArray[np.intp],
    labels: NDArray[np.intp],
    probabilities: NDArray[np.float32],
    classes: tuple[str, ...],
    *,
    annotated: bool,
) -> PageBeats:
    """All beats of a recording, of which those in ``rows`` have a label and probabilities.

    Args:
        peaks: ``(beats,)`` in s.
        rows: ``(classified,)`` the numbers of the beats that are classified.
        labels: ``(classified,)`` one past the last class where the model abstained.
        probabilities: ``(classified, classes)``.
        classes: their names.
        annotated: whether the peaks are annotated.
    """
    all_labels = np.full(len(peaks), UNCLASSIFIED, np.uint8)
    all_labels[rows] = labels
    all_probabilities = np.zeros((len(peaks), len(classes)), np.float32)
    all_probabilities[rows] = probabilities
    return PageBeats(peaks, all_labels, all_probabilities, classes, annotated)


def fibrillation_of(
    peaks: NDArray[np.float64], rhythm: Sequence[str]
) -> tuple[tuple[float, float], ...]:
    """The stretches of atrial fibrillation, from and to, in s.

    Args:
        peaks: ``(beats,)`` in s.
        rhythm: ``(beats,)`` the rhythm at each.
    """
    fibrillating = np.array([each == AFIB for each in rhythm], bool)
    edges = np.flatnonzero(np.diff(fibrillating.view(np.int8), prepend=0, append=0))
    return tuple(
        (float(peaks[first]), float(peaks[last - 1]))
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    )


def _page_of_classified(
    classified: Classified, leads: tuple[Recording, ...], notes: tuple[str, ...], model: Model
) -> Page:
    rows = beats_at(classified.times, classified.peaks)
    beats = page_beats(
        classified.peaks,
        rows,
        classified.labels,
        classified.probabilities,
        classified.classes,
        annotated=leads[0].annotated,
    )
    return build_page(
        classified.path, leads, beats, classified, (*classified.notes, *notes),
        classified.rhythms.tolist(), rows, model, f"by the model {model.name}",
    )  # fmt: skip


def build_page(
    path: Path,
    leads: tuple[Recording, ...],
    beats: PageBeats,
    facts: Prepared | Classified,
    notes: tuple[str, ...],
    rhythm: Sequence[str],
    rows: NDArray[np.intp],
    model: Model | None,
    source: str,
) -> Page:
    """The page of a recording.

    Args:
        path: of the recording.
        leads: those that are shown, the classified one first.
        beats: of the recording.
        facts: what was found when its beats were cut.
        notes: what a reader should know of how it was read.
        rhythm: ``(classified,)`` the rhythm at each classified beat; empty if it is not known.
        rows: ``(classified,)`` the numbers of the classified beats.
        model: that classified them, if it is known.
        source: where the classes come from, in words.
    """
    fibrillation = fibrillation_of(beats.peaks[rows], rhythm) if len(rhythm) else ()
    families, members = find_families(beats, leads[0].filled, leads[0].sampling_rate)
    return Page(
        path=path,
        leads=leads,
        beats=beats,
        members=members,
        families=families,
        events=find_events(beats, facts.missed, fibrillation),
        fibrillation=fibrillation,
        unusable=facts.unusable,
        notes=notes,
        model=model,
        source=source,
    )
