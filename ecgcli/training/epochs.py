"""Dataset and network -> checkpoint.

The data lie on the device as a whole and batches are taken by index: for beats of
187 samples that is cheaper than a loader that assembles batches.

Everything a training depends on is in its run folder after every epoch, and at the
batch where Ctrl-C stopped it, so that a resumed training ends with the same weights,
bit for bit on a CPU, as one that was never stopped.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from ecgcli import metrics
from ecgcli.arrays import Tensors
from ecgcli.beats import Beats
from ecgcli.beats.views import inputs_of
from ecgcli.checkpoints import Card, Checkpoint, load_checkpoint, save_checkpoint
from ecgcli.checkpoints.graph import export_graph
from ecgcli.checkpoints.runs import BEST, CONFIG, LAST, locked, new_run
from ecgcli.devices import choose_device, choose_precision, device_name
from ecgcli.environment import describe_environment
from ecgcli.errors import CheckpointError, ConfigError, Interrupted
from ecgcli.files import write_json, write_text
from ecgcli.interrupts import StopSignal
from ecgcli.models import check_arguments, create_model, load_weights, views_of
from ecgcli.training.augmentation import augment
from ecgcli.training.config import Config, load_config
from ecgcli.training.dataset import TrainingSet, prepare
from ecgcli.training.figures import draw_curves
from ecgcli.training.history import Epoch, best_epoch, overfitting, write_history
from ecgcli.training.optimization import build_loss, build_optimizer, build_schedule, draw_order
from ecgcli.training.state import Position, pack, to_array, unpack

#: Beats judged at a time while validating.
VALIDATION_BATCH = 256
#: Seconds between two looks at the running figures.
STATUS_INTERVAL = 0.2


@dataclass(frozen=True)
class Start:
    """What a training starts, or goes on, with."""

    run: Path
    config: Config
    data: TrainingSet
    device: str
    epochs_done: int


@dataclass(frozen=True)
class Status:
    """Where a training stands within an epoch; the figures are of the epoch so far."""

    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    accuracy: float
    macro_f1: float


class Observer(Protocol):
    """Told how a training goes; a progress bar, for example."""

    def started(self, start: Start) -> None:
        """Called once, before the first batch."""

    def batch(self, status: Status) -> None:
        """Called a few times a second."""

    def epoch(self, row: Epoch) -> None:
        """Called after every epoch."""


class Silent:
    """An observer that shows nothing."""

    def started(self, start: Start) -> None:
        """See `Observer`."""

    def batch(self, status: Status) -> None:
        """See `Observer`."""

    def epoch(self, row: Epoch) -> None:
        """See `Observer`."""


@dataclass(frozen=True)
class Trained:
    """A finished training; ``overfitting`` is a sentence when the curves drift apart."""

    run: Path
    best: Epoch
    history: list[Epoch]
    stopped_early: bool
    overfitting: str | None


def train(config: Config, observer: Observer, command: str = "") -> Trained:
    """Train as the config says, into a new run folder.

    Args:
        config: the experiment.
        observer: told how it goes.
        command: the command line, for the record.

    Raises:
        ConfigError, DataError: the experiment cannot start; no folder is made.
        Interrupted: stopped by Ctrl-C, with the state saved.
    """
    check_arguments(config.model.name, config.model.arguments)
    if config.data.validation == "folds":
        raise ConfigError(
            "data.validation: folds is for models without epochs; a network takes stratified or "
            "patient"
        )
    device = choose_device(config.training.device)
    data = prepare(config)
    settings = config.training.model_copy(
        update={
            "device": str(device),
            "precision": choose_precision(config.training.precision, device),
        }
    )
    config = config.model_copy(update={"training": settings})
    session = _Session(config, data, device)
    run = new_run(Path(config.runs), config.name)
    with locked(run):
        write_text(run / CONFIG, config.to_yaml())
        write_json(
            run / "environment.json",
            describe_environment(command, config.seed, device_name(device))
            | {"data_fingerprint": data.description.fingerprint},
        )
        session.save(run)
        return session.complete(run, observer)


def resume(run: Path, observer: Observer) -> Trained:
    """Continue a training exactly where it stopped; a finished one is returned as it is.

    Raises:
        CheckpointError: the run has no state to resume from, or other training data.
    """
    if not (run / LAST).exists():
        raise CheckpointError(f"{run}: no {LAST} here, so there is nothing to resume")
    with locked(run):
        config = load_config(run / CONFIG)
        checkpoint = load_checkpoint(run / LAST)
        data = prepare(config)
        if data.description.fingerprint != checkpoint.card.training_data.fingerprint:
            raise CheckpointError(
                f"{run}: the training data have changed since this run began "
                f"({', '.join(data.description.files)}); put the old ones back or train anew"
            )
        session = _Session(config, data, choose_device(config.training.device))
        session.restore(checkpoint)
        return session.complete(run, observer)


class _Session:
    """One training in one process."""

    def __init__(self, config: Config, data: TrainingSet, device: torch.device) -> None:
        torch.manual_seed(config.seed)
        self.config, self.data, self.device = config, data, device
        self.settings, self.classes = config.training, config.data.class_names
        self.views = views_of(config.model.name)
        self.inputs, self.labels = self._on_device(data.training)
        self.offsets = torch.tensor(data.class_offsets, device=device)
        self.batches = -(-len(self.labels) // self.settings.batch_size)
        self.model = create_model(
            config.model.name, classes=len(self.classes), **config.model.arguments
        ).to(device)
        self.optimizer = build_optimizer(self.model, self.settings)
        self.schedule = build_schedule(
            self.optimizer, self.settings, self.batches * self.settings.epochs
        )
        self.loss = build_loss(self.settings, self.labels, self.classes)
        self.position = Position()

    def complete(self, run: Path, observer: Observer) -> Trained:
        """Run the epochs that are left, then finish the run folder."""
        history = self.position.history
        observer.started(Start(run, self.config, self.data, device_name(self.device), len(history)))
        with StopSignal() as stop:
            while len(history) < self.settings.epochs and not self._out_of_patience():
                self._train_epoch(run, observer, stop)
                self._close_epoch(run)
                observer.epoch(history[-1])
        return self._finish(run)

    def _train_epoch(self, run: Path, observer: Observer, stop: StopSignal) -> None:
        """Train on every batch that is left of the epoch, keeping the sums in the position."""
        position, size, classes = self.position, self.settings.batch_size, len(self.classes)
        if position.order is None:
            position.order = draw_order(self.settings, self.labels)
            position.matrix = [[0] * classes for _ in range(classes)]
        loss_sum = torch.tensor(position.loss_sum, device=self.device)
        matrix = torch.tensor(position.matrix, device=self.device)
        before, began = position.seconds, time.monotonic()
        looked = began
        self.model.train()
        while position.batch < self.batches:
            rows = position.order[position.batch * size : (position.batch + 1) * size]
            loss, logits = self._step(rows)
            loss_sum += loss * len(rows)
            pairs = self.labels[rows] * classes + (logits + self.offsets).argmax(1)
            matrix += torch.bincount(pairs, minlength=classes**2).view(classes, classes)
            position.batch += 1
            now = time.monotonic()
            done = position.batch == self.batches
            if done or stop.requested or now - looked > STATUS_INTERVAL:
                looked = now
                position.loss_sum, position.matrix = float(loss_sum), matrix.tolist()
                position.seconds = before + now - began
                observer.batch(self._status())
            if stop.requested and not done:
                self.save(run)
                raise Interrupted(
                    f"stopped in epoch {len(position.history) + 1} of {self.settings.epochs}, "
                    f"state saved; continue with: ecg train --resume {run}"
                )

    def _close_epoch(self, run: Path) -> None:
        """Validate, and write what the epoch came to: best first, so that last implies it."""
        status, began = self._status(), time.monotonic()
        rate = float(self.schedule.get_last_lr()[0])
        validation_loss, judged = self._validate()
        history = self.position.history
        row = Epoch(
            epoch=status.epoch,
            learning_rate=rate,
            train_loss=status.loss,
            train_accuracy=status.accuracy,
            train_macro_f1=status.macro_f1,
            validation_loss=validation_loss,
            validation_accuracy=float(metrics.accuracy(judged)),
            validation_macro_f1=float(metrics.macro_f1(judged)),
            seconds=self.position.seconds + time.monotonic() - began,
        )
        history.append(row)
        self.position = Position(history)
        if best_epoch(history) is row:
            save_checkpoint(run / BEST, Checkpoint(self._card(), self._weights()))
        write_history(run / "metrics.csv", history)
        self.save(run)

    def _step(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """One batch forward and back; its loss and logits, detached."""
        samples, *others = (view[rows] for view in self.inputs)
        beats = augment(samples, self.settings.augment)
        with torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.settings.precision == "bfloat16"
        ):
            logits = self.model(beats, *others)
        loss = self.loss(logits.float(), self.labels[rows])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        return loss.detach(), logits.detach()

    @torch.inference_mode()
    def _validate(self) -> tuple[float, metrics.Matrix]:
        """Loss and confusion matrix on the validation beats, in float32."""
        self.model.eval()
        inputs, labels = self._on_device(self.data.validation)
        batches = zip(*(torch.split(view, VALIDATION_BATCH) for view in inputs), strict=True)
        logits = torch.cat([self.model(*views).float() + self.offsets for views in batches])
        loss = nn.functional.cross_entropy(logits, labels)
        predicted = logits.argmax(1).cpu().numpy()
        truth = self.data.validation.known_labels
        return float(loss), metrics.confusion_matrix(truth, predicted, len(self.classes))

    def _finish(self, run: Path) -> Trained:
        """Add the graph to the best checkpoint; draw the curves and write the report."""
        history, best = self.position.history, load_checkpoint(run / BEST)
        if best.graph is None:
            load_weights(self.model, best.weights)
            graph = export_graph(self.model.cpu().eval(), best.card)
            save_checkpoint(run / BEST, best.with_graph(graph))
        stopped_early = len(history) < self.settings.epochs
        result = Trained(run, best_epoch(history), history, stopped_early, overfitting(history))
        draw_curves(run / "curves.png", history)
        write_json(
            run / "report.json",
            {
                "best": asdict(result.best),
                "epochs": len(history),
                "stopped_early": stopped_early,
                "overfitting": result.overfitting,
                "seconds": round(sum(row.seconds for row in history), 2),
                "training_data": best.card.training_data.model_dump(),
                "note": "Validation figures: beats held out of the training file. "
                "They chose the epoch, so judge the model with ecg evaluate on a test file.",
            },
        )
        return result

    def _out_of_patience(self) -> bool:
        history, patience = self.position.history, self.settings.patience
        if patience is None or not history:
            return False
        return len(history) - best_epoch(history).epoch >= patience

    def _status(self) -> Status:
        position = self.position
        seen = metrics.as_matrix(position.matrix)
        return Status(
            epoch=len(position.history) + 1,
            epochs=self.settings.epochs,
            batch=position.batch,
            batches=self.batches,
            loss=position.loss_sum / int(seen.sum()),
            accuracy=float(metrics.accuracy(seen)),
            macro_f1=float(metrics.macro_f1(seen)),
        )

    def _card(self) -> Card:
        """Of the weights as they are after the last whole epoch."""
        figures = asdict(self.position.history[-1]) if self.position.history else {}
        return Card(
            model=self.config.model.name,
            arguments=self.config.model.arguments,
            views=self.views,
            classes=self.classes,
            class_offsets=self.data.class_offsets,
            training_data=self.data.description,
            metrics={name: value for name, value in figures.items() if name != "seconds"},
            licence=self.config.licence,
        )

    def _weights(self) -> Tensors:
        return {name: to_array(value) for name, value in self.model.state_dict().items()}

    def save(self, run: Path) -> None:
        """Write the ``last`` checkpoint: weights, and all that resuming needs."""
        state, facts = pack(self.position, self.optimizer, self.schedule, self.device)
        save_checkpoint(run / LAST, Checkpoint(self._card(), self._weights(), None, state, facts))

    def restore(self, last: Checkpoint) -> None:
        """Take up what `save` wrote.

        Raises:
            CheckpointError: it holds no training state.
        """
        if last.state is None or last.state_facts is None:
            raise CheckpointError(f"this {LAST} holds no training state to resume from")
        load_weights(self.model, last.weights)
        self.position = unpack(
            last.state, last.state_facts, self.optimizer, self.schedule, self.device
        )

    def _on_device(self, beats: Beats) -> tuple[tuple[Tensor, ...], Tensor]:
        views = inputs_of(beats, self.views)
        return (
            tuple(torch.from_numpy(view).to(self.device) for view in views),
            torch.from_numpy(beats.known_labels).to(self.device),
        )
