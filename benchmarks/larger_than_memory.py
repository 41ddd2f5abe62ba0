"""Train on ten million beats in parquet: peak memory, and seconds of the first two epochs.

    python benchmarks/larger_than_memory.py data/mitbih_train.csv --beats 10_000_000 --samples uint8

The beats are those of the file, over and over, each time with another gain and as those of
other patients. They are written in pieces, with their sidecar. A small network is trained
by ``ecg train`` in a process of its own, whose memory is read from /proc (Linux) every 0.1 s: its
own pages, which need memory, and those of files, which the system takes back when it needs them.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from ecgcli.beats import Beats, read_labelled
from ecgcli.beats.parquet_writer import writing_parquet
from ecgcli.choices import Storage

#: Beats written at a time.
PIECE = 50_000
OVERRIDES = (
    "data.resample=null", "model.name=cnn", "model.channels=[4]", "model.hidden=[16]",
    "training.epochs=2", "training.batch_size=4096", "training.device=cpu",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--beats", type=int, default=10_000_000)
    parser.add_argument("--samples", default="uint8", choices=("float32", "float16", "uint8"))
    parser.add_argument("--folder", type=Path, help="where there is room for the files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        path = folder / "beats.parquet"
        began = time.monotonic()
        write_beats_like(read_labelled(options.source), path, options.beats, options.samples)
        written = time.monotonic() - began
        print(f"{options.beats:,} beats, {path.stat().st_size / 1e9:.2f} GB, in {written:.0f} s")
        began = time.monotonic()
        peaks = train(path, folder)
        whole = time.monotonic() - began
        array = path.with_name(f"{path.name}.samples.npy").stat().st_size
        with next(folder.glob("runs/*/metrics.csv")).open() as stream:
            epochs = [float(row["seconds"]) for row in csv.DictReader(stream)]
        print("| samples | array, GB | own memory, GB | with files, GB | epoch 1, s | epoch 2, s |")
        print("|---|---|---|---|---|---|")
        print(
            f"| {options.samples} | {array / 1e9:.2f} | {peaks['RssAnon']:.2f} "
            f"| {peaks['VmRSS']:.2f} | {epochs[0]:.0f} | {epochs[1]:.0f} |"
        )
        print(f"start to end {whole:.0f} s, of which {whole - sum(epochs):.0f} s before the epochs")


def write_beats_like(beats: Beats, path: Path, count: int, samples: Storage) -> None:
    random = np.random.default_rng(0)
    with writing_parquet(path, storage=samples, info=beats.info is not None) as writer:
        for first in range(0, count, PIECE):
            rows = np.arange(first, min(first + PIECE, count))
            writer.write(varied(beats.take(rows % len(beats)), rows // len(beats), random))


def varied(beats: Beats, round_: np.ndarray, random: np.random.Generator) -> Beats:
    """The beats with other gains, as those of the patients of this round."""
    gain = 1 - 0.2 * random.random((len(beats), 1), np.float32)
    info = beats.info
    if info is not None:
        info = info.assign(patient=info["patient"] + "-" + round_.astype(str).astype(object))
    return Beats(beats.samples * gain, beats.labels, info)


def train(path: Path, folder: Path) -> dict[str, float]:
    """Train two epochs; the peaks of the process's memory, in GB."""
    overrides = [f"data.train={path}", f"runs={folder / 'runs'}", *OVERRIDES]
    command = [sys.executable, "-m", "ecgcli", "train", "--config", "cnn", *overrides]
    process = subprocess.Popen(command, env=os.environ)
    peaks = {"RssAnon": 0.0, "VmRSS": 0.0}
    watcher = threading.Thread(target=watch, args=(process, peaks))
    watcher.start()
    if process.wait():
        raise SystemExit("training failed")
    watcher.join()
    return peaks


def watch(process: subprocess.Popen[bytes], peaks: dict[str, float]) -> None:
    status = Path(f"/proc/{process.pid}/status")
    with suppress(OSError):  # the process has ended
        while process.poll() is None:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
            for name in peaks.keys() & lines.keys():
                peaks[name] = max(peaks[name], int(lines[name].split()[0]) / 1e6)
            time.sleep(0.1)


if __name__ == "__main__":
    main()
