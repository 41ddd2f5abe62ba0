"""A one-dimensional residual network, a strong baseline of the field."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from ecgcli.models import Size, register
from ecgcli.models.convolution import along, as_image


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(along(inputs, outputs, kernel, stride), nn.BatchNorm2d(outputs))


class _Block(nn.Module):
    """Two convolutions and a way around them; the first halves the length when it strides."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.path = nn.Sequential(
            _convolution(inputs, outputs, kernel, stride),
            nn.ReLU(),
            nn.Dropout(dropout),
            _convolution(outputs, outputs, kernel),
        )
        same = inputs == outputs and stride == 1
        self.around = nn.Identity() if same else _convolution(inputs, outputs, 1, stride)

    def forward(self, signal: Tensor) -> Tensor:
        """Signal ``(batch, channels, 1, samples)`` -> the same, with length divided by stride."""
        activations: Tensor = nn.functional.relu(self.path(signal) + self.around(signal))
        return activations


@register("resnet1d")
class Resnet1d(nn.Module):
    """Residual network (ResNet) along the beat.

    Residual blocks, then mean and maximum over time, after Wang, Yan & Oates (IJCNN 2017).

    Args:
        classes: number of classes.
        length: samples in a beat; any number.
        channels: number of channels of each stage; every stage halves the length.
        blocks: number of blocks in each stage.
        kernel: width of the convolutions, odd.
        dropout: between the convolutions of a block, and before the last layer.
    """

    def __init__(
        self,
        classes: int,
        length: int,  # noqa: ARG002 (part of every network's signature)
        *,
        channels: Annotated[tuple[Size, ...], Field(min_length=1, max_length=6)] = (32, 64, 128),
        blocks: Size = 1,
        kernel: Size = 7,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    ) -> None:
        super().__init__()
        stages: list[nn.Module] = [_convolution(1, channels[0], kernel), nn.ReLU()]
        inputs = channels[0]
        for outputs in channels:
            for block in range(blocks):
                stages.append(_Block(inputs, outputs, kernel, 1 if block else 2, dropout))
                inputs = outputs
        self.stages = nn.Sequential(*stages).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * inputs, classes))

    def forward(self, beats: Tensor) -> Tensor:
        """Beats ``(batch, samples)`` -> logits ``(batch, classes)``."""
        image = as_image(beats)
        activations = self.stages(image).flatten(2)
        logits: Tensor = self.classifier(torch.cat([activations.mean(2), activations.amax(2)], 1))
        return logits
