"""A network that compresses a beat to a few numbers and reconstructs it.

Beats unlike those it was fitted on are reconstructed badly (An & Cho, 2015) or get unusual
latent numbers. The anomaly score uses the density of the latent numbers.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from ecgcli.beats.reader import BEAT_LENGTH

#: Standard deviation of the noise that is added to beats while training and is to be removed.
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
        """The reconstruction of beats ``(beats, samples)``."""
        rebuilt: Tensor = self.decoder(self.encoder(beats.unsqueeze(1)))
        return rebuilt

    def loss(self, beats: Tensor) -> Tensor:
        """Mean squared error per sample of beats reconstructed from beats with added noise."""
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
