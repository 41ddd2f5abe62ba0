"""A recurrent network that predicts the distribution of the next samples of a beat.

It reads a beat in blocks of 11 samples (92 ms) and predicts, after each, the distribution
of the next block: a mixture of Gaussians (Bishop, Mixture density networks, 1994) on top of
an LSTM (Graves, Generating sequences with recurrent neural networks, 2013). A component
describes a whole block, so that "the beat ends here" and "the T wave continues" are two
separate futures and not an average of both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ecgcli.beats.reader import BEAT_LENGTH

#: Samples predicted at a time; divides the beat.
BLOCK = 11
#: Standard deviation of the noise that is added to beats while training, and therefore the
#: least predicted spread: without it the density of the zero padding would be unbounded.
NOISE = 0.01


@dataclass(frozen=True)
class Mixture:
    """A distribution of blocks: the weights' logarithms ``(…, components)``, and the means and
    standard deviations' logarithms ``(…, components, BLOCK)``.
    """

    log_weights: Tensor
    means: Tensor
    log_scales: Tensor

    def log_densities(self, blocks: Tensor) -> Tensor:
        """The log density of each sample of ``(…, BLOCK)``; ``(…, components, BLOCK)``."""
        errors = (blocks.unsqueeze(-2) - self.means) * torch.exp(-self.log_scales)
        return -0.5 * errors.square() - self.log_scales - 0.5 * math.log(2 * math.pi)

    def draw(self, observed: Tensor | None = None) -> Tensor:
        """Draw a block from each mixture, ``(…, BLOCK)``, given its first samples ``(…, n)``.

        Within a component samples are independent, so the observed samples only change the
        weights of the components. The training noise is subtracted from the spread.
        """
        weights = self.log_weights
        begun = 0 if observed is None else observed.shape[-1]
        if observed is not None and begun:
            seen = functional.pad(observed, (0, BLOCK - begun))
            weights = weights + self.log_densities(seen)[..., :begun].sum(-1)
        flat = torch.softmax(weights, -1).flatten(0, -2)
        chosen = torch.multinomial(flat, 1).view(weights.shape[:-1])
        at = chosen[..., None, None].expand(*chosen.shape, 1, BLOCK)
        means, log_scales = (v.gather(-2, at).squeeze(-2) for v in (self.means, self.log_scales))
        spread = (log_scales.exp().square() - NOISE**2).clamp_min(0).sqrt()
        block = means + spread * torch.randn_like(means)
        return block if observed is None else torch.cat([observed, block[..., begun:]], -1)


class Forecaster(nn.Module):
    """An LSTM over blocks, and a mixture of Gaussians for the next block."""

    def __init__(self, units: int = 128, components: int = 8) -> None:
        super().__init__()
        self.components = components
        self.recurrent = nn.LSTM(BLOCK, units, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(units, units), nn.GELU(), nn.Linear(units, components * (2 * BLOCK + 1))
        )

    def forward(self, beats: Tensor) -> tuple[Tensor, Mixture]:
        """The state before each block, and the predicted distribution of the block.

        Returns:
            States ``(beats, blocks + 1, units)``, the last after the whole beat, and the
            mixture of each of the ``blocks``.
        """
        blocks = beats.view(len(beats), -1, BLOCK)
        begun = functional.pad(blocks, (0, 0, 1, 0))  # before the first block: zeros
        states, _ = self.recurrent(begun)
        return states, self.mixture(states[:, :-1])

    def mixture(self, states: Tensor) -> Mixture:
        """The distribution of the block after ``states (…, units)``."""
        values = self.head(states).float()
        weights, rest = values.split([self.components, 2 * self.components * BLOCK], -1)
        means, log_scales = rest.unflatten(-1, (self.components, 2 * BLOCK)).chunk(2, -1)
        least = math.log(NOISE)
        # softplus and not a hard limit, so that the least spread still has a gradient.
        log_scales = least + functional.softplus(log_scales - least)
        return Mixture(functional.log_softmax(weights, -1), means, log_scales)

    def loss(self, beats: Tensor) -> Tensor:
        """Mean negative log likelihood of a block with added noise, in nats."""
        noisy = beats + NOISE * torch.randn_like(beats)
        _, mixture = self(noisy)
        return negative_log_likelihood(mixture, noisy).mean()

    def represent(self, beats: Tensor) -> Tensor:
        """The mean state in each of three stages of the beats; ``(beats, features)``.

        The stages are, roughly, the QRS; ST and T; and the rest, the next QRS included.
        """
        states = self(beats)[0][:, 1:].float()
        stages = states.split([4, 5, states.shape[1] - 9], dim=1)
        return torch.cat([stage.mean(1) for stage in stages], dim=1)

    @torch.inference_mode()
    def continuations(self, heads: Tensor, draws: int) -> Tensor:
        """Random futures of beats, drawn from torch's global generator.

        Args:
            heads: the first samples of the beats, ``(beats, observed)``.
            draws: number of futures of each beat.

        Returns:
            Whole beats ``(beats, draws, BEAT_LENGTH)``; each begins with its observed samples.
        """
        full = heads.shape[1] // BLOCK
        read = functional.pad(heads[:, : full * BLOCK].view(len(heads), full, BLOCK), (0, 0, 1, 0))
        states, memory = self.recurrent(read)
        state = states[:, -1].repeat_interleave(draws, 0)
        memory = (memory[0].repeat_interleave(draws, 1), memory[1].repeat_interleave(draws, 1))
        pieces = [heads[:, : full * BLOCK].repeat_interleave(draws, 0)]
        observed = heads[:, full * BLOCK :].repeat_interleave(draws, 0)
        for _ in range(full, BEAT_LENGTH // BLOCK):
            block = self.mixture(state).draw(observed)
            pieces.append(block)
            noisy = block + NOISE * torch.randn_like(block)
            states, memory = self.recurrent(noisy.unsqueeze(1), memory)
            state, observed = states[:, -1], observed[:, :0]
        return torch.cat(pieces, 1).view(len(heads), draws, BEAT_LENGTH)


def negative_log_likelihood(mixture: Mixture, beats: Tensor) -> Tensor:
    """The value for each block of beats ``(beats, samples)``, given the blocks before it.

    Returns:
        ``(beats, blocks)``, in nats.
    """
    blocks = beats.view(len(beats), -1, BLOCK)
    joint = mixture.log_densities(blocks).sum(-1) + mixture.log_weights
    return -torch.logsumexp(joint, -1)
