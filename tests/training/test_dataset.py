"""From a config to training beats and validation beats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgcli.beats import Beats, read_beats, write_beats
from ecgcli.errors import ConfigError, DataError
from ecgcli.training.config import parse_config
from ecgcli.training.dataset import build_training_set, class_offsets
from tests.helpers import small_config


def rows(beats: Beats) -> set[bytes]:
    return {row.tobytes() for row in beats.samples}


def test_training_and_validation_beats_are_apart_and_only_training_is_resampled(
    demo: Path, tmp_path: Path
) -> None:
    data = build_training_set(small_config(demo, tmp_path))
    assert not rows(data.training) & rows(data.validation)
    assert not set(data.training.patients) & set(data.validation.patients)
    assert data.training.counts()["N"] == 1000
    shares = np.bincount(data.validation.known_labels) / len(data.validation)
    assert shares[0] > 0.7  # the natural balance
    whole = read_beats(demo / "synthetic_train.csv")
    assert data.description.fingerprint == whole.fingerprint()
    assert data.description.beats == whole.counts()


def test_a_stratified_validation_holds_its_share_of_each_class(demo: Path, tmp_path: Path) -> None:
    config = small_config(demo, tmp_path, "data.validation=stratified", "data.resample=null")
    data = build_training_set(config)
    held_out = data.description.validation["beats"]
    for name, count in data.description.beats.items():
        assert held_out[name] == pytest.approx(0.2 * count, abs=0.6)
    assert data.class_offsets == pytest.approx((0,) * 5, abs=1e-9)


def test_several_files_are_one_training_set(demo: Path, tmp_path: Path) -> None:
    both = f"data.train=[{demo / 'synthetic_train.csv'}, {demo / 'synthetic_test.csv'}]"
    data = build_training_set(small_config(demo, tmp_path, both))
    assert sum(data.description.beats.values()) == sum(
        len(read_beats(demo / f"synthetic_{half}.csv")) for half in ("train", "test")
    )
    assert len(data.description.patients) == 40


def test_class_offsets_undo_resampling_exactly() -> None:
    """Bayes' rule by hand: posteriors under resampled shares, corrected, are the natural ones."""
    natural, used = {"a": 900, "b": 100}, {"a": 100, "b": 100}
    likelihood = np.array([0.3, 0.6])  # of one beat under each class
    resampled = likelihood * [0.5, 0.5]
    logits = np.log(resampled / resampled.sum()) + class_offsets(natural, used)
    corrected = np.exp(logits) / np.exp(logits).sum()
    expected = likelihood * [0.9, 0.1]
    assert corrected == pytest.approx(expected / expected.sum())


def test_prior_correction_can_be_switched_off(demo: Path, tmp_path: Path) -> None:
    config = small_config(demo, tmp_path, "training.prior_correction=false")
    assert build_training_set(config).class_offsets == (0.0,) * 5


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("data/mitbih_train.csv", "ecg download, then ecg train --config cnn"),
        ("data/synthetic_train.csv", "ecg download demo"),
        ("data/ptbdb_train.csv", "ecg download ptbdb"),
    ],
)
def test_missing_data_name_the_command_that_downloads_them(
    file: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=command):
        build_training_set(parse_config({"data": {"train": file}}))


def test_a_class_without_beats_is_named(demo: Path, tmp_path: Path) -> None:
    beats = read_beats(demo / "synthetic_train.csv")
    write_beats(tmp_path / "no_f.csv", beats.take(np.flatnonzero(beats.known_labels != 3)))
    with pytest.raises(DataError, match="class F has 0 beats"):
        build_training_set(small_config(demo, tmp_path, f"data.train={tmp_path / 'no_f.csv'}"))


def test_recordings_are_not_prepared_with_the_two_ptb_classes(mitdb: Path) -> None:
    document = {"data": {"train": str(mitdb), "records": ["100"], "classes": "ptb"}}
    with pytest.raises(ConfigError, match=r"found ptb; .* so valid is aami"):
        build_training_set(parse_config(document))


def test_fewer_beats_than_a_batch_are_refused_with_a_size_that_works(
    demo: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        ConfigError, match=r"fewer than one batch of 99999; set training.batch_size="
    ):
        build_training_set(small_config(demo, tmp_path, "training.batch_size=99999"))


def test_resampling_to_more_beats_than_there_are_is_refused(demo: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="resampling drops beats, it makes none"):
        build_training_set(small_config(demo, tmp_path, "data.resample={per_class: {F: 9999}}"))
