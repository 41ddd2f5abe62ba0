"""InceptionTime: parallel convolutions of several widths."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from ecgcli.models import Size, register
from ecgcli.models.convolution import along, as_image


class _Inception(nn.Module):
    """Three widths of convolution behind a bottleneck, and a pooled way beside them."""

    def __init__(self, inputs: int, filters: int, kernels: tuple[int, ...]) -> None:
        super().__init__()
        self.bottleneck = along(inputs, filters, 1)
        self.wide = nn.ModuleList(along(filters, filters, kernel) for kernel in kernels)
        self.pooled = nn.Sequential(nn.MaxPool2d((1, 3), (1, 1), (0, 1)), along(inputs, filters, 1))
        self.norm = nn.BatchNorm2d(filters * (len(kernels) + 1))

    def forward(self, signal: Tensor) -> Tensor:
        """Signal ``(batch, inputs, 1, samples)`` -> ``(batch, filters * 4, 1, samples)``."""
        narrow = self.bottleneck(signal)
        paths = [path(narrow) for path in self.wide]
        activations: Tensor = nn.functional.relu(
            self.norm(torch.cat([*paths, self.pooled(signal)], 1))
        )
        return activations


@register("inception")
class Inception(nn.Module):
    """InceptionTime: parallel convolutions of several widths.

    One network of Ismail Fawaz et al. (Data Min Knowl Discov 34:1936-1962, 2020). Unlike the
    original, a first convolution halves the length, and with it the work.

    Args:
        classes: number of classes.
        length: samples in a beat; any number.
        depth: number of inception modules, with a residual connection around every three.
        filters: number of filters of each path in a module.
        kernels: widths of the convolutions in a module, odd.
        dropout: before the last layer.
    """

    def __init__(
        self,
        classes: int,
        length: int,  # noqa: ARG002 (part of every network's signature)
        *,
        depth: Size = 6,
        filters: Size = 16,
        kernels: Annotated[tuple[Size, ...], Field(min_length=1, max_length=5)] = (5, 9, 19),
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    ) -> None:
        super().__init__()
        width = filters * (len(kernels) + 1)
        self.stem = nn.Sequential(along(1, filters, 7, 2), nn.BatchNorm2d(filters))
        inputs = [filters] + [width] * (depth - 1)
        self.modules_ = nn.ModuleList(_Inception(n, filters, kernels) for n in inputs)
        self.around = nn.ModuleList(
            nn.Sequential(along(n, width, 1), nn.BatchNorm2d(width)) for n in inputs[::3]
        )
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, classes))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, beats: Tensor) -> Tensor:
        """Beats ``(batch, samples)`` -> logits ``(batch, classes)``."""
        image = as_image(beats)
        signal = kept = nn.functional.relu(self.stem(image))
        for number, module in enumerate(self.modules_):
            signal = module(signal)
            if number % 3 == 2:
                signal = kept = nn.functional.relu(signal + self.around[number // 3](kept))
        logits: Tensor = self.classifier(signal.mean(dim=(2, 3)))
        return logits
