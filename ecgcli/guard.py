"""What must not be overwritten: the files that a command reads, and those of other programs.

`ecgcli.files` asks `require_replaceable` before it opens any file for writing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from ecgcli.errors import OutputError

#: Stands near the beginning of every annotation file that ecg writes.
MARK = "made by ecg"
#: Endings of recordings and their annotations. Without `MARK`, another program made the file.
_OF_RECORDINGS = (
    ".hea", ".dat", ".atr", ".edf", ".bdf", ".mat", ".dcm", ".ecg", ".ishne",
)  # fmt: skip
#: Bytes of a file that are searched for `MARK`.
_HEAD = 256


@dataclass(frozen=True)
class Guard:
    """What may be replaced.

    Attributes:
        inputs: the files that are read, by device and inode: equal through every link.
        replace: whether files of other programs may be replaced; inputs never are.
    """

    inputs: Mapping[tuple[int, int], Path] = field(default_factory=dict)
    replace: bool = False


#: Nothing is read, and other programs' files stay.
_NOTHING = Guard()
_guard: ContextVar[Guard] = ContextVar("guard", default=_NOTHING)


def guard_of(inputs: Iterable[Path], *, replace: bool = False) -> Guard:
    """The guard for a job that reads ``inputs``, of which some may not exist."""
    identities = ((_identity(path), path) for path in inputs)
    return Guard({identity: path for identity, path in identities if identity is not None}, replace)


@contextmanager
def guarding(guard: Guard) -> Iterator[None]:
    """Have ``guard`` decide inside the block."""
    token = _guard.set(guard)
    try:
        yield
    finally:
        _guard.reset(token)


def current_guard() -> Guard:
    """The guard that decides here, to be set in the processes that share the job."""
    return _guard.get()


def set_guard(guard: Guard) -> None:
    """Have ``guard`` decide for the rest of this process."""
    _guard.set(guard)


def require_replaceable(target: Path, *, annotations: bool = False) -> None:
    """Refuse to replace a file that is read, or that another program made.

    Args:
        target: the file to be written; a new one is always allowed.
        annotations: annotations are to be written, whose files have any ending; one that
            lacks `MARK` is of another program.

    Raises:
        OutputError: the file must stay.
    """
    guard = _guard.get()
    identity = _identity(target)
    if identity is None or not target.is_file():
        return
    if identity in guard.inputs:
        path = guard.inputs[identity]
        read = "is read" if path == target else f"is {path}, which is read"
        raise OutputError(f"{target}: this file {read} by the same command; choose another name")
    of_recordings = annotations or target.suffix.lower() in _OF_RECORDINGS
    if of_recordings and not guard.replace and not _is_marked(target):
        raise OutputError(
            f"{target}: this file exists, and another program made it; choose another name "
            "or folder (ecg predict replaces it with --force)"
        )


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file that a path leads to; None where there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _is_marked(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return MARK.encode() in stream.read(_HEAD)
    except OSError:
        return False
