"""What a model gets wrong: its most confident errors, and the records with the most errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Labels, Probabilities
from ecgcli.beats import Beats
from ecgcli.metrics import Matrix
from ecgcli.pages import TextTable

#: The most errors that a page draws: of all beats, and of each of the worst records.
MOST_SHOWN, MOST_OF_RECORD = 12, 4
#: The most records in the table of the worst.
_WORST = 5
#: The true class of a detection where there is no beat: one past the last class.
NO_BEAT = "no beat"


@dataclass(frozen=True)
class BeatError:
    """A beat that is classified wrongly.

    Attributes:
        row: its number among the beats, from 0.
        record: it is from; empty if that is not known.
        time: of its R peak in s; NaN if that is not known.
        true, predicted: its class, and the one that the model finds most probable.
        probability: of the predicted class.
        samples: ``(187,)`` in 0..1, zero-padded.
    """

    row: int
    record: str
    time: float
    true: str
    predicted: str
    probability: float
    samples: NDArray[np.float32]


@dataclass(frozen=True)
class Mistakes:
    """The errors that a page draws.

    Attributes:
        surest: those with the highest probability, the highest first.
        of_record: the same of each record that has errors; empty where records are unknown.
    """

    surest: tuple[BeatError, ...] = ()
    of_record: Mapping[str, tuple[BeatError, ...]] | None = None

    def of(self, record: str) -> tuple[BeatError, ...]:
        """The most confident errors in a record."""
        return (self.of_record or {}).get(record, ())


#: Of a model without errors, or one whose errors are not known.
NO_MISTAKES = Mistakes()


def find_mistakes(beats: Beats, truth: Labels, probabilities: Probabilities) -> Mistakes:
    """The most confident errors among beats.

    Args:
        beats: that were classified.
        truth: ``(beats,)`` their true labels; one past the last class is `NO_BEAT`.
        probabilities: ``(beats, classes)`` of the model.
    """
    predicted, highest = probabilities.argmax(axis=1), probabilities.max(axis=1, initial=0)
    wrong = np.flatnonzero(predicted != truth)
    wrong = wrong[np.argsort(-highest[wrong], kind="stable")]
    names = (*beats.classes, NO_BEAT)

    def described(rows: NDArray[np.intp]) -> tuple[BeatError, ...]:
        chosen = beats.take(rows)
        records, times = _column(chosen, "record", ""), _column(chosen, "time", np.nan)
        return tuple(
            BeatError(
                row, str(record), float(time), names[truth[row]], names[predicted[row]],
                float(highest[row]), samples,
            )
            for row, record, time, samples in zip(
                rows.tolist(), records, times, chosen.samples, strict=True
            )
        )  # fmt: skip

    surest = described(wrong[:MOST_SHOWN])
    if beats.info is None:
        return Mistakes(surest)
    records = beats.info["record"].to_numpy()[wrong]
    return Mistakes(
        surest,
        {
            str(name): described(wrong[records == name][:MOST_OF_RECORD])
            for name in np.unique(records.astype(str))
        },
    )


def _column(beats: Beats, name: str, unknown: object) -> list[Any]:
    """A column of the sidecar; where there is none, all values are unknown."""
    if beats.info is None or name not in beats.info:
        return [unknown] * len(beats)
    return list(beats.info[name])


def join_mistakes(parts: Iterable[Mistakes]) -> Mistakes:
    """The mistakes of several recordings together."""
    parts = list(parts)
    surest = sorted(chain(*(part.surest for part in parts)), key=lambda each: -each.probability)
    of_record = {name: each for part in parts for name, each in (part.of_record or {}).items()}
    return Mistakes(tuple(surest[:MOST_SHOWN]), of_record)


def matrices_of_records(beats: Beats, predicted: NDArray[np.intp]) -> dict[str, Matrix]:
    """The confusion matrix of each record, by its name; none where records are unknown."""
    if beats.info is None:
        return {}
    classes = len(beats.classes)
    names, record = np.unique(beats.info["record"].to_numpy().astype(str), return_inverse=True)
    cells = (record * classes + beats.known_labels) * classes + predicted
    counts = np.bincount(cells, minlength=len(names) * classes**2)
    matrices = counts.reshape(len(names), classes, classes)
    return dict(zip(names.tolist(), matrices, strict=True))


def worst_records_table(records: Mapping[str, Matrix], names: Sequence[str]) -> TextTable:
    """The records with the largest share of wrong beats, the worst first; none of a single one.

    Beats that were detected and are none, and beats that were missed, are wrong.

    Args:
        records: the confusion matrix of each.
        names: of the rows and columns of these matrices.
    """
    wrong = {name: int(matrix.sum() - np.trace(matrix)) for name, matrix in records.items()}
    share = {name: wrong[name] / max(1, int(matrix.sum())) for name, matrix in records.items()}
    worst = sorted((name for name in records if wrong[name]), key=lambda name: -share[name])
    rows = [
        [name, f"{wrong[name]:,}", f"{share[name]:.1%}", _most_frequent_error(records[name], names)]
        for name in worst[:_WORST]
    ]
    return TextTable(
        ["record", "wrong beats", "of its beats", "most frequent error"],
        rows if len(records) > 1 else [],
    )


def _most_frequent_error(matrix: Matrix, names: Sequence[str]) -> str:
    """Such as ``S called N``."""
    errors = matrix.copy()
    np.fill_diagonal(errors, 0)
    true, predicted = np.unravel_index(errors.argmax(), errors.shape)
    return f"{names[int(true)]} called {names[int(predicted)]}"
