"""An anomaly model: one self-describing safetensors file, as in `ecgcli.checkpoints`.

Its tensors are the network's weights under ``network.``, the normal beats to compare with
under ``samples.`` and ``features.``, and under ``normal_scores`` the scores of normal beats
held out of the fitting, from which thresholds and percentiles are computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor

from ecgcli import __version__
from ecgcli.anomaly.autoencoder import Autoencoder
from ecgcli.anomaly.forecaster import Forecaster
from ecgcli.anomaly.neighbours import Neighbours
from ecgcli.arrays import Tensors
from ecgcli.beats.reader import BEAT_LENGTH, SAMPLING_RATE
from ecgcli.checkpoints import ANOMALY_CARD, TrainingData
from ecgcli.checkpoints.container import read_tensors, under, write_tensors
from ecgcli.choices import Method
from ecgcli.errors import CheckpointError
from ecgcli.models import load_weights
from ecgcli.validation import first_problem

#: Version of the file's layout; another one is refused.
FORMAT = 1
#: Beats a network reads at a time.
BATCH = 512

Network = Forecaster | Autoencoder
NETWORKS: dict[Method, type[Forecaster] | type[Autoencoder]] = {
    "forecaster": Forecaster,
    "autoencoder": Autoencoder,
}


class AnomalyCard(BaseModel):
    """An anomaly model's description of itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    ecgcli: str = __version__
    method: Method
    classes: tuple[str, ...]
    beat_length: int = BEAT_LENGTH
    sampling_rate: float = SAMPLING_RATE
    preprocessing: str = "R peak to past the next one, scaled to 0..1, zero-padded"
    #: ``trained_on`` counts the normal beats; no other beat was used.
    training_data: TrainingData
    #: The share of normal beats that is to score below the threshold by default.
    quantile: float
    epochs: int
    #: The area under the ROC curve on the beats held out, if other classes are among them.
    metrics: dict[str, float]
    #: The factor of the spread of a forecast for each band; empty for autoencoders.
    band_factors: dict[str, float]
    licence: str = "not stated"


@dataclass(frozen=True)
class Views:
    """Normal beats in two views: their samples, and their features from the network.

    The score is the mean of both. The views err on different beats, so together they
    detect more than either alone.
    """

    samples: Neighbours
    features: Neighbours

    def score(
        self, samples: NDArray[np.float32], features: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """The anomaly score of beats, from samples ``(beats, 187)`` and ``(beats, features)``."""
        return (self.samples.score(samples) + self.features.score(features)) / 2


@dataclass(frozen=True)
class AnomalyModel:
    """A fitted model.

    Attributes:
        card: its description.
        network: in evaluation mode.
        views: of the normal beats; see `Views`.
        normal_scores: of the held-out normal beats, ascending.
    """

    card: AnomalyCard
    network: Network
    views: Views
    normal_scores: NDArray[np.float64]

    def score(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """The anomaly score of each beat of ``(beats, 187)``; higher is more unusual.

        Raises:
            CheckpointError: a score is not finite.
        """
        features = represent(self.network, samples)
        _require_finite(features)
        with np.errstate(over="ignore", invalid="ignore"):
            scores = self.views.score(samples, features)
        _require_finite(scores)
        return scores

    def percentiles(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The share of held-out normal beats, in 0..1, whose score is below each score."""
        share: NDArray[np.float64] = np.searchsorted(self.normal_scores, scores) / len(
            self.normal_scores
        )
        return share

    def threshold(self, quantile: float | None = None) -> float:
        """The score below which the share ``quantile`` of held-out normal beats lies."""
        return float(np.quantile(self.normal_scores, quantile or self.card.quantile))


def _require_finite(values: NDArray[Any]) -> None:
    """Refuse features or scores that are not finite in single precision."""
    if not (np.abs(values) <= np.finfo(np.float32).max).all():
        raise CheckpointError(
            "this anomaly model gives beats a score that is not finite; fit the model again"
        )


def represent(network: Network, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The features ``(beats, features)`` of beats ``(beats, 187)``, computed in float32."""
    device = next(network.parameters()).device
    network.eval()
    with torch.inference_mode():
        parts = [
            network.represent(part.to(device)).cpu()
            for part in torch.split(torch.from_numpy(samples), BATCH)
        ]
    return torch.cat(parts).numpy()


def rebuild(network: Autoencoder, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The autoencoder's reconstruction of beats ``(beats, 187)``."""
    device = next(network.parameters()).device
    with torch.inference_mode():
        rebuilt = network.eval()(torch.from_numpy(samples).to(device))
    values: NDArray[np.float32] = rebuilt.cpu().numpy()
    return values


def save_model(path: Path, model: AnomalyModel) -> None:
    """Write an anomaly model atomically."""
    tensors = {f"network.{name}": _array(v) for name, v in model.network.state_dict().items()}
    for view, neighbours in vars(model.views).items():
        tensors |= {f"{view}.{name}": values for name, values in neighbours.tensors().items()}
    tensors["normal_scores"] = model.normal_scores
    write_tensors(path, tensors, {ANOMALY_CARD: model.card.model_dump_json()})


def load_model(path: Path) -> AnomalyModel:
    """Read an anomaly model; no code in the file is executed.

    Raises:
        CheckpointError: the file is missing, damaged, of another kind or version.
    """
    tensors, metadata = read_tensors(path)
    card = _read_card(path, metadata)
    try:
        network = _network(card, under("network.", tensors))
        views = Views(
            *(Neighbours(**under(f"{view}.", tensors)) for view in ("samples", "features"))
        )
        scores = tensors["normal_scores"]
        widths = [len(views.samples.mean), len(views.features.mean)]
        empty = np.zeros((1, BEAT_LENGTH), np.float32)
        if widths != [BEAT_LENGTH, represent(network, empty).shape[1]]:
            raise ValueError("the normal beats are of another length than the network reads")
        if scores.ndim != 1 or not len(scores) or not np.isfinite(scores).all():
            raise ValueError("the scores of normal beats are not a list of numbers")
        return AnomalyModel(card, network, views, scores)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: its tensors are not those of an anomaly model") from error


def _network(card: AnomalyCard, weights: Tensors) -> Network:
    network = NETWORKS[card.method]()
    load_weights(network, weights)
    return network.eval()


def _read_card(path: Path, metadata: dict[str, str]) -> AnomalyCard:
    text = metadata.get(ANOMALY_CARD)
    if text is None:
        problem = (
            "this is a classifier, which ecg predict takes"
            if "ecg" in metadata
            else "this is not a model of ecg"
        )
        raise CheckpointError(
            f"{path}: {problem}; an anomaly model is made by ecg anomaly fit --data TRAIN.csv"
        )
    try:
        card = AnomalyCard.model_validate_json(text)
    except ValidationError as error:
        where, problem = first_problem(error)
        raise CheckpointError(f"{path}: the card's {'.'.join(where)}: {problem}") from error
    if card.format != FORMAT:
        raise CheckpointError(
            f"{path}: format {card.format}, this version of ecg reads format {FORMAT}; fit again"
        )
    return card


def _array(values: Tensor) -> NDArray[Any]:
    return values.detach().contiguous().cpu().numpy()
