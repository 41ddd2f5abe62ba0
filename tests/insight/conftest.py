"""What tests of explanations share: networks, beats for them, and the methods."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from ecgcli import models
from ecgcli.beats import Beats
from ecgcli.choices import Attribution
from tests.insight.networks import Peeking, Stubborn


@pytest.fixture(params=get_args(Attribution))
def method(request: pytest.FixtureRequest) -> Attribution:
    """Each method of attribution in turn."""
    chosen: Attribution = request.param
    return chosen


@pytest.fixture(autouse=True)
def register_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the networks as ``peeking`` and ``stubborn``, for one test."""
    models.list_models()  # so that those of the package are registered before
    monkeypatch.setitem(models._MODELS._items, "peeking", Peeking)
    monkeypatch.setitem(models._MODELS._items, "stubborn", Stubborn)


@pytest.fixture
def bumps() -> Beats:
    """Thirty beats of 100 samples: low noise, and high where `Peeking` looks."""
    samples = 0.1 * np.random.default_rng(0).random((30, 187), np.float32)
    samples[:, 60:70] += 0.8
    samples[:, 100:] = 0
    return Beats(samples)
