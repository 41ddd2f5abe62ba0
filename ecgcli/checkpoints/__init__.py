"""A checkpoint: one file that explains itself and executes nothing when read.

It is a safetensors file. The tensors are the network's weights under ``model.``,
the same network as an ONNX graph under ``graph`` (once training has finished), and,
in a run's ``last`` checkpoint, what resuming needs under ``state.``. The metadata
holds a `Card` as JSON: everything needed to use the weights and to trace them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ecgcli import __version__
from ecgcli.arrays import Tensors
from ecgcli.beats.reader import BEAT_LENGTH, SAMPLING_RATE
from ecgcli.classes import CLASS_SETS
from ecgcli.errors import CheckpointError
from ecgcli.files import atomic_write
from ecgcli.inputs import read_input
from ecgcli.validation import first_problem

#: Version of the file's layout; another one is refused.
FORMAT = 1
#: Where a checkpoint's metadata hold its card, and where those of other models do.
CARD, ANOMALY_CARD, FIBRILLATION_CARD = "ecg", "ecg_anomaly", "ecg_fibrillation"

_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")


class TrainingData(BaseModel):
    """Which beats the weights have seen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: list[str]
    #: SHA-256 of all samples and labels of the files.
    fingerprint: str
    #: Beats of each class in the files, and after resampling in the part trained on.
    beats: dict[str, int]
    trained_on: dict[str, int]
    #: Whose beats they are; empty when the files do not say.
    patients: list[str]
    synthetic: bool
    resampling: dict[str, Any] | None
    #: How the validation part was held out: rule, fraction, seed, beats.
    validation: dict[str, Any]
    normalized: bool
    #: Changed copies of the recordings that were trained on too.
    copies: list[str] = []


class Card(BaseModel):
    """The description of a checkpoint, stored in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    ecgcli: str = __version__
    model: str
    #: Whether the model is an estimator: the tensors are its state, and there is no graph.
    estimator: bool = False
    arguments: dict[str, Any]
    #: The model's inputs, see `ecgcli.beats.views`.
    views: tuple[str, ...] = ("samples",)
    classes: tuple[str, ...]
    beat_length: int = BEAT_LENGTH
    sampling_rate: float = SAMPLING_RATE
    preprocessing: str = "R peak to past the next one, scaled to 0..1, zero-padded"
    #: The divisor of the logits, after adding the offsets; fitted on validation beats.
    temperature: float = 1.0
    #: Added to the logits: corrects the class balance that resampling taught the network.
    class_offsets: tuple[float, ...]
    training_data: TrainingData
    #: Of the epoch these weights are from, on the validation part.
    metrics: dict[str, float]
    licence: str


@dataclass(frozen=True)
class Checkpoint:
    """A card, the weights, the ONNX graph when there is one, and training state when there is."""

    card: Card
    weights: Tensors
    graph: bytes | None = None
    state: Tensors | None = None
    state_facts: str | None = None

    @property
    def parameters(self) -> int:
        """How many numbers the model has learnt."""
        return sum(values.size for values in self.weights.values())

    def with_graph(self, graph: bytes) -> Checkpoint:
        """The same checkpoint with its network as an ONNX graph."""
        return replace(self, graph=graph)


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically."""
    tensors = {f"model.{name}": values for name, values in checkpoint.weights.items()}
    metadata = {CARD: checkpoint.card.model_dump_json()}
    if checkpoint.graph is not None:
        tensors["graph"] = np.frombuffer(checkpoint.graph, np.uint8)
    if checkpoint.state is not None and checkpoint.state_facts is not None:
        tensors |= {f"state.{name}": values for name, values in checkpoint.state.items()}
        metadata["state"] = checkpoint.state_facts
    with atomic_write(path) as stream:
        stream.write(save(tensors, metadata))


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        CheckpointError: the file is missing, damaged, of another kind or version, or
            has classes that this version does not know.
    """
    tensors, metadata = read_tensors(path)
    card = _read_card(path, metadata)
    graph = tensors.get("graph")
    return Checkpoint(
        card,
        under("model.", tensors),
        None if graph is None else graph.tobytes(),
        under("state.", tensors) or None,
        metadata.get("state"),
    )


def read_tensors(path: Path) -> tuple[Tensors, dict[str, str]]:
    """The tensors and the metadata of a safetensors file.

    Raises:
        CheckpointError: the file is missing, damaged or no safetensors file.
    """
    try:
        data = read_input(path)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no such checkpoint") from error
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    if data.startswith(_PICKLES):
        raise CheckpointError(
            f"{path}: this is a pickle (torch.save), which can run any code when loaded, and was "
            "not opened; checkpoints are .safetensors files written by ecg train"
        )
    try:
        return load(data), _metadata(data)
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(
            f"{path}: no whole safetensors file ({error}); it was cut off or is something else"
        ) from error


def _metadata(data: bytes) -> dict[str, str]:
    """The metadata of a safetensors file: a length of 8 bytes, then JSON."""
    length = int.from_bytes(data[:8], "little")
    metadata: dict[str, str] = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    return metadata


def _read_card(path: Path, metadata: dict[str, str]) -> Card:
    text = metadata.get(CARD)
    if ANOMALY_CARD in metadata:
        raise CheckpointError(
            f"{path}: this is an anomaly model, which ecg anomaly score and ecg forecast take; "
            "a classifier is trained with ecg train"
        )
    if FIBRILLATION_CARD in metadata:
        raise CheckpointError(
            f"{path}: this is a model of atrial fibrillation, which ecg evaluate takes; "
            "a classifier is trained with ecg train"
        )
    if text is None:
        raise CheckpointError(f"{path}: a safetensors file, but not one written by ecg train")
    version = json.loads(text).get("format")
    if version != FORMAT:
        raise CheckpointError(
            f"{path}: checkpoint format {version}, this version of ecg reads format {FORMAT}; "
            "train again, or install the ecg it was written with"
        )
    try:
        card = Card.model_validate_json(text)
    except ValidationError as error:
        where, problem = first_problem(error)
        raise CheckpointError(f"{path}: the card's {'.'.join(where)}: {problem}") from error
    if card.classes not in CLASS_SETS.values():
        class_sets = " or ".join(" ".join(classes) for classes in CLASS_SETS.values())
        raise CheckpointError(
            f"{path}: its classes are {' '.join(card.classes)}; this ecg knows {class_sets}, "
            "in that order"
        )
    return card


def under(prefix: str, tensors: Tensors) -> Tensors:
    """The tensors whose name begins with ``prefix``, without it."""
    return {
        name.removeprefix(prefix): values
        for name, values in tensors.items()
        if name.startswith(prefix)
    }
