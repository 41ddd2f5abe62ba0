"""The embedding of beats: the activations that enter a network's last layer.

Beats that are close in it are similar to the network, even if their samples differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ecgcli.beats import Beats
from ecgcli.checkpoints.engines import BATCH
from ecgcli.checkpoints.networks import load_network, tensors_for
from ecgcli.prediction import Classifier
from ecgcli.progress import SILENT, Progress

#: A row for each beat, a column for each feature.
Embedding = NDArray[np.float32]


def embed(classifier: Classifier, beats: Beats, progress: Progress = SILENT) -> Embedding:
    """The activations ``(beats, features)`` that enter the network's last linear layer.

    The network's logits are a linear function of these activations alone.

    Args:
        classifier: a model that is a network.
        beats: the beats to embed.
        progress: called with the number of beats embedded.

    Raises:
        ConfigError: the classifier is not a network.
    """
    network = load_network(classifier.checkpoint)
    device = next(network.parameters()).device
    parts: list[Embedding] = []
    with _inputs_of(last_linear(network)) as inputs, torch.inference_mode():
        for start in range(0, len(beats), BATCH):
            rows = np.arange(start, min(start + BATCH, len(beats)))
            network(*(view.to(device) for view in tensors_for(network, beats.take(rows))))
            parts.append(inputs.pop().cpu().numpy())
            progress.update("embedding", int(rows[-1]) + 1, len(beats))
    return np.concatenate(parts)


def last_linear(network: nn.Module) -> nn.Linear:
    """The linear layer whose outputs are the logits."""
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)][-1]


@contextmanager
def _inputs_of(layer: nn.Linear) -> Iterator[list[Tensor]]:
    """The inputs of a layer; each call appends its own while the block runs."""
    inputs: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, arguments: inputs.append(arguments[0]))
    try:
        yield inputs
    finally:
        hook.remove()
