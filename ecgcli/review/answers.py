"""What a reader answers, and the rows of a file of answers.

A row is an answer to one beat, to several beats alike, or to a stretch. Beats are named by the
time of their R peak, so answers outlive a change of detector or of the order of beats.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from ecgcli.cells import from_cell, quoting, to_cell
from ecgcli.classes import AAMI_CLASSES
from ecgcli.errors import DataError, did_you_mean, shown
from ecgcli.inputs import missing, read_input

#: What an answer does. ``class`` gives beats a class; ``skip`` says that the beats asked about
#: have no class in common or that it cannot be said; ``undo`` takes back the last answer.
Action = Literal["class", "move", "add", "delete", "unreadable", "fibrillation", "skip", "undo"]
ACTIONS: tuple[Action, ...] = get_args(Action)
#: The actions that need a class, and those that need a second time.
_WITH_CLASS, _WITH_TO = ("class", "add"), ("move", "unreadable", "fibrillation")

#: The columns of a review file, in order.
COLUMNS = (
    "number", "when", "reader", "recording", "content", "action", "time", "to", "before", "class",
)  # fmt: skip
#: The columns that a file made by hand needs.
_NEEDED = ("time", "class")
#: Decimals of a time in a review file.
DECIMALS = 4


@dataclass(frozen=True)
class Answer:
    """One answer of a reader.

    Attributes:
        action: what it does.
        times: the R peaks of the beats in s; of a stretch its start; none for ``undo``.
        letter: the class given; empty where the action gives none.
        to: where a beat was moved to, or the end of a stretch, in s.
        before: the class of each beat before the answer; empty where there was none.
        reader: who answered.
        when: the time of the answer, ISO 8601 in UTC.
        number: its place in the review file, from 1; 0 when it is in none.
    """

    action: Action
    times: tuple[float, ...] = ()
    letter: str = ""
    to: float | None = None
    before: tuple[str, ...] = ()
    reader: str = ""
    when: str = ""
    number: int = 0


@dataclass(frozen=True)
class Owner:
    """The recording that answers belong to: its name and a hash of its signal files."""

    name: str
    content: str


@dataclass(frozen=True)
class Row:
    """An answer in a file, its line there, and the names of the file's columns."""

    answer: Answer
    line: int
    columns: tuple[str, ...]


def row_of(answer: Answer, owner: Owner) -> str:
    """The answer as a line of a review file, with its line break."""
    cells = (
        str(answer.number),
        answer.when,
        answer.reader,
        owner.name,
        owner.content,
        answer.action,
        " ".join(_time(time) for time in answer.times),
        "" if answer.to is None else _time(answer.to),
        " ".join(letter or "-" for letter in answer.before),
        answer.letter,
    )
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n", quoting=quoting(cells))
    writer.writerow(map(to_cell, cells))
    return stream.getvalue()


def header() -> str:
    """The first line of a review file."""
    return ",".join(COLUMNS) + "\n"


def in_effect(answers: Iterable[Answer]) -> list[Answer]:
    """The answers that were not undone, in order."""
    kept: list[Answer] = []
    for answer in answers:
        if answer.action != "undo":
            kept.append(answer)
        elif kept:
            kept.pop()
    return kept


def read_answers(path: Path, owner: Owner) -> list[Row]:
    """Read a review file, or a file made by hand with the columns ``time`` and ``class``.

    Args:
        path: of the file; other columns of `COLUMNS` are read where they are there.
        owner: the recording that the answers must belong to, as far as the file says so.

    Raises:
        DataError: a row is not an answer, or the answers are of another recording.
    """
    try:
        text = read_input(path).decode("utf-8-sig")
        return list(_rows(text, path, owner))
    except FileNotFoundError as error:
        raise missing(path) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot be read as a file of answers: {error}", file=path) from error


def _rows(text: str, path: Path, owner: Owner) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""))
    names = [name.strip() for name in next(reader, [])]
    _check_names(names, path)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            line = reader.line_num
            yield Row(_Parser(path, line, names, cells).answer(owner), line, tuple(names))


def _check_names(names: Sequence[str], path: Path) -> None:
    for column, name in enumerate(names, 1):
        if name not in COLUMNS:
            raise DataError(
                f"found a column named {shown(name)}{did_you_mean(name, COLUMNS)}",
                file=path, row=1, column=column,
            )  # fmt: skip
        if name in names[: column - 1]:
            raise DataError(f"the column {name} is there twice", file=path, row=1, column=column)
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise DataError(
            f"there is no column {missing[0]}; answers need the columns {' and '.join(_NEEDED)}",
            file=path, row=1,
        )  # fmt: skip


class _Parser:
    """One row of a file: its cells by name, and errors that say where they are."""

    def __init__(self, path: Path, line: int, names: Sequence[str], cells: Sequence[str]) -> None:
        self.path, self.line, self.names = path, line, names
        if len(cells) != len(names):
            found = f"found {len(cells)} values"
            raise DataError(f"{found}; the header has {len(names)}", file=path, row=line)
        texts = (from_cell(cell.strip()) for cell in cells)
        self.cells = dict(zip(names, texts, strict=True))

    def answer(self, owner: Owner) -> Answer:
        self._check_owner(owner)
        action = self._action()
        return Answer(
            action=action,
            times=self._times(action),
            letter=self._letter(action),
            to=self._to(action),
            before=tuple(letter.strip("-") for letter in self._get("before").split()),
            reader=self._get("reader"),
            when=self._get("when"),
            number=self._number(),
        )

    def _get(self, name: str) -> str:
        return self.cells.get(name, "")

    def problem(self, name: str, text: str) -> DataError:
        column = self.names.index(name) + 1 if name in self.names else None
        return DataError(text, file=self.path, row=self.line, column=column)

    def _check_owner(self, owner: Owner) -> None:
        for name, own in (("recording", owner.name), ("content", owner.content)):
            value = self._get(name)
            if value and value != own:
                raise self.problem(
                    name,
                    f"this answer is of another recording: its {name} is {shown(value)}, "
                    f"and that of {owner.name} is {shown(own)}",
                )

    def _action(self) -> Action:
        action = self._get("action") or "class"
        if action not in ACTIONS:
            raise self.problem(
                "action", f"found action {shown(action)}{did_you_mean(action, ACTIONS)}"
            )
        return action

    def _times(self, action: Action) -> tuple[float, ...]:
        words = self._get("time").split()
        if action == "undo":
            return ()
        if not words or (len(words) > 1 and action not in ("class", "skip", "delete")):
            found = f"{len(words)} times" if words else "no time"
            raise self.problem("time", f"found {found}; {action} needs one, in seconds")
        return tuple(self._seconds("time", word) for word in words)

    def _to(self, action: Action) -> float | None:
        if action not in _WITH_TO:
            return None
        if not self._get("to"):
            raise self.problem("to", f"{action} needs a second time, in seconds, in the column to")
        return self._seconds("to", self._get("to"))

    def _letter(self, action: Action) -> str:
        letter = self._get("class")
        if action not in _WITH_CLASS:
            return ""
        if letter not in AAMI_CLASSES:
            raise self.problem(
                "class", f"found class {shown(letter)}; valid: {', '.join(AAMI_CLASSES)}"
            )
        return letter

    def _seconds(self, name: str, word: str) -> float:
        try:
            seconds = float(word)
        except ValueError:
            seconds = float("nan")
        if not 0 <= seconds < float("inf"):
            raise self.problem(name, f"found {shown(word)}; expected seconds, such as 1.5")
        return seconds

    def _number(self) -> int:
        text = self._get("number")
        if text and not (text.isascii() and text.isdigit()):
            raise self.problem("number", f"found {shown(text)}; expected a whole number")
        return int(text or 0)


def _time(seconds: float) -> str:
    return f"{seconds:.{DECIMALS}f}"
