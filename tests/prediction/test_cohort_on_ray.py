"""Recordings on a real Ray cluster of two nodes, whose processes are killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import wfdb
from typer.testing import Result

from ecgcli import machines
from ecgcli.errors import WorkerError
from tests.helpers import ecg_process

Ecg = Callable[..., Result]
#: Recordings: enough for the cluster to be at work when something is killed.
COUNT = 40
READ = ("--fs", 360, "--units", "mV", "-m", "beats")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster of two nodes, of one processor each."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'ecgcli[ray]'")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        node = {"num_cpus": 1, "object_store_memory": 80 << 20}
        made = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
        made.add_node(**node)
        yield made
        made.shutdown()


@pytest.fixture
def recordings(mitdb: Path, tmp_path: Path) -> str:
    """The pattern of many recordings of half a minute."""
    signal_of_208 = wfdb.rdrecord(str(mitdb / "208"), channels=[0]).p_signal[:, 0]
    (tmp_path / "days").mkdir()
    for number in range(COUNT):
        piece = signal_of_208[number * 1000 :][: 360 * 30]
        np.save(tmp_path / "days" / f"day{number:02}.npy", piece)
    return str(tmp_path / "days" / "*.npy")


def start(recordings: str, address: str) -> subprocess.Popen[str]:
    command = ecg_process("predict", recordings, *READ, "-o", "out", "--cluster", address)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(count: int) -> None:
    """Wait until this number of recordings is done."""
    deadline = time.monotonic() + 120
    while len(list(Path("out").glob("*.summary.json"))) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def workers() -> list[int]:
    """The processes in which a cluster does tasks of this module's kind."""
    names = {path.parent.name: path for path in Path("/proc").glob("[0-9]*/cmdline")}
    return [int(pid) for pid, path in names.items() if b"ray::_do" in _read(path)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended
        return b""


def require_whole() -> None:
    """Each recording once, none lost, none half-written."""
    document = json.loads(Path("out/summary.json").read_text())
    names = [summary["recording"] for summary in document["recordings"]]
    assert names == [f"day{number:02}" for number in range(COUNT)]
    assert document["failures"] == {}
    assert pd.read_parquet("out/cohort.parquet")["recording"].tolist() == names
    for summary in document["recordings"]:
        rows = pd.read_csv(f"out/{summary['recording']}.csv")
        assert len(rows) == summary["beats"] - summary["unclassified"]


def test_each_recording_once_whatever_is_killed(recordings: str, cluster: Any, ecg: Ecg) -> None:
    """The driver is killed, then a worker, then a node."""
    del ecg  # it makes the folder the working folder
    killed = start(recordings, cluster.address)
    wait_for(6)
    killed.kill()
    killed.communicate()

    run = start(recordings, cluster.address)
    wait_for(12)
    os.kill(workers()[0], signal.SIGKILL)
    wait_for(18)
    cluster.remove_node(cluster.list_all_nodes()[1], allow_graceful=False)
    result, messages = run.communicate(timeout=120)
    assert run.returncode == 0, messages
    assert result == "out\n"
    require_whole()
    assert f"{COUNT} recordings (" in messages

    again = subprocess.run(
        ecg_process("predict", recordings, *READ, "-o", "out"),
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert f"{COUNT} recordings ({COUNT} done before)" in again.stderr
    require_whole()
    assert not list(Path("out").glob(".*.tmp"))


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_stops_the_driver(
    number: signal.Signals, exit_code: int, recordings: str, cluster: Any, ecg: Ecg
) -> None:
    del ecg  # it makes the folder the working folder
    stopped = start(recordings, cluster.address)
    wait_for(2)
    stopped.send_signal(number)
    _, messages = stopped.communicate(timeout=60)
    assert not Path("out/summary.json").exists()
    assert stopped.returncode == exit_code, messages
    assert messages.splitlines()[-1].startswith("interrupted:")


def test_a_cluster_that_does_not_answer_is_reported_at_once(recordings: str, ecg: Ecg) -> None:
    pytest.importorskip("ray")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"ray://127.0.0.1:{free.getsockname()[1]}"
    began = time.monotonic()
    result = ecg("predict", recordings, *READ, "-o", "out", "--cluster", address)
    assert time.monotonic() - began < 10
    assert result.exit_code == 2
    assert f"--cluster {address}: no Ray cluster answers" in result.stderr.splitlines()[-1]
    assert not Path("out").exists()


def test_what_is_no_address_is_refused(recordings: str, ecg: Ecg) -> None:
    pytest.importorskip("ray")
    result = ecg("predict", recordings, *READ, "-o", "out", "--cluster", "http://head")
    assert result.exit_code == 2
    assert "--cluster: found http://head; valid: auto, or ray://HOST:10001" in result.stderr


def test_without_ray_the_command_that_installs_it_is_named(
    recordings: str, ecg: Ecg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    result = ecg("predict", recordings, *READ, "-o", "out", "--cluster", "auto")
    assert result.exit_code == 2
    assert "pip install 'ecgcli[ray]'" in result.stderr


def test_ray_is_loaded_only_for_a_cluster(recordings: str, tmp_path: Path) -> None:
    code = (
        "import sys; from ecgcli.commands import app\n"
        "try: app(sys.argv[1:])\n"
        "finally: print('ray' in sys.modules, 'fsspec' in sys.modules)"
    )
    arguments = ["predict", recordings.replace("*", "day0[01]"), *map(str, READ), "-o", "local"]
    answer = subprocess.run(
        [sys.executable, "-c", code, *arguments, "--jobs", "1"],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert answer.stdout.split()[-2:] == ["False", "False"]


def test_a_worker_with_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "_prepared", None)
    setting = ("job", lambda: str, machines.Guard(), os.getcwd(), "0.0.1")
    with pytest.raises(WorkerError, match=r"and this is ecg 0\.0\.1; install one version"):
        machines._do(setting, 1)


def test_a_machine_without_the_working_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "_prepared", None)
    setting = ("job", lambda: str, machines.Guard(), "/no/such/folder", machines.__version__)
    with pytest.raises(WorkerError, match="has no folder /no/such/folder"):
        machines._do(setting, 1)
