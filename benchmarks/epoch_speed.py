"""Time an epoch of several configs beside one of the first, in turn.

    python benchmarks/epoch_speed.py configs/cnn.yaml configs/gru.yaml configs/lstm.yaml --rounds 3

Each config trains in a process of its own, with as many threads as it chooses by itself. Timed are
the epochs after the first, with their validation. The processor time hardly depends on what else
the machine does.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2, help="timed in each round")
    parser.add_argument("--data", type=Path, default=Path("data/mitbih_train.csv"))
    parser.add_argument("--train", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        print(json.dumps(train(options.configs[0], options.data, options.epochs)))
        return
    measured: dict[Path, list[tuple[float, float]]] = {config: [] for config in options.configs}
    for _ in range(options.rounds):
        for config, epochs in measured.items():
            command = [sys.executable, __file__, str(config), "--train"]
            command += ["--epochs", str(options.epochs), "--data", str(options.data)]
            answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            epochs.append(tuple(json.loads(answer.stdout)))
    first = measured[options.configs[0]]
    print(f"| | an epoch, s (min-max) | times {options.configs[0].stem} | CPU, s | times |")
    print("|---|---|---|---|---|")
    for config, epochs in measured.items():
        times = [mine[0] / base[0] for mine, base in zip(epochs, first, strict=True)]
        cpu = [mine[1] / base[1] for mine, base in zip(epochs, first, strict=True)]
        walls = [wall for wall, _ in epochs]
        print(
            f"| {config.stem} | {median(walls):.1f} ({min(walls):.1f}-{max(walls):.1f}) "
            f"| {median(times):.2f} ({min(times):.2f}-{max(times):.2f}) "
            f"| {median(cpu for _, cpu in epochs):.1f} | {median(cpu):.2f} |"
        )


def train(config: Path, data: Path, epochs: int) -> tuple[float, float]:
    """Seconds and processor seconds of an epoch, without the first."""
    from ecgcli import training
    from ecgcli.training.config import load_config

    clock = Clock()
    with tempfile.TemporaryDirectory() as runs:
        overrides = [f"runs={runs}", f"data.train={data}", f"training.epochs={epochs + 1}"]
        training.train(load_config(config, overrides), clock)
    (wall, cpu), (last_wall, last_cpu) = clock.epochs[0], clock.epochs[epochs]
    return (last_wall - wall) / epochs, (last_cpu - cpu) / epochs


class Clock:
    """A `Progress` that notes when each epoch is reported."""

    def __init__(self) -> None:
        self.epochs: list[tuple[float, float]] = []

    def update(self, *_: object, **figures: object) -> None:
        pass

    def message(self, text: str) -> None:
        if text.lstrip()[:1].isdigit() and "/" in text.split()[0]:
            self.epochs.append((time.monotonic(), time.process_time()))


if __name__ == "__main__":
    main()
