"""``ecg download``: what it writes and what it prints."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ecgcli.beats import read_labelled

Ecg = Callable[..., Result]


def test_demo_goes_to_data_and_names_the_next_step(ecg: Ecg) -> None:
    result = ecg("download", "demo")
    assert result.exit_code == 0
    assert result.stdout.split() == ["data/synthetic_train.csv", "data/synthetic_test.csv"]
    assert result.stderr.strip() == "Next: ecg train --config demo"
    for path in result.stdout.split():
        assert read_labelled(path).synthetic


def test_demo_is_the_same_every_time(ecg: Ecg) -> None:
    for out in ("a", "b"):
        ecg("download", "demo", "--out", out)
    for name in ("synthetic_train.csv", "synthetic_test.info.csv"):
        assert (Path("a") / name).read_bytes() == (Path("b") / name).read_bytes()


def test_json_and_quiet(ecg: Ecg) -> None:
    result = ecg("download", "demo", "--out", "x", "--json", "--quiet")
    assert result.stderr == ""
    assert json.loads(result.stdout) == {
        "schema": 1,
        "source": "demo",
        "files": ["x/synthetic_train.csv", "x/synthetic_test.csv"],
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mitdv"], "there is no source mitdv; did you mean mitdb?"),
        (["demo", "--from", "x"], "leave --from out"),
        (["mitdb", "--from", "nowhere"], "nowhere/"),
        (["kaggle", "--from", "nowhere"], "mitbih_train.csv: no such file"),
        (["mitdb", "--from", "http://127.0.0.1:9/"], "check the address and the connection"),
        (["mitdb", "--from", "ftp://127.0.0.1/"], "valid: http://… or https://…, or the path"),
        (["mitdb", "--from", "http://[::1/"], "not an address of a server"),
        (["mitdb", "--from", f"http://{'a' * 300}.org/"], "check the address"),
    ],
)
def test_refusals(
    arguments: list[str], message: str, ecg: Ecg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecgcli.sources.transfer.RETRIES", 0)
    result = ecg("download", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not list(Path().rglob("*.csv"))


@pytest.mark.parametrize("out", ["a_file", "a_file/sub", "/proc/x"])
@pytest.mark.parametrize("source", ["demo", "mitdb"])
def test_a_folder_that_cannot_be_made(source: str, out: str, ecg: Ecg) -> None:
    Path("a_file").write_text("mine")
    result = ecg("download", source, "--out", out)
    assert result.exit_code == 2
    assert f"cannot write {out}/" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert Path("a_file").read_text() == "mine"
