"""Recurrent networks, on the samples or on the output of convolutions."""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from ecgcli.models import Size, register
from ecgcli.models.convolution import along, as_image

Share = Annotated[float, Field(ge=0, lt=1)]


def _pooled(states: Tensor) -> Tensor:
    """Mean and maximum over the steps ``(batch, steps, width)``; ``(batch, 2 * width)``."""
    return torch.cat([states.mean(dim=1), states.amax(dim=1)], dim=1)


class _Recurrent(nn.Module):
    """A recurrent network over steps of a few samples; classifies the mean and maximum state.

    Args:
        classes: number of classes.
        length: samples in a beat; any number.
        units: number of units of each layer and direction.
        layers: number of stacked layers.
        bidirectional: also read the beat backwards.
        step: samples per step.
        dropout: between layers, and before the last.
    """

    cell: ClassVar[type[nn.LSTM] | type[nn.GRU]]
    #: One step after the other, and each too small to be shared.
    most_threads = 1

    def __init__(
        self,
        classes: int,
        length: int,
        *,
        units: Size = 64,
        layers: Size = 2,
        bidirectional: bool = True,
        step: Size = 4,
        dropout: Share = 0.1,
    ) -> None:
        super().__init__()
        self.steps, self.step = -(-length // step), step
        self.padding = self.steps * step - length
        self.recurrent = self.cell(
            step, units, layers, batch_first=True, bidirectional=bidirectional,
            dropout=dropout if layers > 1 else 0.0,
        )  # fmt: skip
        width = 2 * units * (1 + bidirectional)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, classes))

    def forward(self, beats: Tensor) -> Tensor:
        """Beats ``(batch, samples)`` -> logits ``(batch, classes)``."""
        padded = nn.functional.pad(beats, (0, self.padding))
        states, _ = self.recurrent(padded.view(-1, self.steps, self.step))
        logits: Tensor = self.classifier(_pooled(states))
        return logits


@register("lstm")
class Lstm(_Recurrent):
    """Long short-term memory (LSTM).

    After Hochreiter & Schmidhuber (Neural Comput 9:1735-1780, 1997).
    """

    cell = nn.LSTM


@register("gru")
class Gru(_Recurrent):
    """Gated recurrent units (GRU).

    After Cho et al. (EMNLP 2014).
    """

    cell = nn.GRU


@register("cnn-gru")
class CnnGru(nn.Module):
    """Two convolutions with pooling, then gated recurrent units.

    Args:
        classes: number of classes.
        length: samples in a beat; any number.
        channels: of the two convolutions.
        kernel: width of the convolutions, odd.
        units: number of units of the recurrent layer, in each direction.
        bidirectional: also read the beat backwards.
        dropout: before the recurrent layer and the last.
    """

    def __init__(
        self,
        classes: int,
        length: int,  # noqa: ARG002 (part of every network's signature)
        *,
        channels: tuple[Size, Size] = (32, 64),
        kernel: Size = 7,
        units: Size = 64,
        bidirectional: bool = True,
        dropout: Share = 0.1,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((1, channels[0]), channels):
            layers += [
                along(inputs, outputs, kernel),
                nn.BatchNorm2d(outputs), nn.MaxPool2d((1, 2)), nn.ReLU(),
            ]  # fmt: skip
        self.features = nn.Sequential(*layers, nn.Dropout(dropout)).to(
            memory_format=torch.channels_last  # type: ignore[call-overload]
        )
        self.recurrent = nn.GRU(channels[1], units, batch_first=True, bidirectional=bidirectional)
        width = 2 * units * (1 + bidirectional)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, classes))

    def forward(self, beats: Tensor) -> Tensor:
        """Beats ``(batch, samples)`` -> logits ``(batch, classes)``."""
        image = as_image(beats)
        states, _ = self.recurrent(self.features(image).flatten(2).transpose(1, 2))
        logits: Tensor = self.classifier(_pooled(states))
        return logits
