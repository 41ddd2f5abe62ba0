"""Work on several processes: in order, and no process outlives the one that started it."""

from __future__ import annotations

import errno
import multiprocessing.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from ecgcli.errors import WorkerError
from ecgcli.parallel import in_order, in_order_prepared, one_ahead


def square(number: int) -> int:
    time.sleep(0.05 if number == 0 else 0)  # the first is done last
    return number**2


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def report_and_sleep(number: int) -> int:
    os.write(1, b"at work\n")
    time.sleep(60)
    return number


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_items(jobs: int) -> None:
    assert list(in_order(square, range(5), jobs)) == [0, 1, 4, 9, 16]


def test_a_killed_worker_is_an_error_with_advice() -> None:
    with pytest.raises(WorkerError, match="fewer with --jobs"):
        list(in_order(die, range(4), 2))


def test_a_worker_that_cannot_be_started_is_an_error_with_advice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As with ulimit -u: the system refuses another process."""

    def refuse(*_: object) -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr("multiprocessing.util.spawnv_passfds", refuse)
    with pytest.raises(
        WorkerError, match=r"Resource temporarily unavailable; use fewer with --jobs"
    ):
        list(in_order(square, range(4), 2))


def test_an_item_is_taken_while_the_one_before_is_used() -> None:
    taken = [threading.Event() for _ in range(3)]

    def items() -> Iterator[int]:
        for number, event in enumerate(taken):
            event.set()
            yield number
        raise ValueError("after the last")

    ahead = one_ahead(items())
    assert next(ahead) == 0
    assert taken[1].wait(5)
    assert not taken[2].is_set()
    assert [next(ahead), next(ahead)] == [1, 2]
    with pytest.raises(ValueError, match="after the last"):
        next(ahead)


def test_workers_end_when_their_parent_is_killed() -> None:
    program = (
        "from ecgcli.parallel import in_order; from tests.test_parallel import report_and_sleep\n"
        "if __name__ == '__main__': list(in_order(report_and_sleep, range(2), 2))"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        assert [parent.stdout.readline() for _ in range(2)] == [b"at work\n"] * 2
        parent.kill()
        began = time.monotonic()
        assert parent.stdout.read() == b""  # the pipe closes when the last worker has ended
        assert time.monotonic() - began < 10


def stop_while_starting(everyone: bool) -> None:
    """Ctrl-C after the system has started the second process, before the pool knows of it.

    A terminal sends it to ``everyone``; ``kill`` to the first process alone.
    """
    started = []

    def start(path: object, arguments: list[object], descriptors: object) -> int:
        process = spawn(path, arguments, descriptors)
        if "--multiprocessing-fork" in map(str, arguments):
            started.append(process)
            if len(started) == 2:
                time.sleep(0.2)
                os.kill(0 if everyone else os.getpid(), signal.SIGINT)
        return process

    spawn = multiprocessing.util.spawnv_passfds  # type: ignore[attr-defined]
    multiprocessing.util.spawnv_passfds = start  # type: ignore[attr-defined]
    list(in_order(square, range(9), 2))


def stop_twice(everyone: bool) -> None:
    """Ctrl-C while the workers prepare their work, and again while they are waited for."""
    for seconds in (1, 1.5):
        process = 0 if everyone else os.getpid()
        threading.Timer(seconds, os.kill, (process, signal.SIGINT)).start()
    list(in_order_prepared(prepare_slowly, range(9), 2))


def prepare_slowly() -> Callable[[int], int]:
    time.sleep(3)
    return square


@pytest.mark.parametrize("everyone", [True, False])
@pytest.mark.parametrize("stop", [stop_while_starting, stop_twice])
def test_ctrl_c_ends_it_whenever_it_comes(stop: Callable[[bool], None], everyone: bool) -> None:
    program = (
        f"import sys; from tests.test_parallel import {stop.__name__} as stop\n"
        f"try: stop({everyone})\n"
        "except KeyboardInterrupt: sys.exit(130)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            _, messages = process.communicate(timeout=20)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert (process.returncode, messages) == (130, "")
