"""How a long job reports: one protocol for everything that takes time.

A job takes a `Progress` and calls it; the caller of the job decides what is shown. The
commands show bars and lines on a terminal, `SILENT` shows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

#: The unit of ``done`` and ``total``: items, bytes of a file, or passes over the data.
Unit = Literal["items", "bytes", "epochs"]


class Progress(Protocol):
    """Receives the progress of a job. May raise `KeyboardInterrupt` to stop the job."""

    def update(
        self, task: str, done: float, total: float | None, unit: Unit = "items", **figures: float
    ) -> None:
        """Report the progress of a task; it is finished when ``done`` reaches ``total``.

        Args:
            task: its name, such as ``downloading``.
            done: the amount done; epochs may be fractions.
            total: the whole amount; None if it is unknown.
            unit: the unit of both.
            figures: running figures to show beside the bar, such as ``loss=0.3``.
        """

    def message(self, text: str) -> None:
        """Report something worth a line that stays."""


class Silent:
    """Shows nothing."""

    def update(
        self, task: str, done: float, total: float | None, unit: Unit = "items", **figures: float
    ) -> None:
        """See `Progress`."""

    def message(self, text: str) -> None:
        """See `Progress`."""


SILENT = Silent()


@dataclass(frozen=True)
class Part:
    """The progress of one part of a larger job: tasks carry its name, messages are dropped."""

    whole: Progress
    name: str

    def update(
        self, task: str, done: float, total: float | None, unit: Unit = "items", **figures: float
    ) -> None:
        """See `Progress`."""
        self.whole.update(f"{self.name}: {task}", done, total, unit, **figures)

    def message(self, text: str) -> None:
        """See `Progress`."""
