"""Progress on a console: bars only on a terminal, messages in a pipe too, nothing when quiet."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ecgcli.commands.console import progress_bar
from ecgcli.progress import Part, Progress
from tests.helpers import Watcher


def work(progress: Progress) -> None:
    """A job with a bar for each unit."""
    progress.update("downloading", 3, 48)
    progress.update("predicting", 1_200_000, 9_900_000, unit="bytes")
    progress.update("training", 1.4, 10, unit="epochs", loss=0.25, acc=0.5)
    progress.message("runs/[bold] is not markup")


def shown(*, terminal: bool, quiet: bool = False) -> str:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, quiet=quiet, width=120, highlight=False)
    with progress_bar(console) as progress:
        work(progress)
    return stream.getvalue()


def test_a_terminal_shows_bars_with_their_figures() -> None:
    text = shown(terminal=True)
    for part in ("downloading", " 3/48", "1.2/9.9 MB", "epoch 2/10", "loss 0.2500  acc 0.5000"):
        assert part in text
    assert "runs/[bold] is not markup" in text


def test_a_pipe_gets_the_messages_only() -> None:
    assert shown(terminal=False).strip() == "runs/[bold] is not markup"


@pytest.mark.parametrize("terminal", [True, False])
def test_quiet_shows_nothing(terminal: bool) -> None:
    assert shown(terminal=terminal, quiet=True) == ""


def test_a_finished_task_disappears_and_may_begin_again() -> None:
    stream = io.StringIO()
    with progress_bar(Console(file=stream, force_terminal=True, width=120)) as progress:
        progress.update("fitting", 5, 10)
        progress.update("fitting", 10, 10)
        progress.message("between")
        after = stream.tell()
        progress.update("fitting", 1, 10)
        progress.message("again")
    text = stream.getvalue()[after:]
    assert "fitting" in text
    assert "1/10" in text
    assert "10/10" not in text


def test_a_part_carries_its_name_and_passes_on_no_messages() -> None:
    whole = Watcher()
    part = Part(whole, "cnn, random, seed 0")
    part.message("Training cnn on 100 beats")
    part.update("training", 0.5, 2, unit="epochs", loss=0.3)
    assert whole.messages == []
    assert whole.steps == [("cnn, random, seed 0: training", 0.5, 2)]
    assert whole.figures == [{"loss": 0.3}]
