"""A network that squeezes a beat through a few numbers and rebuilds it.

What it never learned to rebuild, it rebuilds badly or squeezes into an unusual place
(An & Cho, 2015, for reconstruction; the density of the latent numbers is judged here).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from ecgcli.beats.reader import BEAT_LENGTH

#: Standard deviation of the noise that is laid over beats and is to be taken off again.
NOISE = 0.02


class Autoencoder(nn.Module):
    """Strided convolutions down to ``latent`` numbers, and dense layers back."""

    def __init__(self, latent: int = 32) -> None:
        super().__init__()
        widths = (1, 32, 48, 64)
        self.encoder = nn.Sequential(
            *(_halve(before, after) for before, after in pairwise(widths)),
            nn.Flatten(),
            nn.Linear(widths[-1] * -(-BEAT_LENGTH // 8), latent),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent, 256), nn.GELU(),
            nn.Linear(256, 512), nn.GELU(),
            nn.Linear(512, BEAT_LENGTH),
        )  # fmt: skip

    def forward(self, beats: Tensor) -> Tensor:
        """Beats ``(beats, samples)`` as they are rebuilt."""
        rebuilt: Tensor = self.decoder(self.encoder(beats.unsqueeze(1)))
        return rebuilt

    def loss(self, beats: Tensor) -> Tensor:
        """Mean squared error of a sample, rebuilt from beats with noise laid over."""
        rebuilt = self(beats + NOISE * torch.randn_like(beats))
        return nn.functional.mse_loss(rebuilt.float(), beats)

    def represent(self, beats: Tensor) -> Tensor:
        """The latent numbers, ``(beats, latent)``."""
        latent: Tensor = self.encoder(beats.unsqueeze(1))
        return latent.float()


def _halve(before: int, after: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(before, after, 7, stride=2, padding=3), nn.BatchNorm1d(after), nn.GELU()
    )
