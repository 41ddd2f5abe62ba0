"""A residual network in one dimension, the field's strong baseline."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from ecgcli.models import Size, register


class _Block(nn.Module):
    """Two convolutions and a way around them; the first halves the length when it strides."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv1d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm1d(outputs),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Conv1d(outputs, outputs, kernel, 1, kernel // 2, bias=False),
            nn.BatchNorm1d(outputs),
        )
        same = inputs == outputs and stride == 1
        self.around = (
            nn.Identity()
            if same
            else nn.Sequential(
                nn.Conv1d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm1d(outputs)
            )
        )

    def forward(self, signal: Tensor) -> Tensor:
        """Signal ``(batch, channels, samples)`` -> the same, shorter by the stride."""
        found: Tensor = nn.functional.relu(self.path(signal) + self.around(signal))
        return found


@register("resnet1d")
class Resnet1d(nn.Module):
    """Residual blocks, then the mean over time (after Wang, Yan, Oates, IJCNN 2017).

    Args:
        classes: how many classes it tells apart.
        length: samples in a beat; any will do.
        channels: of each stage; every stage after the first halves the length.
        blocks: in each stage.
        kernel: width of the convolutions, odd.
        dropout: between the convolutions of a block, and before the last layer.
    """

    def __init__(
        self,
        classes: int,
        length: int,  # noqa: ARG002 (every network is told)
        *,
        channels: Annotated[tuple[Size, ...], Field(min_length=1, max_length=6)] = (32, 64, 128),
        blocks: Size = 2,
        kernel: Size = 7,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    ) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        inputs = 1
        for stage, outputs in enumerate(channels):
            for block in range(blocks):
                stride = 2 if stage and not block else 1
                stages.append(_Block(inputs, outputs, kernel, stride, dropout))
                inputs = outputs
        self.stages = nn.Sequential(*stages)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(inputs, classes))

    def forward(self, beats: Tensor) -> Tensor:
        """Beats ``(batch, samples)`` -> logits ``(batch, classes)``."""
        logits: Tensor = self.classifier(self.stages(beats[:, None]).mean(dim=2))
        return logits
