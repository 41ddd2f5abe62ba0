"""Ctrl-C and SIGTERM: as exceptions, and as requests that a long job stops at a good point."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self


class Terminated(BaseException):
    """SIGTERM: stop as for Ctrl-C. Like `KeyboardInterrupt`, ``except Exception`` ignores it."""


def exit_code_of(interrupt: BaseException) -> int:
    """The exit code of the shell for a program ended by a signal."""
    return 128 + (signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT)


def raise_on_sigterm() -> None:
    """From now on SIGTERM raises `Terminated` in the main thread."""

    def terminate(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)


class StopSignal:
    """Inside its block, Ctrl-C (or SIGTERM) sets ``requested`` instead of interrupting.

    ``exit_code`` is then the shell's code for that signal. A second signal interrupts at once,
    unless ``patient``: torchrun passes on a signal that its processes already have.
    """

    def __init__(self, *, patient: bool = False) -> None:
        self.requested, self._patient = False, patient
        self.exit_code = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._request)
        return self

    def interrupt_if_requested(self) -> None:
        """Raise what the signal would have raised, if there was one."""
        if self.requested:
            raise Terminated if self.exit_code == 128 + signal.SIGTERM else KeyboardInterrupt

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _request(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.requested and self._patient:
            return
        if self.requested:
            raise KeyboardInterrupt if number == signal.SIGINT else Terminated
        self.requested, self.exit_code = True, 128 + number
