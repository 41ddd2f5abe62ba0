"""The one interface of all inference: a checkpoint in, probabilities out.

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

from ecgcli.arrays import Probabilities
from ecgcli.beats import Beats
from ecgcli.beats.views import Inputs, inputs_of, width_of
from ecgcli.checkpoints import Card, Checkpoint
from ecgcli.choices import EngineName
from ecgcli.cores import thread_count
from ecgcli.errors import CheckpointError, ConfigError, EcgError, MissingExtraError

#: Beats an engine computes at a time.
BATCH = 256
#: Beats that a core computes at a time with OpenVINO: within its cache.
_BATCH_OF_A_CORE = 64


class Engine(Protocol):
    """Computes the probability ``(beats, classes)``, float32, of each class for each beat."""

    name: str
    views: tuple[str, ...]

    def probabilities(self, beats: Beats) -> Probabilities:
        """The probability of each class for each beat.

        Raises:
            DataError: the beats lack an input of the model.
        """


def load_engine(
    checkpoint: Checkpoint, engine: EngineName = "auto", threads: int | None = None
) -> Engine:
    """The engine of this name; ``auto`` is OpenVINO where it can run the model, else torch.

    ``threads`` limits OpenVINO, for several processes that share the cores; None is
    `thread_count`.

    Raises:
        CheckpointError: the graph, the weights or the state in the checkpoint are damaged.
        MissingExtraError: the requested engine cannot run this checkpoint here.
        ConfigError: an engine is requested for a model without a network.
    """
    if checkpoint.card.estimator:
        if engine != "auto":
            raise ConfigError(f"{checkpoint.card.model} is not a network; leave --engine out")
        return EstimatorEngine(checkpoint)
    if engine == "auto":
        able = checkpoint.graph is not None and find_spec("openvino") is not None
        engine = "openvino" if able else "torch"
    if engine == "torch":
        return TorchEngine(checkpoint)
    if checkpoint.graph is None:
        raise MissingExtraError(
            "this checkpoint holds no graph for OpenVINO because its training has not finished; "
            "use --engine torch"
        )
    return OpenVinoEngine(checkpoint.graph, checkpoint.card.views, threads)


class OpenVinoEngine:
    """Runs the checkpoint's graph on the CPU in float32, even if the CPU prefers bfloat16.

    Each thread computes batches of its own. Threads that share a batch would wait for each other
    after every layer, which takes a fifth more time, and several times that on a busy machine.
    """

    name = "openvino"

    def __init__(
        self, graph: bytes, views: tuple[str, ...] = ("samples",), threads: int | None = None
    ) -> None:
        self.views = views
        core = _openvino_core()
        self._threads = threads or thread_count()
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": self._threads,
            "INFERENCE_NUM_THREADS": self._threads,
        }
        try:
            network = core.read_model(graph)
            _require_inputs(network, views)
            self._compiled = core.compile_model(network, "CPU", settings)
        except RuntimeError as error:
            raise CheckpointError(
                "the graph in the checkpoint cannot be loaded: it is damaged, or threads or memory "
                "are too few; with --engine torch it is not used"
            ) from error

    def probabilities(self, beats: Beats) -> Probabilities:
        """See `Engine`."""
        from openvino import AsyncInferQueue

        parts = _batches(inputs_of(beats, self.views), _BATCH_OF_A_CORE)
        results: list[Probabilities] = [np.empty(0, np.float32)] * len(parts)

        def keep(request: Any, number: int) -> None:
            results[number] = request.get_output_tensor().data.copy()

        queue = AsyncInferQueue(self._compiled, min(self._threads, len(parts)))
        queue.set_callback(keep)
        for number, part in enumerate(parts):
            queue.start_async(list(part), number)
        queue.wait_all()
        return np.concatenate(results)


def _require_inputs(network: Any, views: tuple[str, ...]) -> None:
    """Refuse a graph with other inputs than these views.

    Raises:
        RuntimeError: its inputs differ.
    """
    widths = [port.partial_shape[1].get_length() for port in network.inputs]
    if widths != [width_of(view) for view in views]:
        raise RuntimeError(f"found inputs of {widths} columns")


@cache
def _openvino_core() -> Any:
    """OpenVINO, once for the whole process.

    Its CPU plugin gives the process an alternate stack for signals and frees it when the
    plugin is released: the next Ctrl-C would then crash. So it is never released.
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

        from ecgcli.checkpoints.networks import load_probability_network

        self._torch, self.views = torch, checkpoint.card.views
        self._model = load_probability_network(checkpoint)
        self._device = next(self._model.parameters()).device

    def probabilities(self, beats: Beats) -> Probabilities:
        """See `Engine`."""
        torch, inputs = self._torch, inputs_of(beats, self.views)
        with torch.inference_mode():
            parts = [
                self._model(*(torch.from_numpy(view).to(self._device) for view in part))
                .cpu()
                .numpy()
                for part in _batches(inputs)
            ]
        return np.concatenate(parts)


class EstimatorEngine:
    """Runs an estimator."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        from ecgcli.models import create_estimator

        card = checkpoint.card
        self.name, self.views = card.model, card.views
        self._offsets = np.array(card.class_offsets, np.float32)
        self._temperature = card.temperature
        try:
            self._estimator = create_estimator(card.model, **card.arguments)
            if not checkpoint.trusted:
                self._estimator.check_state(checkpoint.weights)
            self._estimator.restore(checkpoint.weights)
            if not checkpoint.trusted:
                self._require_classes(card)
        except EcgError:
            raise
        except Exception as error:  # a damaged state: whatever its parsers raise
            raise CheckpointError(f"the state of the model {card.model} is damaged") from error

    def probabilities(self, beats: Beats) -> Probabilities:
        """See `Engine`."""
        probabilities = self._estimator.probabilities(inputs_of(beats, self.views))
        return corrected(probabilities, self._offsets, self._temperature)

    def _require_classes(self, card: Card) -> None:
        """Try it on a beat of zeros.

        Raises:
            ValueError: it gives no probability for each class.
        """
        beat = tuple(np.zeros((1, width_of(view)), np.float32) for view in card.views)
        if self._estimator.probabilities(beat).shape != (1, len(card.classes)):
            raise ValueError("other classes than those of the card")


def corrected(
    probabilities: Probabilities, offsets: NDArray[np.float32], temperature: float = 1.0
) -> Probabilities:
    """Probabilities ``(beats, classes)`` with the class offsets added to their logarithms.

    The sum is divided by the temperature before it becomes a probability again.
    """
    raised = (probabilities * np.exp(offsets)) ** np.float32(1 / temperature)
    shares: Probabilities = raised / raised.sum(axis=1, keepdims=True)
    return shares


def _batches(inputs: Inputs, size: int = BATCH) -> list[Inputs]:
    beats = len(inputs[0])
    return [tuple(view[at : at + size] for view in inputs) for at in range(0, beats, size)]
