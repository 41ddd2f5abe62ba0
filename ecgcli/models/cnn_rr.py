"""The well-known network with RR intervals as a second input."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from ecgcli.beats.views import width_of
from ecgcli.models import Size, register
from ecgcli.models.cnn import Cnn
from ecgcli.models.convolution import as_image


@register("cnn-rr")
class CnnRr(nn.Module):
    """The network `cnn`, with RR intervals and beat statistics.

    The RR ratios (see `ecgcli.beats.views`) and the beat's mean, standard deviation, length and
    energy pass a small layer of their own, and enter the fully connected layers together with
    the output of the convolutions.

    Args:
        classes: number of classes.
        length: samples in a beat.
        channels: of each convolution.
        kernel: width of the convolutions, odd.
        hidden: sizes of the fully connected layers before the last.
        dropout: before each hidden fully connected layer.
    """

    views = ("samples", "rr")

    def __init__(
        self,
        classes: int,
        length: int,
        *,
        channels: Annotated[tuple[Size, ...], Field(min_length=1, max_length=7)] = (32, 64, 128),
        kernel: Size = 5,
        hidden: Annotated[tuple[Size, ...], Field(min_length=1)] = (128, 64),
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    ) -> None:
        super().__init__()
        self.features = Cnn(classes, length, channels=channels, kernel=kernel).features
        beside = width_of("rr") + 4
        self.norm = nn.BatchNorm1d(beside)
        self.beside = nn.Sequential(nn.Linear(beside, 32), nn.ReLU())
        sizes = (channels[-1] * (length >> len(channels)) + 32, *hidden)
        layers: list[nn.Module] = []
        for inputs, outputs in zip(sizes, hidden, strict=False):
            layers += [nn.Dropout(dropout), nn.Linear(inputs, outputs), nn.ReLU()]
        self.classifier = nn.Sequential(*layers, nn.Linear(hidden[-1], classes))

    def forward(self, beats: Tensor, rr: Tensor) -> Tensor:
        """Beats ``(batch, samples)``, ratios ``(batch, 5)`` -> logits ``(batch, classes)``."""
        image = as_image(beats)
        beside = self.beside(self.norm(torch.cat([rr, _statistics(beats)], 1)))
        activations = torch.cat([self.features(image).flatten(1), beside], 1)
        logits: Tensor = self.classifier(activations)
        return logits


def _statistics(beats: Tensor) -> Tensor:
    """Mean, standard deviation, share without padding, mean squared step; ``(batch, 4)``."""
    steps = (beats[:, 1:] - beats[:, :-1]).square().mean(1)
    length = (beats != 0).float().mean(1)
    return torch.stack([beats.mean(1), beats.std(1), length, steps], 1)
