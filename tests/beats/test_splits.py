"""Which beats are held out, and of which patients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgcli.beats import Beats, read_beats
from ecgcli.beats.splits import (
    by_patient,
    ds1_ds2,
    read_split,
    split_by_class,
    stratified,
    write_split,
)
from ecgcli.errors import DataError
from ecgcli.recordings.mitbih import DS1, DS2


def test_split_by_class_holds_out_exact_numbers_and_covers_every_row_once() -> None:
    labels = np.repeat(np.arange(5), [100, 10, 20, 5, 7])
    split = split_by_class(labels, {0: 30, 1: 3, 4: 7}, seed=1)
    assert np.bincount(labels[split.held_out], minlength=5).tolist() == [30, 3, 0, 0, 7]
    assert sorted([*split.kept, *split.held_out]) == list(range(len(labels)))


def test_a_seed_gives_one_split_and_another_seed_another() -> None:
    labels = np.zeros(50, np.int64)
    first, same, second = (split_by_class(labels, {0: 10}, seed) for seed in (3, 3, 4))
    assert np.array_equal(first.held_out, same.held_out)
    assert set(first.held_out) != set(second.held_out)


def test_stratified_keeps_the_balance_and_gives_rare_classes_a_beat() -> None:
    labels = np.repeat(np.arange(3), [1000, 100, 2])
    split = stratified(labels, 0.1, seed=0)
    assert np.bincount(labels[split.held_out]).tolist() == [100, 10, 1]


def test_by_patient_never_splits_a_patient(mitbih: Path) -> None:
    beats = read_beats(mitbih / "mitbih_train.csv")
    split = by_patient(beats, 0.2, seed=0)
    held_out, kept = beats.take(split.held_out), beats.take(split.kept)
    assert not set(held_out.patients) & set(kept.patients)
    assert 0.1 < len(held_out) / len(beats) < 0.3
    assert held_out.info is not None
    assert kept.info is not None
    records = ({"201", "202"} & set(part.info["record"]) for part in (held_out, kept))  # type: ignore[index]
    assert sorted(map(len, records)) == [0, 2]  # one person, two records


def test_by_patient_needs_patients(beats: Beats, demo: Path) -> None:
    with pytest.raises(DataError, match="no sidecar"):
        by_patient(beats, 0.2, seed=0)
    with pytest.raises(DataError, match="at least 100 of them, found 8"):
        by_patient(read_beats(demo / "synthetic_test.csv"), 0.01, seed=0)


def test_ds1_and_ds2_share_no_patient_and_leave_the_paced_out(mitbih: Path) -> None:
    beats = read_beats(mitbih / "mitbih_train.csv")
    split = ds1_ds2(beats)
    assert beats.info is not None
    sides = [set(beats.info["record"].iloc[rows]) for rows in (split.kept, split.held_out)]
    # 201 of DS1 is the person of 202 of DS2: the field's split, as written, shares a patient
    assert sides == [set(DS1) - {"201"}, set(DS2)]
    patients = [set(beats.info["patient"].iloc[rows]) for rows in (split.kept, split.held_out)]
    assert not patients[0] & patients[1]


def test_a_saved_split_is_reproduced(mitbih: Path, tmp_path: Path) -> None:
    beats = read_beats(mitbih / "mitbih_test.csv")
    split = by_patient(beats, 0.2, seed=3)
    write_split(tmp_path / "s.json", beats, split, {"rule": "patient", "seed": 3})
    again = read_split(tmp_path / "s.json", beats)
    assert set(again.kept) == set(split.kept)
    assert set(again.held_out) == set(split.held_out)


def test_files_that_are_not_a_split(mitbih: Path, demo: Path, tmp_path: Path) -> None:
    beats = read_beats(mitbih / "mitbih_test.csv")
    write_split(tmp_path / "random.json", beats, stratified(beats.known_labels, 0.2, 0), {})
    with pytest.raises(DataError, match="is on both sides, as in a random split"):
        read_split(tmp_path / "random.json", beats)
    write_split(tmp_path / "patient.json", beats, by_patient(beats, 0.2, 0), {})
    with pytest.raises(DataError, match="none of these beats"):
        read_split(tmp_path / "patient.json", read_beats(demo / "synthetic_test.csv"))
    (tmp_path / "x.json").write_text('{"train": 5}')
    with pytest.raises(DataError, match="cannot be read as a split"):
        read_split(tmp_path / "x.json", beats)
    with pytest.raises(DataError, match="records of the MIT-BIH"):
        ds1_ds2(read_beats(demo / "synthetic_test.csv"))
