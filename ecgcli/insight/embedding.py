"""What a network makes of a beat: the activations its last layer judges by.

Beats that are close there are alike to the network, whatever their samples look like.
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

#: A row a beat, a column a feature.
Embedding = NDArray[np.float32]


def embed(classifier: Classifier, beats: Beats, progress: Progress = SILENT) -> Embedding:
    """The activations ``(beats, features)`` that enter the last full layer of the network.

    The network's logits are a linear function of them: it has nothing else to judge by.

    Args:
        classifier: a model that is a network.
        beats: what to look at.
        progress: of the beats.

    Raises:
        ConfigError: the classifier is not a network.
    """
    network = load_network(classifier.checkpoint)
    device = next(network.parameters()).device
    found: list[Embedding] = []
    with _entering(last_linear(network)) as entered, torch.inference_mode():
        for start in range(0, len(beats), BATCH):
            rows = np.arange(start, min(start + BATCH, len(beats)))
            network(*(view.to(device) for view in tensors_for(network, beats.take(rows))))
            found.append(entered.pop().cpu().numpy())
            progress.update("embedding", int(rows[-1]) + 1, len(beats))
    return np.concatenate(found)


def last_linear(network: nn.Module) -> nn.Linear:
    """The full layer whose outputs are the logits."""
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)][-1]


@contextmanager
def _entering(layer: nn.Linear) -> Iterator[list[Tensor]]:
    """The inputs of a layer, appended one a call while the block runs."""
    entered: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, inputs: entered.append(inputs[0]))
    try:
        yield entered
    finally:
        hook.remove()
