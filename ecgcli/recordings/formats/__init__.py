"""Formats of recordings: one file each, registered by a decorator, found automatically.

A reader is a function ``read(path, options) -> Recording``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ecgcli.errors import ConfigError, DataError, EcgError
from ecgcli.inputs import is_pipe
from ecgcli.registry import Registry

if TYPE_CHECKING:
    from ecgcli.recordings import ReadOptions, Recording

Reader = Callable[[Path, "ReadOptions"], "Recording"]


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        name: of the format.
        summary: a description in one line.
        read: reads a file of it.
        endings: of the files it reads: lower case, with the dot.
        in_folders: the endings that only recordings have, so that a folder is searched
            for them.
        begins: what every file of it begins with, if files of other kinds have its endings; those
            are passed over in folders.
    """

    name: str
    summary: str
    read: Reader
    endings: tuple[str, ...]
    in_folders: tuple[str, ...]
    begins: bytes = b""


@contextmanager
def reading_as(kind: str, path: Path) -> Iterator[None]:
    """Inside the block a library reads a file; whatever it raises is a `DataError`.

    For libraries that document no exception classes, or pass on any error of their parsers.

    Raises:
        DataError: the file cannot be read as this kind.
    """
    try:
        yield
    except EcgError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"cannot be read as {kind}: {reason}", file=path) from error


_FORMATS: Registry[Format] = Registry("format", __name__)


def register(
    name: str,
    summary: str,
    *,
    endings: Sequence[str],
    in_folders: Sequence[str] | None = None,
    begins: bytes = b"",
) -> Callable[[Reader], Reader]:
    """Register a reader; see `Format`. By default a folder is searched for all its endings.

    Raises:
        ConfigError: an ending cannot be one, or belongs to another format.
    """

    def add(reader: Reader) -> Reader:
        sure = endings if in_folders is None else in_folders
        added = Format(name, summary, reader, tuple(endings), tuple(sure), begins)
        _check_endings(added)
        _FORMATS.add(name, added, reader.__module__, added.endings)
        return reader

    return add


def list_formats() -> list[Format]:
    """Every format, by name."""
    return _FORMATS.items()


def endings(*, in_folders: bool = False) -> list[str]:
    """The endings of files that can be read, or of those a folder is searched for; sorted."""
    return sorted(
        ending
        for each in list_formats()
        for ending in (each.in_folders if in_folders else each.endings)
    )


def format_of(ending: str) -> Format | None:
    """The format of files with this ending (lower case, with the dot), if there is one."""
    return next((each for each in list_formats() if ending in each.endings), None)


def is_surely_recording(file: Path) -> bool:
    """Whether a file of a folder is a recording by its ending and, if need be, its beginning."""
    ending = file.suffix.lower()
    known = format_of(ending)
    if known is None or ending not in known.in_folders or is_pipe(file):
        return False
    if not known.begins:
        return True
    try:
        with file.open("rb") as stream:
            return stream.read(len(known.begins)) == known.begins
    except OSError:  # whoever reads it says what is wrong with it
        return True


def _check_endings(added: Format) -> None:
    for ending in added.endings:
        if ending != Path(f"x{ending}").suffix.lower():
            raise ConfigError(
                f"format {added.name}: found the ending {ending!r}; an ending is one dot and "
                "what follows it, in lower case"
            )
    if stray := set(added.in_folders) - set(added.endings):
        raise ConfigError(
            f"format {added.name}: in_folders has {', '.join(sorted(stray))}, not in endings"
        )
