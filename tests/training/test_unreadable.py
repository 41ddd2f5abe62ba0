"""Deflections that a detector finds in noise, as training beats of class Q."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ecgcli.beats.views import inputs_of
from ecgcli.classes import AAMI_CLASSES
from ecgcli.models.context import Context
from ecgcli.recordings import read_recording
from ecgcli.training.recordings import read_training_recordings
from ecgcli.training.unreadable import UNCLASSIFIABLE, unreadable

Q = AAMI_CLASSES.index("Q")


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


def test_the_model_of_what_is_no_beat_leaves_the_classes_as_they_are(mitdb: Path) -> None:
    """Trained on unreadable copies too, the probabilities of clean beats are what they were."""
    beats = read_training_recordings([mitdb], ["208", "233"], ["unreadable"], 0)
    assert beats.info is not None
    copies = (beats.info["copy"] == "unreadable").to_numpy(bool)
    plain, gated = Context(boosters=1, trees=10), Context(boosters=1, trees=10)
    for model, training in ((plain, beats.take(np.flatnonzero(~copies))), (gated, beats)):
        model.fit(inputs_of(training, model.views), training, 5, 0)
    again = Context(boosters=1, trees=10)
    again.check_state(gated.state())
    again.restore(gated.state())

    others = read_training_recordings([mitdb], ["200"], ["unreadable"], 0)
    assert others.info is not None
    inputs, noisy = inputs_of(others, plain.views), others.info["copy"] == "unreadable"
    clean, share = plain.probabilities(inputs), again.probabilities(inputs)[:, Q]
    assert np.allclose(again.probabilities(inputs)[:, :Q], clean[:, :Q] * (1 - share[:, None]))
    assert (share[~noisy] > 0.5).mean() < 0.005
    no_beat = noisy & (others.info["symbol"] == UNCLASSIFIABLE)
    assert no_beat.sum() > 100
    assert (share[no_beat] > 0.5).mean() > 0.5
