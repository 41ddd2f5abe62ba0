"""Normal beats -> an anomaly model in a run folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ecgcli.anomaly.bands import fit_band_factors
from ecgcli.anomaly.forecaster import Forecaster
from ecgcli.anomaly.model import (
    NETWORKS,
    AnomalyCard,
    AnomalyModel,
    Network,
    Views,
    represent,
    save_model,
)
from ecgcli.anomaly.neighbours import Neighbours
from ecgcli.beats import Beats, read_labelled
from ecgcli.beats.splits import by_patient, stratified
from ecgcli.checkpoints import TrainingData
from ecgcli.checkpoints.runs import ANOMALY, new_run
from ecgcli.choices import HoldOut, Method
from ecgcli.classes import ClassSet, classes_named
from ecgcli.devices import choose_device, choose_precision, device_name
from ecgcli.environment import describe_environment
from ecgcli.errors import DataError
from ecgcli.files import write_json
from ecgcli.metrics.roc import roc_area
from ecgcli.progress import SILENT, Progress

#: The share of each class, or of the patients, that is held out.
VALIDATION_FRACTION = 0.1
#: The fewest normal beats that a model is fitted on.
LEAST = 200
#: The label of normal beats in every class set.
NORMAL = 0

BATCH_SIZE = 256
HIGHEST_RATE = 0.004
WEIGHT_DECAY = 0.01
#: The norm that gradients are clipped to: beats that end early cause very large ones.
CLIP = 5.0


@dataclass(frozen=True)
class Settings:
    """How to fit.

    ``quantile`` is the share of normal beats that is to score below the threshold; ``classes``
    is the class set of the labels, None to take it from the file.
    """

    method: Method = "forecaster"
    epochs: int = 8
    seed: int = 0
    quantile: float = 0.95
    validation: HoldOut = "stratified"
    classes: ClassSet | None = None
    normalize: bool = False
    device: str = "auto"


@dataclass(frozen=True)
class Fitted:
    """A fitted model, its run folder, and the mean training loss of each epoch."""

    run: Path
    model: AnomalyModel
    losses: list[float]


def fit(
    data: Path, settings: Settings, run: Path, progress: Progress = SILENT, command: str = ""
) -> Fitted:
    """Fit an anomaly model on the normal beats of a labelled beats CSV.

    Other classes are not trained on; those held out show how well the model detects them.

    Args:
        data: the labelled file; the model is fitted on class N (or normal).
        settings: how to fit.
        run: the folder to make; ``run-2`` and so on when it exists.
        progress: of the training and of the steps after it.
        command: the command line, for ``environment.json``.

    Raises:
        DataError: the file is invalid, unlabelled, or has too few normal beats.
    """
    beats = read_labelled(data, classes_named(settings.classes), normalize=settings.normalize)
    _require_normal(beats, data)
    split = _split(beats, settings, data)
    kept, held_out = beats.take(split[0]), beats.take(split[1])
    normal = kept.samples[kept.known_labels == NORMAL]
    is_normal = held_out.known_labels == NORMAL
    if not is_normal.any() or len(normal) < BATCH_SIZE:
        raise DataError(
            f"{len(normal)} normal beats are left to fit and {is_normal.sum()} held out; "
            f"at least {BATCH_SIZE} and 1 are needed; use a file with more normal beats",
            file=data,
        )
    device = choose_device(settings.device)
    torch.manual_seed(settings.seed)
    network = NETWORKS[settings.method]().to(device)
    losses = _train(network, normal, settings.epochs, device, progress)
    views = _compare(network, normal, settings.seed, progress)
    scores = views.score(held_out.samples, represent(network, held_out.samples))
    metrics = {} if is_normal.all() else {"roc_auc": roc_area(~is_normal, scores).value}
    factors = {}
    if isinstance(network, Forecaster):
        factors = fit_band_factors(network, held_out.samples[is_normal], settings.seed, progress)
    card = AnomalyCard(
        method=settings.method,
        classes=beats.classes,
        training_data=_describe(beats, kept, held_out, settings, data),
        quantile=settings.quantile,
        epochs=settings.epochs,
        metrics=metrics,
        band_factors=factors,
    )
    model = AnomalyModel(card, network.eval(), views, np.sort(scores[is_normal]))
    folder = new_run(run.parent, run.name)
    fitted = Fitted(folder, model, losses)
    write_json(
        folder / "environment.json",
        describe_environment(command, settings.seed, device_name(device)),
    )
    write_json(folder / "report.json", _report(fitted))
    save_model(folder / ANOMALY, model)  # last: it marks the run as complete
    return fitted


def _train(
    network: Network,
    samples: NDArray[np.float32],
    epochs: int,
    device: torch.device,
    progress: Progress,
) -> list[float]:
    """Train on normal beats ``(beats, 187)``; return the mean loss of each epoch."""
    beats = torch.from_numpy(samples).to(device)
    batches = len(beats) // BATCH_SIZE
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, HIGHEST_RATE, total_steps=epochs * batches
    )
    losses = []
    half = choose_precision("auto", device) == "bfloat16"
    network.train()
    for epoch in range(epochs):
        total = torch.zeros((), device=device)
        order = torch.randperm(len(beats)).to(device)
        for batch in range(batches):
            rows = order[batch * BATCH_SIZE : (batch + 1) * BATCH_SIZE]
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                loss = network.loss(beats[rows])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            optimizer.step()
            schedule.step()
            total += loss.detach()
            progress.update("training", epoch + (batch + 1) / batches, epochs, unit="epochs")
        losses.append(float(total) / batches)
    return losses


def _compare(network: Network, normal: NDArray[np.float32], seed: int, progress: Progress) -> Views:
    """The normal beats ``(beats, 187)`` as the reference of both views."""
    features = represent(network, normal)
    views = []
    for done, values in enumerate((normal, features)):
        progress.update("comparing", done, 2)
        views.append(Neighbours.fit(values, seed))
    progress.update("comparing", 2, 2)
    return Views(*views)


def _require_normal(beats: Beats, data: Path) -> None:
    counts, name = beats.counts(), beats.classes[NORMAL]
    all_counts = ", ".join(f"{each} {count:,}" for each, count in counts.items() if count)
    if not counts[name]:
        raise DataError(
            f"there are no normal beats (class {name}) to fit on; found {all_counts}", file=data
        )
    if counts[name] < LEAST:
        raise DataError(
            f"{counts[name]} normal beats are too few (found {all_counts}); "
            f"at least {LEAST} of class {name} are needed",
            file=data,
        )


def _split(
    beats: Beats, settings: Settings, data: Path
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows kept and held out."""
    if settings.validation == "stratified":
        split = stratified(beats.known_labels, VALIDATION_FRACTION, settings.seed)
        return split.kept, split.held_out
    if beats.info is None:
        raise DataError(
            "--validation patient needs the patient of each beat, and there is no sidecar "
            "(NAME.info.csv); use --validation stratified",
            file=data,
        )
    # Balanced by normal or not: a class with few beats cannot be in both parts.
    sides = replace(beats, labels=(beats.known_labels != NORMAL).astype(np.int64))
    split = by_patient(sides, VALIDATION_FRACTION, settings.seed)
    return split.kept, split.held_out


def _describe(
    beats: Beats, kept: Beats, held_out: Beats, settings: Settings, data: Path
) -> TrainingData:
    counts, normal = kept.counts(), beats.classes[NORMAL]
    return TrainingData(
        files=[str(data)],
        fingerprint=beats.fingerprint(),
        beats=beats.counts(),
        trained_on={name: count * (name == normal) for name, count in counts.items()},
        patients=beats.patients,
        synthetic=beats.synthetic,
        resampling=None,
        validation={
            "rule": settings.validation,
            "fraction": VALIDATION_FRACTION,
            "seed": settings.seed,
            "beats": held_out.counts(),
        },
        normalized=settings.normalize,
    )


def _report(fitted: Fitted) -> dict[str, Any]:
    card = fitted.model.card
    return {
        "method": card.method,
        "validation": card.metrics,
        "quantile": card.quantile,
        "threshold": fitted.model.threshold(),
        "band_factors": card.band_factors,
        "training_loss": fitted.losses,
        "training_data": card.training_data.model_dump(),
        "note": "The model was fitted on normal beats only. Validation figures: beats held out of "
        "the training file. Evaluate the model with ecg anomaly score on a test file.",
    }
