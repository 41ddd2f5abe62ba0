"""Dataset and network -> checkpoint: training in epochs.

All data are held on the device and batches are taken by index: for beats of 187 samples
this is cheaper than a loader that assembles batches. Samples of beats in parquet stay on disk
(see `ecgcli.beats.mapped`).

Everything training depends on is saved in its run folder after every epoch, and after
the batch at which Ctrl-C stopped it, so that resumed training ends with the same weights,
bit for bit on a CPU, as uninterrupted training.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from ecgcli import metrics
from ecgcli.arrays import Probabilities, Tensors
from ecgcli.beats import Beats
from ecgcli.checkpoints import Card, Checkpoint, load_checkpoint, save_checkpoint
from ecgcli.checkpoints.graph import export_graph
from ecgcli.checkpoints.runs import BEST, CONFIG, HISTORY, LAST, REPORT, locked, remove_run
from ecgcli.cores import at_most_threads
from ecgcli.devices import choose_device, choose_precision, device_name, memory_for
from ecgcli.errors import CheckpointError, ConfigError, Interrupted
from ecgcli.files import remove
from ecgcli.interrupts import StopSignal
from ecgcli.models import check_arguments, create_model, load_weights, most_threads, views_of
from ecgcli.progress import Progress
from ecgcli.training.augmentation import augment
from ecgcli.training.config import Config, load_config
from ecgcli.training.dataset import TrainingSet, build_training_set
from ecgcli.training.distributed import Team, joined_team, require_batch_for_all
from ecgcli.training.history import (
    Epoch,
    best_epoch,
    overfitting,
    slow_epoch,
    table_head,
    table_row,
    write_history,
)
from ecgcli.training.optimization import (
    balance_of,
    build_loss,
    build_optimizer,
    build_schedule,
    draw_order,
)
from ecgcli.training.report import validation_of, write_report
from ecgcli.training.resumption import require_same_config, require_same_data
from ecgcli.training.run import (
    Run,
    first_line,
    new_run_folder,
    validation_metrics,
)
from ecgcli.training.state import (
    Origin,
    Position,
    damaged,
    fingerprint,
    pack,
    read_origin,
    to_array,
    unpack,
)
from ecgcli.training.tensors import View, views_on
from ecgcli.training.tracking import opened_trackers, require_trackers

#: Beats classified at a time while validating.
VALIDATION_BATCH = 256
#: Seconds between two updates of the running figures.
STATUS_INTERVAL = 0.2


@dataclass(frozen=True)
class Status:
    """The figures of the current epoch, on the training beats seen so far; see `Epoch`."""

    loss: float
    accuracy: float
    macro_f1: float


def train_network(config: Config, progress: Progress, command: str) -> Run:
    """Train the config's network; see `ecgcli.training.train`."""
    check_arguments(config.model.name, config.model.arguments)
    require_trackers(config.training.log)
    if config.data.validation == "folds":
        raise ConfigError(
            "data.validation: folds is for models that are fitted in one step; for a network use "
            "stratified or patient"
        )
    device = choose_device(config.training.device)
    settings = config.training.model_copy(
        update={
            "device": str(device),
            "precision": choose_precision(config.training.precision, device),
        }
    )
    with _resources(config), joined_team() as team, ExitStack() as folders:
        data = team.first_then_others(lambda: build_training_set(config, progress))
        resolved = config.model_copy(update={"training": settings})
        path = Path()
        with team.agreeing():
            session = _Session(resolved, data, device, team)
            if team.first:
                facts = (data.description, device_name(device), command)
                path = folders.enter_context(new_run_folder(resolved, *facts))
        path = team.from_first(path)
        session.save(path)
        try:
            return session.complete(path, progress)
        except Exception as error:
            if team.first and not session.position.history and not isinstance(error, Interrupted):
                remove_run(path)  # it has nothing to keep, and its name is free again
            raise


def resume_network(path: Path, progress: Progress) -> Run:
    """Continue a network's training; see `ecgcli.training.resume`."""
    if not (path / LAST).exists():
        again = f"; start again: ecg train --config {path / CONFIG}"
        raise CheckpointError(
            f"{path}: there is no {LAST} here, so there is nothing to resume"
            f"{again if (path / CONFIG).exists() else ''}"
        )
    resources = _resources(load_config(path / CONFIG))
    with resources, joined_team() as team, ExitStack() as locks:
        with team.agreeing():
            if team.first:
                locks.enter_context(locked(path))
        session = team.first_then_others(lambda: _restored(path, team, progress))
        if team.first and session.has_epochs_left():  # also in one that was given more epochs
            remove(path / REPORT)
        return session.complete(path, progress)


@contextmanager
def _resources(config: Config) -> Iterator[None]:
    """As many threads as pay for the network, and advice where its training needs more memory."""
    batch = config.training.batch_size
    remedy = f"lower training.batch_size, now {batch}, or choose a smaller network"
    with at_most_threads(most_threads(config.model.name)), memory_for("this training", remedy):
        yield


def _device_to_resume(name: str, progress: Progress) -> torch.device:
    """The device that the training began on, else the best one here."""
    try:
        return choose_device(name)
    except ConfigError:
        device = choose_device("auto")
        progress.message(
            f"The training began on {name}, which is not here; it continues on {device}"
        )
        return device


def _restored(path: Path, team: Team, progress: Progress) -> _Session:
    """The training in a run folder, as it was when it was saved."""
    config = load_config(path / CONFIG)
    checkpoint = load_checkpoint(path / LAST)
    origin = read_origin(checkpoint.state_facts)
    require_trackers(config.training.log)
    require_same_config(config, None if origin is None else origin.config, path)
    data = build_training_set(config)
    device = _device_to_resume(config.training.device, progress)
    session = _Session(config, data, device, team)
    same_split = origin is None or origin == replace(session.origin, config=origin.config)
    require_same_data(data.description, checkpoint.card.training_data, same_split, path)
    session.restore(checkpoint)
    return session


class _Session:
    """One training in this process, which may be one of a team."""

    def __init__(self, config: Config, data: TrainingSet, device: torch.device, team: Team) -> None:
        require_batch_for_all(config.training.batch_size, team)
        torch.manual_seed(config.seed)
        self.config, self.data, self.device = config, data, team.device(device)
        device, self.team = self.device, team
        self.settings, self.classes = config.training, config.data.class_names
        self.views = views_of(config.model.name)
        self.inputs, self.labels = self._on_device(data.training)
        self.offsets = torch.tensor(data.class_offsets, device=device)
        self.batches = -(-len(self.labels) // self.settings.batch_size)
        self.model = self._new_network().to(device)
        self.optimizer = build_optimizer(self.model, self.settings)
        self.schedule = build_schedule(
            self.optimizer, self.settings, self.batches * self.settings.epochs
        )
        self.loss = build_loss(self.settings, self.labels, self.classes)
        self.balance = torch.tensor(
            balance_of(self.settings, data.training.counts(), data.validation.counts()),
            device=device,
        )
        self.position = Position()
        self.origin = Origin(
            config.model_dump(mode="json"),
            fingerprint(data.training, self.views),
            fingerprint(data.validation, self.views),
        )

    def _new_network(self) -> nn.Module:
        model = self.config.model
        return create_model(model.name, classes=len(self.classes), **model.arguments)

    def complete(self, path: Path, progress: Progress) -> Run:
        """Run the remaining epochs, then finish the run folder."""
        self._announce(path, progress)
        history, epochs = self.position.history, self.settings.epochs
        first, slow = len(history), False
        network = self.team.network(self.model)
        sent = opened_trackers(path, self.config) if self.team.first else nullcontext(())
        with sent as trackers, StopSignal(patient=not self.team.alone) as stop:
            while self.has_epochs_left():
                self._train_epoch(network, path, progress, stop)
                self._close_epoch(path)
                for tracker in trackers:
                    tracker.log(history[-1])
                progress.message(table_row(history[-1], epochs))
                if not slow and (line := slow_epoch(history[first:])):
                    slow = True
                    progress.message(line)
        progress.update("training", epochs, epochs, unit="epochs")
        return self._finish(path)

    def _announce(self, path: Path, progress: Progress) -> None:
        progress.message(first_line(self.config, self.data))
        progress.message(f"{device_name(self.device)}, {self.settings.precision} -> {path}")
        progress.message(table_head())

    def _train_epoch(
        self, network: nn.Module, path: Path, progress: Progress, stop: StopSignal
    ) -> None:
        """Train on the remaining batches of the epoch, keeping the sums in the position."""
        position, size, classes = self.position, self.settings.batch_size, len(self.classes)
        if position.order is None:
            position.order = draw_order(self.settings, self.labels)
            position.matrix = [[0] * classes for _ in range(classes)]
        loss_sum = torch.tensor(position.loss_sum, device=self.device) * self.team.first
        matrix = torch.tensor(position.matrix, device=self.device) * self.team.first
        before, began = position.seconds, time.monotonic()
        updated = began
        self.model.train()
        while position.batch < self.batches:
            rows = position.order[position.batch * size : (position.batch + 1) * size]
            mine = self.team.part_of_batch(len(rows))
            logits = self._step(network, rows, mine) + self.offsets
            labels = self.labels[rows[mine if self.team.counts() else slice(0)]]
            logits = logits[: len(labels)]
            loss_sum += nn.functional.cross_entropy(logits, labels, self.balance, reduction="sum")
            pairs = labels * classes + logits.argmax(1)
            matrix += torch.bincount(pairs, minlength=classes**2).view(classes, classes)
            position.batch += 1
            now = time.monotonic()
            done, stopping = position.batch == self.batches, self.team.any(stop.requested)
            if done or stopping:
                self.team.add_up(loss_sum, matrix)
            if done or stopping or now - updated > STATUS_INTERVAL:
                updated = now
                position.loss_sum, position.matrix = float(loss_sum), matrix.tolist()
                position.seconds = before + now - began
                if done or stopping or self.team.alone:
                    self._require_finite(position.loss_sum)
                self._show_status(progress)
            if stopping and not done:
                self.save(path)
                raise Interrupted(
                    f"stopped in epoch {len(position.history) + 1} of {self.settings.epochs}, "
                    f"state saved; continue with: ecg train --resume {path}",
                    stop.exit_code or 130,
                )

    def _require_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise ConfigError(
                f"the loss is not finite in epoch {len(self.position.history) + 1}; "
                "lower training.learning_rate"
            )

    def _close_epoch(self, path: Path) -> None:
        """Validate, and save the epoch: ``best`` first, so that ``last`` never precedes it."""
        status, began = self._status(), time.monotonic()
        rate = float(self.schedule.get_last_lr()[0])
        validation_loss, matrix = self._validate()
        self._require_finite(validation_loss)
        history = self.position.history
        row = Epoch(
            epoch=len(history) + 1,
            learning_rate=rate,
            train_loss=status.loss,
            train_accuracy=status.accuracy,
            train_macro_f1=status.macro_f1,
            validation_loss=validation_loss,
            validation_accuracy=float(metrics.accuracy(matrix)),
            validation_macro_f1=float(metrics.macro_f1(matrix)),
            seconds=self.position.seconds + time.monotonic() - began,
        )
        history.append(row)
        self.position = Position(history)
        if self.team.first:
            if best_epoch(history) is row:
                save_checkpoint(path / BEST, Checkpoint(self._card(), self._weights()))
            write_history(path / HISTORY, history)
        self.save(path)

    def _step(self, network: nn.Module, rows: Tensor, mine: slice) -> Tensor:
        """Train on one batch, of which ``mine`` is this process's part; its logits, detached."""
        samples, *others = (view[rows] for view in self.inputs)
        beats = augment(samples, self.settings.augment)
        place = (self.config.seed, len(self.position.history), self.position.batch)
        with (
            self.team.own_dropout(*place),
            torch.autocast(
                self.device.type, torch.bfloat16, enabled=self.settings.precision == "bfloat16"
            ),
        ):
            logits: Tensor = network(beats[mine], *(view[mine] for view in others)).float()
        labels = self.labels[rows]
        loss = self.loss(logits, labels[mine])
        loss = self.team.scaled(loss, labels, mine, self.loss.weight)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.schedule.step()
        return logits.detach()

    @torch.inference_mode()
    def _validate(self) -> tuple[float, metrics.Matrix]:
        """Loss and confusion matrix on the validation beats, in float32."""
        self.model.eval()
        inputs, labels = self._on_device(self.data.validation)
        mine = self.team.part(len(labels))
        logits = self._logits(self.model, inputs, mine)
        loss = nn.functional.cross_entropy(logits, labels[mine])
        loss = loss.nan_to_num() if mine.start == mine.stop else loss
        loss *= (mine.stop - mine.start) / len(labels)
        predicted = logits.argmax(1).cpu().numpy()
        truth = self.data.validation.known_labels[mine]
        matrix = metrics.confusion_matrix(truth, predicted, len(self.classes))
        self.team.add_up(loss, torch.from_numpy(matrix))
        return float(loss), matrix

    def _logits(self, network: nn.Module, inputs: tuple[View, ...], part: slice) -> Tensor:
        """The network's corrected logits ``(beats, classes)`` of a part of the beats."""
        ends = [*range(part.start, part.stop, VALIDATION_BATCH), part.stop]
        batches = ([view[first:end] for view in inputs] for first, end in pairwise(ends))
        return torch.cat(
            [network(*views).float() + self.offsets for views in batches]
            or [self.offsets.new_empty(0, len(self.classes))]
        )

    def _finish(self, path: Path) -> Run:
        """Add the graph to the best checkpoint, draw the curves and write the report."""
        history = self.position.history
        best = best_epoch(history)
        run = Run(
            path,
            metrics=validation_metrics(best),
            seconds=sum(row.seconds for row in history),
            best=best,
            history=history,
            stopped_early=len(history) < self.settings.epochs,
            overfitting=overfitting(history),
        )
        if self.team.first:
            self._write_end(run)
        return run

    def _write_end(self, run: Run) -> None:
        checkpoint = load_checkpoint(run.checkpoint)
        network = self._new_network()
        load_weights(network, checkpoint.weights)
        network.eval()
        if checkpoint.graph is None:
            graph = export_graph(network, checkpoint.card)
            save_checkpoint(run.checkpoint, checkpoint.with_graph(graph))
        beats = self.data.validation
        validation = validation_of(beats, self._probabilities(network.to(self.device), beats))
        write_report(run, checkpoint.card.training_data, validation)

    @torch.inference_mode()
    def _probabilities(self, network: nn.Module, beats: Beats) -> Probabilities:
        """The network's probabilities ``(beats, classes)``."""
        inputs, labels = self._on_device(beats)
        logits = self._logits(network, inputs, slice(0, len(labels)))
        probabilities: Probabilities = logits.softmax(dim=1).cpu().numpy()
        return probabilities

    def has_epochs_left(self) -> bool:
        """Whether the training is not finished."""
        return len(self.position.history) < self.settings.epochs and not self._out_of_patience()

    def _out_of_patience(self) -> bool:
        history, patience = self.position.history, self.settings.patience
        if patience is None or not history:
            return False
        return len(history) - best_epoch(history).epoch >= patience

    def _status(self) -> Status:
        position = self.position
        seen = metrics.as_matrix(position.matrix) * self.balance.cpu().numpy()[:, None]
        return Status(
            loss=position.loss_sum / float(seen.sum()),
            accuracy=float(metrics.accuracy(seen)),
            macro_f1=float(metrics.macro_f1(seen)),
        )

    def _show_status(self, progress: Progress) -> None:
        status, position = self._status(), self.position
        progress.update(
            "training",
            len(position.history) + position.batch / self.batches,
            self.settings.epochs,
            unit="epochs",
            loss=status.loss,
            acc=status.accuracy,
            F1=status.macro_f1,
        )

    def _card(self) -> Card:
        """The card of the weights, with the figures of the last complete epoch."""
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

    def save(self, path: Path) -> None:
        """Write the ``last`` checkpoint, with all that resuming needs, in the first process."""
        if not self.team.first:
            return
        state, facts = pack(self.position, self.optimizer, self.schedule, self.device, self.origin)
        save_checkpoint(path / LAST, Checkpoint(self._card(), self._weights(), None, state, facts))

    def restore(self, last: Checkpoint) -> None:
        """Restore the state that `save` wrote.

        Raises:
            CheckpointError: the checkpoint holds no training state, or a damaged one.
        """
        if last.state is None or last.state_facts is None:
            raise CheckpointError(f"this {LAST} holds no training state to resume from")
        load_weights(self.model, last.weights)
        self.position = unpack(
            last.state, last.state_facts, self.optimizer, self.schedule, self.device
        )
        self._require_position()

    def _require_position(self) -> None:
        """Refuse a position that is none in this training."""
        position, order = self.position, self.position.order
        if order is None:
            fits = position.batch == 0 and not position.matrix
        else:
            fits = (
                position.batch < self.batches
                and [len(row) for row in position.matrix] == [len(self.classes)] * len(self.classes)
                and order.shape == self.labels.shape
                and order.dtype == torch.int64
                and bool(((order >= 0) & (order < len(self.labels))).all())
            )
        if not fits:
            raise damaged("its place in the epoch is not one of these data")

    def _on_device(self, beats: Beats) -> tuple[tuple[View, ...], Tensor]:
        labels = torch.from_numpy(beats.known_labels).to(self.device)
        return views_on(self.device, beats, self.views), labels
