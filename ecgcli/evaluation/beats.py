"""Classifier + labelled beats -> an evaluation: every score, and its scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli import metrics
from ecgcli.beats import Beats, read_labelled
from ecgcli.beats.resampling import manifest_path
from ecgcli.checkpoints import Card, TrainingData, card_text
from ecgcli.classes import AAMI_CLASSES
from ecgcli.errors import ConfigError, DataError, RequirementMissed, did_you_mean
from ecgcli.inputs import finite_number
from ecgcli.metrics import Score, rounded
from ecgcli.metrics.aami import FIGURES as AAMI_FIGURES
from ecgcli.metrics.aami import Aami, of_beats, summarize
from ecgcli.metrics.calibration import (
    Coverage,
    Reliability,
    coverage_table,
    error_interval,
    reliability,
)
from ecgcli.metrics.mistakes import NO_MISTAKES, Mistakes, find_mistakes, matrices_of_records
from ecgcli.metrics.roc import Curve, precision_recall, roc
from ecgcli.prediction import Classifier

#: The areas under the curves of a class, `Evaluation.roc` and `Evaluation.pr`.
_AREAS = ("roc_auc", "average_precision")


@dataclass(frozen=True)
class Evaluation:
    """All figures of a model on one labelled file.

    ``overall`` maps a figure to its score; ``by_class`` maps a class to its figures;
    ``roc`` and ``pr`` map each class that has beats to its curve; ``calibration_error``,
    ``reliability`` and ``coverage`` describe how reliable the probabilities are.
    """

    model: str
    data: str
    classes: tuple[str, ...]
    matrix: metrics.Matrix
    overall: dict[str, Score]
    by_class: dict[str, dict[str, Score]]
    roc: dict[str, Curve]
    pr: dict[str, Curve]
    calibration_error: Score
    reliability: Reliability
    coverage: list[Coverage]
    statement: str
    #: By the rules of the standard, where the record of each beat is known.
    aami: Aami | None = None
    #: The most confident errors.
    mistakes: Mistakes = NO_MISTAKES
    #: The model's card, as text.
    card: str = ""

    @property
    def beats(self) -> int:
        """Number of beats evaluated."""
        return int(self.matrix.sum())

    def scores(self) -> dict[str, float]:
        """Every figure by its name for ``--require``, such as ``macro_f1`` or ``recall_S``."""
        aami = {} if self.aami is None else self.aami.figures
        named = {name: figure.gross for name, figure in aami.items()}
        named |= {name: score.value for name, score in self.overall.items()}
        for class_name, figures in self.by_class.items():
            named |= {f"{name}_{class_name}": score.value for name, score in figures.items()}
        for name, curves in zip(_AREAS, (self.roc, self.pr), strict=True):
            named |= {f"{name}_{class_name}": curve.area for class_name, curve in curves.items()}
        return named

    def as_json(self) -> dict[str, Any]:
        """A document of plain values; an undefined figure is null."""
        return {
            "model": self.model,
            "data": self.data,
            "beats": self.beats,
            "statement": self.statement,
            "interval": "95%, bootstrap over beats",
            "overall": {name: _plain(score) for name, score in self.overall.items()},
            "by_class": {
                name: {figure: _plain(score) for figure, score in figures.items()}
                | {
                    "support": int(self.matrix[label].sum()),
                    "roc_auc": rounded(self.roc[name].area) if name in self.roc else None,
                    "average_precision": rounded(self.pr[name].area) if name in self.pr else None,
                }
                for label, (name, figures) in enumerate(self.by_class.items())
            },
            "classes": list(self.classes),
            "confusion_matrix": self.matrix.tolist(),
            "calibration": self._calibration(),
            "aami": None if self.aami is None else self.aami.as_json(),
        }

    def _calibration(self) -> dict[str, Any]:
        bins = self.reliability
        return {
            "expected_calibration_error": _plain(self.calibration_error),
            "bins": [
                {"beats": int(beats), "confidence": rounded(mean), "accuracy": rounded(share)}
                for beats, mean, share in zip(
                    bins.beats, bins.confidence, bins.accuracy, strict=True
                )
            ],
            "coverage": [
                {
                    "threshold": row.threshold,
                    "beats": row.beats,
                    "coverage": rounded(row.coverage),
                    "accuracy": rounded(row.accuracy),
                    "macro_f1": rounded(row.macro_f1),
                    "classes": row.classes,
                }
                for row in self.coverage
            ],
        }


def evaluate_file(
    classifier: Classifier,
    data: Path,
    *,
    normalize: bool = False,
    skip_first: float = 0.0,
) -> Evaluation:
    """Evaluate a model on a labelled beats CSV.

    Args:
        classifier: the model.
        data: the labelled file.
        normalize: scale each beat to 0..1 first.
        skip_first: seconds at the start of each record that are excluded.

    Raises:
        DataError: the file is invalid or unlabelled, or the times of its beats are unknown.
    """
    beats = read_labelled(data, classifier.classes, normalize=normalize)
    return evaluate_beats(classifier, beats, data, skip_first)


def evaluate_beats(
    classifier: Classifier, beats: Beats, data: Path, skip_first: float = 0.0
) -> Evaluation:
    """`evaluate_file` on the beats of the file ``data``, read already."""
    card, model = classifier.card, str(classifier.path)
    # All beats are classified, because a model may look at those of a recording together.
    probabilities = classifier.probabilities(beats)
    if skip_first:
        later = _rows_after(beats, skip_first, data)
        probabilities, beats = probabilities[later], beats.take(later)
    statement = describe_split(card.training_data, beats, resampled=manifest_path(data).exists())
    evaluation = evaluate(beats.known_labels, probabilities, card, model, str(data), statement)
    mistakes = find_mistakes(beats, beats.known_labels, probabilities)
    evaluation = replace(evaluation, mistakes=mistakes, card=card_text(classifier.path, card))
    if beats.info is None or card.classes != AAMI_CLASSES:
        return evaluation
    records = matrices_of_records(beats, probabilities.argmax(1))
    matrices = {name: of_beats(matrix) for name, matrix in records.items()}
    return replace(evaluation, aami=summarize(matrices, skip_first))


def evaluate(
    truth: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    card: Card,
    model: str,
    data: str,
    statement: str,
) -> Evaluation:
    """All scores of probabilities ``(beats, classes)`` against labels ``(beats,)``."""
    classes = card.classes
    matrix = metrics.confusion_matrix(truth, probabilities.argmax(1), len(classes))
    draws = metrics.bootstrap(matrix)
    by_class: dict[str, dict[str, Score]] = {name: {} for name in classes}
    for metric in metrics.BY_CLASS:
        scores = _scores(metric.function(matrix), metric.function(draws))
        for name, score in zip(classes, scores, strict=True):
            by_class[name][metric.name] = score
    bins = reliability(probabilities, truth)
    present = [label for label in range(len(classes)) if 0 < (truth == label).sum() < len(truth)]
    return Evaluation(
        model=model,
        data=data,
        classes=classes,
        matrix=matrix,
        overall={
            metric.name: _scores(metric.function(matrix)[None], metric.function(draws)[:, None])[0]
            for metric in metrics.OVERALL
        },
        by_class=by_class,
        roc={classes[c]: roc(truth == c, probabilities[:, c]) for c in present},
        pr={classes[c]: precision_recall(truth == c, probabilities[:, c]) for c in present},
        calibration_error=Score(bins.error, *error_interval(probabilities, truth)),
        reliability=bins,
        coverage=coverage_table(probabilities, truth),
        statement=statement,
    )


def _rows_after(beats: Beats, seconds: float, data: Path) -> NDArray[np.intp]:
    """The rows of the beats after the first ``seconds`` of each record."""
    if beats.info is None:
        raise DataError(
            "--skip-first needs the times of the beats, and there is no sidecar (NAME.info.csv)",
            file=data,
        )
    later = np.flatnonzero(beats.info["time"].to_numpy() >= seconds)
    if not len(later):
        raise DataError(f"there are no beats after the first {seconds:g} s", file=data)
    return later


def describe_split(training: TrainingData, test: Beats, *, resampled: bool = False) -> str:
    """The scope of a score on these test beats, as a sentence or two."""
    parts = []
    if training.synthetic or test.synthetic:
        parts.append("Synthetic beats: the score says nothing about real patients.")
    if test.fingerprint() == training.fingerprint:
        parts.append(
            "The model was trained on these very beats: "
            "the score shows how well it remembers them, and nothing about other beats."
        )
        return " ".join(parts)
    parts.append(describe_patients(set(training.patients), set(test.patients)))
    if resampled:
        parts.append(
            "The test file was resampled by class, so accuracy, precision and F1 "
            "do not apply to real recordings."
        )
    return " ".join(parts)


def describe_patients(trained: set[str], tested: set[str]) -> str:
    """The scope of a score, by the patients trained on and the patients tested."""
    shared = len(trained & tested)
    if not trained or not tested or (not shared and _may_share(trained, tested)):
        return (
            "The patients are unknown, and some may be in both the training and the test data: "
            "the score says nothing about new patients."
        )
    if len(tested) == 1:
        seen, unseen = "The test patient was", "The test patient was not"
    else:
        verb = "was" if shared == 1 else "were"
        seen = f"{shared} of the {len(tested)} test patients {verb}"
        unseen = f"None of the {len(tested)} test patients was"
    if shared:
        return (
            f"{seen} also trained on: the score holds for new beats of known patients and says "
            "nothing about new patients."
        )
    return f"{unseen} trained on: the score is for patients that the model has not seen."


def _may_share(trained: set[str], tested: set[str]) -> bool:
    """Whether a name is another one without its folders: ``holter`` and ``p1/holter``."""
    return any(
        name.endswith(f"/{other}") or other.endswith(f"/{name}")
        for name in trained
        for other in tested
    )


def figure_names(classes: Sequence[str]) -> list[str]:
    """The names that `Evaluation.scores` can have, for a model of these classes."""
    of_class = [*(metric.name for metric in metrics.BY_CLASS), *_AREAS]
    names = [
        *(metric.name for metric in metrics.OVERALL),
        *(f"{name}_{each}" for each in classes for name in of_class),
        *AAMI_FIGURES,
    ]
    return list(dict.fromkeys(names))


def parse_requirements(texts: Sequence[str], names: Sequence[str]) -> dict[str, float]:
    """``["macro_f1=0.9"]`` as a dict; called before any work, so that a wrong name costs none.

    Args:
        texts: what was required.
        names: those that a figure can have.

    Raises:
        ConfigError: no number, or no figure of that name.
    """
    required = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            required[name] = finite_number(value)
        except ValueError as error:
            raise ConfigError(
                f"--require: found {text!r}, expected NAME=NUMBER such as macro_f1=0.9"
            ) from error
        if name not in names:
            raise ConfigError(f"--require: there is no figure {name}{did_you_mean(name, names)}")
    return required


def check_requirements(scores: dict[str, float], required: dict[str, float]) -> None:
    """Compare scores with what was required of them.

    Raises:
        RequirementMissed: one is below, or not defined for these data.
    """
    missed = [
        f"{name} is {_shown(scores.get(name, nan))}, required {least:g}"
        for name, least in required.items()
        if not scores.get(name, nan) >= least
    ]
    if missed:
        raise RequirementMissed("; ".join(missed))


def _scores(values: NDArray[np.float64], draws: NDArray[np.float64]) -> list[Score]:
    """A score each for ``values (n,)`` with their bootstrap ``draws (draws, n)``."""
    low, high = metrics.interval(draws)
    return [Score(float(v), float(a), float(b)) for v, a, b in zip(values, low, high, strict=True)]


def _shown(score: float) -> str:
    return "not defined for these data" if isnan(score) else f"{score:.4f}"


def _plain(score: Score) -> dict[str, float | None]:
    return {"value": rounded(score.value), "low": rounded(score.low), "high": rounded(score.high)}
