"""A file that one process at a time holds: while it works in a folder or on a file beside it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ecgcli.errors import EcgError, OutputError
from ecgcli.files import writing

#: The name of the lock of a whole folder.
FOLDER_LOCK = ".lock"


@contextmanager
def locked(
    lock: Path, in_use: str, advice: str, *, error: type[EcgError] = OutputError
) -> Iterator[None]:
    """Hold a lock for this process alone; the system releases it when the process ends.

    The folder of the lock is created if necessary, and removed if nothing was written into it.
    The file names its holder and is removed when it is released. A killed process leaves it
    behind; the next holder removes it.

    Args:
        lock: the file.
        in_use: what another holder is doing, for the message: "another process is training
            in this run".
        advice: what to do then.
        error: what to raise then.

    Raises:
        EcgError: of the type ``error``: another process holds the lock.
        OutputError: the lock cannot be written.
    """
    from filelock import FileLock, Timeout

    is_new = not lock.parent.exists()
    held = FileLock(lock)
    with writing(lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            held.acquire(timeout=0)
        except Timeout as timeout:
            raise error(f"{in_use}{_holder_of(lock)}; {advice}") from timeout
    try:
        with suppress(OSError):  # a full disk: the lock holds without the name of its holder
            lock.write_text(f"process {os.getpid()} on {platform.node()}\n", encoding="utf-8")
        yield
    finally:
        lock.unlink(missing_ok=True)  # while it is held: whoever has opened it opens a new one
        held.release()
        if is_new:
            with suppress(OSError):  # something was written into the folder
                lock.parent.rmdir()


def _holder_of(lock: Path) -> str:
    """Who holds a lock, in brackets; empty where the file does not say."""
    try:
        holder = lock.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):  # it has just been released
        return ""
    return f" ({holder})" if holder else ""
