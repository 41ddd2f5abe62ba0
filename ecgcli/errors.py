"""Everything that can go wrong in a way the user can fix.

    EcgError                    exit code 2
    ├── ConfigError             the experiment config or an override
    ├── DataError               an input file; knows file, row and column
    ├── CheckpointError         a checkpoint or run folder
    ├── DownloadError           the network, a mirror, a checksum
    ├── OutputError             a path that cannot be written
    ├── WorkerError             a worker process was killed
    ├── MissingExtraError       an optional package that is not installed
    ├── Interrupted             exit code 130 or 143: stopped by Ctrl-C or SIGTERM, state saved
    └── RequirementMissed       exit code 3: a required score was not reached

The library raises these and never prints or exits. The command line turns
each of them, and a lack of memory (exit code 2), into one line on stderr and
an exit code; anything else is a bug and keeps its traceback.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

#: Characters of a value, and of a whole message, that are shown.
_VALUE_LENGTH, _MESSAGE_LENGTH = 80, 2000


class EcgError(Exception):
    """Base of every error a user can act on."""

    exit_code = 2


class ConfigError(EcgError):
    """The experiment config, or a ``key=value`` override, is not valid."""


class DataError(EcgError):
    """The content of an input file is not valid.

    ``row`` is the line number in the file as an editor shows it (a header
    counts); ``column`` counts from 1 as well, or is the column's name.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | Path | None = None,
        row: int | None = None,
        column: int | str | None = None,
    ) -> None:
        self.file, self.row, self.column = file, row, column
        place = [
            *([str(file)] if file is not None else []),
            *([f"row {row}"] if row is not None else []),
            *([f"column {column}"] if column is not None else []),
        ]
        super().__init__(f"{', '.join(place)}: {problem}" if place else problem)


class CheckpointError(EcgError):
    """A checkpoint or run folder cannot be used."""


class DownloadError(EcgError):
    """A file could not be fetched, or is not the file that was published."""


class OutputError(EcgError):
    """A result cannot be written to the chosen path."""


class WorkerError(EcgError):
    """A worker process ended before its work was done."""


class MissingExtraError(EcgError):
    """An optional package is needed; the message names the one command that installs it."""


class Interrupted(EcgError):
    """Ctrl-C (exit code 130) or SIGTERM (143) stopped a long job; its state was saved."""

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class RequirementMissed(EcgError):
    """A score required with ``--require`` was not reached."""

    exit_code = 3


def did_you_mean(word: str, valid: Iterable[str]) -> str:
    """``'; did you mean X?'``, or the list of valid words if none is similar."""
    valid = list(valid)
    near = nearest(word, valid)
    return f"; did you mean {near}?" if near else f"; valid: {', '.join(valid)}"


def nearest(word: str, valid: Iterable[str]) -> str | None:
    """The valid word that is most similar, if one is."""
    return next(iter(get_close_matches(word, list(valid), n=1)), None)


class _Short(reprlib.Repr):
    """`repr` that reads no more of a value than it shows, however deep or long the value."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxdict, self.maxlist, self.maxtuple = 2, 3, 4, 4
        self.maxstring = self.maxother = self.maxlong = _VALUE_LENGTH


def shown(value: object) -> str:
    """A value as a message shows it: its `repr`, shortened."""
    text = _Short().repr(value)
    return text if len(text) <= _VALUE_LENGTH else f"{text[: _VALUE_LENGTH - 1]}…"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is not enough memory; PyTorch has no class for it."""
    return isinstance(error, MemoryError) or "can't allocate memory" in str(error)


def is_out_of_processes(error: BaseException) -> bool:
    """Whether an error says that the system starts no more processes or threads."""
    said = ("can't start new thread", "Failed to launch worker thread")  # by Python, by pyarrow
    return isinstance(error, BlockingIOError) or any(text in str(error) for text in said)


def is_utf8(name: str) -> bool:
    """Whether a name from the system is UTF-8; other bytes come as lone surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def printable(message: str) -> str:
    """A message that is safe on a terminal: shortened, control characters as escapes."""
    if len(message) > _MESSAGE_LENGTH:
        half = _MESSAGE_LENGTH // 2
        message = f"{message[:half]}…{message[-half:]}"
    return visible(message)


def visible(text: str) -> str:
    """A text with its control characters as escapes; line ends stay."""
    return "".join(
        letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in text
    )
