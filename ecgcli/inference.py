"""The one seam all inference goes through: a checkpoint in, probabilities out.

A finished checkpoint carries its network as an ONNX graph, which OpenVINO runs
several times faster than eager torch, without the seconds torch takes to import.
Where OpenVINO is not installed, or the training has not finished, torch does it.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ecgcli.checkpoint import Checkpoint
from ecgcli.choices import EngineName
from ecgcli.errors import MissingExtraError

Probabilities = NDArray[np.float32]

#: Beats an engine computes at a time: enough to keep two cores busy, within their caches.
BATCH = 256


class Engine(Protocol):
    """Computes probabilities ``(beats, classes)`` of beats ``(beats, 187)``, both float32."""

    name: str

    def probabilities(self, samples: NDArray[np.float32]) -> Probabilities:
        """The probability of each class for each beat."""


def load_engine(
    checkpoint: Checkpoint, wanted: EngineName = "auto", threads: int | None = None
) -> Engine:
    """The engine called ``wanted``; ``auto`` is OpenVINO where it can serve, else torch.

    ``threads`` limits OpenVINO, for when several processes share the cores.

    Raises:
        MissingExtraError: the engine asked for cannot serve this checkpoint here.
    """
    if wanted == "auto":
        able = checkpoint.graph is not None and find_spec("openvino") is not None
        wanted = "openvino" if able else "torch"
    if wanted == "torch":
        return TorchEngine(checkpoint)
    if checkpoint.graph is None:
        raise MissingExtraError(
            "this checkpoint holds no graph for OpenVINO because its training has not finished; "
            "use --engine torch"
        )
    return OpenVinoEngine(checkpoint.graph, threads)


class OpenVinoEngine:
    """Runs the checkpoint's graph on the CPU in float32, whatever the CPU would prefer."""

    name = "openvino"

    def __init__(self, graph: bytes, threads: int | None = None) -> None:
        core = _openvino_core()
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        self._compiled = core.compile_model(core.read_model(graph), "CPU", settings)

    def probabilities(self, samples: NDArray[np.float32]) -> Probabilities:
        """See `Engine`."""
        parts = [self._compiled(part)[0].copy() for part in _batches(samples)]
        return np.concatenate(parts)


@cache
def _openvino_core() -> Any:
    """OpenVINO, once for the whole process.

    Its CPU plugin gives the process an alternate stack for signals and frees it when the
    plugin goes: the next Ctrl-C would then crash. So it never goes.
    """
    try:
        import openvino
    except ImportError as error:
        raise MissingExtraError("OpenVINO is not installed: pip install openvino") from error
    return openvino.Core()


class TorchEngine:
    """Runs the network in eager torch, on the GPU when there is one."""

    name = "torch"

    def __init__(self, checkpoint: Checkpoint) -> None:
        import torch

        from ecgcli.devices import choose_device
        from ecgcli.graph import Probabilities
        from ecgcli.models import create_model, load_weights

        card = checkpoint.card
        network = create_model(
            card.model, classes=len(card.classes), length=card.beat_length, **card.arguments
        )
        load_weights(network, checkpoint.weights)
        self._torch, self._device = torch, choose_device("auto")
        self._model = Probabilities(network, card.class_offsets).to(self._device).eval()

    def probabilities(self, samples: NDArray[np.float32]) -> Probabilities:
        """See `Engine`."""
        torch = self._torch
        with torch.inference_mode():
            parts = [
                self._model(torch.from_numpy(part).to(self._device)).cpu().numpy()
                for part in _batches(samples)
            ]
        return np.concatenate(parts)


def _batches(samples: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [samples[start : start + BATCH] for start in range(0, len(samples), BATCH)]
