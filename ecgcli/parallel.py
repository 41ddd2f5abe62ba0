"""Work on several processes or on a second thread, with results in order, that can be stopped."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context, parent_process
from typing import Any, TypeVar

from ecgcli.errors import WorkerError, is_out_of_processes
from ecgcli.guard import Guard, current_guard, set_guard
from ecgcli.interrupts import StopSignal
from ecgcli.registry import PluginWarning

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Item], Result], items: Sequence[Item], jobs: int
) -> Generator[Result, None, None]:
    """The results of ``work`` on each item, in the order of the items.

    Args:
        work: a function that can be pickled; it runs in one of ``jobs`` processes.
        items: its arguments, one for each call.
        jobs: number of processes; with 1, or a single item, this process does the work.

    Ctrl-C reaches only this process. When the generator is closed (`contextlib.closing`), the
    other processes finish the items they have begun and begin no more. They end when this
    process is killed.

    Raises:
        WorkerError: one of the processes was killed, or cannot be started.
    """
    return in_order_prepared(partial(_given, work), items, jobs)


def in_order_prepared(
    prepare: Callable[[], Callable[[Item], Result]], items: Sequence[Item], jobs: int
) -> Generator[Result, None, None]:
    """`in_order` for work that each process prepares once, such as by loading a model.

    Args:
        prepare: returns the work to be done on each item. It must be possible to pickle this
            function, but not the work it returns.
        items: the arguments of the work, one for each call.
        jobs: number of processes.
    """
    if jobs == 1 or len(items) == 1:
        yield from map(prepare(), items)
        return
    # spawned, not forked: a fork of a process with threads may hang
    with _starting():
        pool = ProcessPoolExecutor(
            min(jobs, len(items)),
            mp_context=get_context("spawn"),
            initializer=_start,
            initargs=(prepare, current_guard()),
        )
    try:
        with _starting(), _signals_later():
            results = pool.map(_do, items)
        yield from results
    except BrokenProcessPool as error:
        raise WorkerError(
            "a worker process was killed, as happens when memory, processes or threads run out; "
            "use fewer with --jobs"
        ) from error
    finally:
        with _signals_later():
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _starting() -> Iterator[None]:
    """Turn what the system says when it starts no process into a `WorkerError`."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise WorkerError(
            f"a worker process cannot be started: {reason}; use fewer with --jobs, or raise the "
            "limit on processes (ulimit -u)"
        ) from error


@contextmanager
def _signals_later() -> Iterator[None]:
    """Hold back Ctrl-C and SIGTERM inside the block, and for good from processes started in it.

    A signal while processes are started would leave one that the pool does not know, and that
    takes the message by which another one ends; one while they are waited for would leave them
    alone. In both cases the program would never end. And a process that is still starting would
    print a traceback.
    """
    signals = (signal.SIGINT, signal.SIGTERM)
    with StopSignal(patient=True) as stop:  # another thread may be given what this one blocks
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    stop.interrupt_if_requested()


def one_ahead(items: Iterator[Item]) -> Generator[Item, None, None]:
    """The items, each taken by a second thread while the one before it is used.

    Closing the generator (`contextlib.closing`), as Ctrl-C does, waits for the item that is being
    taken: ``items`` must not be able to wait for ever, as a pipe can.
    """
    end = object()
    with ThreadPoolExecutor(1) as thread:
        taken = thread.submit(next, items, end)
        while (item := taken.result()) is not end:
            taken = thread.submit(next, items, end)
            yield item  # type: ignore[misc]


def process_count() -> int:
    """Number of processes that ``torchrun`` has started together for one training; 1 without it."""
    number = os.environ.get("WORLD_SIZE", "1") if "TORCHELASTIC_RUN_ID" in os.environ else "1"
    return int(number)


def is_first_process() -> bool:
    """Whether this process is the one that reports, of those counted by `process_count`."""
    return process_count() == 1 or os.environ.get("RANK", "0") == "0"


def _given(work: Callable[[Item], Result]) -> Callable[[Item], Result]:
    return work


#: In a process of a pool: the work prepared in it. An executor cannot hold what its initializer
#: makes, so it is held here.
_prepared: Callable[[Any], Any]


def _do(item: Any) -> Any:
    return _prepared(item)


def _start(prepare: Callable[[], Callable[[Any], Any]], guard: Guard) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # the parent process decides when to stop
        signal.signal(number, signal.SIG_IGN)
    warnings.simplefilter("ignore", PluginWarning)  # the parent process reports it
    set_guard(guard)
    global _prepared
    try:
        threading.Thread(target=_end_with_parent, daemon=True).start()
        _prepared = prepare()
    except (OSError, RuntimeError) as error:
        if is_out_of_processes(error):
            os._exit(1)  # the parent process reports it
        raise


def _end_with_parent() -> None:
    """End this process as soon as the one that started it has ended."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
