"""Distortions of a real recording: of the strength asked for, with nothing else changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgcli.beats.segmentation import cut_beats
from ecgcli.errors import DataError
from ecgcli.recordings import Recording, read_recording
from ecgcli.recordings.distortions import (
    MOTION_BAND,
    MUSCLE_BAND,
    NOISES,
    WANDER_BAND,
    inverted,
    noise_power,
    recorded_noises,
    resampled,
    signal_power,
    with_displaced_peaks,
    with_gain,
    with_varying_noise,
)


@pytest.fixture(scope="module")
def recording(mitdb: Path) -> Recording:
    return read_recording(mitdb / "103")


def test_the_signals_power_is_that_of_a_sine_as_high_as_the_qrs() -> None:
    signal = np.zeros(360 * 60)
    peaks = np.arange(180, len(signal), 360)
    signal[peaks], signal[peaks + 5] = 1.5, -0.5
    beats = Recording("x", "x", signal, 360.0, "II", peaks.astype(float), ("N",) * len(peaks))
    assert signal_power(beats) == pytest.approx(2**2 / 8)
    assert noise_power(2 * np.sin(np.arange(36000) / 360 * 2 * np.pi * 10), 360) == pytest.approx(2)
    with pytest.raises(DataError, match="x has no beats"):
        signal_power(replace(beats, positions=np.empty(0), symbols=()))


@pytest.mark.parametrize("kind", NOISES)
@pytest.mark.parametrize("snr", [18.0, -6.0])
def test_the_ratio_is_the_one_asked_for(kind: str, snr: float, recording: Recording) -> None:
    noisy = NOISES[kind](recording, snr, 3)
    added = noisy.signal - recording.signal
    got = 10 * np.log10(signal_power(recording) / noise_power(added, 360))
    assert got == pytest.approx(snr, abs=0.01)
    assert noisy.symbols == recording.symbols
    again, other_seed = NOISES[kind](recording, snr, 3), NOISES[kind](recording, snr, 4)
    assert np.array_equal(again.signal, noisy.signal)
    assert not np.array_equal(other_seed.signal, noisy.signal)


@pytest.mark.parametrize(
    ("kind", "band", "least"),
    [
        ("baseline wander", WANDER_BAND, 0.999),
        ("muscle noise", MUSCLE_BAND, 0.999),
        ("electrode motion", (0.0, MOTION_BAND[1]), 0.8),
    ],
)
def test_the_noise_lies_in_its_band(
    kind: str, band: tuple[float, float], least: float, recording: Recording
) -> None:
    added = NOISES[kind](recording, 6.0, 0).signal - recording.signal
    power = np.abs(np.fft.rfft(added)) ** 2
    at = np.fft.rfftfreq(len(added), 1 / 360)
    assert power[(at >= band[0]) & (at <= band[1])].sum() / power.sum() > least


def test_recorded_noise_has_the_ratio_asked_for(recording: Recording, nstdb: Path) -> None:
    noises = recorded_noises(nstdb)
    assert list(noises) == list(NOISES)
    for kind, distort in noises.items():
        noisy = distort(recording, 12.0, 0)
        added = noisy.signal - recording.signal
        ratio = signal_power(recording) / noise_power(added, recording.sampling_rate)
        assert 10 * np.log10(ratio) == pytest.approx(12, abs=0.01), kind
        assert not np.array_equal(noisy.signal, distort(recording, 12.0, 1).signal)


def test_noise_that_varies_has_every_kind_and_strength(recording: Recording) -> None:
    noisy = with_varying_noise(recording, 0)
    minutes = (noisy.signal - recording.signal)[: 30 * 60 * 360].reshape(30, -1)
    slow, fast = minutes.std(axis=1), np.diff(minutes, axis=1).std(axis=1)
    smoothness = fast / slow
    assert smoothness.max() / smoothness.min() > 20  # muscle noise beside wander
    assert slow.min() > 0
    assert noisy.symbols == recording.symbols


def test_missing_samples_stay_missing(recording: Recording) -> None:
    signal = recording.signal.copy()
    signal[5000:6000] = np.nan
    holed = replace(recording, signal=signal)
    for distort in NOISES.values():
        assert np.array_equal(np.isnan(distort(holed, 6.0, 0).signal), np.isnan(signal))
    assert np.isnan(resampled(holed, 180).signal).sum() == 500


def test_displaced_peaks_are_near_in_order_and_on_samples(mitdb: Path) -> None:
    recording = read_recording(mitdb / "207")
    moved = with_displaced_peaks(recording, seed=1)
    shift = moved.positions - recording.positions
    beat = recording.is_beat
    assert np.abs(shift).max() <= 0.04 * 360
    assert np.abs(shift[beat]).mean() > 0.015 * 360
    assert (np.diff(moved.positions) >= 0).all()
    assert not (moved.positions % 1).any()
    assert moved.symbols == recording.symbols
    assert np.array_equal(moved.signal, recording.signal)


@pytest.mark.parametrize("rate", [128.0, 250.0, 500.0])
def test_a_resampled_recording_keeps_its_peaks_in_time(rate: float, recording: Recording) -> None:
    at_rate = resampled(recording, rate)
    assert at_rate.sampling_rate == pytest.approx(rate)
    assert at_rate.seconds == pytest.approx(recording.seconds, abs=1 / rate)
    times = recording.positions / 360
    np.testing.assert_allclose(at_rate.positions / at_rate.sampling_rate, times)
    at = np.round(at_rate.beat_positions).astype(int)
    around = at_rate.signal[at[:, None] + np.arange(-3, 4)].max(axis=1)
    assert np.median(around / recording.signal[recording.beat_positions.astype(int)]) > 0.8


def test_gain_and_polarity(recording: Recording) -> None:
    assert np.array_equal(inverted(recording).signal, -recording.signal)
    beats, louder = cut_beats(recording), cut_beats(with_gain(recording, 3.0))
    np.testing.assert_allclose(beats.samples, louder.samples, atol=1e-5)
    low = cut_beats(inverted(recording)).samples[:100, 0]
    assert low.mean() < 0.2 < 0.8 < beats.samples[:100, 0].mean()
