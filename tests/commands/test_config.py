"""``ecg config``, and what ``--config`` takes, in a folder without ``configs``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.conftest import ROOT

Ecg = Callable[..., Result]

NAMES = sorted(path.stem for path in ROOT.glob("configs/*.yaml"))


def test_every_config_is_listed(ecg: Ecg) -> None:
    listed = json.loads(ecg("config", "--json").stdout)["configs"]
    assert [entry["name"] for entry in listed] == NAMES
    assert all(entry["summary"] and "#" not in entry["summary"] for entry in listed)
    assert all(name in ecg("config", "list").stdout for name in NAMES)


def test_show_is_the_file_and_copy_writes_it_once(ecg: Ecg) -> None:
    text = (ROOT / "configs" / "demo.yaml").read_text()
    assert ecg("config", "show", "demo").stdout == text
    copied = ecg("config", "copy", "demo")
    assert copied.stdout == "demo.yaml\n"
    assert copied.stderr == "Next: ecg train --config demo.yaml\n"
    Path("demo.yaml").write_text("mine")
    again = ecg("config", "copy", "demo")
    assert (again.exit_code, again.stdout) == (2, "")
    assert "demo.yaml exists; name another file with --out" in again.stderr
    assert Path("demo.yaml").read_text() == "mine"
    ecg("config", "copy", "demo", "-o", "other/mine.yaml")
    assert Path("other/mine.yaml").read_text() == text


@pytest.mark.parametrize(
    ("place", "note"),
    [
        ("demo", ""),
        ("configs/demo.yaml", "configs/demo.yaml is not here: the config demo of ecg is used"),
    ],
)
@pytest.mark.usefixtures("bare_training")
def test_train_takes_a_name_and_the_path_in_a_clone(
    place: str, note: str, demo: Path, ecg: Ecg
) -> None:
    (Path.cwd() / "demo").mkdir()  # a folder of that name is no config
    train = f"data.train={demo / 'synthetic_train.csv'}"
    result = ecg("train", "--config", place, train, "training.epochs=1", "model.channels=[4]")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "runs/demo\n"
    assert (note in result.stderr) if note else ("is used" not in result.stderr)


def test_a_file_of_ones_own_comes_first(demo: Path, ecg: Ecg) -> None:
    Path("configs").mkdir()
    Path("configs/demo.yaml").write_text(f"data: {{train: {demo / 'none.csv'}}}")
    result = ecg("train", "--config", "configs/demo.yaml")
    assert "none.csv: no such training data" in result.stderr


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("cn", "there is no config cn; did you mean cnn?"),
        ("mine/cnn.yaml", "mine/cnn.yaml: no such config; the config cnn comes with ecg: --config"),
        ("configs/cnnn.yaml", "configs/cnnn.yaml: no such config; the config cnn comes with ecg"),
        ("x.yaml", "x.yaml: no such config; ecg config lists those that come with ecg"),
    ],
)
@pytest.mark.parametrize("command", [("train", "--config"), ("compare",)])
def test_what_is_neither(command: tuple[str, ...], place: str, message: str, ecg: Ecg) -> None:
    result = ecg(*command, place)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize("command", ["show", "copy"])
def test_no_such_config(command: str, ecg: Ecg) -> None:
    result = ecg("config", command, "ccn")
    assert result.exit_code == 2
    assert "no config that comes with ecg is called ccn; did you mean cnn?" in result.stderr
