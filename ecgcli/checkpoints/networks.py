"""A checkpoint's network in torch: for what needs its activations or gradients, or no graph."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ecgcli.beats import Beats
from ecgcli.beats.views import inputs_of
from ecgcli.checkpoints import Checkpoint
from ecgcli.checkpoints.graph import ProbabilityNetwork
from ecgcli.devices import choose_device
from ecgcli.errors import ConfigError
from ecgcli.models import SAMPLES, create_model, is_estimator, list_networks, load_weights


def load_network(checkpoint: Checkpoint) -> nn.Module:
    """The checkpoint's network, ready for inference, on the GPU when there is one.

    Raises:
        ConfigError: the checkpoint is of another family of models.
    """
    card = checkpoint.card
    _require_network(card.model)
    network = create_model(
        card.model, classes=len(card.classes), length=card.beat_length, **card.arguments
    )
    load_weights(network, checkpoint.weights)
    return network.to(choose_device("auto")).eval()


def load_probability_network(checkpoint: Checkpoint) -> nn.Module:
    """The checkpoint's network, from beats to probabilities, on the GPU when there is one.

    Raises:
        ConfigError: the checkpoint holds no network.
    """
    network = load_network(checkpoint)
    device = next(network.parameters()).device
    return ProbabilityNetwork(network, checkpoint.card.class_offsets).to(device).eval()


def tensors_for(network: nn.Module, beats: Beats) -> tuple[Tensor, ...]:
    """The inputs of a network for these beats, samples first; each ``(beats, width)``.

    Raises:
        DataError: the beats lack an input of the network.
    """
    views = inputs_of(beats, getattr(network, "views", SAMPLES))
    return tuple(torch.from_numpy(np.ascontiguousarray(view)) for view in views)


def _require_network(family: str) -> None:
    """Refuse an estimator: it has no activations and no gradients."""
    if is_estimator(family):
        raise ConfigError(
            f"{family} has no embedding and no gradients; this needs a network: "
            f"{', '.join(list_networks())}; name one with --model"
        )
