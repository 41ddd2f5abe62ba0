"""The well-known heartbeat network: three convolutions with pooling, three full layers."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from ecgcli.models import Size, register
from ecgcli.models.convolution import as_image


@register("cnn")
class Cnn(nn.Module):
    """Three convolutions with pooling, then fully connected layers.

    The well-known network for these beats. Two choices make it fast on a CPU without changing
    its output: convolutions as in `ecgcli.models.convolution`, and pooling before the ReLU
    (the order does not matter), which halves the work of the latter.

    Args:
        classes: number of classes.
        length: samples in a beat.
        channels: of each convolution.
        kernel: width of the convolutions, odd.
        hidden: sizes of the fully connected layers before the last.
        batch_norm: batch normalization after each convolution.
        dropout: before each hidden fully connected layer.
    """

    def __init__(
        self,
        classes: int,
        length: int,
        *,
        channels: Annotated[tuple[Size, ...], Field(min_length=1, max_length=7)] = (32, 64, 128),
        kernel: Size = 5,
        hidden: tuple[Size, ...] = (128, 64),
        batch_norm: bool = True,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise((1, *channels)):
            layers.append(
                nn.Conv2d(inputs, outputs, (1, kernel), padding="same", bias=not batch_norm)
            )
            if batch_norm:
                layers.append(nn.BatchNorm2d(outputs))
            layers += [nn.MaxPool2d((1, 2)), nn.ReLU()]
        self.features = nn.Sequential(*layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        features = channels[-1] * (length >> len(channels))
        layers = []
        for inputs, outputs in pairwise((features, *hidden)):
            layers += [nn.Dropout(dropout), nn.Linear(inputs, outputs), nn.ReLU()]
        self.classifier = nn.Sequential(*layers, nn.Linear((features, *hidden)[-1], classes))

    def forward(self, beats: Tensor) -> Tensor:
        """Beats ``(batch, samples)`` -> logits ``(batch, classes)``."""
        image = as_image(beats)
        logits: Tensor = self.classifier(self.features(image).flatten(1))
        return logits
