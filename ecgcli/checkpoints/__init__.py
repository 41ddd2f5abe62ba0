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
from typing import Annotated, Any

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from ecgcli import __version__
from ecgcli.arrays import Tensors
from ecgcli.beats.reader import BEAT_LENGTH, SAMPLING_RATE
from ecgcli.beats.views import VIEWS
from ecgcli.checkpoints.container import read_tensors, under, write_tensors
from ecgcli.classes import CLASS_SETS
from ecgcli.errors import CheckpointError, shown
from ecgcli.validation import first_problem
from ecgcli.weights import bundled_card, name_of

#: Version of the file's layout; another one is refused.
FORMAT = 1
#: Where a checkpoint's metadata hold its card, and where those of other models do.
CARD, ANOMALY_CARD, FIBRILLATION_CARD = "ecg", "ecg_anomaly", "ecg_fibrillation"


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
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    #: Added to the logits: corrects the class balance that resampling taught the network.
    class_offsets: tuple[float, ...]
    training_data: TrainingData
    #: Of the epoch these weights are from, on the validation part.
    metrics: dict[str, float]
    licence: str

    @field_validator("class_offsets")
    @classmethod
    def _one_for_each_class(
        cls, offsets: tuple[float, ...], info: ValidationInfo
    ) -> tuple[float, ...]:
        if len(offsets) != len(info.data.get("classes", offsets)):
            raise ValueError("there must be one for each class")
        return offsets


@dataclass(frozen=True)
class Checkpoint:
    """A card, the weights, the ONNX graph when there is one, and training state when there is.

    ``trusted`` says whether the weights are bundled or were never in a file. Those of any other
    file are checked before a library parses them: a checksum shows damage, and not intent.
    """

    card: Card
    weights: Tensors
    graph: bytes | None = None
    state: Tensors | None = None
    state_facts: str | None = None
    trusted: bool = True

    @property
    def parameters(self) -> int:
        """How many numbers the model has learnt."""
        return sum(values.size for values in self.weights.values())

    def with_graph(self, graph: bytes) -> Checkpoint:
        """The same checkpoint with its network as an ONNX graph."""
        return replace(self, graph=graph)


def card_text(path: Path, card: BaseModel) -> str:
    """The card of the model in a file: of bundled weights its page, else what the file states."""
    bundled = name_of(path)
    if bundled is not None:
        return bundled_card(bundled)
    import yaml

    text: str = yaml.safe_dump(card.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    return text


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically."""
    tensors = {f"model.{name}": values for name, values in checkpoint.weights.items()}
    metadata = {CARD: checkpoint.card.model_dump_json()}
    if checkpoint.graph is not None:
        tensors["graph"] = np.frombuffer(checkpoint.graph, np.uint8)
    if checkpoint.state is not None and checkpoint.state_facts is not None:
        tensors |= {f"state.{name}": values for name, values in checkpoint.state.items()}
        metadata["state"] = checkpoint.state_facts
    write_tensors(path, tensors, metadata)


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
        name_of(path) is not None,
    )


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
    version = _version(text)
    if version != FORMAT:
        raise CheckpointError(
            f"{path}: checkpoint format {shown(version)}, this version of ecg reads format "
            f"{FORMAT}; train again, or install the ecg it was written with"
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
    if card.beat_length != BEAT_LENGTH or not set(card.views) <= VIEWS.keys():
        raise CheckpointError(
            f"{path}: it takes {card.beat_length} samples and the views {', '.join(card.views)}; "
            f"this ecg has {BEAT_LENGTH} samples and the views {', '.join(VIEWS)}"
        )
    return card


def _version(card: str) -> Any:
    """The format that a card states; None where it is no JSON object."""
    try:
        document = json.loads(card)
    except (ValueError, RecursionError):
        return None
    return document.get("format") if isinstance(document, dict) else None
