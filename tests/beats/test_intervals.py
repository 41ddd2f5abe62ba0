"""What RR intervals say of a beat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgcli.beats.intervals import ORIGINS, evidence, interval_features
from ecgcli.classes import LABEL_OF_SYMBOL
from ecgcli.recordings import read_recording


def most_likely(times: np.ndarray) -> list[str]:
    values = evidence(times)
    assert list(values) == [f"rr_{origin}" for origin in ORIGINS]
    return [ORIGINS[k] for k in np.argmax(list(values.values()), axis=0)]


def test_a_steady_rhythm_is_normal_and_an_early_beat_is_not() -> None:
    times = np.arange(0.0, 200.0, 0.8) + np.random.default_rng(0).normal(0, 0.008, 250)
    assert most_likely(times).count("normal") > 240
    times[100] -= 0.3
    origins = most_likely(times)
    assert origins[100] in {"supraventricular", "ventricular"}
    assert origins[95] == origins[105] == "normal"


def test_independent_intervals_are_fibrillation() -> None:
    random = np.random.default_rng(0)
    times = np.cumsum(np.clip(random.normal(0.7, 0.15, 400), 0.35, None))
    assert most_likely(times).count("fibrillation") > 300


def test_origins_agree_with_the_annotations_of_a_record_with_many_early_beats(mitdb: Path) -> None:
    recording = read_recording(mitdb / "209.hea")
    symbols = [s for s, beat in zip(recording.symbols, recording.is_beat, strict=True) if beat]
    labels = np.array([LABEL_OF_SYMBOL[symbol] for symbol in symbols])
    origins = np.array(most_likely(recording.beat_positions / recording.sampling_rate))
    early = labels == 1
    assert early.sum() > 300
    assert (origins[early] == "supraventricular").mean() > 0.6
    assert (origins[labels == 0] == "normal").mean() > 0.8


@pytest.mark.parametrize("beats", [2, 3, 30, 61, 62, 200])
def test_recordings_of_any_length_have_the_same_features(beats: int) -> None:
    times = np.cumsum(np.full(beats, 0.8))
    features = interval_features(times)
    assert features.shape == (beats, interval_features(np.arange(300.0)).shape[1])
    assert np.isfinite(features[:, :-23]).all()
    assert all(np.isfinite(values).all() for values in evidence(times).values())
