"""A day's recording and a folder of 200 records, end to end: time and peak memory.

    python benchmarks/holter.py runs/cnn data/mitdb
    python benchmarks/holter.py recordings data/mitdb --beside ../earlier --rounds 4

The day is real records joined, two leads, 24 hours at 128 Hz; the folder has links to the 48
records, over and over. R peaks are detected, not read. With --beside, the day alone is measured, in
turn with another version, of which there is a checkout.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
import wfdb
from predict_speed import Cost, cost_of_command
from scipy.signal import resample_poly

from ecgcli.recordings.mitbih import RECORDS

ECG = [sys.executable, "-m", "ecgcli"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("records", type=Path)
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # in a process of its own: a child's peak begins at the memory of its parent
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            pool.submit(write_day, options.records, folder).result()
        arguments = ["--model", options.run, "--annotations", "none"]
        day = ["predict", str(folder / "day.hea"), *arguments, "-o", str(folder / "day.csv")]
        if options.beside is not None:
            compare(day, options.beside, options.rounds)
            return
        cost = cost_of_command([*ECG, *day])
        print(
            f"A day: {cost.wall:.1f} s, {cost.cpu:.1f} s of CPU, {cost.memory:.0f} MB at most",
            flush=True,
        )
        link_many(options.records.resolve(), folder / "many", 200)
        began = time.monotonic()
        many = [*ECG, "predict", str(folder / "many"), *arguments, "-o", str(folder / "results")]
        subprocess.run(many, check=True, stdout=subprocess.DEVNULL)
        print(
            f"200 records of 30 minutes: {time.monotonic() - began:.1f} s on {os.cpu_count()} cores"
        )


def compare(day: list[str], beside: Path, rounds: int) -> None:
    """Print what this version and another need for a command, in turn."""
    costs: dict[str, list[Cost]] = {"this version": [], "the other": []}
    folders = (Path(__file__).parents[1], beside.resolve())
    for number in range(rounds):
        sides = list(zip(costs, folders, strict=True))
        for name, folder in sides if number % 2 else sides[::-1]:
            start = f"import runpy, sys; sys.path.insert(0, {str(folder)!r})"
            program = f"{start}; runpy.run_module('ecgcli', run_name='__main__', alter_sys=True)"
            costs[name].append(cost_of_command([sys.executable, "-c", program, *day]))
    for figure in ("wall", "cpu", "memory"):
        ours, theirs = (median(getattr(cost, figure) for cost in side) for side in costs.values())
        print(f"{figure}: {ours:.1f}, the other {theirs:.1f}, {ours / theirs:.2f} of it")


def write_day(records: Path, folder: Path, days: int = 1) -> None:
    """Write ``day``: the records joined, as often as there are days."""
    parts, samples = [], 24 * 3600 * 128
    for name in RECORDS:
        signal = wfdb.rdrecord(str(records / name)).p_signal
        parts.append(resample_poly(signal, 16, 45, axis=0))
    day = np.tile(np.concatenate(parts)[:samples], (days, 1))
    wfdb.wrsamp("day", 128, ["mV", "mV"], ["II", "V1"], day, fmt=["16"] * 2, write_dir=str(folder))


def link_many(records: Path, folder: Path, count: int) -> None:
    """Copies of records, the signal files linked."""
    folder.mkdir()
    for number in range(count):
        name, new = RECORDS[number % len(RECORDS)], f"r{number:03}"
        header = (records / f"{name}.hea").read_text()
        (folder / f"{new}.hea").write_text(
            header.replace(f"{name}.dat", f"{new}.dat").replace(name, new, 1)
        )
        (folder / f"{new}.dat").symlink_to(records / f"{name}.dat")


if __name__ == "__main__":
    main()
