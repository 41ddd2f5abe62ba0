"""No command overwrites what it reads: its files, their sidecars, its model, through links."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wfdb
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import Result

from ecgcli.beats import read_beats, write_beats
from ecgcli.commands import app
from ecgcli.commands.guarding import _OUTPUTS

Ecg = Callable[..., Result]


def all_commands(command: Any) -> list[Any]:
    """A command, or all commands of a group."""
    if not isinstance(command, TyperGroup):
        return [command]
    return [each for member in command.commands.values() for each in all_commands(member)]


@pytest.fixture
def work(ecg: Ecg, demo: Path, trained: Path, anomaly_run: Path, mitdb: Path) -> Path:
    """A folder with a file of every kind that is read, which is also the working folder."""
    del ecg  # it makes the folder the working folder
    folder = Path.cwd()
    beats = read_beats(demo / "synthetic_test.csv").take(np.arange(300))
    write_beats(folder / "beats.csv", replace(beats, context=np.zeros((300, 3), np.float32)))
    write_beats(folder / "train.csv", beats)
    shutil.copytree(trained, "runs/cnn")
    shutil.copytree(anomaly_run, "runs/anomaly")
    for ending in ("hea", "dat", "atr"):
        shutil.copyfile(mitdb / f"100.{ending}", f"100.{ending}")
    Path("folder").mkdir()
    shutil.copyfile(mitdb / "100.hea", "folder/100.hea")
    shutil.copyfile(mitdb / "100.dat", "folder/100.dat")
    np.savetxt("a.csv", np.sin(np.arange(5000) / 40))
    Path("soft.csv").symlink_to("beats.csv")
    os.link("beats.csv", "hard.csv")
    Path("b.split.json").write_text('{"train": {"patient": ["1"]}, "test": {"patient": ["2"]}}')
    return folder


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file in a folder, by its path in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    "arguments",
    [
        "features beats.csv -o beats.csv",
        "features beats.csv -o ./beats.csv",
        "features beats.csv -o soft.csv",
        "features soft.csv -o beats.csv",
        "features beats.csv -o hard.csv",
        "features beats.csv -o beats.info.csv",
        "features beats.csv -o beats.context.npy",
        "resample beats.csv -o beats.csv.gz --majority 50",  # they would share their sidecars
        "cluster beats.csv -o beats.csv",
        "cluster beats.csv --png beats.csv",
        "cluster beats.csv --means beats.info.csv",
        "cluster beats.csv -m runs/cnn --png runs/cnn/best.safetensors",
        "cluster beats.csv --png both.png --means ./both.png",
        "similar beats.csv --to train.csv -m runs/cnn --png train.csv",
        "explain beats.csv -m runs/cnn --png beats.csv",
        "explain beats.csv --png runs/cnn/best.safetensors",  # the newest run is the default
        "confusion runs/cnn --truth beats.csv --png beats.csv",
        "confusion runs/cnn --truth beats.csv --png runs/cnn/best.safetensors",
        "predict beats.csv -m runs/cnn -o beats.csv",
        "predict beats.csv -m runs/cnn/best.safetensors -o runs/cnn/config.yaml",
        "predict 100.hea -m runs/cnn -o 100.hea",
        "predict 100 -m runs/cnn -o 100.hea",
        "predict 100 -m runs/cnn --format wfdb -o 100.dat",
        "predict 100.hea -m runs/cnn --format wfdb -o 100.atr --force",
        "predict 100.hea -m runs/cnn --annotations none --format wfdb -o 100.atr",
        "predict folder -m runs/cnn --annotations ./100.atr -o 100.atr --force",
        "predict a.csv --fs 250 --units mV -m runs/cnn -o a.csv",
        "predict a.csv 100.hea --fs 250 --units mV -m runs/cnn -o .",
        "prepare 100.hea -o 100.hea",
        "prepare folder -o folder/100.dat",
        "prepare *.hea -o 100.hea",
        "prepare 100.hea --split b.split.json -o b.csv",
        "decompose 100 -o 100.dat",
        "decompose 100 --png 100.hea",
        "forecast beats.csv -m runs/anomaly -o beats.csv",
        "forecast beats.csv --png runs/anomaly/anomaly.safetensors",
        "evaluate runs/cnn -d beats.csv -o runs/cnn",  # both have a report.json
    ],
)
def test_it_is_refused_in_a_line_and_nothing_changes(arguments: str, work: Path, ecg: Ecg) -> None:
    before = contents(work)
    result = ecg(*arguments.split(), "-q")
    assert result.exit_code == 2, result.stderr
    (line,) = result.stderr.splitlines()
    reasons = ("by the same command", "another program", "two outputs", "its sidecar would replace")
    assert any(reason in line for reason in reasons)
    assert contents(work) == before


def test_results_beside_the_inputs_are_fine(work: Path, ecg: Ecg) -> None:
    """And they may be written again: only what is read stays."""
    for _ in range(2):
        for arguments in (
            "features beats.csv -o features.csv",
            "predict folder -m runs/cnn -o folder --jobs 1",
            "prepare folder -o folder/beats.csv",
            "predict 100.hea -m runs/cnn -o 100.ecg",
            "evaluate runs/cnn -d beats.csv",
        ):
            result = ecg(*arguments.split(), "-q")
            assert result.exit_code == 0, result.stderr
    assert {"100.csv", "100.summary.json", "summary.json", "beats.csv"} <= {
        path.name for path in (work / "folder").iterdir()
    }


@pytest.mark.usefixtures("work")
def test_annotations_of_another_program_need_force(ecg: Ecg) -> None:
    command = ("predict", "a.csv", "--fs", 250, "--units", "mV", "-m", "runs/cnn")
    shutil.copyfile("100.atr", "a.qrs")
    for target in ("100.atr", "a.qrs"):
        theirs = Path(target).read_bytes()
        refused = ecg(*command, "--format", "wfdb", "-o", target)
        assert refused.exit_code == 2
        assert "another program made it" in refused.stderr
        assert Path(target).read_bytes() == theirs
        assert ecg(*command, "--format", "wfdb", "-o", target, "--force").exit_code == 0
        assert set(wfdb.rdann(str(Path(target).with_suffix("")), target[-3:]).symbol) <= {*"NSVFQ"}
        assert ecg(*command, "--format", "wfdb", "-o", target).exit_code == 0  # it is ours now


def test_every_output_of_every_command_is_guarded() -> None:
    """What an option's help says is written or drawn is not taken for an input."""
    says_so = re.compile(r"to write|to draw|Draw it|Folder (of|for) the r")
    outputs = {
        param.name
        for command in all_commands(get_command(app))
        for param in command.params
        if says_so.search(getattr(param, "help", None) or "")
    }
    assert outputs == {"out", "png", "means"}
    assert outputs <= {*_OUTPUTS}


@pytest.mark.parametrize("ending", [".xlsx", ".foo", ".jpg"])
def test_a_picture_has_no_ending_of_another_format(ending: str, demo: Path, ecg: Ecg) -> None:
    picture = f"matrix{ending}"
    result = ecg("cluster", demo / "synthetic_test.csv", "--png", picture)
    assert result.exit_code == 2
    assert result.stderr == f"error: --png {picture}: found the ending {ending}; valid: .png\n"
    assert not Path(picture).exists()
