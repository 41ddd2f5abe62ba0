"""The trained network as an ONNX graph, which runs without torch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ecgcli.beats.views import width_of
from ecgcli.checkpoints import Card
from ecgcli.models import SAMPLES


def export_graph(model: nn.Module, card: Card) -> bytes:
    """The network from its views, each ``(beats, width)``, to probabilities ``(beats, classes)``.

    Args:
        model: on the CPU, in evaluation mode.
        card: of the checkpoint that will hold the graph; gives the class offsets.
    """
    example = tuple(torch.zeros(2, width_of(view)) for view in card.views)
    beats = torch.export.Dim("beats")
    network = ProbabilityNetwork(model, card.class_offsets).eval()
    with warnings.catch_warnings(), _quiet("torch.onnx"):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            example,
            dynamo=True,
            dynamic_shapes=(tuple({0: beats} for _ in example),),
            input_names=list(card.views),
            output_names=["probabilities"],
            verbose=False,
        )
    if program is None:
        raise AssertionError("torch.onnx.export with dynamo=True returns a program")
    return _without_metadata(program.model_proto)


def _without_metadata(model: Any) -> bytes:
    """The graph without the exporter's notes: source lines, with paths of the machine."""
    for node in (model.graph, *model.graph.node, *model.functions):
        del node.metadata_props[:]
        node.doc_string = ""
    for function in model.functions:
        for node in function.node:
            del node.metadata_props[:]
    return bytes(model.SerializeToString())


class ProbabilityNetwork(nn.Module):
    """A network followed by the class offsets and the softmax."""

    def __init__(self, network: nn.Module, class_offsets: tuple[float, ...]) -> None:
        super().__init__()
        self.network = network
        self.views: tuple[str, ...] = getattr(network, "views", SAMPLES)
        self.register_buffer("offsets", torch.tensor(class_offsets))

    def forward(self, *views: Tensor) -> Tensor:
        """Views, each ``(batch, width)`` -> probabilities ``(batch, classes)``."""
        return torch.softmax(self.network(*views).float() + self.offsets, dim=1)


@contextmanager
def _quiet(logger: str) -> Iterator[None]:
    """Keep a logger silent below errors."""
    level = logging.getLogger(logger).level
    logging.getLogger(logger).setLevel(logging.ERROR)
    try:
        yield
    finally:
        logging.getLogger(logger).setLevel(level)
