"""Time a training alone and beside programs that keep every core busy, in turn, in one run.

    python benchmarks/busy.py --rounds 3 configs/demo.yaml training.epochs=2

Each round trains with nothing else started, then beside one endless loop for each core. Wanted:
beside them no more than 2.5 times the time alone. Timed is the whole command, imports included.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from ecgcli.cores import core_count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    alone, beside = [], []
    for _ in range(options.rounds):
        alone.append(train(options.config, options.overrides))
        with busy_cores():
            beside.append(train(options.config, options.overrides))
    print(f"| alone, s | beside {core_count()} busy programs, s | ratio |\n|---|---|---|")
    print(
        f"| {median(alone):.1f} ({min(alone):.1f}-{max(alone):.1f}) "
        f"| {median(beside):.1f} ({min(beside):.1f}-{max(beside):.1f}) "
        f"| {median(beside) / median(alone):.2f} |"
    )


def train(config: str, overrides: list[str]) -> float:
    with tempfile.TemporaryDirectory() as runs:
        command = [sys.executable, "-m", "ecgcli", "train", "-q", "--config", config]
        began = time.monotonic()
        subprocess.run([*command, *overrides, f"runs={runs}"], stdout=subprocess.PIPE, check=True)
        return time.monotonic() - began


@contextmanager
def busy_cores() -> Iterator[None]:
    """An endless loop for each core while the block runs."""
    loops = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(core_count())
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


if __name__ == "__main__":
    main()
