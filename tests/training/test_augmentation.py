"""Augmented beats are still beats."""

from __future__ import annotations

import torch

from ecgcli.training.augmentation import augment
from ecgcli.training.config import Augment


def pulses(beats: int = 200) -> torch.Tensor:
    """A smooth bump at sample 60 and zero padding from 120 on."""
    time = torch.arange(187.0)
    shape = 0.2 + 0.7 * torch.exp(-((time - 60) ** 2) / 50)
    return (shape * (time < 120)).repeat(beats, 1)


def test_default_settings_change_nothing() -> None:
    assert torch.equal(augment(pulses(), Augment()), pulses())


def test_padding_stays_zero_under_gain_and_noise() -> None:
    changed = augment(pulses(), Augment(gain=0.2, noise=0.05))
    assert not changed[:, 120:].any()
    assert (changed[:, :120] != pulses()[:, :120]).any(1).all()


def test_gain_and_noise_have_the_standard_deviation_in_the_settings() -> None:
    torch.manual_seed(0)
    beats = pulses(4000)
    gain = augment(beats, Augment(gain=0.1))[:, 60] / beats[:, 60]
    assert abs(gain.std() - 0.1) < 0.01
    noise = (augment(beats, Augment(noise=0.02)) - beats)[:, :120]
    assert abs(noise.std() - 0.02) < 0.001


def test_stretch_moves_the_peak_within_its_bounds() -> None:
    torch.manual_seed(0)
    peaks = augment(pulses(500), Augment(stretch=0.1)).argmax(1)
    assert peaks.min() >= 54
    assert peaks.max() <= 67
    assert peaks.unique().numel() > 8
