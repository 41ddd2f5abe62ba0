"""Dataset and estimator -> checkpoint: training for the models that are fitted at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecgcli import metrics
from ecgcli.beats import Beats
from ecgcli.checkpoint import Card, Checkpoint, save_checkpoint
from ecgcli.config import Config
from ecgcli.environment import describe_environment
from ecgcli.errors import ConfigError
from ecgcli.figures import draw_shares
from ecgcli.files import write_json, write_text
from ecgcli.inference import corrected
from ecgcli.models import Advance, Estimator, create_estimator, views_of
from ecgcli.runs import BEST, CONFIG, locked, new_run
from ecgcli.training_set import TrainingSet, prepare
from ecgcli.views import inputs_of

#: The only key of ``training:`` that means something without epochs.
_MEANINGFUL = {"prior_correction"}
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
    name, classes = config.model.name, config.data.class_names
    _require_meaning(config)
    estimator = create_estimator(name, **config.model.arguments)
    data = prepare(config)
    views = views_of(name)
    inputs = inputs_of(data.training, views)
    started(data)
    began = time.monotonic()
    estimator.fit(inputs, data.training.known_labels, len(classes), config.seed, advance)
    seconds = time.monotonic() - began
    figures = _validate(estimator, views, data)
    card = Card(
        model=name,
        estimator=True,
        arguments=config.model.arguments,
        views=views,
        classes=classes,
        class_offsets=data.class_offsets,
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


def _validate(estimator: Estimator, views: tuple[str, ...], data: TrainingSet) -> dict[str, float]:
    held_out: Beats = data.validation
    offsets = np.array(data.class_offsets, np.float32)
    predicted = corrected(estimator.probabilities(inputs_of(held_out, views)), offsets).argmax(1)
    judged = metrics.confusion_matrix(held_out.known_labels, predicted, len(data.class_offsets))
    return {
        "validation_accuracy": float(metrics.accuracy(judged)),
        "validation_macro_f1": float(metrics.macro_f1(judged)),
    }


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
