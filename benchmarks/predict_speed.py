"""Time ``ecg predict`` on the test CSV against a plain pandas and torch script, in turn.

    python benchmarks/predict_speed.py runs/cnn --rounds 5

Both read the CSV, classify every beat and write a CSV of probabilities; start-up is included.
The machine's page cache is warm for both. Also prints the start-up of ``ecg --help`` and the
peak memory of ``ecg predict`` on a CSV of a million beats.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, default=Path("data/mitbih_test.csv"))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    ecg = [sys.executable, "-m", "ecgcli"]
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "out.csv")
        best = str(options.run / "best.safetensors")
        sides = {
            "plain script": [sys.executable, "-c", PLAIN, str(options.data), best, out],
            "ecg predict": [*ecg, "predict", str(options.data), "--model", best, "-o", out, "-q"],
            "ecg --help": [*ecg, "--help"],
        }
        seconds: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(options.rounds):
            for side, command in sides.items():
                seconds[side].append(timed(command))
        print("| | wall, s: median (min-max) |\n|---|---|")
        for side, times in seconds.items():
            print(f"| {side} | {median(times):.2f} ({min(times):.2f}-{max(times):.2f}) |")
        share = median(seconds["ecg predict"]) / median(seconds["plain script"])
        print(f"\necg predict takes {share:.2f} of the plain script's time.")
        million = Path(folder) / "million.csv"
        write_million(options.data, million)
        command = [*ecg, "predict", str(million), "--model", best, "-o", out, "-q"]
        print(f"Peak memory on a million beats: {peak_memory(command):.0f} MB.")


def timed(command: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def write_million(source: Path, target: Path) -> None:
    rows = source.read_bytes().splitlines(keepends=True)
    with target.open("wb") as stream:
        for start in range(0, 1_000_000, len(rows)):
            stream.writelines(rows[: 1_000_000 - start])


def peak_memory(command: list[str]) -> float:
    """Highest resident memory of the process, in MB."""
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    main()
