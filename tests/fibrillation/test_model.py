"""The bundled model of atrial fibrillation on real records, and files that are no such model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgcli.checkpoints import load_checkpoint
from ecgcli.checkpoints.container import read_tensors, write_tensors
from ecgcli.errors import CheckpointError
from ecgcli.fibrillation.comparison import compare_rhythm
from ecgcli.fibrillation.model import bundled_model, load_model, save_model
from ecgcli.metrics.episodes import summarize_episodes
from ecgcli.recordings.annotated_rhythm import read_annotated_rhythm
from ecgcli.recordings.irregularity import WINDOW
from ecgcli.weights import bundled_checkpoint


def test_real_records_with_and_without_fibrillation(mitdb: Path) -> None:
    counts = {}
    for name in ("100", "103", "123", "202", "210", "219"):
        record = read_annotated_rhythm(mitdb / name)
        result = bundled_model().rhythm(record.times, record.ectopic)
        assert len(result.rhythms) == len(record.times)
        assert bool(result.episodes) == (name >= "200")
        counts[name] = compare_rhythm(result, record.rhythms)
    scores = summarize_episodes(counts).scores()
    assert scores["af_duration_sensitivity"] > 0.9
    assert scores["af_duration_specificity"] > 0.95
    assert scores["af_duration_positive_predictivity"] > 0.9


def test_a_recording_shorter_than_a_window_says_so() -> None:
    result = bundled_model().rhythm(np.arange(WINDOW) * 0.8, np.zeros(WINDOW, bool))
    assert result.note == (
        "61 beats are too few to look for atrial fibrillation in; at least 62 are needed"
    )
    assert set(result.rhythms) == {""}
    assert bundled_model().rhythm(np.empty(0), np.empty(0, bool)).note.startswith("0 beats are")
    enough = bundled_model().rhythm(np.arange(WINDOW + 1) * 0.8, np.zeros(WINDOW + 1, bool))
    assert set(enough.rhythms) == {"N"}


def test_a_rhythm_of_ectopic_beats_is_unknown() -> None:
    """Bigeminy: no interval is free of the ectopic beats."""
    beats = 400
    ectopic = np.arange(beats) % 2 == 1
    times = np.cumsum(np.where(ectopic, 0.6, 1.0))
    ectopic[:200] = False
    rhythms = bundled_model().rhythm(times, ectopic).rhythms
    assert set(rhythms[:150]) == {"N"}
    assert set(rhythms[250:]) == {""}


def test_a_model_is_stored_whole(tmp_path: Path, mitdb: Path) -> None:
    save_model(tmp_path / "copy.safetensors", bundled_model())
    copy = load_model(tmp_path / "copy.safetensors")
    assert copy.card == bundled_model().card
    record = read_annotated_rhythm(mitdb / "202")
    episodes = [m.rhythm(record.times, record.ectopic).episodes for m in (copy, bundled_model())]
    assert episodes[0] == episodes[1]


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="this is not a model of atrial fibrillation"):
        load_model(bundled_checkpoint("beats"))
    with pytest.raises(CheckpointError, match="this is a model of atrial fibrillation, which"):
        load_checkpoint(bundled_checkpoint("fibrillation"))
    damaged = tmp_path / "damaged.safetensors"
    data = bytearray(bundled_checkpoint("fibrillation").read_bytes())
    data[-200:] = bytes(200)
    damaged.write_bytes(data)
    with pytest.raises(CheckpointError, match="does not have the checksum stated in it"):
        load_model(damaged)
    tensors, metadata = read_tensors(bundled_checkpoint("fibrillation"))
    write_tensors(damaged, {"trees": tensors["trees"][:-200]}, metadata)
    with pytest.raises(CheckpointError, match="its trees are damaged"):
        load_model(damaged)
