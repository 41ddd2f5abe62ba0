"""kill -9 at random times in each long command, which is then run again.

    python benchmarks/kills.py --kills 200 --seed 1 --records data/mitdb --noise data/nstdb

Each trial starts a command in a new folder, kills it at a random time, and looks at what it left:
a file under its final name is whole, of this run or of the one before. Then it runs the command
again. What that makes must be, byte for byte (weights: bit for bit), what a run that was never
killed makes; or the command refuses with one line and exit code 2, and the same command in a
folder of its own makes it.

The commands run in forks of a process that has imported everything, so that the kills fall into
the work and not into the imports. Linux only.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

#: The range of kills, as a multiple of the time of a whole run: some come when it is done.
_BEYOND = 1.1
#: Answers that the reader of a review gives, and seconds between them.
_ANSWERS, _PAUSE = 40, 0.01
#: Seconds for a review to print its address.
_START_SECONDS = 60.0

CONFIG = """\
name: run
licence: none
data: {train: beats.csv, validation: stratified, validation_fraction: 0.2}
model: {name: cnn, channels: [8], hidden: [16]}
training: {epochs: 4, batch_size: 32, device: cpu, schedule: constant, augment: {gain: 0.1}}
"""

Words = tuple[str, ...]


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Command:
    """A command and what it makes.

    Attributes:
        words: the arguments of ``ecg``.
        results: patterns of the files that must be the same.
        again: the arguments of the next run, in the folder that the first left.
        before: makes earlier results of another kind, which the command replaces.
        improves: whether a result is replaced by a better one while the command works.
    """

    words: Words
    results: Words
    again: Callable[[Words], Words] = lambda words: words
    before: Callable[[], None] = _nothing
    improves: bool = False


def _resume(words: Words) -> Words:
    """A training whose folder exists is resumed."""
    return ("train", "-q", "--resume", "runs/run") if Path("runs/run").exists() else words


def _stop_early() -> None:
    """A finished run of one epoch, to be given more."""
    shutil.copytree(Path("stopped"), "runs/run")


def _earlier(*words: str) -> Callable[[], None]:
    """Results of another command under the same names."""

    def make() -> None:
        if (code := run(words)) != 0:
            raise SystemExit(f"{words}: exit code {code}: {_output()}")

    return make


def _review_again(words: Words) -> Words:
    """A review that has answers is continued; the file of answers is given once."""
    file = Path("reviewed/100.review.csv")
    if file.exists() and file.read_bytes().count(b"\n") > 1:
        return ("review", "records/100", "--resume", "--answers", "none.csv", *words[4:])
    return words


_PREPARE = ("-o", "out.csv", "-j", "1", "-q", "--context")
_FOLDER = ("-o", "results", "-j", "1", "-q")
_RUN = ("runs/run*/best.safetensors",)
COMMANDS = {
    "train": Command(("train", "-q", "-c", "c.yaml"), _RUN, _resume, improves=True),
    "train --resume": Command(
        ("train", "-q", "--resume", "runs/run"), _RUN, before=_stop_early, improves=True
    ),
    "train (trees)": Command(("train", "-q", "-c", "trees.yaml"), _RUN, _resume),
    "compare": Command(
        ("compare", "c.yaml", "knn.yaml", "--splits", "synthetic", "--seeds", "1", "--data", ".",
         "-o", "cells", "-q"),
        ("cells/*/*/best.safetensors",), improves=True,
    ),
    "prepare": Command(
        ("prepare", "records", *_PREPARE), ("out.*",),
        before=_earlier("prepare", "records/100", *_PREPARE),
    ),
    "predict BEATS.csv": Command(
        ("predict", "beats.csv", "-m", "beats", "-o", "out.csv", "-q"), ("out.csv",),
        before=_earlier("predict", "other.csv", "-m", "beats", "-o", "out.csv", "-q"),
    ),
    "predict FOLDER": Command(
        ("predict", "records", "-m", "beats", *_FOLDER), ("results/*.csv",),
        before=_earlier("predict", "records", "-m", "recordings", "--abstain", "0.9", *_FOLDER),
    ),
    "evaluate": Command(
        ("evaluate", "beats", "-d", "beats.csv", "-o", "report", "-q"),
        ("report/*.json", "report/*.html"),
        before=_earlier("evaluate", "beats", "-d", "other.csv", "-o", "report", "-q"),
    ),
    "resample": Command(
        ("resample", "beats.csv", "-o", "out.csv", "--majority", "100", "-q"), ("out.*",),
        before=_earlier("resample", "other.csv", "-o", "out.csv", "--majority", "9", "-q"),
    ),
    "anomaly fit": Command(
        ("anomaly", "fit", "--data", "beats.csv", "--epochs", "2", "-o", "fitted", "-q",
         "--device", "cpu"),
        ("fitted*/anomaly.safetensors",),
    ),
    "fibrillation fit": Command(
        ("fibrillation", "fit", "rhythms", "-o", "fitted", "-q"),
        ("fitted*/fibrillation.safetensors",),
    ),
    "view": Command(
        ("view", "records/100", "-m", "beats", "-o", "page.html", "-q"), ("page.html",),
        before=_earlier("view", "records/208", "-m", "beats", "-o", "page.html", "-q"),
    ),
    "review --answers": Command(
        ("review", "records/100", "--answers", "answers.csv", "-o", "reviewed", "-m", "beats",
         "--reader", "anna", "-q"),
        ("reviewed/*.reviewed*",), _review_again,
    ),
    "download": Command(("download", "nstdb", "--out", ".", "-q"), ("nstdb/*",)),
}  # fmt: skip


def lay_out(folder: Path, records: Path) -> None:
    """What the commands read: beats, configs, and a folder of short records."""
    import numpy as np

    from ecgcli.beats import read_beats, write_beats
    from ecgcli.progress import SILENT
    from ecgcli.sources import get_source

    get_source("demo").download(folder, None, SILENT)
    beats = read_beats(folder / "synthetic_train.csv")
    write_beats(folder / "beats.csv", beats.take(np.arange(0, len(beats), len(beats) // 800)))
    write_beats(folder / "other.csv", beats.take(np.arange(200)))
    for side in ("train", "test"):
        for ending in ("csv", "info.csv"):
            shutil.copy(folder / f"beats.{ending}", folder / f"synthetic_{side}.{ending}")
    (folder / "c.yaml").write_text(CONFIG)
    knn = "licence: none\ndata: {train: beats.csv}\nmodel: {name: knn}\n"
    (folder / "knn.yaml").write_text(knn)
    for name in ("100", "208", "232"):
        _cut(records / name, folder / "records", seconds=120)
    for name in ("201", "202", "203", "210", "219", "221", "222"):
        _cut(records / name, folder / "rhythms", seconds=1800)
    with chdir(folder):
        _lay_out_made()


def _lay_out_made() -> None:
    """What commands make, for others to read."""
    from ecgcli.recordings import read_recording

    Path("trees.yaml").write_text(
        "name: run\nlicence: none\n"
        "data: {train: beats.csv, validation: stratified, validation_fraction: 0.2}\n"
        "model: {name: features, trees: 20}\n"
    )
    _earlier("train", "-q", "-c", "c.yaml", "training.epochs=1", "runs=.", "name=stopped")()
    config = Path("stopped/config.yaml")
    text = config.read_text().replace("epochs: 1\n", "epochs: 4\n")
    config.write_text(text.replace("name: stopped", "name: run").replace("runs: .", "runs: runs"))
    record = read_recording(Path("records/100.hea"))
    times = record.positions[10:50] / record.sampling_rate
    rows = "".join(f"{time:.4f},V\n" for time in times)
    Path("answers.csv").write_text(f"time,class\n{rows}")
    Path("none.csv").write_text("time,class\n")


def _cut(record: Path, folder: Path, seconds: int) -> None:
    """The first seconds of a record of the MIT-BIH Arrhythmia Database."""
    import wfdb

    folder.mkdir(exist_ok=True)
    stop = seconds * 360
    part = wfdb.rdrecord(str(record), sampto=stop, physical=False)
    part.wrsamp(write_dir=str(folder))
    wfdb.rdann(str(record), "atr", sampto=stop - 1).wrann(write_fs=True, write_dir=str(folder))


def start(words: Words) -> int:
    """Run ``ecg`` in a fork; its process."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        sink = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        sys.argv = ["ecg", *words]
        from ecgcli.__main__ import main

        main()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run(words: Words) -> int:
    """Run ``ecg`` in a fork to its end; its exit code."""
    return _ended(start(words))


def _ended(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _killed(process: int) -> bool:
    """Kill a process; whether it was still running."""
    os.kill(process, signal.SIGKILL)
    return _ended(process) == -signal.SIGKILL


def _output() -> str:
    return Path("output.txt").read_text(errors="replace")


def digests(patterns: Words) -> dict[str, str]:
    """What a command has made: of a checkpoint the weights, of another file the bytes.

    A run folder that got a number, because a killed run has left its name, counts under that name.
    """
    return {
        re.sub(r"-2/", "/", str(path)): _digest(path)
        for pattern in patterns
        for path in sorted(Path().glob(pattern))
        if path.is_file() and not path.name.startswith(".")
    }


def _digest(path: Path) -> str:
    from safetensors.numpy import load

    data = path.read_bytes()
    if path.suffix == ".json":
        data = re.sub(rb'"seconds": [\d.]+', b"", data)
    if path.suffix != ".safetensors":
        return hashlib.sha256(data).hexdigest()
    digest = hashlib.sha256()
    for name, values in sorted(load(data).items()):
        if name != "graph":
            digest.update(name.encode() + values.tobytes())
    return digest.hexdigest()


def trial(command: Command, after: float, reference: dict[str, str]) -> str:
    """Kill a command after a time and run it again; what came of it, in a word or two."""
    command.before()
    earlier = digests(command.results)
    process = start(command.words)
    time.sleep(after)
    killed = _killed(process)
    if (torn := _torn(earlier, reference)) and not command.improves:
        return f"a file is not whole: {torn}"
    code = run(command.again(command.words))
    if code == 2 and "error:" in _output():
        with tempfile.TemporaryDirectory(dir=".") as place, chdir(place):
            _link(path for path in Path("..").iterdir() if path.is_symlink())
            command.before()
            code = run(command.words)
            same = code == 0 and digests(command.results) == reference
        return "refused" if same else f"refused, and in a new folder {code}: {_output()[-400:]}"
    if code != 0:
        return f"exit code {code}: {_output()[-400:]}"
    if left := [str(path) for path in Path().rglob("*") if path.name.endswith((".tmp", ".lock"))]:
        return f"left behind: {left}"
    if (now := digests(command.results)) != reference:
        different = {name for name in {*now, *reference} if now.get(name) != reference.get(name)}
        return f"another result: {sorted(different)}"
    return "equal" if killed else "done before the kill"


def _torn(earlier: dict[str, str], reference: dict[str, str]) -> list[str]:
    """Files under their final names that are neither of this run nor of the one before."""
    return [
        name
        for name, value in digests(("*", "*/*", "*/*/*")).items()
        if name in reference and value not in (reference[name], earlier.get(name))
    ]


def review_trial(after: float) -> str:
    """Kill a review while a reader answers it, and continue; every answer is there.

    An answer is one that the page was told is saved. The file may have one more.
    """
    options = ("-o", "reviewed", "-m", "beats", "--reader", "anna", "-q")
    process = start(("review", "records/100", "--no-open", *options))
    saved = _answer_until(time.monotonic() + after)
    _killed(process)
    file = Path("reviewed/100.review.csv")
    rows = file.read_text().splitlines()[1:] if file.exists() else []
    complete = len(rows) - (file.exists() and not file.read_bytes().endswith(b"\n"))
    if not saved <= complete <= saved + 1:
        return f"{saved} answers were saved, and {complete} are there"
    code = run(("review", "records/100", "--resume", "--answers", "none.csv", *options))
    if code != 0:
        return f"exit code {code}: {_output()[-400:]}"
    shutil.copy(file, "kept.csv")
    words = ("review", "records/100", "--answers", "kept.csv", "-o", "new", *options[2:])
    if (code := run(words)) != 0:
        return f"exit code {code} for the answers kept: {_output()[-400:]}"
    for name in ("100.reviewed.csv", "100.reviewed"):
        if Path("new", name).read_bytes() != Path("reviewed", name).read_bytes():
            return f"another {name}"
    return "equal"


def _answer_until(end: float) -> int:
    """Answer a review until a time; the number of answers that it confirmed."""
    deadline = time.monotonic() + _START_SECONDS
    while not (address := re.search(r"http://(\S+?)(/\S+)", _output_or_nothing())):
        if time.monotonic() > min(end, deadline):
            return 0
        time.sleep(0.005)
    saved = 0
    connection = http.client.HTTPConnection(address[1], timeout=10)
    headers = {"Content-Type": "application/json", "Origin": f"http://{address[1]}"}
    while saved < _ANSWERS and time.monotonic() < end:
        answer = {"action": "class", "beats": [saved + 5], "class": "V", "version": saved}
        with suppress(OSError, http.client.HTTPException):
            connection.request("POST", f"{address[2]}answer", json.dumps(answer), headers)
            response = connection.getresponse()
            response.read()
            saved += response.status == 200
        time.sleep(_PAUSE)
    return saved


def _output_or_nothing() -> str:
    try:
        return _output()
    except OSError:
        return ""


def campaign(name: str, command: Command, folder: Path, kills: int, seed: int) -> Counter[str]:
    """What came of a number of kills of one command."""
    chance = random.Random(f"{seed} {name}")  # noqa: S311
    seconds, reference = _whole_run(command, folder)
    results: Counter[str] = Counter()
    for _ in range(kills):
        with _in_new_folder(folder):
            results[trial(command, chance.uniform(0, _BEYOND * seconds), reference)] += 1
    return results


def review_campaign(folder: Path, kills: int, seed: int) -> Counter[str]:
    """What came of a number of kills of a review."""
    chance = random.Random(f"{seed} review")  # noqa: S311
    results: Counter[str] = Counter()
    for _ in range(kills):
        with _in_new_folder(folder):
            results[review_trial(chance.uniform(0.3, 2))] += 1
    return results


def _whole_run(command: Command, folder: Path) -> tuple[float, dict[str, str]]:
    """How long a command takes, and what it makes."""
    with _in_new_folder(folder):
        command.before()
        began = time.monotonic()
        if run(command.words) != 0:
            raise SystemExit(f"{command.words}: {_output()}")
        seconds = time.monotonic() - began
        if not (reference := digests(command.results)):
            raise SystemExit(f"{command.words} made none of {command.results}")
        return seconds, reference


@contextmanager
def _in_new_folder(folder: Path) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="kills-") as place, chdir(place):
        _link(path for path in folder.iterdir() if path.name not in ("output.txt", "runs"))
        yield


def _link(inputs: Iterable[Path]) -> None:
    """Links to the inputs, which no command may change."""
    for path in inputs:
        Path(path.name).symlink_to(path.resolve())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="of each command")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--records", type=Path, default=Path("data/mitdb"))
    parser.add_argument("--noise", type=Path, default=Path("data/nstdb"), help="what is downloaded")
    names = [*COMMANDS, "review"]
    parser.add_argument("--commands", nargs="*", default=names, choices=names)
    options = parser.parse_args()
    records, noise = options.records.resolve(), options.noise.resolve()
    _import_everything()
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="kills-") as name, _mirror(noise) as url:
        lay_out(Path(name), records)
        print("| command | kills | bit-equal | done before the kill | refused | wrong |")
        print("|---|---|---|---|---|---|", flush=True)
        for title in options.commands:
            if title == "review":
                results = review_campaign(Path(name), options.kills, options.seed)
            else:
                command = COMMANDS[title]
                if title == "download":
                    command = replace(command, words=(*command.words, "--from", url))
                results = campaign(title, command, Path(name), options.kills, options.seed)
            wrong += _report(title, options.kills, results)
    sys.exit(wrong > 0)


def _report(title: str, kills: int, results: Counter[str]) -> int:
    """Print the row of a command; the number of results that are wrong."""
    fine = [results.pop(each, 0) for each in ("equal", "done before the kill", "refused")]
    wrong = sum(results.values())
    print(f"| {title} | {kills} | {' | '.join(map(str, fine))} | {wrong} |", flush=True)
    for what, count in results.items():
        print(f"    {count} times: {what}", flush=True)
    return wrong


@contextmanager
def _mirror(folder: Path) -> Iterator[str]:
    """A server of a folder in a process of its own; slow, so that kills fall into a file."""
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Slow(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def copyfile(self, source: Any, outputfile: Any) -> None:
            while data := source.read(1 << 17):
                outputfile.write(data)
                time.sleep(0.01)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Slow, directory=str(folder)))
    process = os.fork()
    if not process:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # clients that are killed
        server.serve_forever()
    server.server_close()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        _killed(process)


def _import_everything() -> None:
    """What the commands import, so that their forks need not."""
    import bokeh.plotting  # noqa: F401
    import lightgbm  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import openvino  # noqa: F401
    import requests  # noqa: F401
    import sklearn.metrics
    import sklearn.model_selection
    import sklearn.neighbors  # noqa: F401
    import torch  # noqa: F401
    import wfdb  # noqa: F401

    import ecgcli.anomaly.fitting
    import ecgcli.commands
    import ecgcli.evaluation.comparison
    import ecgcli.evaluation.report
    import ecgcli.prediction.recordings
    import ecgcli.review.serving
    import ecgcli.review.session
    import ecgcli.training
    import ecgcli.training.fibrillation
    import ecgcli.view.building  # noqa: F401


if __name__ == "__main__":
    main()
