"""Many recordings on a Ray cluster of two nodes, beside the pool of processes, and with kills.

    python benchmarks/cluster.py --records data/mitdb --recordings 1000 --folder 10000

The recordings are half-minute pieces of record 208. Both sides do the same recordings on two
processors in one run; the second time on the cluster, a worker is killed, then a node, then the
driver, which is started again. ``--folder`` is the number of recordings of a folder whose start
and memory are measured: all of them links to one recording.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import wfdb
from ray.cluster_utils import Cluster

READ = ("-m", "recordings", "--annotations", "none")
SECONDS = 30


def make_recordings(folder: Path, records: Path, count: int) -> None:
    folder.mkdir()
    signal_of_208 = wfdb.rdrecord(str(records / "208"), channels=[0], physical=False).d_signal
    for number in range(count):
        start = number * 631 % (len(signal_of_208) - 360 * SECONDS)
        piece = signal_of_208[start : start + 360 * SECONDS, 0].astype("<i2")
        (folder / f"day{number:05}.dat").write_bytes(piece.tobytes())
        write_header(folder, f"day{number:05}", f"day{number:05}")


def write_header(folder: Path, name: str, signal_file: str) -> None:
    lines = f"{name} 1 360 {360 * SECONDS}\n{signal_file}.dat 16 200(1024) 12 1024\n"
    (folder / f"{name}.hea").write_text(lines)


def command(folder: Path, out: Path, options: Sequence[str]) -> list[str]:
    places = [str(folder), "-o", str(out)]
    return [sys.executable, "-m", "ecgcli", "predict", *places, *READ, *options]


def timed(folder: Path, out: Path, options: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command(folder, out, options), check=True, capture_output=True)
    return time.perf_counter() - began


def done_in(out: Path) -> int:
    return len(list(out.glob("*.summary.json")))


def wait_for(out: Path, count: int) -> None:
    while done_in(out) < count:
        time.sleep(0.05)


def workers() -> list[int]:
    lines = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True)
    return [int(line.split()[0]) for line in lines.stdout.splitlines() if "ray::_do" in line]


def with_kills(folder: Path, out: Path, cluster: Any, count: int) -> str:
    """Kill a worker, a node and the driver, start it again, and check every result."""
    options = ("--cluster", cluster.address)
    first = subprocess.Popen(command(folder, out, options), stderr=subprocess.DEVNULL)
    wait_for(out, count // 5)
    os.kill(workers()[0], signal.SIGKILL)
    wait_for(out, 2 * count // 5)
    cluster.remove_node(cluster.list_all_nodes()[1], allow_graceful=False)
    wait_for(out, 3 * count // 5)
    first.kill()
    first.wait()
    before = done_in(out)
    timed(folder, out, options)
    summaries = json.loads((out / "summary.json").read_text())["recordings"]
    names = [summary["recording"] for summary in summaries]
    assert names == [f"day{number:05}" for number in range(count)]
    for summary in summaries:
        beats = len(pd.read_csv(out / f"{summary['recording']}.csv"))
        assert beats == summary["beats"] - summary["unclassified"]
    return f"{before} done before the driver was killed; {count} of {count} whole and once"


def start_of(folder: Path, out: Path) -> tuple[float, float]:
    """Seconds to the first result of a folder, and the process's memory then, in MB."""
    began = time.perf_counter()
    run = subprocess.Popen(command(folder, out, ("--jobs", "1")), stderr=subprocess.DEVNULL)
    while not done_in(out):
        if run.poll() is not None:
            raise SystemExit(f"no recording of {folder} could be classified")
        time.sleep(0.05)
    seconds = time.perf_counter() - began
    return seconds, peak_of(run)


def peak_of(run: subprocess.Popen[bytes]) -> float:
    """The largest memory (MB) of a process so far; the process is killed."""
    status = Path(f"/proc/{run.pid}/status").read_text()
    run.kill()
    run.wait()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=Path, required=True)
    parser.add_argument("--recordings", type=int, default=1000)
    parser.add_argument("--folder", type=int, default=10000)
    arguments = parser.parse_args()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place, "days"), Path(place)
        make_recordings(folder, arguments.records, arguments.recordings)
        pool = timed(folder, out / "pool", ("--jobs", "2"))
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        node: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 << 20}
        cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
        cluster.add_node(**node)
        ray = timed(folder, out / "ray", ("--cluster", cluster.address))
        count = arguments.recordings
        print(f"{count} recordings: pool {pool:.1f} s, Ray {ray:.1f} s, ratio {ray / pool:.2f}")
        print(f"CPU of the pool: {spent.ru_utime + spent.ru_stime:.1f} s")
        size = sum(path.stat().st_size for path in (out / "pool").iterdir())
        print(f"bytes written: {size / count:,.0f} a recording")
        print(with_kills(folder, out / "kills", cluster, count))
        cluster.shutdown()  # type: ignore[no-untyped-call]
        for size in (10, arguments.folder):
            links = Path(place, f"links{size}")
            links.mkdir()
            for number in range(size):
                name = f"link{number:05}"
                write_header(links, name, name)
                (links / f"{name}.dat").symlink_to(folder / "day00000.dat")
            seconds, memory = start_of(links, out / f"first{size}")
            print(f"folder of {size}: first result after {seconds:.1f} s, {memory:.0f} MB")


if __name__ == "__main__":
    main()
