"""The forecaster: valid distributions, and futures that begin with the observed samples."""

from __future__ import annotations

import math

import pytest
import torch

from ecgcli.anomaly.autoencoder import Autoencoder
from ecgcli.anomaly.forecaster import BLOCK, NOISE, Forecaster, Mixture, negative_log_likelihood
from ecgcli.beats.reader import BEAT_LENGTH


@pytest.fixture
def network() -> Forecaster:
    torch.manual_seed(0)
    return Forecaster(units=16, components=3).eval()


def test_a_block_is_predicted_from_the_samples_before_it_alone(network: Forecaster) -> None:
    beats = torch.rand(2, BEAT_LENGTH)
    changed = beats.clone()
    changed[:, 5 * BLOCK :] = 0
    before, after = (network(x)[1].means for x in (beats, changed))
    assert torch.equal(before[:, :6], after[:, :6])
    assert not torch.equal(before[:, 6:], after[:, 6:])


def test_the_likelihood_of_one_component_is_that_of_a_gaussian() -> None:
    means, scale = torch.rand(1, 1, 1, BLOCK), 0.3
    mixture = Mixture(torch.zeros(1, 1, 1), means, torch.full_like(means, math.log(scale)))
    beats = torch.rand(1, BLOCK)
    expected = -torch.distributions.Normal(means.flatten(), scale).log_prob(beats).sum()
    assert torch.allclose(negative_log_likelihood(mixture, beats).squeeze(), expected)


def test_the_spread_never_falls_below_the_noise_of_training(network: Forecaster) -> None:
    scales = network(torch.zeros(4, BEAT_LENGTH))[1].log_scales.exp()
    assert (scales >= NOISE * 0.999).all()


def test_the_observed_samples_of_a_block_decide_between_its_futures() -> None:
    """Two futures, constant 0 and constant 1: the first samples show which one it is."""
    means = torch.stack([torch.zeros(BLOCK), torch.ones(BLOCK)]).expand(500, 2, BLOCK)
    mixture = Mixture(
        torch.full((500, 2), math.log(0.5)), means, torch.full_like(means, math.log(NOISE))
    )
    torch.manual_seed(0)
    assert 0.4 < mixture.draw()[:, -1].mean() < 0.6
    drawn = mixture.draw(torch.ones(500, 3))
    assert torch.equal(drawn, torch.ones(500, BLOCK))


@pytest.mark.parametrize("observed", [1, BLOCK - 1, BLOCK, 40, BEAT_LENGTH - 1])
def test_futures_begin_with_the_observed_samples_and_then_differ(
    observed: int, network: Forecaster
) -> None:
    heads = torch.rand(3, observed)
    futures = network.continuations(heads, draws=4)
    assert futures.shape == (3, 4, BEAT_LENGTH)
    assert torch.equal(futures[..., :observed], heads[:, None].expand(3, 4, observed))
    assert (futures[..., observed:].std(1) > 0).all()


def test_training_makes_the_forecast_better(network: Forecaster) -> None:
    beats = torch.sin(torch.linspace(0, 6, BEAT_LENGTH)).expand(32, -1) / 2 + 0.5
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    losses = []
    for _ in range(30):
        loss = network.loss(beats)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] - BLOCK


def test_the_shapes_of_the_autoencoders_reconstruction_and_latent_numbers() -> None:
    network = Autoencoder(latent=5).eval()
    assert network(torch.rand(3, BEAT_LENGTH)).shape == (3, BEAT_LENGTH)
    assert network.represent(torch.rand(3, BEAT_LENGTH)).shape == (3, 5)
