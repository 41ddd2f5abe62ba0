"""Deflections that a detector finds in noise, as training beats of class Q."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ecgcli.classes import AAMI_CLASSES
from ecgcli.recordings import read_recording
from ecgcli.training.recordings import read_training_recordings
from ecgcli.training.unreadable import UNCLASSIFIABLE, unreadable


def test_peaks_that_no_beat_explains_are_unclassifiable_and_the_others_keep_their_symbol(
    mitdb: Path,
) -> None:
    recording = read_recording(mitdb / "208.hea")
    noisy = unreadable(recording, 1)
    assert noisy is not None
    distances = np.abs(noisy.positions[:, None] - recording.beat_positions[None]).min(axis=1)
    far = distances > 0.15 * 360
    found = np.array(noisy.symbols)
    beats_of_class_q = np.isin(found, ["Q"]) & ~far
    assert (found[far] == UNCLASSIFIABLE).all()
    assert beats_of_class_q.sum() <= 2  # 208 has two beats annotated as unclassifiable
    assert 100 < far.sum() < len(found) / 2
    assert {"N", "V", "F"} <= set(found[~far])


def test_a_recording_too_short_has_no_such_copy(mitdb: Path) -> None:
    recording = read_recording(mitdb / "208.hea")
    short = replace(recording, signal=recording.signal[:360], positions=recording.positions[:1],
                    symbols=recording.symbols[:1])  # fmt: skip
    assert unreadable(short, 1) is None


def test_only_what_is_no_beat_is_trained_on(mitdb: Path) -> None:
    beats = read_training_recordings([mitdb], ["208"], ["unreadable"], 0)
    assert beats.info is not None
    copies = (beats.info["copy"] == "unreadable").to_numpy()
    assert copies.sum() > 100
    assert (beats.known_labels[copies] == AAMI_CLASSES.index("Q")).all()
    assert (beats.known_labels[~copies] != AAMI_CLASSES.index("Q")).mean() > 0.99
    assert set(beats.info["patient"]) == {"208"}
