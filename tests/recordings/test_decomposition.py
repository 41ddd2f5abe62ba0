"""Parts of real recordings: they add up, and what is added appears in its part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgcli.errors import ConfigError, DataError
from ecgcli.recordings import ReadOptions, Recording, read_recording
from ecgcli.recordings.decomposition import Decomposition, decompose, decompose_recording


@pytest.fixture(scope="module")
def recording(mitdb: Path) -> Recording:
    return read_recording(mitdb / "103")


@pytest.fixture(scope="module")
def parts(recording: Recording) -> Decomposition:
    return decompose(recording)


def with_added(recording: Recording, added: np.ndarray) -> Recording:
    return replace(recording, signal=recording.signal + added)


def test_the_parts_add_up_to_the_signal(parts: Decomposition) -> None:
    total = parts.trend + parts.periodic + parts.residual
    np.testing.assert_allclose(total, parts.signal, rtol=0, atol=1e-12)
    assert parts.times[-1] == pytest.approx(30, abs=0.01)
    assert len(parts.beats) == 34
    assert parts.heart_rate == pytest.approx(69, abs=0.1)


def test_the_factors_multiply_to_the_raised_signal(recording: Recording) -> None:
    factors = decompose(recording, model="multiplicative", start=60, seconds=10)
    total = factors.trend * factors.periodic * factors.residual
    np.testing.assert_allclose(total, factors.signal + factors.offset, rtol=1e-12)
    assert factors.offset > 0
    assert "logarithms need positive values" in factors.notes[0]
    assert factors.noise_share < 0.1


def test_the_periodic_part_is_the_beat(parts: Decomposition) -> None:
    at_peaks = np.interp(parts.beats, parts.times, parts.periodic)
    assert at_peaks.std() < 0.02 * at_peaks.mean()
    assert at_peaks.mean() == pytest.approx(
        np.interp(parts.beats, parts.times, parts.signal).mean(), rel=0.3
    )
    assert parts.noise_share < 0.05


def test_wander_goes_to_the_trend_and_not_to_the_residual(
    recording: Recording, parts: Decomposition
) -> None:
    added = 0.5 * np.sin(2 * np.pi * 0.3 * np.arange(len(recording.signal)) / 360)
    wandering = decompose(with_added(recording, added))
    wander = added[np.round(wandering.times * 360).astype(int)]
    gained = wandering.trend - parts.trend
    assert np.polyfit(wander, gained, 1)[0] == pytest.approx(1, abs=0.08)
    assert (wandering.residual - parts.residual).std() < 0.15 * wander.std()
    assert wandering.wander == pytest.approx(1, abs=0.1)  # from -0.5 to 0.5 mV


@pytest.mark.parametrize("power", [0.002, 0.02])
def test_white_noise_goes_to_the_noise_share(
    recording: Recording, parts: Decomposition, power: float
) -> None:
    noise = np.random.default_rng(1).normal(0, np.sqrt(power), len(recording.signal))
    noisy = decompose(with_added(recording, noise))
    before, whole = np.var(parts.residual), np.var(parts.residual + parts.periodic)
    assert noisy.noise_share == pytest.approx((before + power) / (whole + power), rel=0.1)


def test_ectopic_beats_stand_out_in_the_residual(mitdb: Path) -> None:
    decomposed = decompose_recording(mitdb / "119", seconds=60)
    around = np.abs(decomposed.times[:, None] - decomposed.beats) < 0.15
    power = np.array([np.mean(decomposed.residual[near] ** 2) for near in around.T])
    ectopic = np.array(decomposed.symbols) == "V"
    assert 5 < ectopic.sum() < 30
    assert power[ectopic].min() > 4 * power[~ectopic].max()


def test_the_window_begins_and_ends_where_it_should(recording: Recording) -> None:
    window = decompose(recording, start=100, seconds=5)
    assert window.times[0] == pytest.approx(100, abs=1 / 360)
    assert window.times[-1] == pytest.approx(105, abs=2 / 360)
    assert ((window.beats >= 100) & (window.beats <= 105)).all()


def test_stretches_without_ecg_are_skipped(recording: Recording) -> None:
    signal = recording.signal.copy()
    signal[360 * 10 : 360 * 20] = np.nan
    holed = replace(recording, signal=signal)
    assert decompose(holed).times[0] == pytest.approx(20, abs=1)
    across = decompose(holed, start=0, seconds=30)
    gap = (across.times >= 10) & (across.times < 20)
    assert np.isnan(across.residual[gap]).all()
    assert np.isfinite(across.residual[~gap]).all()
    assert np.isfinite(across.noise_share)
    assert across.notes == ("10.0 s without ECG have no parts",)


def test_beats_are_found_where_none_are_annotated(mitdb: Path, parts: Decomposition) -> None:
    detected = decompose_recording(mitdb / "103", ReadOptions(annotations="none"))
    assert detected.symbols == ()
    assert len(detected.beats) == len(parts.beats)
    assert detected.noise_share == pytest.approx(parts.noise_share, abs=0.02)


@pytest.mark.parametrize(
    ("start", "seconds", "message"),
    [
        (1e6, 30, "--from: found 1e\\+06; 103 runs from 0 to 1805.56 s"),
        (-1, 30, "--from: found -1"),
        (float("nan"), 30, "--from: found nan"),
        (0, -5, "--seconds: found -5; valid: more than 0, or 0 for all"),
    ],
)
def test_windows_that_are_not_valid(
    start: float, seconds: float, message: str, recording: Recording
) -> None:
    with pytest.raises(ConfigError, match=message):
        decompose(recording, start=start, seconds=seconds)


def test_too_few_beats(recording: Recording, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found 2 beats in the 2\.0 s from 60\.0 s; at least 3"):
        decompose(recording, start=60, seconds=2)
    np.save(tmp_path / "flat.npy", np.zeros(5000))
    with pytest.raises(DataError, match=r"flat.npy: no beats were found"):
        decompose_recording(tmp_path / "flat.npy", ReadOptions(sampling_rate=250.0, units="mV"))
