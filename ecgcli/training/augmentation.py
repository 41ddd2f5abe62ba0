"""Random changes to training beats that do not change their class."""

from __future__ import annotations

import torch
from torch import Tensor

from ecgcli.training.config import Augment


def augment(beats: Tensor, settings: Augment) -> Tensor:
    """A changed copy of beats ``(batch, samples)``; the zero padding stays zero.

    ``stretch`` is the largest relative change of a beat's speed, ``gain`` the standard
    deviation of the factor around 1 that scales it, ``noise`` the standard deviation of
    added white noise (a beat spans 0..1). Draws from torch's global generator.
    """
    if settings.stretch:
        beats = _stretch(beats, settings.stretch)
    beat = _beat_mask(beats)
    if settings.gain:
        beats = beats * (1 + settings.gain * torch.randn(len(beats), 1, device=beats.device))
    if settings.noise:
        beats = beats + settings.noise * torch.randn_like(beats) * beat
    return beats


def _stretch(beats: Tensor, amount: float) -> Tensor:
    """Resample each beat in time by a factor drawn from ``1 - amount .. 1 + amount``."""
    last = beats.shape[1] - 1
    factor = 1 + amount * (2 * torch.rand(len(beats), 1, device=beats.device) - 1)
    position = torch.arange(last + 1, device=beats.device) * factor
    left = position.floor().long().clamp(max=last)
    right = (left + 1).clamp(max=last)
    stretched = torch.lerp(beats.gather(1, left), beats.gather(1, right), position - left)
    return stretched * (position <= last)


def _beat_mask(beats: Tensor) -> Tensor:
    """1 up to the last sample that is not zero, 0 in the padding."""
    return (beats != 0).flip(1).cummax(1).values.flip(1)
