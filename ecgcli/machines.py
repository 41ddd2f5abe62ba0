"""Work on the machines of a Ray cluster, with results in order, that can be stopped.

Ray (https://docs.ray.io) schedules, repeats what was lost with a process or a machine, and ends
the work of a killed driver. This module says what a task is, and what its errors mean.
"""

from __future__ import annotations

import os
import platform
import signal
import socket
import sys
import threading
import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, TypeVar

from ecgcli import __version__
from ecgcli.errors import ConfigError, EcgError, MissingExtraError, WorkerError
from ecgcli.guard import Guard, current_guard, set_guard
from ecgcli.interrupts import StopSignal

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Seconds in which a cluster must accept a connection.
ANSWER = 10.0
#: Seconds given to the tasks of a stopped job to end.
_LAST_TASKS = 30.0
#: Seconds after which a signal is noticed.
_LOOK = 0.5
#: Tasks that are submitted before the oldest of them is done: what a job holds in memory.
_AHEAD = 1000
#: How often a task whose process or machine was lost is repeated.
_RETRIES = 3
#: The port of a cluster's server for ``ray://`` addresses.
_PORT = 10001


def in_order_on_cluster(
    address: str,
    prepare: Callable[[], Callable[[Item], Result]],
    items: Sequence[Item],
    lost: Callable[[Item, str], Result],
) -> Generator[Result, None, None]:
    """`ecgcli.parallel.in_order_prepared` on the cluster at an address.

    Args:
        address: ``auto`` for the cluster of this machine, or ``ray://HOST:PORT``.
        prepare: returns the work to be done on each item. Each process of the cluster calls it
            once; it must be possible to pickle it.
        items: the arguments of the work, one for each call. Relative paths in them are relative
            to this process's working folder, which all machines must have.
        lost: the result for an item whose process was killed each time, and why.

    Raises:
        MissingExtraError: Ray is not installed.
        WorkerError: the cluster does not answer, or cannot do this work.
    """
    ray = _ray()
    # An exception that a signal raises in Ray's own code may get lost: it is raised between waits.
    with StopSignal() as stop, _connected(ray, address):
        task = ray.remote(_do).options(num_cpus=1, max_retries=_RETRIES)
        job = uuid.uuid4().hex
        guard = Guard(replace=current_guard().replace)  # inodes are those of this machine
        setting = ray.put((job, prepare, guard, os.getcwd(), __version__))
        waiting: deque[tuple[Item, Any]] = deque()
        try:
            for item in items:
                waiting.append((item, task.remote(setting, item)))
                if len(waiting) == _AHEAD:
                    _await(ray, waiting[0][1], stop)
                    yield _result(ray, *waiting.popleft(), lost)
            while waiting:
                _await(ray, waiting[0][1], stop)
                yield _result(ray, *waiting.popleft(), lost)
        finally:
            _cancel(ray, [reference for _, reference in waiting])


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError(
            "--cluster needs Ray, which is not installed: pip install 'ecgcli[ray]'"
        ) from error
    return ray


@contextmanager
def _connected(ray: Any, address: str) -> Iterator[None]:
    """Connect to a cluster, leaving SIGTERM as it is handled here.

    Standard output is for results alone, so what Ray has to report goes to standard error.
    """
    _require_answer(address)
    on_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM)
    with redirect_stdout(sys.stderr):
        try:
            ray.init(address, log_to_driver=False, logging_level="ERROR")
        except Exception as error:  # its types depend on the kind of address
            raise _no_cluster(address, error) from error
        if on_main_thread:
            signal.signal(signal.SIGTERM, handler)
        try:
            yield
        finally:
            ray.shutdown()


def _require_answer(address: str) -> None:
    """Refuse a cluster that does not accept a connection: Ray itself waits for long.

    Raises:
        ConfigError: the address is of no known form.
        WorkerError: nobody answers.
    """
    if address == "auto":
        return
    scheme, mark, place = address.partition("://")
    host, _, port = (place if mark else scheme).rstrip("/").partition(":")
    if (mark and scheme != "ray") or not host or (port and not port.isdigit()):
        raise ConfigError(f"--cluster: found {address}; valid: auto, or ray://HOST:{_PORT}")
    try:
        with socket.create_connection((host, int(port or _PORT)), ANSWER):
            return
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, error) from error


def _no_cluster(address: str, error: Exception) -> WorkerError:
    reason = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    advice = "start one with ray start --head, or name its address: ray://HOST:10001"
    return WorkerError(f"--cluster {address}: no Ray cluster answers ({reason}); {advice}")


def _await(ray: Any, reference: Any, stop: StopSignal) -> None:
    """Wait until a task has ended, or until a signal stops the work."""
    stop.interrupt_if_requested()
    while not ray.wait([reference], timeout=_LOOK)[0]:
        stop.interrupt_if_requested()


def _result(ray: Any, item: Item, reference: Any, lost: Callable[[Item, str], Result]) -> Result:
    """The result of a task.

    Raises:
        EcgError: the task raised it, or a `WorkerError` where it could not be begun.
    """
    errors = ray.exceptions
    try:
        result: Result = ray.get(reference)
    except (errors.WorkerCrashedError, errors.NodeDiedError, errors.OutOfMemoryError):
        times = f"{_RETRIES + 1} times"
        return lost(item, f"its process was killed {times}, as happens when memory runs out")
    except errors.RayTaskError as error:
        if isinstance(error.cause, EcgError):
            raise error.cause from None
        if isinstance(error.cause, ImportError):
            raise WorkerError(
                f"a machine of the cluster cannot import ecg ({error.cause}); install ecgcli "
                f"{__version__} on all of them"
            ) from error
        raise
    except errors.RayError as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise WorkerError(
            f"the cluster ended the work: {reason}; run it again, and what is done is skipped"
        ) from error
    return result


def _cancel(ray: Any, references: list[Any]) -> None:
    """Begin no more tasks, interrupt those that run, and wait until they have cleaned up."""
    for reference in references:
        with suppress(ray.exceptions.RayError):
            ray.cancel(reference, force=False)
    if references:
        ray.wait(references, num_returns=len(references), timeout=_LAST_TASKS, fetch_local=False)


#: In a process of a cluster: the job whose work is prepared in it, and that work.
_prepared: tuple[str, Callable[[Any], Any]] | None = None


def _do(setting: tuple[str, Callable[[], Callable[[Any], Any]], Guard, str, str], item: Any) -> Any:
    """One task: the work on an item, prepared by the first task of a job in each process."""
    global _prepared
    job, prepare, guard, folder, version = setting
    if _prepared is None or _prepared[0] != job:
        _require_version(version)
        _enter(folder)
        set_guard(guard)
        _prepared = job, prepare()
    return _prepared[1](item)


def _require_version(version: str) -> None:
    if version != __version__:
        raise WorkerError(
            f"{platform.node()} has ecg {__version__}, and this is ecg {version}; install one "
            "version on all machines of the cluster"
        )


def _enter(folder: str) -> None:
    """Work in the folder of the driver, so that relative paths mean the same."""
    try:
        os.chdir(folder)
    except OSError as error:
        raise WorkerError(
            f"{platform.node()} has no folder {folder} ({error.strerror}); recordings and results "
            "must lie on a file system that all machines share, and this command run there"
        ) from error
