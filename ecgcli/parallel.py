"""Work on several processes, in order, that can be stopped."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context, parent_process
from typing import Any, TypeVar

from ecgcli.errors import WorkerError
from ecgcli.registry import PluginWarning

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Item], Result], items: Sequence[Item], jobs: int
) -> Generator[Result, None, None]:
    """The results of ``work`` on each item, in the order of the items.

    Args:
        work: done on one of ``jobs`` processes; a function that can be pickled.
        items: what it is done on.
        jobs: number of processes; with 1, or a single item, this process does the work.

    A Ctrl-C reaches this process alone. When the generator is closed (`contextlib.closing`),
    what is under way in the others is finished, and what waits is not begun. The others end
    when this process is killed.

    Raises:
        WorkerError: one of the processes was killed.
    """
    return in_order_prepared(partial(_given, work), items, jobs)


def in_order_prepared(
    prepare: Callable[[], Callable[[Item], Result]], items: Sequence[Item], jobs: int
) -> Generator[Result, None, None]:
    """`in_order` for work that each process prepares once, such as by loading a model.

    Args:
        prepare: gives the work to be done on each item; itself a function that can be
            pickled, which its work need not be.
        items: what it is done on.
        jobs: number of processes.
    """
    if jobs == 1 or len(items) == 1:
        yield from map(prepare(), items)
        return
    # spawned, not forked: a fork of a process with threads may hang
    pool = ProcessPoolExecutor(
        min(jobs, len(items)),
        mp_context=get_context("spawn"),
        initializer=_start,
        initargs=(prepare,),
    )
    try:
        yield from pool.map(_do, items)
    except BrokenProcessPool as error:
        raise WorkerError(
            "a worker process was killed, as happens when memory runs out; use fewer with --jobs"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _given(work: Callable[[Item], Result]) -> Callable[[Item], Result]:
    return work


#: In a process of a pool: the work that was prepared in it. An executor keeps nothing for its
#: initializer, so this is the one place that does.
_prepared: Callable[[Any], Any]


def _do(item: Any) -> Any:
    return _prepared(item)


def _start(prepare: Callable[[], Callable[[Any], Any]]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # the parent process decides when to stop
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    warnings.simplefilter("ignore", PluginWarning)  # the parent process reports it
    global _prepared
    _prepared = prepare()


def _end_with_parent() -> None:
    """End this process as soon as the one that started it is gone."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
