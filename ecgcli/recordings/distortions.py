"""Recordings distorted in defined ways, to measure how robust a model is.

Noise is added as the MIT-BIH Noise Stress Test does (Moody, Muldrow, Mark, Comput Cardiol
11:381-384, 1984), at a given signal-to-noise ratio. **The noise of `NOISES` is synthetic**, with
spectra modelled on the three records of that database; `recorded_noises` uses the records.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from ecgcli.arrays import Signal
from ecgcli.errors import DataError
from ecgcli.recordings import Recording, read_recording

#: Makes noise, of any power, from a number of samples and a sampling rate (Hz).
Maker = Callable[[int, float, np.random.Generator], Signal]

#: Hz. Breathing and moving electrodes; contracting muscles.
WANDER_BAND, MUSCLE_BAND = (0.05, 0.7), (20.0, 120.0)
#: Jolts of an electrode per second; it returns with corner frequencies (Hz) between.
JOLTS_A_SECOND, MOTION_BAND = 1.0, (1.0, 10.0)
#: Seconds by which an R peak is displaced at most by default.
FARTHEST = 0.04

#: dB, from and to, of `with_varying_noise`.
VARYING = (6.0, 24.0)

#: Where the test measures power: beats and seconds from the start, the share of the largest
#: and the smallest left out, and the seconds around an R peak that have its QRS complex.
_BEATS, _SECONDS, _TRIMMED, _QRS_REACH = 300, 300, 0.05, 0.05


def signal_power(recording: Recording) -> float:
    """Power of the ECG in mV², as the Noise Stress Test defines it.

    That of a sine as high as the QRS complexes: their mean peak-to-peak amplitude within
    50 ms of the R peak, squared and divided by 8. Of the first 300 beats, the largest and
    the smallest twentieth left out.

    Raises:
        DataError: the recording has no beats.
    """
    peaks = np.round(recording.beat_positions[:_BEATS]).astype(np.intp)
    if not len(peaks):
        raise DataError(f"{recording.name} has no beats to measure the signal's power on")
    reach = round(_QRS_REACH * recording.sampling_rate)
    around = np.clip(peaks[:, None] + np.arange(-reach, reach + 1), 0, len(recording.signal) - 1)
    return _trimmed_mean(np.ptp(recording.filled[around], axis=1)) ** 2 / 8


def noise_power(noise: Signal, sampling_rate: float) -> float:
    """Power of noise in mV², as the Noise Stress Test defines it.

    The root mean square about the mean of each second, averaged over the first 300 (the
    largest and the smallest twentieth left out), squared. Movement slower than a second
    counts little: 0 dB of wander is many times as high as 0 dB of muscle noise.
    """
    second = min(round(sampling_rate), len(noise))
    seconds = noise[: len(noise) // second * second].reshape(-1, second)[:_SECONDS]
    return _trimmed_mean(seconds.std(axis=1)) ** 2


def with_baseline_wander(recording: Recording, snr: float, seed: int = 0) -> Recording:
    """Add wander: 0.05 to 0.7 Hz, amplitude falling with frequency, ``snr`` in dB."""
    return _with_noise(recording, _wander, snr, seed)


def with_muscle_noise(recording: Recording, snr: float, seed: int = 0) -> Recording:
    """Add muscle noise: 20 to 120 Hz (or what the sampling rate holds), flat, ``snr`` in dB."""
    return _with_noise(recording, _muscle, snr, seed)


def with_electrode_motion(recording: Recording, snr: float, seed: int = 0) -> Recording:
    """Add electrode motion: jolts that return exponentially, ``snr`` in dB.

    On average one per second, at random, of random sign and height, with corner frequencies
    of 1 to 10 Hz; they look like beats, which is what makes this noise the hardest.
    """
    return _with_noise(recording, _motion, snr, seed)


def with_varying_noise(
    recording: Recording, seed: int = 0, decibels: tuple[float, float] = VARYING
) -> Recording:
    """Add another kind of noise every minute: wander, muscle noise or electrode motion.

    The signal-to-noise ratio of a minute is drawn evenly from ``decibels``, from and to.
    """
    random = np.random.default_rng(seed)
    minute = round(60 * recording.sampling_rate)
    noisy = [make(recording, 0.0, seed).signal - recording.signal for make in NOISES.values()]
    signal = recording.signal.copy()
    for start in range(0, len(signal), minute):
        piece = slice(start, start + minute)
        gain = 10 ** (-random.uniform(*decibels) / 20)
        signal[piece] += gain * noisy[random.integers(len(noisy))][piece]
    return replace(recording, signal=signal)


def with_displaced_peaks(
    recording: Recording, farthest: float = FARTHEST, seed: int = 0
) -> Recording:
    """Move each beat's R peak at random, evenly up to ``farthest`` s either way.

    By whole samples, so that a peak that stood on a sample still does. The order stays.
    """
    random = np.random.default_rng(seed)
    most = farthest * recording.sampling_rate
    shifts = np.trunc(random.uniform(-most, most, len(recording.positions)))
    moved = recording.positions + np.where(recording.is_beat, shifts, 0)
    ordered = np.maximum.accumulate(moved)
    return replace(recording, positions=np.clip(ordered, 0, len(recording.signal) - 1))


def inverted(recording: Recording) -> Recording:
    """With the polarity of a lead connected the wrong way round."""
    return with_gain(recording, -1.0)


def with_gain(recording: Recording, gain: float) -> Recording:
    """With every value times ``gain``."""
    return replace(recording, signal=recording.signal * gain)


def resampled(recording: Recording, sampling_rate: float) -> Recording:
    """At another sampling rate (Hz), by polyphase filtering; annotations keep their times."""
    from scipy.signal import resample_poly

    ratio = Fraction(sampling_rate / recording.sampling_rate).limit_denominator(10_000)
    signal = resample_poly(recording.filled, ratio.numerator, ratio.denominator)
    original = np.arange(len(signal)) / float(ratio)
    missing = np.isnan(recording.signal)
    signal[missing[np.minimum(original.round().astype(np.intp), len(missing) - 1)]] = np.nan
    return replace(
        recording,
        signal=signal,
        sampling_rate=float(recording.sampling_rate * ratio),
        positions=recording.positions * float(ratio),
    )


#: The kinds of noise by name: ``(recording, dB, seed) -> recording``.
NOISES: dict[str, Callable[[Recording, float, int], Recording]] = {
    "baseline wander": with_baseline_wander,
    "muscle noise": with_muscle_noise,
    "electrode motion": with_electrode_motion,
}


def recorded_noises(folder: Path) -> dict[str, Callable[[Recording, float, int], Recording]]:
    """Like `NOISES`, with the noise recorded for the Noise Stress Test Database.

    A record of noise is resampled to the recording's rate, and begins at a random place.

    Args:
        folder: with the records ``bw``, ``ma`` and ``em`` (``ecg download nstdb``).
    """
    names = dict(zip(NOISES, ("bw", "ma", "em"), strict=True))
    return {
        kind: partial(_with_recorded_noise, read_recording(folder / f"{name}.hea"))
        for kind, name in names.items()
    }


def _with_recorded_noise(
    noise: Recording, recording: Recording, snr: float, seed: int
) -> Recording:
    def piece(samples: int, sampling_rate: float, random: np.random.Generator) -> Signal:
        values = resampled(noise, sampling_rate).filled
        return np.resize(np.roll(values, -random.integers(len(values))), samples)

    return _with_noise(recording, piece, snr, seed)


def _with_noise(recording: Recording, make: Maker, snr: float, seed: int) -> Recording:
    """With noise of the power that makes the signal-to-noise ratio ``snr`` dB."""
    rate = recording.sampling_rate
    noise = make(len(recording.signal), rate, np.random.default_rng(seed))
    power = signal_power(recording) / 10 ** (snr / 10)
    gain = np.sqrt(power / noise_power(noise, rate))
    return replace(recording, signal=recording.signal + gain * noise)


def _wander(samples: int, sampling_rate: float, random: np.random.Generator) -> Signal:
    return _band(samples, sampling_rate, random, WANDER_BAND, slope=-1)


def _muscle(samples: int, sampling_rate: float, random: np.random.Generator) -> Signal:
    return _band(samples, sampling_rate, random, MUSCLE_BAND, slope=0)


def _band(
    samples: int,
    sampling_rate: float,
    random: np.random.Generator,
    band: tuple[float, float],
    slope: int,
) -> Signal:
    """Gaussian noise whose amplitude in a band varies as frequency to the power ``slope``."""
    frequencies = np.fft.rfftfreq(samples, 1 / sampling_rate)
    inside = (frequencies >= band[0]) & (frequencies <= band[1])
    spectrum = np.zeros(len(frequencies), complex)
    parts = random.normal(size=(2, int(inside.sum())))
    spectrum[inside] = (parts[0] + 1j * parts[1]) * frequencies[inside] ** slope
    noise: Signal = np.fft.irfft(spectrum, samples)
    return noise


def _motion(samples: int, sampling_rate: float, random: np.random.Generator) -> Signal:
    noise = np.zeros(samples)
    jolts = max(1, random.poisson(JOLTS_A_SECOND * samples / sampling_rate))
    low, high = np.log(MOTION_BAND)
    corners = np.exp(random.uniform(low, high, size=jolts))
    starts, heights = random.integers(0, samples, jolts), random.normal(size=jolts)
    for start, height, corner in zip(starts, heights, corners, strict=True):
        decay = 2 * np.pi * corner / sampling_rate  # per sample
        stop = min(samples, start + int(8 / decay))
        noise[start:stop] += height * np.exp(-decay * np.arange(stop - start))
    return noise


def _trimmed_mean(values: Signal) -> float:
    from scipy.stats import trim_mean

    return float(trim_mean(values, _TRIMMED))
