"""Pages of synthetic recordings, whose beats have the classes they were made with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgcli.beats.preparation import prepare
from ecgcli.classes import AAMI_CLASSES, LABEL_OF_SYMBOL
from ecgcli.recordings import Recording
from ecgcli.sources.synthetic import simulate
from ecgcli.view import Model, Page, PageBeats
from ecgcli.view.building import build_page


def synthetic(name: str = "synthetic", patient: int = 3) -> Recording:
    """Two hundred beats, one lead, 360 Hz."""
    return replace(simulate(patient, seed=1), name=name, patient=name)


def page_of(*leads: Recording, path: Path | None = None, rhythm: str = "") -> Page:
    """The page of leads; the first has annotations, which are the classes of its beats.

    ``rhythm`` is that of all beats; the probabilities are 0.95, of every tenth beat 0.55.
    """
    recording = leads[0]
    prepared = prepare(recording, path or Path(f"{recording.name}.hea"))
    symbols = [s for s in recording.symbols if s in LABEL_OF_SYMBOL]
    labels = np.array([LABEL_OF_SYMBOL[symbol] for symbol in symbols[:-1]], np.uint8)
    beats = beats_of(prepared.peaks, labels)
    return build_page(
        prepared.path, leads, beats, prepared, prepared.notes, [rhythm] * len(labels),
        np.arange(len(labels)), Model("made up", "A card with <b>markup</b>."),
        "by the model made up",
    )  # fmt: skip


def beats_of(peaks: NDArray[np.float64], labels: NDArray[np.uint8]) -> PageBeats:
    """Beats of which the first have labels, the others none."""
    all_labels = np.full(len(peaks), 255, np.uint8)
    all_labels[: len(labels)] = labels
    probabilities = np.zeros((len(peaks), len(AAMI_CLASSES)), np.float32)
    highest = np.where(np.arange(len(labels)) % 10 == 9, 0.55, 0.95)
    probabilities[: len(labels)] = ((1 - highest) / 4)[:, None]
    probabilities[np.arange(len(labels)), labels] = highest
    return PageBeats(peaks, all_labels, probabilities, AAMI_CLASSES, annotated=True)


def beats_with(letters: str, intervals: list[float] | float = 0.8) -> PageBeats:
    """Beats of these classes; the intervals are those after each, or one for all."""
    every = [intervals] * len(letters) if isinstance(intervals, float) else intervals
    peaks = 0.5 + np.concatenate([[0], np.cumsum(every[: len(letters) - 1])])
    labels = np.array([AAMI_CLASSES.index(letter) for letter in letters], np.uint8)
    return beats_of(peaks, labels)
