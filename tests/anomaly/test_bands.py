"""Calibrated bands hold their stated share, on beats that they were not fitted on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgcli.anomaly.bands import (
    BANDS,
    DRAWS,
    _summary,
    fit_band_factors,
    forecast,
    one_block_ahead,
)
from ecgcli.anomaly.forecaster import Forecaster
from ecgcli.anomaly.model import load_model
from ecgcli.beats import read_beats, within_beats
from ecgcli.checkpoints.runs import ANOMALY
from ecgcli.progress import SILENT


@pytest.fixture(scope="module")
def network(anomaly_run: Path) -> Forecaster:
    forecaster = load_model(anomaly_run / ANOMALY).network
    assert isinstance(forecaster, Forecaster)
    return forecaster


@pytest.fixture(scope="module")
def normal(demo: Path) -> np.ndarray:
    beats = read_beats(demo / "synthetic_test.csv")
    return beats.samples[beats.known_labels == 0]


def test_factors_make_bands_hold_their_share_of_other_beats(
    network: Forecaster, normal: np.ndarray
) -> None:
    """Half of the beats calibrate the bands, the other half test them."""
    shuffled = normal[np.random.default_rng(0).permutation(len(normal))]
    factors = fit_band_factors(network, shuffled[:150], 0, SILENT)
    others = shuffled[150:300]
    bands = forecast(network, others, 40, factors)
    inside = within_beats(others)[:, 40:]
    for band in BANDS:
        assert bands.holds(others[:, 40:], band)[inside].mean() == pytest.approx(
            band / 100, abs=0.08
        )


def test_bands_are_nested_and_within_0_to_1(network: Forecaster, normal: np.ndarray) -> None:
    for bands in (forecast(network, normal[:5], 33), one_block_ahead(network, normal[:5])):
        assert (bands.low[90] <= bands.low[50]).all()
        assert (bands.low[50] <= bands.median).all()
        assert (bands.median <= bands.high[50]).all()
        assert (bands.high[50] <= bands.high[90]).all()
        assert bands.low[90].min() >= 0
        assert bands.high[90].max() <= 1


def test_a_seed_repeats_a_forecast_and_later_samples_do_not_change_it(
    network: Forecaster, normal: np.ndarray
) -> None:
    changed = normal[:3].copy()
    changed[:, 50:] = 0.5
    first, same = (forecast(network, beats, 50, seed=4) for beats in (normal[:3], changed))
    assert np.array_equal(first.median, same.median)
    other = forecast(network, normal[:3], 50, seed=5)
    assert not np.array_equal(first.median, other.median)


def test_bands_describe_the_futures_in_which_the_beat_continues() -> None:
    """Half of the futures end after 60 samples; the others lie at 0.4 to the end."""
    futures = np.full((1, DRAWS, 100), 0.4, np.float32)
    futures[:, ::2, 60:] = 0.001
    ended, *quantiles = _summary(futures)
    assert ended[0].tolist() == [0.0] * 60 + [0.5] * 40
    assert np.allclose(quantiles, 0.4)
    futures[:, 1::2, 90:] = 0
    ended, *quantiles = _summary(futures)
    assert ended[0, 90:].tolist() == [1.0] * 10
    assert np.allclose(quantiles, 0.4)  # as they were last


def test_padding_is_not_compared() -> None:
    beats = np.ones((1, 187), np.float32)
    beats[0, 100:] = 0
    beats[0, 50] = 0  # the lowest sample of a beat is 0, too
    assert within_beats(beats)[0].tolist() == [True] * 100 + [False] * 87
