"""The history of training: a row for each epoch, and a warning of overfitting."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ecgcli.files import write_text
from ecgcli.inputs import read_input


@dataclass(frozen=True)
class Epoch:
    """The figures of an epoch, those of training beats and of validation beats computed alike.

    The losses are mean cross-entropies, without label smoothing and weights of classes. Training
    beats are weighted so that each class has its share of the validation beats. What remains
    different: figures of training beats are from while the epoch runs, with dropout and on
    augmented beats.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    train_macro_f1: float
    validation_loss: float
    validation_accuracy: float
    validation_macro_f1: float
    seconds: float


History = Sequence[Epoch]

#: A validation loss has risen when it is above this many times its lowest value.
RISEN = 1.1
#: An epoch is slow when it takes this many times as long as the first.
SLOW = 5


def write_history(path: Path, history: History) -> None:
    """Write ``metrics.csv``: a header and a row for each epoch."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Epoch)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {name: f"{value:.6g}" for name, value in asdict(row).items()} for row in history
    )
    write_text(path, text.getvalue())


def read_history(path: Path) -> History:
    """The epochs in a ``metrics.csv``, their figures to six digits.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not a CSV of numbers.
    """
    try:
        table = list(csv.DictReader(read_input(path).decode().splitlines()))
    except csv.Error as error:
        raise ValueError(f"{path.name}: {error}") from error
    rows = [{name: float(text) for name, text in row.items()} for row in table]
    return [Epoch(**row | {"epoch": int(row["epoch"])}) for row in rows]  # type: ignore[arg-type]


def table_head() -> str:
    """The column names above the lines of `table_row`."""
    return f"{'epoch':>7} {'loss':>8} {'val loss':>9} {'val acc':>8} {'val F1':>7} {'time':>6}"


def table_row(row: Epoch, epochs: int) -> str:
    """An epoch as a line of text; ``epochs`` is the most there can be."""
    return (
        f"{row.epoch:>3}/{epochs:<3} {row.train_loss:>8.4f} {row.validation_loss:>9.4f} "
        f"{row.validation_accuracy:>8.4f} {row.validation_macro_f1:>7.4f} {row.seconds:>5.1f}s"
    )


def best_epoch(history: History) -> Epoch:
    """The epoch with the highest validation macro-F1, the earliest of equals."""
    return max(history, key=lambda row: (row.validation_macro_f1, -row.epoch))


def overfitting(history: History) -> str | None:
    """A sentence when the model overfits, else None.

    It does when the validation loss ends more than a tenth above its lowest value
    while the training loss has continued to fall since.
    """
    lowest = min(history, key=lambda row: row.validation_loss)
    last = history[-1]
    risen = last.validation_loss > RISEN * lowest.validation_loss
    if not risen or last.train_loss >= lowest.train_loss:
        return None
    return (
        f"Overfitting since epoch {lowest.epoch}: the validation loss rose from "
        f"{lowest.validation_loss:.4f} to {last.validation_loss:.4f} while the training loss fell "
        f"from {lowest.train_loss:.4f} to {last.train_loss:.4f}. The best weights, of epoch "
        f"{best_epoch(history).epoch}, were kept; fewer epochs, augmentation or dropout would help."
    )


def slow_epoch(history: History) -> str | None:
    """A sentence if the last of these epochs took at least `SLOW` times as long as the first.

    The work of every epoch is the same, so other programs took the cores. Epochs of less than a
    second say little about them.

    Args:
        history: the epochs of one process, which share a machine.
    """
    if len(history) < 2 or history[-1].seconds < max(1.0, SLOW * history[0].seconds):
        return None
    ratio = history[-1].seconds / max(history[0].seconds, 1e-3)
    return (
        f"epoch {history[-1].epoch} took {ratio:.0f} times as long as epoch {history[0].epoch}; "
        "other programs are using the cores"
    )
