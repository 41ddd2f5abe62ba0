"""Dropping beats of the classes that have too many."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ecgcli.beats import read_beats
from ecgcli.beats.resampling import looks_like_test_file, resample, resample_file, target_counts
from ecgcli.errors import ConfigError, DataError

COUNTS = {"N": 5000, "S": 300, "V": 800, "F": 90, "Q": 0}


def test_rules() -> None:
    assert target_counts(COUNTS, majority=1000) == {**COUNTS, "N": 1000}
    assert target_counts(COUNTS, majority=9000) == COUNTS
    assert target_counts(COUNTS, ratio=1.5) == {**COUNTS, "N": 1200}
    assert target_counts(COUNTS, per_class={"N": 10, "V": 0}) == {**COUNTS, "N": 10, "V": 0}


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({}, "exactly one"),
        ({"majority": 5, "ratio": 2.0}, "exactly one"),
        ({"per_class": {"X": 5}}, "no class X"),
        ({"per_class": {"F": 91}}, "F has 90 beats and 91 were asked for"),
    ],
)
def test_rules_that_cannot_be_followed(rule: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        target_counts(COUNTS, **rule)  # type: ignore[arg-type]


def test_resample_draws_without_repeating_and_keeps_the_order() -> None:
    labels = np.array([0, 1, 0, 0, 1, 0, 2])
    rows = resample(labels, {"a": 2, "b": 2, "c": 1}, ("a", "b", "c"), seed=0)
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert np.bincount(labels[rows]).tolist() == [2, 2, 1]


def test_a_file_its_sidecar_and_a_manifest_that_accounts_for_every_row(
    demo: Path, tmp_path: Path
) -> None:
    source, target = demo / "synthetic_train.csv", tmp_path / "small.csv"
    manifest = resample_file(source, target, seed=5, majority=400)
    before, after = read_beats(source), read_beats(target)
    assert after.counts() == manifest["after"]
    assert manifest["after"]["N"] == 400
    kept = np.setdiff1d(np.arange(len(before)), manifest["dropped_rows"])
    assert np.array_equal(before.samples[kept], after.samples)
    assert before.info is not None
    assert after.info is not None
    assert before.info.iloc[kept]["time"].tolist() == after.info["time"].tolist()
    assert json.loads((tmp_path / "small.resample.json").read_text()) == manifest


def test_test_files_are_refused_unless_forced(demo: Path, tmp_path: Path) -> None:
    source = demo / "synthetic_test.csv"
    with pytest.raises(DataError, match="flatters every score"):
        resample_file(source, tmp_path / "out.csv", majority=100)
    assert list(tmp_path.iterdir()) == []
    assert resample_file(source, tmp_path / "out.csv", majority=100, force=True)["test_file_forced"]


def test_what_looks_like_a_test_file() -> None:
    assert looks_like_test_file(Path("mitbih_test.csv"))
    assert looks_like_test_file(Path("Test-beats.csv.gz"))
    assert not looks_like_test_file(Path("latest.csv"))
    assert not looks_like_test_file(Path("test/mitbih_train.csv"))


def test_the_input_is_never_overwritten(demo: Path) -> None:
    source = demo / "synthetic_train.csv"
    content = source.read_bytes()
    with pytest.raises(DataError, match="replace the input"):
        resample_file(source, source, majority=5)
    assert source.read_bytes() == content


def test_a_ratio_without_bounds_keeps_all() -> None:
    counts = {"N": 90, "V": 10}
    assert target_counts(counts, ratio=1e308) == counts
    assert target_counts(counts, ratio=2) == {"N": 20, "V": 10}
