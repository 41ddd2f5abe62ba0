"""Dataset and estimator -> checkpoint: training for the models that are fitted at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgcli import metrics
from ecgcli.beats import Beats
from ecgcli.beats.splits import patient_folds
from ecgcli.beats.views import inputs_of
from ecgcli.checkpoints import Card, Checkpoint, save_checkpoint
from ecgcli.checkpoints.engines import corrected
from ecgcli.checkpoints.runs import BEST, CONFIG, locked, new_run
from ecgcli.environment import describe_environment
from ecgcli.errors import ConfigError
from ecgcli.files import write_json, write_text
from ecgcli.metrics.calibration import fit_temperature, reliability
from ecgcli.models import Advance, Estimator, check_arguments, create_estimator
from ecgcli.training.config import Config
from ecgcli.training.copies import are_copies
from ecgcli.training.dataset import TrainingSet, prepare
from ecgcli.training.figures import draw_shares

#: The only key of ``training:`` that means something without epochs.
_MEANINGFUL = {"prior_correction"}
#: Parts that the patients are dealt into for ``data.validation: folds``.
FOLDS = 5
#: Features drawn in the picture of importances.
_DRAWN = 25


@dataclass(frozen=True)
class Fitted:
    """A finished fit; ``metrics`` are of the validation beats."""

    run: Path
    metrics: dict[str, float]
    seconds: float
    importances: dict[str, float]


def fit(
    config: Config,
    started: Callable[[TrainingSet], None],
    advance: Advance,
    command: str = "",
) -> Fitted:
    """Fit the config's estimator into a new run folder.

    Args:
        config: the experiment.
        started: told the data before the fit begins.
        advance: told how far it is.
        command: the command line, for the record.

    Raises:
        ConfigError, DataError: the experiment cannot start; no folder is made.
    """
    _require_meaning(config)
    check_arguments(config.model.name, config.model.arguments)
    data = prepare(config)
    started(data)
    began = time.monotonic()
    estimator = _fitted(config, data.training, advance)
    judged = (
        _out_of_fold(config, data, advance)
        if config.data.validation == "folds"
        else _judged(estimator, data.validation)
    )
    seconds = time.monotonic() - began
    figures, temperature = _validate(judged, np.array(data.class_offsets, np.float32))
    card = Card(
        model=config.model.name,
        estimator=True,
        arguments=config.model.arguments,
        views=estimator.views,
        classes=config.data.class_names,
        class_offsets=data.class_offsets,
        temperature=temperature,
        training_data=data.description,
        metrics=figures,
        licence=config.licence,
    )
    run = new_run(Path(config.runs), config.name)
    with locked(run):
        return _write(run, config, Checkpoint(card, estimator.state()), estimator, command, seconds)


def _require_meaning(config: Config) -> None:
    meaningless = sorted(config.training.model_fields_set - _MEANINGFUL)
    if meaningless:
        raise ConfigError(
            f"training.{meaningless[0]}: {config.model.name} is fitted at once, without epochs; "
            f"of training only {', '.join(_MEANINGFUL)} means something to it"
        )


#: Probabilities ``(beats, classes)`` of beats the model has not seen, and their labels.
Judged = tuple[NDArray[np.float32], NDArray[np.int64]]


def _fitted(config: Config, beats: Beats, advance: Advance) -> Estimator:
    estimator = create_estimator(config.model.name, **config.model.arguments)
    inputs = inputs_of(beats, estimator.views)
    estimator.fit(inputs, beats, len(config.data.class_names), config.seed, advance)
    return estimator


def _out_of_fold(config: Config, data: TrainingSet, advance: Advance) -> Judged:
    """Every real beat judged by a model that has not seen its patient."""
    beats = data.training
    real = ~are_copies(beats)
    parts = []
    for split in patient_folds(beats, FOLDS, config.seed):
        estimator = _fitted(config, beats.take(split.kept), advance)
        held_out = beats.take(split.held_out[real[split.held_out]])
        parts.append(_judged(estimator, held_out))
    return np.concatenate([p for p, _ in parts]), np.concatenate([labels for _, labels in parts])


def _judged(estimator: Estimator, beats: Beats) -> Judged:
    return estimator.probabilities(inputs_of(beats, estimator.views)), beats.known_labels


def _validate(judged: Judged, offsets: NDArray[np.float32]) -> tuple[dict[str, float], float]:
    """Figures, and the temperature that makes the probabilities fit the validation beats."""
    probabilities, labels = judged
    plain = corrected(probabilities, offsets)
    learnt = (plain.max(axis=0) > 0)[labels]  # of a class that was not, no temperature helps
    temperature = fit_temperature(np.log(plain[learnt].clip(1e-7)), labels[learnt])
    matrix = metrics.confusion_matrix(labels, plain.argmax(1), len(offsets))
    calibrated = corrected(probabilities, offsets, temperature)
    return {
        "validation_accuracy": float(metrics.accuracy(matrix)),
        "validation_macro_f1": float(metrics.macro_f1(matrix)),
        "validation_calibration_error": reliability(calibrated, labels).error,
    }, temperature


def _write(
    run: Path,
    config: Config,
    checkpoint: Checkpoint,
    estimator: Estimator,
    command: str,
    seconds: float,
) -> Fitted:
    """Everything into the run folder, the checkpoint last: with it the run is whole."""
    importances = estimator.importances()
    result = Fitted(run, checkpoint.card.metrics, seconds, importances)
    write_text(run / CONFIG, config.to_yaml(training=_MEANINGFUL))
    description = checkpoint.card.training_data
    write_json(
        run / "environment.json",
        describe_environment(command, config.seed, "cpu")
        | {"data_fingerprint": description.fingerprint},
    )
    write_json(
        run / "report.json",
        {
            "metrics": result.metrics,
            "seconds": round(seconds, 2),
            "importances": {name: round(share, 5) for name, share in importances.items()},
            "training_data": description.model_dump(),
            "note": "Validation figures: beats held out of the training file. "
            "Judge the model with ecg evaluate on a test file.",
        },
    )
    if importances:
        shown = dict(list(importances.items())[:_DRAWN])
        draw_shares(run / "importances.png", shown, "share of the gain of all splits")
    save_checkpoint(run / BEST, checkpoint)
    return result
