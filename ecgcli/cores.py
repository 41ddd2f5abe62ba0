"""How many cores this process may use, and how many threads it computes with."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecgcli.errors import ConfigError
from ecgcli.wording import counted

#: What the libraries that compute read when they are loaded. The first, which PyTorch, LightGBM
#: and scikit-learn read, also keeps the number for `thread_count` and for worker processes.
_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

#: Whether the number of threads was chosen, in the environment or by `use_threads`.
_chosen = bool(os.environ.get(_VARIABLES[0]))

_PROCESS, _GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def core_count() -> int:
    """The number of cores that the scheduler and the control group leave to this process.

    A container limited to one and a half of 64 cores has 2: a part of a core counts as one.
    """
    if sys.version_info >= (3, 13):
        usable = os.process_cpu_count() or 1
    elif sys.platform == "linux":
        usable = len(os.sched_getaffinity(0))
    else:
        usable = os.cpu_count() or 1
    return math.ceil(min(usable, _quota()))


def thread_count() -> int:
    """The number of threads to compute with: that of `use_threads`, else `core_count`.

    ``OMP_NUM_THREADS`` in the environment counts like a call of `use_threads`.
    """
    first = os.environ.get(_VARIABLES[0], "").partition(",")[0].strip()
    return min(int(first), core_count()) if first.isdecimal() and int(first) else core_count()


def use_threads(number: int | None) -> None:
    """Compute with this number of threads, in this process and those it starts.

    None leaves the number to ``OMP_NUM_THREADS``, else to `core_count`. A library that is loaded
    already keeps its number, except PyTorch.

    Raises:
        ConfigError: the number is 0 or negative, or there are fewer cores.
    """
    most = core_count()
    if number is not None and not 1 <= number <= most:
        valid = "1" if most == 1 else f"1 to {most}"
        raise ConfigError(
            f"--threads: found {number}; this process may use {counted(most, 'core')}, "
            f"so valid is {valid}"
        )
    if number is not None:
        global _chosen
        _chosen = True
    _set(thread_count() if number is None else number)


@contextmanager
def at_most_threads(most: int | None) -> Iterator[None]:
    """Compute with no more threads than pay; a number that was chosen is kept.

    Args:
        most: the largest number of threads that is faster than fewer; None if all pay.
    """
    before = thread_count()
    if most is None or _chosen or before <= most:
        yield
        return
    given = {name: os.environ.get(name) for name in _VARIABLES}
    _set(most)
    try:
        yield
    finally:
        _set(before)
        for name, value in given.items():
            if value is None:
                del os.environ[name]


def _set(number: int) -> None:
    for name in _VARIABLES:
        os.environ[name] = str(number)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(number)


def _quota() -> float:
    """The cores that the strictest control group of this process grants; infinite without one."""
    try:
        groups = [line.split(":", 2) for line in _PROCESS.read_text().splitlines()]
    except OSError:  # not Linux
        return math.inf
    granted = [math.inf]
    for _, controllers, path in groups:
        if not controllers:
            places = [_GROUPS]
        elif "cpu" in controllers.split(","):  # version 1
            places = [_GROUPS / controllers, _GROUPS / "cpu"]
        else:
            continue
        for place in places:
            granted += [_granted(place / part) for part in _with_parents(path.strip("/"))]
    return min(granted)


def _with_parents(path: str) -> list[Path]:
    """The group and those around it; in a container its own is at the root."""
    return [Path(path), *Path(path).parents] if path else [Path()]


def _granted(group: Path) -> float:
    """The cores that one control group grants."""
    for names in (["cpu.max"], ["cpu.cfs_quota_us", "cpu.cfs_period_us"]):
        try:
            quota, period = " ".join((group / name).read_text() for name in names).split()
            if quota != "max" and float(quota) > 0:
                return float(quota) / float(period)
        except (OSError, ValueError):  # no such limit
            continue
    return math.inf
