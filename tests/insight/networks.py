"""Networks whose predicted class is known for every beat."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Peeking(nn.Module):
    """V where samples 60 to 69 are high, N where they are low; ignores the others."""

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
    """N for every input."""

    def __init__(self, classes: int, length: int) -> None:
        super().__init__(classes, length)
        with torch.no_grad():
            self.layer.weight.zero_()
            self.layer.bias[0] = 3.0
