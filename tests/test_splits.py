"""What is held out, and whose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgcli.beats import Beats, read_beats
from ecgcli.errors import DataError
from ecgcli.splits import by_patient, split_by_class, stratified


def test_split_by_class_holds_out_exactly_and_covers_every_row_once() -> None:
    labels = np.repeat(np.arange(5), [100, 10, 20, 5, 7])
    split = split_by_class(labels, {0: 30, 1: 3, 4: 7}, seed=1)
    assert np.bincount(labels[split.held_out], minlength=5).tolist() == [30, 3, 0, 0, 7]
    assert sorted([*split.kept, *split.held_out]) == list(range(len(labels)))


def test_a_seed_gives_one_split_and_another_seed_another() -> None:
    labels = np.zeros(50, np.int64)
    one, same, other = (split_by_class(labels, {0: 10}, seed) for seed in (3, 3, 4))
    assert np.array_equal(one.held_out, same.held_out)
    assert set(one.held_out) != set(other.held_out)


def test_stratified_keeps_the_balance_and_gives_rare_classes_a_beat() -> None:
    labels = np.repeat(np.arange(3), [1000, 100, 2])
    split = stratified(labels, 0.1, seed=0)
    assert np.bincount(labels[split.held_out]).tolist() == [100, 10, 1]


def test_by_patient_never_cuts_a_patient_in_two(mitbih: Path) -> None:
    beats = read_beats(mitbih / "mitbih_train.csv")
    split = by_patient(beats, 0.2, seed=0)
    held_out, kept = beats.take(split.held_out), beats.take(split.kept)
    assert not set(held_out.patients) & set(kept.patients)
    assert 0.1 < len(held_out) / len(beats) < 0.3
    assert held_out.info is not None
    assert kept.info is not None
    records = ({"201", "202"} & set(part.info["record"]) for part in (held_out, kept))  # type: ignore[index]
    assert sorted(map(len, records)) == [0, 2]  # one person, two records


def test_by_patient_needs_to_know_patients(beats: Beats, demo: Path) -> None:
    with pytest.raises(DataError, match="no sidecar"):
        by_patient(beats, 0.2, seed=0)
    with pytest.raises(DataError, match="at least 100 of them, found 8"):
        by_patient(read_beats(demo / "synthetic_test.csv"), 0.01, seed=0)
