"""Zero-phase filters of long signals, in pieces that stay in the cache."""

from __future__ import annotations

import numpy as np

from ecgcli.arrays import Floats, Signal

#: Samples filtered at a time.
PIECE = 1 << 16


def zero_phase(sections: Floats, signal: Floats) -> Signal:
    """The signal filtered forwards and backwards, bit for bit as `scipy.signal.sosfiltfilt`.

    SciPy copies the signal several times, which for a day takes longer than to filter it. A
    filter that continues from piece to piece with its state gives the same numbers.

    Args:
        sections: ``(sections, 6)`` of a digital filter.
        signal: ``(samples,)``.

    Raises:
        ValueError: the signal is shorter than the filter.
    """
    from scipy.signal import sosfilt_zi, sosfiltfilt

    if len(signal) <= PIECE:
        filtered: Signal = sosfiltfilt(sections, signal)
        return filtered
    zeros = min((sections[:, 2] == 0).sum(), (sections[:, 5] == 0).sum())
    edge = 3 * (2 * len(sections) + 1 - int(zeros))
    before = 2 * signal[0] - signal[edge:0:-1]
    after = 2 * signal[-1] - signal[-2 : -edge - 2 : -1]
    extended: Signal = np.concatenate([before, signal, after], dtype=np.float64)
    state = sosfilt_zi(sections)
    for direction in (extended, extended[::-1]):
        _filter(sections, direction, state)
    return extended[edge:-edge]


def without_drift(signal: Signal, sampling_rate: float) -> Signal:
    """Without the baseline's wander: a zero-phase Butterworth high-pass at 1 Hz."""
    from scipy.signal import butter

    high_pass = butter(2, 1.0, "highpass", fs=sampling_rate, output="sos")
    return zero_phase(high_pass, signal)


def _filter(sections: Floats, signal: Signal, state: Floats) -> None:
    """Filter a signal in place, from its first value on as if it had always had that."""
    from scipy.signal import sosfilt

    state = state * signal[0]
    for first in range(0, len(signal), PIECE):
        piece = slice(first, first + PIECE)
        signal[piece], state = sosfilt(sections, signal[piece], zi=state)
