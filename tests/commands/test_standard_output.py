"""``--out -`` and ``/dev/stdout``: the table alone, after what was there, and nothing beside it."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.helpers import ecg_process

Ecg = Callable[..., Result]

COMMANDS = {
    "cluster": "cluster beats.csv --clusters 2 -q",
    "config": "config copy cnn -q",
    "decompose": "decompose 100.hea --seconds 20 -q",
    "features": "features beats.csv -q",
    "predict": "predict beats.csv -m run -q",
    "prepare": "prepare 100.hea -q",
    "resample": "resample beats.csv --majority 5 --force -q",
}


@pytest.fixture
def work(
    trained: Path, demo: Path, mitdb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    for name, target in {
        "run": trained,
        "beats.csv": demo / "synthetic_test.csv",
        "100.hea": mitdb / "100.hea",
        "100.dat": mitdb / "100.dat",
        "100.atr": mitdb / "100.atr",
    }.items():
        (tmp_path / name).symlink_to(target)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(work: Path) -> list[str]:
    """The files beside standard output, by either of its names."""
    return sorted(path.name for path in [*work.iterdir(), *Path("/dev").glob("stdout*")])


@pytest.mark.parametrize("name", COMMANDS)
def test_it_gets_what_a_file_gets(name: str, work: Path, ecg: Ecg) -> None:
    words = COMMANDS[name].split()
    assert ecg(*words, "-o", "out.csv").exit_code == 0
    table = (work / "out.csv").read_bytes()
    assert len(table) > 200
    before = names(work)
    assert ecg(*words, "-o", "-").stdout_bytes == table
    process = ecg_process(*words, "-o", "/dev/stdout")
    assert subprocess.run(process, stdout=subprocess.PIPE, check=True).stdout == table
    subprocess.run(["bash", "-c", f"echo first > all; {shlex.join(process)} >> all"], check=True)
    assert (work / "all").read_bytes() == b"first\n" + table
    assert names(work) == sorted(["all", *before])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("cluster beats.csv -o - --json", "--json and --out - both print"),
        ("decompose 100.hea -o /dev/stdout --json", "--json and --out /dev/stdout both print"),
        ("prepare 100.hea -o - --json", "--json and --out - both print"),
        ("prepare 100.hea -o - --split random", "--split writes two files"),
        ("resample beats.csv --force -o - --json", "--json and --out - both print"),
        ("view 100.hea -o - --json", "--json and --out - both print"),
        ("view 100.hea -o - --open", "--open shows a file"),
        ("features beats.csv --json -o out.csv", "--json prints; for a file leave it out"),
        ("cluster beats.csv --png -", "--png -: this is not printed"),
        ("evaluate run --data beats.csv -o -", "--out -: this is not printed"),
        ("download demo --out -", "--out -: this is not printed"),
        ("export run -o -", "--out -: this is not printed"),
        ("predict 100.hea -m beats --report -", "--report -: this is not printed"),
    ],
)
def test_what_it_cannot_get_is_refused(words: str, message: str, work: Path, ecg: Ecg) -> None:
    before = names(work)
    result = ecg(*words.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert names(work) == before


def test_an_input_is_not_appended_to(work: Path, demo: Path) -> None:
    beats = work / "own.csv"
    beats.write_bytes((demo / "synthetic_test.csv").read_bytes())
    line = f"{shlex.join(ecg_process('predict', 'own.csv', '-m', 'run'))} >> own.csv"
    result = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "own.csv, which is read by the same command" in result.stderr
    assert beats.read_bytes() == (demo / "synthetic_test.csv").read_bytes()


def test_a_page_is_printed(work: Path, ecg: Ecg) -> None:
    result = ecg("view", "100.hea", "-m", "beats", "-o", "-")
    assert result.stdout.startswith("<!doctype html>")
    assert result.stdout.rstrip().endswith("</html>")
    assert not list(work.glob("*.html"))
