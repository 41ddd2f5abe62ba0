"""Standard streams that are closed or full, or whose reader has stopped reading."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

from ecgcli.errors import OutputError


def open_standard_streams() -> None:
    """Make standard output raise `OutputError`, and reopen the streams that the caller closed.

    A closed stream gets a descriptor that fails when it is used. Otherwise the next file to be
    opened would get its descriptor, and be read or written as if it were the stream. Messages
    that standard error does not take are dropped: the work goes on without them.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            reading = name == "stdin"
            taken = os.open(os.devnull, os.O_WRONLY if reading else os.O_RDONLY)
            if taken != descriptor:
                os.dup2(taken, descriptor)
                os.close(taken)
            setattr(sys, name, os.fdopen(descriptor, "r" if reading else "w", closefd=False))
    before = sys.stdout
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_StandardOutput(1, "w", closefd=False)),
        before.encoding,
        before.errors,
        line_buffering=before.isatty(),
    )
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(_StandardError(2, "w", closefd=False)),
        sys.stderr.encoding,
        "backslashreplace",
        line_buffering=True,
    )


class _StandardOutput(io.FileIO):
    """Descriptor 1: ends the program quietly when the reader has closed it; errors name it."""

    def write(self, data: Any) -> Any:
        try:
            return super().write(data)
        except BrokenPipeError as error:  # the reader closed the pipe
            self._discard()
            raise SystemExit(0) from error
        except OSError as error:
            self._discard()
            raise OutputError(f"cannot write standard output: {error.strerror}") from error

    def _discard(self) -> None:
        """Discard the remaining output, which would fail again."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


class _StandardError(io.FileIO):
    """Descriptor 2: takes every message, though a closed or full one shows none."""

    def write(self, data: Any) -> Any:
        try:
            return super().write(data)
        except OSError:
            return len(data)
