"""Networks of which one knows what they look at, and beats for them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ecgcli import models
from ecgcli.beats import Beats


class Peeking(nn.Module):
    """Says V as samples 60 to 69 are high, N as they are low; sees nothing else."""

    def __init__(self, classes: int, length: int) -> None:
        super().__init__()
        self.layer = nn.Linear(length, classes)
        with torch.no_grad():
            self.layer.weight.zero_()
            self.layer.bias.zero_()
            self.layer.weight[2, 60:70] = 1.0

    def forward(self, beats: Tensor) -> Tensor:
        logits: Tensor = self.layer(beats)
        return logits


class Stubborn(Peeking):
    """Says N whatever it sees."""

    def __init__(self, classes: int, length: int) -> None:
        super().__init__(classes, length)
        with torch.no_grad():
            self.layer.weight.zero_()
            self.layer.bias[0] = 3.0


def register_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the two known as ``peeking`` and ``stubborn``, for one test."""
    models.list_models()  # so that those of the package are there before
    monkeypatch.setitem(models._MODELS._items, "peeking", Peeking)
    monkeypatch.setitem(models._MODELS._items, "stubborn", Stubborn)


def bumpy_beats() -> Beats:
    """Thirty beats of 100 samples: low noise, and high where `Peeking` looks."""
    samples = 0.1 * np.random.default_rng(0).random((30, 187), np.float32)
    samples[:, 60:70] += 0.8
    samples[:, 100:] = 0
    return Beats(samples)
