"""The bundled trees on as many rows as a day has beats: by LightGBM and by `ecgcli.trees`, in turn.

    python benchmarks/trees.py --rounds 5

Rows are random; reading the trees is not timed. Also prints the largest difference of a score.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import numpy as np

from ecgcli.beats.intervals import _trees

ROWS = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    trees = _trees()
    booster = trees.booster()
    rows = np.random.default_rng(0).normal(size=(ROWS, trees.width)).astype(np.float32)
    seconds: dict[str, list[float]] = {"LightGBM": [], "ecgcli.trees": []}
    for _ in range(rounds):
        began = time.monotonic()
        expected = booster.predict(rows, raw_score=True)
        seconds["LightGBM"].append(time.monotonic() - began)
        began = time.monotonic()
        scores = trees.raw_scores(rows)
        seconds["ecgcli.trees"].append(time.monotonic() - began)
    for side, times in seconds.items():
        print(f"{side}: {median(times):.2f} s ({min(times):.2f}-{max(times):.2f})")
    print(f"largest difference: {np.abs(scores - expected).max():g}")


if __name__ == "__main__":
    main()
