"""Training recordings in atrial fibrillation, synthesised from recordings without it."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np

from ecgcli.arrays import Floats
from ecgcli.beats.context import band_passed
from ecgcli.classes import LABEL_OF_SYMBOL
from ecgcli.recordings import Recording

N, V = 0, 2
#: Seconds of a beat that are kept before and after its R peak, and of its fade in and out.
_BEFORE, _AFTER, _FADE = 0.11, 0.38, 0.04


def fibrillating(recording: Recording, seed: int, seconds: float = 900.0) -> Recording:
    """A recording's N and V beats without P waves, at the intervals of atrial fibrillation.

    QRS and T of each beat are added to a zero baseline with fibrillatory waves (4.5 to 8 Hz,
    2 to 8% of the QRS height, with drifting frequency and amplitude) and noise. Normal beats
    follow one another at independent log-normal intervals (spread 0.15 to 0.28, at least
    0.34 s); V beats keep their prematurity. S, F and Q beats are left out.

    Args:
        recording: annotated.
        seed: of all random numbers, together with the recording's name.
        seconds: length of the result.
    """
    random = np.random.default_rng([seed, zlib.crc32(recording.name.encode())])
    signal, peaks = recording.filled, recording.beat_positions
    sampling_rate = recording.sampling_rate
    symbols = [s for s, beat in zip(recording.symbols, recording.is_beat, strict=True) if beat]
    labels = [LABEL_OF_SYMBOL[symbol] for symbol in symbols]
    clean, at = band_passed(signal, sampling_rate), peaks.astype(np.intp)
    before, after = int(_BEFORE * sampling_rate), int(_AFTER * sampling_rate)
    intervals = np.diff(peaks) / sampling_rate
    usual = float(np.median(intervals))
    mean, spread = usual * random.uniform(0.75, 1.0), random.uniform(0.15, 0.28)
    made = np.zeros(int((seconds + 5) * sampling_rate))
    fade, now = _fade(before + after, sampling_rate), 1.0
    peaks_made, symbols_made = [], []
    for k in range(int(random.integers(0, max(1, len(at) // 3))), len(at) - 1):
        if labels[k] not in (N, V) or at[k] < before or at[k] + after >= len(clean):
            continue
        step = mean * np.exp(spread * random.standard_normal() - spread**2 / 2)
        if labels[k] == V and k:
            step = intervals[k - 1] * mean / usual
        now += max(step, 0.34)
        if now > seconds:
            break
        piece = clean[at[k] - before : at[k] + after]
        level = np.linspace(piece[0], piece[-1], len(piece))
        peak = int(now * sampling_rate)
        made[peak - before : peak + after] += (piece - level) * fade
        peaks_made.append(peak)
        symbols_made.append(symbols[k])
    heights = [np.ptp(clean[p - before : p + before]) for p in at[5:-5:20]]
    made += _waves(len(made), sampling_rate, float(np.median(heights)), random)
    return replace(
        recording,
        signal=made,
        positions=np.array(peaks_made, float),
        symbols=tuple(symbols_made),
    )


def fibrillates(recording: Recording) -> bool:
    """Whether a recording's intervals are already as irregular as in atrial fibrillation.

    That is, most differ by more than 15% from each of the four intervals before them. In
    bigeminy and trigeminy, which look irregular, every second or third interval is the same.
    """
    intervals = np.log(np.diff(recording.beat_positions))
    changes = [np.abs(intervals[lag:] - intervals[:-lag]) for lag in range(1, 5)]
    return bool(min(np.median(change) for change in changes) > 0.15)


def _fade(samples: int, sampling_rate: float) -> Floats:
    """A window of ones that rises from zero and falls to zero as half a cosine."""
    ramp = round(_FADE * sampling_rate)
    rise = 0.5 - 0.5 * np.cos(np.pi * np.arange(ramp) / ramp)
    return np.concatenate([rise, np.ones(samples - 2 * ramp), rise[::-1]])


def _waves(
    samples: int, sampling_rate: float, height: float, random: np.random.Generator
) -> Floats:
    """Fibrillatory waves and noise, in mV, for a QRS of the given height."""
    time = np.arange(samples) / sampling_rate
    size = height * random.uniform(0.02, 0.08)

    def drift(every: float) -> Floats:
        knots = np.arange(0, time[-1] + 2 * every, every)
        return np.interp(time, knots, random.standard_normal(len(knots)))

    rate = random.uniform(4.5, 8.0) + 0.6 * drift(0.5)
    phase = 2 * np.pi * np.cumsum(rate) / sampling_rate
    waves = size * (1 + 0.4 * drift(1.0)) * (np.sin(phase) + 0.3 * np.sin(2 * phase)) / 2
    return waves + size * random.uniform(0.1, 0.4) * random.standard_normal(samples)
