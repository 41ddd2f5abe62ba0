"""Writing files so that none is ever half-written: the one place that opens them for it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any

from ecgcli.errors import OutputError
from ecgcli.guard import require_replaceable

#: This machine, in temporary names: another machine may use the same file system.
_HOST = f"{zlib.crc32(platform.node().encode()):08x}"

#: Names of open files other than ``-``; a number is that of the descriptor.
_DESCRIPTORS = re.compile(r"/dev/std(out|err)|/(?:dev|proc/self)/fd/([0-9]+)")


def is_stream(target: Path | str) -> bool:
    """Whether a target is standard output, another open file, a device or a pipe.

    It cannot be replaced, and nothing can be written beside it.
    """
    path = Path(target)
    return (
        str(target) == "-"
        or _DESCRIPTORS.fullmatch(str(target)) is not None
        or (path.exists() and not path.is_file() and not path.is_dir())
    )


@contextmanager
def atomic_write(target: Path | str, *, annotations: bool = False) -> Iterator[IO[bytes]]:
    """Open a binary file that becomes ``target`` only when the block succeeds.

    The bytes go to a temporary file beside the target, are flushed to disk and
    renamed over it. If the block fails, the temporary file is removed and an
    existing file stays unchanged. Temporary files of killed processes of this
    machine are removed from the folder.

    A stream (see `is_stream`) cannot be replaced and is written to directly. An open file
    is written from where it stands: what ``>>`` appends to is kept.

    Args:
        target: the file; ``-`` is standard output.
        annotations: whether annotations are written; see `ecgcli.guard.require_replaceable`.

    Raises:
        OutputError: the target cannot be written (missing rights, full disk, a folder), or
            must not be replaced.
    """
    if str(target) == "-":
        yield sys.stdout.buffer
        return
    target = Path(target)
    with writing(target):
        if is_stream(target):
            with _open_stream(target) as stream:
                yield stream
            return
        require_replaceable(target, annotations=annotations)
        target = Path(os.path.realpath(target))  # write through a link, do not replace it
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target.parent)
        temporary = target.with_name(f".{target.name}.{_HOST}.{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


def _open_stream(target: Path) -> IO[bytes]:
    """A device, a pipe, or a copy of the descriptor of an open file."""
    if (name := _DESCRIPTORS.fullmatch(str(target))) is None:
        return target.open("wb")
    sys.stdout.flush()
    return os.fdopen(os.dup(int(name[2] or {"out": 1, "err": 2}[name[1]])), "wb")


@cache
def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of killed processes; once per folder and process."""
    for path in folder.glob(f".*.{_HOST}.*.tmp"):
        process = path.suffixes[-2].removeprefix(".")
        if process.isascii() and process.isdigit() and not _is_running(int(process)):
            path.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it belongs to another user
        return True
    return True


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn an error of the operating system inside the block into an `OutputError`."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        advice = "choose a place that has room and lets you write"
        if isinstance(error, IsADirectoryError):
            advice = "name a file"
        elif isinstance(error, (FileExistsError, NotADirectoryError)):
            files = (str(path) for path in target.parents if path.is_file())
            advice = f"{next(files, target)} is a file; name a folder"
        raise OutputError(f"cannot write {target}: {reason}; {advice}") from error


def write_text(target: Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically; what has no UTF-8 as its escape."""
    with atomic_write(target) as stream:
        stream.write(text.encode("utf-8", "backslashreplace"))


def write_json(target: Path, document: Any) -> None:
    """Write `json_text` of a document, atomically."""
    write_text(target, json_text(document) + "\n")


def json_text(document: Any) -> str:
    """A document as readable JSON: indented, lists of numbers on one line."""
    text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False)
    return re.sub(r"\[\s+([-+.,eE\d\s]+?)\s+\]", lambda row: f"[{' '.join(row[1].split())}]", text)


def remove(target: Path) -> None:
    """Remove a file if there is one.

    Raises:
        OutputError: it cannot be removed, or must stay.
    """
    with writing(target):
        require_replaceable(target)
        target.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
