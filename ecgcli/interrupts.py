"""Ctrl-C as a request that a long job heeds where it can stop cleanly."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self


class StopSignal:
    """Inside its block, Ctrl-C (or SIGTERM) sets ``requested`` instead of interrupting.

    A second one interrupts at once.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._request)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _request(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
