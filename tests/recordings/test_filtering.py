"""Filtering in pieces equals SciPy's filter to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from ecgcli.recordings.filtering import PIECE, zero_phase


@pytest.mark.parametrize("length", [100, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE - 20])
@pytest.mark.parametrize(
    ("order", "edges", "kind"), [(2, 1.0, "highpass"), (2, [0.5, 40.0], "bandpass"), (6, 50, "low")]
)
def test_pieces_equal_the_whole(length: int, order: int, edges: object, kind: str) -> None:
    sections = butter(order, edges, kind, fs=250, output="sos")
    signal = np.cumsum(np.random.default_rng(0).normal(size=length))
    before = signal.copy()
    assert np.array_equal(zero_phase(sections, signal), sosfiltfilt(sections, signal))
    assert np.array_equal(signal, before)


def test_a_signal_shorter_than_the_filter_is_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        zero_phase(butter(2, 1.0, "highpass", fs=250, output="sos"), np.zeros(3))
