"""Fixtures that several tests use."""

from __future__ import annotations

import numpy as np
import pytest

from ecgcli.beats import Beats


@pytest.fixture
def beats() -> Beats:
    """Twenty made-up beats, four of each class, zero-padded."""
    random = np.random.default_rng(7)
    samples = random.random((20, 187), np.float32)
    samples[:, 150:] = 0
    return Beats(samples, np.arange(20, dtype=np.int64) % 5)
