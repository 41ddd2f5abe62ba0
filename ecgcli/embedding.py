"""What a network makes of a beat: the activations its last layer judges by.

Beats that are close there are alike to the network, whatever their samples look like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ecgcli.beats import Beats
from ecgcli.checkpoint import Checkpoint
from ecgcli.devices import choose_device
from ecgcli.errors import ConfigError
from ecgcli.inference import BATCH
from ecgcli.models import SAMPLES, create_model, is_estimator, list_networks, load_weights
from ecgcli.views import inputs_of

#: A row a beat, a column a feature.
Embedding = NDArray[np.float32]

Progress = Callable[[str, int, int], None]


def embed(checkpoint: Checkpoint, beats: Beats, progress: Progress | None = None) -> Embedding:
    """The activations ``(beats, features)`` that enter the last full layer of the network.

    The network's logits are a linear function of them: it has nothing else to judge by.

    Args:
        checkpoint: of a network.
        beats: what to look at.
        progress: told how many beats are done.

    Raises:
        ConfigError: the checkpoint holds no network.
    """
    network = load_network(checkpoint)
    device = next(network.parameters()).device
    found: list[Embedding] = []
    with _entering(last_linear(network)) as entered, torch.inference_mode():
        for start in range(0, len(beats), BATCH):
            rows = np.arange(start, min(start + BATCH, len(beats)))
            network(*(view.to(device) for view in tensors_for(network, beats.take(rows))))
            found.append(entered.pop().cpu().numpy())
            if progress is not None:
                progress("embedding", int(rows[-1]) + 1, len(beats))
    return np.concatenate(found)


def load_network(checkpoint: Checkpoint) -> nn.Module:
    """The checkpoint's network, ready to judge, on the GPU when there is one.

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


def tensors_for(network: nn.Module, beats: Beats) -> tuple[Tensor, ...]:
    """What a network is called with for these beats, samples first; each ``(beats, width)``.

    Raises:
        DataError: the beats lack what the network looks at.
    """
    views = inputs_of(beats, getattr(network, "views", SAMPLES))
    return tuple(torch.from_numpy(np.ascontiguousarray(view)) for view in views)


def last_linear(network: nn.Module) -> nn.Linear:
    """The full layer whose outputs are the logits."""
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)][-1]


def _require_network(family: str) -> None:
    """Refuse a model that is no network: it has no activations and no gradients."""
    if is_estimator(family):
        raise ConfigError(
            f"{family} has no embedding and no gradients; this needs a network: "
            f"{', '.join(list_networks())}; name one with --model"
        )


@contextmanager
def _entering(layer: nn.Linear) -> Iterator[list[Tensor]]:
    """The inputs of a layer, appended one a call while the block runs."""
    entered: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, inputs: entered.append(inputs[0]))
    try:
        yield entered
    finally:
        hook.remove()
