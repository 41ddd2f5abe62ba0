"""A full disk, few open files, little memory, wrong clocks: nothing is lost, one line says why."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import Result

from tests.conftest import ROOT
from tests.helpers import ecg_process, small_document

Ecg = Callable[..., Result]

#: Runs every line of its input as ``ecg`` with these words, and prints a document for each.
_RUNNER = """
import json, sys
from typer.testing import CliRunner
from ecgcli.commands import app
for line in sys.stdin:
    result = CliRunner().invoke(app, json.loads(line))
    print(json.dumps([result.exit_code, result.stderr.strip().splitlines()[-1:]]))
"""


def on_a_small_disk(commands: list[list[str]], folder: Path, kilobytes: int) -> list[list[object]]:
    """Run commands where ``folder`` is a disk of this size; exit code and last line of each.

    The folder's files are copied onto the disk first, and what is on it at the end is copied to
    ``folder/after``.
    """
    script = (
        f"mkdir {folder}/disk {folder}/after && "
        f"mount -t tmpfs -o size={kilobytes}k tmpfs {folder}/disk && "
        f"cp {folder}/old/* {folder}/disk/ && cd {folder} && "
        f"{sys.executable} -c '{_RUNNER}'; cp -r {folder}/disk/. {folder}/after/"
    )
    result = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", script], capture_output=True, text=True, check=False,
        input="".join(f"{json.dumps(words)}\n" for words in commands),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    if "unshare" in result.stderr or "mount" in result.stderr:
        pytest.skip(f"no disk can be made here: {result.stderr.splitlines()[0]}")
    assert not result.stderr, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is a program of Linux")
def test_a_full_disk_keeps_what_was_on_it(
    trained: Path, anomaly_run: Path, rhythm_records: Path, demo: Path, mitdb: Path, tmp_path: Path
) -> None:
    train, test = demo / "synthetic_train.csv", demo / "synthetic_test.csv"
    (tmp_path / "c.yaml").write_text(json.dumps(small_document(demo, Path("disk/runs"))))
    (tmp_path / "answers.csv").write_text("time,class\n")
    (tmp_path / "old").mkdir()
    run = shutil.copytree(trained, tmp_path / "run")  # similar keeps an embedding beside it
    synthetic = ("--splits", "synthetic", "--seeds", 1, "--data", demo)
    commands = {
        "p.csv": ["predict", test, "--model", trained, "-o", "disk/p.csv"],
        "r.csv": ["prepare", mitdb / "100.hea", "-o", "disk/r.csv", "-j", 1],
        "s.csv": ["resample", train, "-o", "disk/s.csv", "--majority", 500, "--force"],
        "f.csv": ["features", test, "-o", "disk/f.csv"],
        "report.html": ["evaluate", trained, "--data", test, "-o", "disk"],
        "c.csv": ["cluster", test, "-o", "disk/c.csv", "--clusters", 2],
        "e.png": ["explain", test, "--model", trained, "--rows", 0, "--png", "disk/e.png"],
        "d.csv": ["decompose", mitdb / "100", "--seconds", 30, "-o", "disk/d.csv"],
        "v.html": ["view", mitdb / "100", "--model", trained, "-o", "disk/v.html"],
        "x.png": ["confusion", trained, "--truth", test, "--png", "disk/x.png"],
        "synthetic_train.csv": ["download", "demo", "--out", "disk"],
        "g.csv": ["forecast", test, "-m", anomaly_run, "-o", "disk/g.csv"],
        "n.png": ["similar", test, "-m", run, "--to", train, "--png", "disk/n.png"],
        "scores.csv": ["anomaly", "score", test, "-m", anomaly_run, "-o", "disk"],
        "m.onnx": ["export", trained, "-o", "disk/m.onnx"],
        "100.csv": ["predict", mitdb / "100.hea", mitdb / "101.hea", "-o", "disk", "-j", 1],
        "100.html": [
            "predict", mitdb / "100.hea", "-m", trained, "-o", "p.csv", "--report", "disk",
        ],
        "100.reviewed.csv": [
            "review", mitdb / "100", "-m", trained, "--answers", "answers.csv", "-o", "disk",
        ],
        "": ["train", "-q", "--config", "c.yaml"],
        "compared": ["compare", "c.yaml", *synthetic, "-o", "disk/compared"],
        "fitted": ["fibrillation", "fit", rhythm_records, "-o", "disk/fitted"],
        "normal": ["anomaly", "fit", "--data", test, "--epochs", 1, "-o", "disk/normal"],
        "copied.yaml": ["config", "copy", "cnn", "-o", "disk/copied.yaml"],
    }  # fmt: skip
    runs = ("", "compared", "fitted", "normal", "copied.yaml")
    files = [name for name in commands if name not in runs]
    for name in files:
        (tmp_path / "old" / name).write_text("old\n")
    words = [[str(word) for word in command] for command in commands.values()]
    results = on_a_small_disk(words, tmp_path, kilobytes=4 * (len(files) + 1))
    assert len(results) == len(commands)
    for name, (code, error) in zip(commands, results, strict=True):
        assert code == 2, (name, error)
        assert str(error[0]).startswith("error: "), name  # type: ignore[index]
        if name in files:
            assert (tmp_path / "after" / name).read_text() == "old\n", name
    assert not list((tmp_path / "after").rglob("*.tmp"))


@pytest.mark.parametrize(
    ("limit", "value"),
    [("RLIMIT_NOFILE", 24), ("RLIMIT_AS", 600 << 20), ("RLIMIT_FSIZE", 1 << 12)],
)
def test_scarce_resources_are_an_error_or_enough(
    limit: str, value: int, demo: Path, trained: Path, tmp_path: Path
) -> None:
    """Where a library cannot even be loaded, Python says so; there is no half result."""
    import resource

    target = tmp_path / "out.csv"
    target.write_text("old\n")
    result = subprocess.run(
        ecg_process("predict", demo / "synthetic_test.csv", "--model", trained, "-o", target),
        capture_output=True, text=True, check=False, timeout=300,
        preexec_fn=lambda: resource.setrlimit(getattr(resource, limit), (value, value)),
    )  # fmt: skip
    if result.returncode == 0:
        assert len(pd.read_csv(target)) == (demo / "synthetic_test.csv").read_bytes().count(b"\n")
    else:
        assert target.read_text() == "old\n"
        assert result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"out.csv"}


def with_processes(command: list[str], count: int) -> list[str]:
    """The command, run as a user limited to this many processes and threads; root has no limit."""
    limited = ["prlimit", f"--nproc={count}", *command]
    if os.geteuid():
        return limited
    rights = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    never = "--bounding-set=-sys_resource,-sys_admin"
    return ["setpriv", "--reuid=65534", "--clear-groups", never, *rights, *limited]


@pytest.mark.skipif(
    not (shutil.which("prlimit") and shutil.which("setpriv")), reason="programs of Linux"
)
@pytest.mark.parametrize("count", [0, 3])
def test_too_few_processes_are_a_line(count: int, demo: Path, trained: Path, mitdb: Path) -> None:
    """Neither worker processes nor, with a few more, their threads can be started."""
    with tempfile.TemporaryDirectory() as name:  # which another user may enter
        folder = Path(name)
        shutil.copy(trained / "best.safetensors", folder / "m.safetensors")
        shutil.copy(demo / "synthetic_test.csv", folder / "beats.csv")
        for record in ("100", "101"):
            for ending in ("hea", "dat", "atr"):
                shutil.copy(mitdb / f"{record}.{ending}", folder)
        (folder / "out.csv").write_text("old\n")
        for path in (folder, *folder.iterdir()):
            path.chmod(0o777)
        before = {path.name for path in folder.iterdir()} | {"results"}
        for arguments in (
            (
                folder / "100.hea",
                folder / "101.hea",
                "-m",
                "beats",
                "-o",
                folder / "results",
                "-j2",
            ),
            (folder / "beats.csv", "--model", folder / "m.safetensors", "-o", folder / "out.csv"),
        ):
            result = subprocess.run(
                with_processes(ecg_process("predict", *arguments), count),
                capture_output=True, text=True, check=False, timeout=300, cwd=folder,
            )  # fmt: skip
            if result.returncode == 0:  # where a processor has fewer threads, they are enough
                continue
            assert result.returncode == 2, result.stderr
            assert "Traceback" not in result.stderr
            assert re.match("error: .*(process|threads)", result.stderr.splitlines()[-1])
            assert {path.name for path in folder.iterdir()} <= before
            assert not list(folder.rglob("*.tmp"))  # whole results of a recording may stay
            assert (folder / "out.csv").read_text() == "old\n"


def test_a_lack_of_memory_is_a_line(
    monkeypatch: pytest.MonkeyPatch, demo: Path, trained: Path, ecg: Ecg
) -> None:
    """NumPy says how much was asked for; PyTorch has no class for it."""
    target = Path("out.csv")
    target.write_text("old\n")
    for error in (
        MemoryError("Unable to allocate 8.00 GiB for an array"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
    ):
        monkeypatch.setattr("ecgcli.prediction.beats.predict_file", _raise(error))
        result = ecg("predict", demo / "synthetic_test.csv", "--model", trained, "-o", target)
        assert result.exit_code == 2
        assert f"error: not enough memory ({error}); use a smaller file" in result.stderr
        assert target.read_text() == "old\n"


def _raise(error: Exception) -> Callable[..., None]:
    def call(*_: object, **__: object) -> None:
        raise error

    return call


def test_clocks_that_are_wrong_change_nothing(
    trained: Path, mitdb: Path, tmp_path: Path, ecg: Ecg
) -> None:
    """Inputs of the future and results of the past: what is done is known by content."""
    records, results = tmp_path / "records", tmp_path / "results"
    records.mkdir()
    for ending in ("hea", "dat", "atr"):
        shutil.copy(mitdb / f"100.{ending}", records)
        os.utime(records / f"100.{ending}", (4e9, 4e9))
    arguments = ("predict", records, "--model", trained, "-o", results, "-j", 1)
    assert ecg(*arguments).exit_code == 0
    for path in results.iterdir():
        os.utime(path, (1, 1))
    assert "(1 done before)" in ecg(*arguments).stderr
    shutil.copy(mitdb / "101.atr", records / "100.atr")
    os.utime(records / "100.atr", (4e9, 4e9))
    assert "done before" not in ecg(*arguments).stderr
