"""Locks: one holder at a time, named to the others; nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from ecgcli.errors import OutputError
from ecgcli.locking import locked

_HOLD = """
import sys
from pathlib import Path
from ecgcli.locking import locked
with locked(Path(sys.argv[1]), "in use", "wait"):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(lock: Path) -> AbstractContextManager[None]:
    return locked(lock, f"{lock.parent} is in use", "wait")


@contextmanager
def another_holder(lock: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a lock until the end of the block."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, lock],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


def test_the_holder_is_named_and_the_lock_can_be_taken_afterwards(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    with another_holder(lock) as process:
        for _ in range(2):  # an attempt does not erase the holder's name
            with pytest.raises(OutputError, match="in use") as problem, hold(lock):
                pass
            assert f"(process {process.pid} on " in str(problem.value)
            assert str(problem.value).endswith("; wait")
    assert not lock.exists()
    with hold(lock):
        assert str(os.getpid()) in lock.read_text()


def test_the_lock_of_a_killed_process_holds_nobody_up(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    with another_holder(lock) as process:
        process.send_signal(signal.SIGKILL)
    assert lock.exists()
    with hold(lock):
        pass
    assert not lock.exists()


def test_a_folder_made_for_the_lock_alone_is_removed(tmp_path: Path) -> None:
    with hold(tmp_path / "empty/.lock"):
        pass
    with hold(tmp_path / "full/.lock"):
        (tmp_path / "full/result").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["full"]
