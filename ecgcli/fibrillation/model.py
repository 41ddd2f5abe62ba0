"""The model of atrial fibrillation: boosted trees on RR intervals, and how they decide.

It is one self-describing safetensors file, as in `ecgcli.checkpoints`: the trees as LightGBM's
text, compressed, under ``trees``, and in the metadata a `FibrillationCard`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ecgcli import __version__
from ecgcli.checkpoints import FIBRILLATION_CARD
from ecgcli.checkpoints.container import read_tensors, write_tensors
from ecgcli.errors import CheckpointError
from ecgcli.fibrillation import AtrialRhythm, rhythm_of_intervals, unknown_rhythm
from ecgcli.fibrillation.decoding import decode
from ecgcli.models.boosters import check_booster, packed, unpacked
from ecgcli.recordings.irregularity import FEATURES, LONGEST, WINDOW, irregularity, valid_intervals
from ecgcli.trees import Trees
from ecgcli.validation import first_problem
from ecgcli.weights import name_of
from ecgcli.wording import counted

#: Version of the file's layout; another one is refused.
FORMAT = 1
#: Share of a window's changes of interval that may be left out for its rhythm to be known.
MOST_LEFT_OUT = 0.9

_LEFT_OUT = FEATURES.index("left_out")
#: The odds of one window are believed no further than this (log): about 1 to 8,000.
_CERTAIN = 9.0


class Decision(BaseModel):
    """How the trees' log odds become episodes; chosen by cross-validation.

    Attributes:
        every: one window is computed for this number of intervals.
        bias: added to the log odds; negative where fibrillation is rarer than in training.
        seconds: log odds over this time count as one piece of evidence: windows overlap.
        penalty: evidence that a change of rhythm has to outweigh.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    every: int = Field(default=4, ge=1)
    bias: float = -1.0
    seconds: float = Field(default=7.5, gt=0)
    penalty: float = Field(default=8.0, ge=0)


class RhythmData(BaseModel):
    """Which recordings the trees have seen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: list[str]
    #: SHA-256 of all R peaks, ectopic beats and rhythms.
    fingerprint: str
    #: Each record's name and `AnnotatedRhythm.digest`.
    records: dict[str, str]
    #: Hours in atrial fibrillation, and in any other rhythm.
    hours: dict[str, float]
    #: Windows that were trained on.
    windows: dict[str, int]


class FibrillationCard(BaseModel):
    """A model's description of itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    ecgcli: str = __version__
    model: str = "fibrillation"
    #: LightGBM's parameters.
    arguments: dict[str, float | int | str | bool]
    features: tuple[str, ...] = FEATURES
    window: int = WINDOW
    decision: Decision
    training_data: RhythmData
    #: On the records of each fold, by a model fitted on the other folds.
    metrics: dict[str, float]
    licence: str


@dataclass(frozen=True)
class FibrillationModel:
    """A fitted model.

    Attributes:
        card: its description.
        trees: their one raw score is the log odds of atrial fibrillation.
    """

    card: FibrillationCard
    trees: Trees

    def rhythm(self, times: NDArray[np.float64], ectopic: NDArray[np.bool_]) -> AtrialRhythm:
        """The episodes of atrial fibrillation of a recording.

        The rhythm is unknown where most intervals lie beside ectopic beats, and in a recording
        with fewer intervals than a window has.

        Args:
            times: ``(beats,)`` the R peaks, in s, ascending.
            ectopic: ``(beats,)`` which beats are of ventricular origin.
        """
        if len(times) <= WINDOW:
            return unknown_rhythm(
                len(times),
                f"{counted(len(times), 'beat')} are too few to look for atrial fibrillation in; "
                f"at least {WINDOW + 1} are needed",
            )
        decision = self.card.decision
        return decide(window_log_odds(self.trees, times, ectopic, decision.every), times, decision)


def window_log_odds(
    trees: Trees, times: NDArray[np.float64], ectopic: NDArray[np.bool_], every: int
) -> NDArray[np.float64]:
    """The log odds of atrial fibrillation around one interval in ``every``; NaN where unknown."""
    features = irregularity(valid_intervals(times, ectopic), every)
    valid = features[:, _LEFT_OUT] <= MOST_LEFT_OUT
    log_odds = np.full(len(features), np.nan)
    if valid.any():
        scores = trees.raw_scores(features[valid])[:, 0]
        log_odds[valid] = np.clip(scores, -_CERTAIN, _CERTAIN)
    return log_odds


def decide(
    log_odds: NDArray[np.float64], times: NDArray[np.float64], decision: Decision
) -> AtrialRhythm:
    """The rhythm of a recording.

    Args:
        log_odds: ``(windows,)`` of `window_log_odds`.
        times: ``(beats,)`` the R peaks, in s, ascending.
        decision: how log odds become episodes.
    """
    seconds = np.clip(np.diff(times), 0, LONGEST)
    lasting = np.add.reduceat(seconds, np.arange(0, len(seconds), decision.every))
    evidence = np.nan_to_num(log_odds + decision.bias) * lasting / decision.seconds
    window = np.arange(len(seconds)) // decision.every
    fibrillates = decode(evidence, decision.penalty)[window]
    return rhythm_of_intervals(times, fibrillates, ~np.isnan(log_odds)[window])


def save_model(path: Path, model: FibrillationModel) -> None:
    """Write a model atomically."""
    tensors = {"trees": packed(model.trees.text)}
    write_tensors(path, tensors, {FIBRILLATION_CARD: model.card.model_dump_json()})


def load_model(path: Path) -> FibrillationModel:
    """Read a model; no code in the file is executed.

    Raises:
        CheckpointError: the file is missing, damaged, of another kind or version.
    """
    tensors, metadata = read_tensors(path)
    card = _read_card(path, metadata)
    try:
        text = unpacked(tensors["trees"])
        if name_of(path) is None:
            check_booster(text, binary=True)
        trees = Trees(text)
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{path}: its trees are damaged") from error
    if trees.width != len(FEATURES):
        raise CheckpointError(
            f"{path}: its trees read {trees.width} features of a window, this version of "
            f"ecg computes {len(FEATURES)}; fit again"
        )
    return FibrillationModel(card, trees)


@cache
def bundled_model() -> FibrillationModel:
    """The pretrained model, loaded once."""
    from ecgcli.weights import bundled_checkpoint

    return load_model(bundled_checkpoint("fibrillation"))


def is_fibrillation_model(path: Path) -> bool:
    """Whether a checkpoint is a model of atrial fibrillation.

    Raises:
        CheckpointError: the file is missing, damaged or no safetensors file.
    """
    return FIBRILLATION_CARD in read_tensors(path)[1]


def _read_card(path: Path, metadata: dict[str, str]) -> FibrillationCard:
    if FIBRILLATION_CARD not in metadata:
        raise CheckpointError(
            f"{path}: this is not a model of atrial fibrillation, which ecg fibrillation fit makes"
        )
    try:
        card = FibrillationCard.model_validate_json(metadata[FIBRILLATION_CARD])
    except ValidationError as error:
        where, problem = first_problem(error)
        raise CheckpointError(f"{path}: the card's {'.'.join(where)}: {problem}") from error
    if (card.format, card.features, card.window) != (FORMAT, FEATURES, WINDOW):
        raise CheckpointError(
            f"{path}: its format, or the features that it reads, are not those of this version of "
            "ecg; fit it again"
        )
    return card
