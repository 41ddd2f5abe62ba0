"""Time ``ecg predict`` on beats: beside a plain script, and beside the network alone.

    python benchmarks/predict_speed.py runs/cnn --rounds 5

First, on the test CSV, in turn with a script of pandas and torch; both read the CSV, classify
every beat and write a CSV of probabilities. Then on a million beats, from CSV and from parquet, in
turn with beats in memory that the same engine classifies in this process, without reading and
writing. A command's start-up is included, and files are in the machine's page cache. Last, what
reading and writing take alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ecgcli.arrays import Probabilities
from ecgcli.beats import Beats, beats_reader
from ecgcli.beats.conversion import convert
from ecgcli.prediction import Classifier, load
from ecgcli.prediction.beats import labels_for, table_of, table_writer

PLAIN = """
import sys
import pandas as pd
import torch
from torch import nn
from ecgcli.checkpoints import load_checkpoint
from ecgcli.models import create_model, load_weights
from pathlib import Path

source, model_path, target = sys.argv[1:]
beats = pd.read_csv(source, header=None, dtype="float32").to_numpy(copy=True)[:, :187]
checkpoint = load_checkpoint(Path(model_path))
model = create_model(checkpoint.card.model, classes=5, **checkpoint.card.arguments)
load_weights(model, checkpoint.weights)
model.eval()
parts = []
with torch.inference_mode():
    for start in range(0, len(beats), 1024):
        batch = torch.from_numpy(beats[start : start + 1024])
        parts.append(torch.softmax(model(batch), 1).numpy())
table = pd.concat([pd.DataFrame(part, columns=list("NSVFQ")) for part in parts])
table.insert(0, "class", table.idxmax(axis=1))
table.to_csv(target, index_label="beat", float_format="%.6f")
"""


#: Runs a command and prints what it takes. The peak of a process that is started by a large one,
#: such as this benchmark, would be that of the large one.
LAUNCHER = """
import os, subprocess, sys, time
began = time.monotonic()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
print(status, time.monotonic() - began, usage.ru_utime + usage.ru_stime, kilobytes / 1024)
"""


class Cost(NamedTuple):
    """What a piece of work takes: seconds, processor seconds, and MB of memory at most."""

    wall: float
    cpu: float
    memory: float


Costs = dict[str, list[Cost]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, default=Path("data/mitbih_test.csv"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--beats", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where there is room for 1.5 kB a beat")
    options = parser.parse_args()
    classifier = load(options.run)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        beside_script(options.data, options.run, Path(folder), options.rounds)
        many = Path(folder) / "many.csv"
        write_many(options.data, many, options.beats)
        beside_memory(classifier, options.run, many, options.beats, options.rounds)
        print_parts(classifier, many, options.beats)


def beside_script(data: Path, run: Path, folder: Path, rounds: int) -> None:
    out = folder / "out.csv"
    plain = [sys.executable, "-c", PLAIN, str(data), str(run / "best.safetensors"), str(out)]
    costs = in_turn(
        {
            "plain script": partial(cost_of_command, plain),
            "ecg predict": partial(cost_of_command, predict(data, run, out)),
            "ecg --help": partial(cost_of_command, [sys.executable, "-m", "ecgcli", "--help"]),
        },
        rounds,
    )
    print_costs(costs, "plain script")


def beside_memory(classifier: Classifier, run: Path, many: Path, beats: int, rounds: int) -> None:
    parquet, out = many.with_suffix(".parquet"), many.with_name("out.csv")
    convert([str(many)], parquet)
    with beats_reader(many) as reader:
        samples = next(iter(reader)).samples
    rows = np.resize(np.arange(len(samples)), beats)

    def classify() -> None:
        for first in range(0, beats, 32_768):
            classifier.probabilities(Beats(samples[rows[first : first + 32_768]]))

    costs = in_turn(
        {
            "in memory": partial(cost_here, classify),
            "from CSV": partial(cost_of_command, predict(many, run, out)),
            "from parquet": partial(cost_of_command, predict(parquet, run, out)),
        },
        rounds,
    )
    print(f"\n{beats:,} beats:\n")
    print_costs(costs, "in memory")


def in_turn(sides: dict[str, Callable[[], Cost]], rounds: int) -> Costs:
    """The costs of each side, measured in turn."""
    costs: Costs = {side: [] for side in sides}
    for _ in range(rounds):
        for side, measure in sides.items():
            costs[side].append(measure())
    return costs


def print_costs(costs: Costs, base: str) -> None:
    print(f"| | wall, s: median (min-max) | rate beside {base} | CPU, s | memory, MB |")
    print("|---|---|---|---|---|")
    for side, measured in costs.items():
        rates = [of.wall / cost.wall for of, cost in zip(costs[base], measured, strict=True)]
        memory = max(cost.memory for cost in measured)
        peak = f"{memory:.0f}" if memory else "-"
        print(
            f"| {side} | {spread([cost.wall for cost in measured])} | {spread(rates)} "
            f"| {median(cost.cpu for cost in measured):.2f} | {peak} |"
        )


def spread(values: list[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def predict(source: Path, run: Path, out: Path) -> list[str]:
    arguments = ["predict", str(source), "--model", str(run), "-o", str(out), "-q"]
    return [sys.executable, "-m", "ecgcli", *arguments]


def print_parts(classifier: Classifier, many: Path, beats: int) -> None:
    """Print what reading and writing take when nothing else is done."""
    few = 10_000
    head = np.full((few, len(classifier.classes)), 1 / 3, np.float32)
    parts = {
        "reading CSV": cost_here(partial(read, many)),
        "reading parquet": cost_here(partial(read, many.with_suffix(".parquet"))),
        "writing CSV": cost_here(partial(write, head, classifier.classes, beats // few)),
    }
    print("\n| alone | wall, s | CPU, s |\n|---|---|---|")
    for part, cost in parts.items():
        print(f"| {part} | {cost.wall:.2f} | {cost.cpu:.2f} |")


def read(source: Path) -> None:
    with beats_reader(source) as reader:
        for _ in reader:
            pass


def write(probabilities: Probabilities, classes: tuple[str, ...], times: int) -> None:
    columns = [("beat", pa.int64()), ("class", pa.string())]
    schema = pa.schema([*columns, *((name, pa.float32()) for name in classes)])
    with tempfile.TemporaryFile() as stream, table_writer(stream, "csv", schema) as writer:
        for _ in range(times):
            writer.write(table_of(probabilities, labels_for(probabilities), classes))


def write_many(source: Path, target: Path, beats: int) -> None:
    rows = source.read_bytes().splitlines(keepends=True)
    with target.open("wb") as stream:
        for start in range(0, beats, len(rows)):
            stream.writelines(rows[: beats - start])


def cost_here(work: Callable[[], object]) -> Cost:
    wall, cpu = time.monotonic(), time.process_time()
    work()
    return Cost(time.monotonic() - wall, time.process_time() - cpu, 0)


def cost_of_command(command: list[str]) -> Cost:
    launched = [sys.executable, "-S", "-c", LAUNCHER, *command]
    printed = subprocess.run(launched, stdout=subprocess.PIPE, text=True, check=True).stdout
    status, *figures = map(float, printed.split())
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return Cost(*figures)


if __name__ == "__main__":
    main()
