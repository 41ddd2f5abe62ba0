"""A finished training -> JSON, a picture and a page."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ecgcli import metrics
from ecgcli.arrays import Probabilities
from ecgcli.beats import Beats
from ecgcli.checkpoints import TrainingData
from ecgcli.checkpoints.runs import REPORT
from ecgcli.classes import CLASS_MEANINGS
from ecgcli.files import write_json
from ecgcli.metrics import Matrix
from ecgcli.metrics.figures import draw_mistakes
from ecgcli.metrics.mistakes import (
    Mistakes,
    find_mistakes,
    matrices_of_records,
    worst_records_table,
)
from ecgcli.pages import TextTable, write_page
from ecgcli.training.figures import draw_curves, draw_shares
from ecgcli.training.history import Epoch
from ecgcli.training.provenance import read_provenance
from ecgcli.training.run import Run
from ecgcli.wording import counted

#: Features drawn in the picture of importances.
_DRAWN = 25

#: The figures of a training, and what they are.
_MEANINGS = {metric.heading: metric.meaning for metric in metrics.OVERALL} | {
    "F1": "Of a class: the harmonic mean of the share of its beats that are found and of the share "
    "of beats called so that are of it.",
    "loss": "The mean cross-entropy: minus the logarithm of the probability that the model gives "
    "to the true class of a beat. 0 is best.",
    "expected calibration error": "The mean distance between the probability of the predicted "
    "class and the share of such beats that are right. 0 is best.",
}
_HEADINGS = {
    "validation_accuracy": "accuracy",
    "validation_macro_f1": "macro-F1",
    "validation_loss": "loss",
    "validation_calibration_error": "expected calibration error",
}


@dataclass(frozen=True)
class Validation:
    """What the model made of the validation beats, for the page.

    Attributes:
        mistakes: its most confident errors.
        records: the confusion matrix of each record; empty where records are unknown.
    """

    mistakes: Mistakes
    records: dict[str, Matrix]


def validation_of(beats: Beats, probabilities: Probabilities) -> Validation:
    """What a model made of validation beats; probabilities ``(beats, classes)``."""
    return Validation(
        find_mistakes(beats, beats.known_labels, probabilities),
        matrices_of_records(beats, probabilities.argmax(axis=1)),
    )


def write_report(run: Run, data: TrainingData, validation: Validation) -> None:
    """Draw the pictures and write ``report.html``, then ``report.json``, which marks the end."""
    if run.picture is not None and run.best is not None:
        draw_curves(run.picture, run.history)
    elif run.picture is not None:
        shown = dict(list(run.importances.items())[:_DRAWN])
        draw_shares(run.picture, shown, "share of the gain of all splits")
    _write_page(run, data, validation)
    facts = _facts_of_fit(run) if run.best is None else _facts_of_epochs(run, run.best)
    advice = (
        "Evaluate the model"
        if run.best is None
        else "They decided which epoch was kept, so evaluate the model"
    )
    write_json(
        run.path / REPORT,
        facts
        | {
            "training_data": data.model_dump(),
            "note": "Validation figures: beats held out of the training file. "
            f"{advice} with ecg evaluate on a test file.",
        },
    )


def _facts_of_epochs(run: Run, best: Epoch) -> dict[str, Any]:
    return {
        "best": asdict(best),
        "epochs": len(run.history),
        "stopped_early": run.stopped_early,
        "overfitting": run.overfitting,
        "seconds": round(run.seconds, 2),
    }


def _facts_of_fit(run: Run) -> dict[str, Any]:
    return {
        "metrics": run.metrics,
        "seconds": round(run.seconds, 2),
        "importances": {name: round(share, 5) for name, share in run.importances.items()},
    }


def _write_page(run: Run, data: TrainingData, validation: Validation) -> Path:
    """Write ``report.html``; the config and the environment are those in the run's folder."""
    figures = {_HEADINGS[name]: value for name, value in run.metrics.items()}
    worst = worst_records_table(validation.records, list(data.beats))
    draw_mistakes(run.path, validation.mistakes, worst)
    return write_page(
        run.path,
        __package__,
        "training.html",
        title=f"Training of {run.path.name}",
        run=run,
        provenance=read_provenance(run.path),
        data=data,
        patients=counted(len(data.patients), "patient") if data.patients else "patients unknown",
        held_out=counted(sum(data.validation["beats"].values()), "beat"),
        figures=TextTable(
            ["on the validation beats", "value"],
            [[name, f"{value:.3f}"] for name, value in figures.items()],
        ),
        figure_meanings={name: _MEANINGS[name] for name in [*figures, "F1"]},
        classes=_class_table(data),
        class_meanings={name: CLASS_MEANINGS[name] for name in data.beats},
        worst=worst,
    )


def _class_table(data: TrainingData) -> TextTable:
    held_out = data.validation["beats"]
    return TextTable(
        ["class", "beats in the data", "trained on", "validated on"],
        [
            [name, f"{count:,}", f"{data.trained_on[name]:,}", f"{held_out[name]:,}"]
            for name, count in data.beats.items()
        ],
    )
