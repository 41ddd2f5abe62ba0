"""Dataset and estimator -> checkpoint: training for models that are fitted in one step."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from ecgcli import metrics
from ecgcli.arrays import Labels, Probabilities
from ecgcli.beats import Beats
from ecgcli.beats.splits import patient_folds
from ecgcli.beats.views import inputs_of
from ecgcli.checkpoints import Card, Checkpoint, save_checkpoint
from ecgcli.checkpoints.engines import corrected
from ecgcli.errors import ConfigError
from ecgcli.metrics.calibration import fit_temperature, reliability
from ecgcli.models import Estimator, create_estimator
from ecgcli.progress import Progress
from ecgcli.training.config import Config
from ecgcli.training.copies import are_copies
from ecgcli.training.dataset import TrainingSet, build_training_set
from ecgcli.training.report import validation_of, write_report
from ecgcli.training.run import Run, first_line, new_run_folder

#: The only key of ``training:`` that applies without epochs.
_APPLICABLE = {"prior_correction"}
#: Number of folds for ``data.validation: folds``.
FOLDS = 5


def fit(config: Config, progress: Progress, command: str) -> Run:
    """Fit the config's estimator; see `ecgcli.training.train`."""
    _require_applicable_keys(config)
    # Wrong arguments, and a package that is missing, are reported before data are read.
    create_estimator(config.model.name, **config.model.arguments)
    data = build_training_set(config, progress)
    progress.message(first_line(config, data))
    began = time.monotonic()
    estimator = _fitted(config, data.training, progress)
    held_out, probabilities = (
        _predict_out_of_fold(config, data, progress)
        if config.data.validation == "folds"
        else (data.validation, _predict(estimator, data.validation))
    )
    seconds = time.monotonic() - began
    offsets = np.array(data.class_offsets, np.float32)
    figures, temperature, calibrated = _validate(probabilities, held_out.known_labels, offsets)
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
    with new_run_folder(config, data.description, "cpu", command, _APPLICABLE) as path:
        run = Run(path, figures, seconds, importances=estimator.importances())
        write_report(run, data.description, validation_of(held_out, calibrated))
        save_checkpoint(run.checkpoint, Checkpoint(card, estimator.state()))  # last: marks it whole
    return run


def _require_applicable_keys(config: Config) -> None:
    inapplicable = sorted(config.training.model_fields_set - _APPLICABLE)
    if inapplicable:
        raise ConfigError(
            f"training.{inapplicable[0]}: {config.model.name} is fitted in one step, without "
            f"epochs; the only key of training that applies is {', '.join(_APPLICABLE)}"
        )


def _fitted(config: Config, beats: Beats, progress: Progress) -> Estimator:
    estimator = create_estimator(config.model.name, **config.model.arguments)
    inputs = inputs_of(beats, estimator.views)
    estimator.fit(inputs, beats, len(config.data.class_names), config.seed, progress)
    return estimator


def _predict_out_of_fold(
    config: Config, data: TrainingSet, progress: Progress
) -> tuple[Beats, Probabilities]:
    """Classify every beat, copies excepted, by a model that was not fitted on its patient.

    Returns:
        The beats, and their probabilities ``(beats, classes)``.
    """
    beats = data.training
    real = ~are_copies(beats)
    rows, parts = [], []
    for split in patient_folds(beats, FOLDS, config.seed):
        estimator = _fitted(config, beats.take(split.kept), progress)
        rows.append(split.held_out[real[split.held_out]])
        parts.append(_predict(estimator, beats.take(rows[-1])))
    return beats.take(np.concatenate(rows)), np.concatenate(parts)


def _predict(estimator: Estimator, beats: Beats) -> Probabilities:
    return estimator.probabilities(inputs_of(beats, estimator.views))


def _validate(
    probabilities: Probabilities, labels: Labels, offsets: NDArray[np.float32]
) -> tuple[dict[str, float], float, Probabilities]:
    """Figures of the validation beats, the temperature that calibrates them, and the result."""
    plain = corrected(probabilities, offsets)
    # No temperature helps a class that the model never learnt.
    learnt = (plain.max(axis=0) > 0)[labels]
    temperature = fit_temperature(np.log(plain[learnt].clip(1e-7)), labels[learnt])
    matrix = metrics.confusion_matrix(labels, plain.argmax(1), len(offsets))
    calibrated = corrected(probabilities, offsets, temperature)
    figures = {
        "validation_accuracy": float(metrics.accuracy(matrix)),
        "validation_macro_f1": float(metrics.macro_f1(matrix)),
        "validation_calibration_error": reliability(calibrated, labels).error,
    }
    return figures, temperature, calibrated
