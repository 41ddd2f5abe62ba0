"""The named features of a beat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgcli.beats import read_beats
from ecgcli.beats.features import beat_features, list_features

NAMES = [feature.name for feature in list_features()]


def column(samples: np.ndarray, name: str) -> np.ndarray:
    return beat_features(samples.astype(np.float32))[:, NAMES.index(name)]


def test_every_feature_has_a_unique_name_and_a_meaning() -> None:
    assert len(set(NAMES)) == len(NAMES) > 60
    assert all(feature.meaning for feature in list_features())
    groups = {feature.group for feature in list_features()}
    assert groups == {"statistical", "morphological", "lag", "rolling"}


def test_features_of_real_beats_are_finite_and_differ_between_beats(mitbih: Path) -> None:
    samples = read_beats(mitbih / "mitbih_test.csv").samples[:2000]
    features = beat_features(samples)
    assert features.shape == (2000, len(NAMES))
    assert np.isfinite(features).all()
    assert (features.std(axis=0) > 0).all()


def test_an_empty_and_a_flat_beat_have_features() -> None:
    for samples in (np.zeros((1, 187)), np.ones((1, 187))):
        assert np.isfinite(beat_features(samples.astype(np.float32))).all()


def test_padding_is_not_part_of_a_beat() -> None:
    beat = np.zeros((1, 187))
    beat[0, :120] = np.linspace(1, 0.2, 120)
    assert column(beat, "length")[0] == pytest.approx(1.0)
    assert column(beat, "mean")[0] == pytest.approx(0.6, abs=1e-3)
    assert column(beat, "quantile_5")[0] == pytest.approx(0.24, abs=1e-2)


def test_they_measure_what_their_names_mean() -> None:
    beat = np.full((1, 187), 0.3)
    beat[0, 0], beat[0, 6], beat[0, 36] = 0.9, 0.0, 0.7
    assert column(beat, "r_amplitude")[0] == pytest.approx(0.9)
    assert column(beat, "r_fall_50")[0] == pytest.approx(1 / 120)
    assert (column(beat, "s_depth")[0], column(beat, "s_time")[0]) == pytest.approx((0, 0.05))
    assert (column(beat, "t_height")[0], column(beat, "t_time")[0]) == pytest.approx((0.7, 0.3))
    assert column(beat, "range_50ms")[0] == pytest.approx(0.3)
