"""How many cores and threads are counted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ecgcli import cores as counting
from ecgcli.cores import at_most_threads, core_count, thread_count, use_threads
from ecgcli.errors import ConfigError


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in counting._VARIABLES:
        monkeypatch.setenv(name, "")  # restored even if the test sets it
        monkeypatch.delenv(name)
    monkeypatch.setattr(counting, "_chosen", False)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "torch")  # its number of threads is that of the other tests


def granted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str, **files: str) -> int:
    """The cores of 64 that a control group with these files grants."""
    (tmp_path / "process").write_text(group)
    for name, text in files.items():
        target = tmp_path / "groups" / name.replace("__", "/").replace("_max", ".max")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    monkeypatch.setattr(counting, "_PROCESS", tmp_path / "process")
    monkeypatch.setattr(counting, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(os, "process_cpu_count", lambda: 64, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    return core_count()


@pytest.mark.parametrize(
    ("text", "number"), [("150000 100000", 2), ("max 100000", 64), ("50000 100000", 1)]
)
def test_a_container_has_the_cores_of_its_quota(
    text: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert granted(tmp_path, monkeypatch, "0::/\n", cpu_max=text) == number


def test_the_strictest_group_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"user__cpu_max": "300000 100000", "user__job__cpu_max": "max 100000"}
    assert granted(tmp_path, monkeypatch, "0::/user/job\n", **files) == 3


def test_groups_of_version_1_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"cpu__cpu.cfs_quota_us": "400000", "cpu__cpu.cfs_period_us": "100000"}
    group = "5:memory:/docker/1\n4:cpu,cpuacct:/docker/1\n"
    assert granted(tmp_path, monkeypatch, group, **files) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has taskset")
def test_the_scheduler_limits_the_cores() -> None:
    command = ["taskset", "-c", str(min(os.sched_getaffinity(0))), sys.executable, "-c"]
    code = "from ecgcli.cores import core_count; print(core_count())"
    answer = subprocess.run([*command, code], capture_output=True, text=True, check=True)
    assert answer.stdout == "1\n"


def test_threads_are_those_chosen_else_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    assert thread_count() == core_count()
    monkeypatch.setenv("OMP_NUM_THREADS", "1,1")
    assert thread_count() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "100000")
    assert thread_count() == core_count()
    use_threads(1)
    assert thread_count() == 1 == int(os.environ["OPENBLAS_NUM_THREADS"])


@pytest.mark.parametrize("number", [0, -1, 100_000])
def test_more_threads_than_cores_and_none_are_refused(number: int) -> None:
    with pytest.raises(ConfigError, match=rf"--threads: found {number}; this process may use"):
        use_threads(number)
    assert "OMP_NUM_THREADS" not in os.environ


def test_fewer_threads_where_more_do_not_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "core_count", lambda: 8)
    with at_most_threads(1):
        assert thread_count() == 1
    assert thread_count() == 8
    use_threads(4)
    with at_most_threads(1):
        assert thread_count() == 4
