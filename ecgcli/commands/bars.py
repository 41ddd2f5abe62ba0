"""Progress on a terminal: a bar for each running task, and the messages above them."""

from __future__ import annotations

import math

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Display
from rich.text import Text

from ecgcli.progress import Unit


class Bars:
    """A `Progress` shown on a console: bars only on a terminal, messages everywhere.

    A bar disappears when its task is finished; a task of the same name may begin again.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tasks: dict[str, TaskID] = {}
        self._display = Display(
            TextColumn("{task.description:<14}", markup=False),
            BarColumn(),
            _Amount(),
            TextColumn("{task.fields[figures]}", markup=False),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Bars:
        self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._display.stop()

    def update(
        self, task: str, done: float, total: float | None, unit: Unit = "items", **figures: float
    ) -> None:
        """See `ecgcli.progress.Progress`."""
        if done == total:
            if task in self._tasks:
                self._display.remove_task(self._tasks.pop(task))
            return
        if task not in self._tasks:
            self._tasks[task] = self._display.add_task(task, unit=unit, figures="")
        shown = "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
        self._display.update(self._tasks[task], completed=done, total=total, figures=shown)

    def message(self, text: str) -> None:
        """See `ecgcli.progress.Progress`."""
        self._console.print(text, markup=False)


class _Amount(ProgressColumn):
    """The amount done and the total, in the task's unit."""

    def __init__(self) -> None:
        super().__init__()
        self._items, self._bytes = MofNCompleteColumn(), DownloadColumn()

    def render(self, task: Task) -> Text:
        """``3/48``, ``1.2/9.9 MB``, or ``epoch 2/10`` for the current epoch."""
        if task.fields["unit"] == "bytes":
            return self._bytes.render(task)
        if task.fields["unit"] == "epochs":
            return Text(f"epoch {max(1, math.ceil(task.completed))}/{task.total:.0f}")
        return self._items.render(task)
