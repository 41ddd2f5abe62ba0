"""The recipes of CONTRIBUTING.md, followed to the letter."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from numpy.typing import NDArray

import ecgcli
from ecgcli.beats import read_beats
from ecgcli.sources.synthetic import simulate
from tests.conftest import ROOT
from tests.helpers import ecg_process, small_document
from tests.plugins import install, uninstall

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
#: The recipes that are files: the heading, the group of entry points.
RECIPES = {
    "a model": "ecgcli.models",
    "a source": "ecgcli.sources",
    "a format of recordings": "ecgcli.formats",
    "a detector of R peaks": "ecgcli.detectors",
}

Completed = subprocess.CompletedProcess[str]
Ecg = Callable[..., Completed]


def section(heading: str) -> str:
    return re.split(r"^## ", CONTRIBUTING.partition(f"## Add {heading}\n")[2], flags=re.M)[0]


def block(language: str, heading: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", section(heading), re.DOTALL)
    return str(code)


def entry_points() -> dict[str, dict[str, str]]:
    """The entry points of the document's ``pyproject.toml``, by group."""
    text = block("toml", "one of these from a package of your own")
    groups: dict[str, dict[str, str]] = tomllib.loads(text)["project"]["entry-points"]
    return groups


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder in which the document's package is installed."""
    groups = entry_points()
    modules = {
        module: block("python", heading)
        for heading, group in RECIPES.items()
        for module in groups[group].values()
    }
    install(tmp_path / "site", "my-package", groups, modules)
    return tmp_path / "site"


@pytest.fixture
def ecg(site: Path, tmp_path: Path) -> Ecg:
    """Run ``ecg`` in an empty folder, with the package installed."""
    (tmp_path / "here").mkdir()
    paths = os.pathsep.join([str(site), str(Path(ecgcli.__file__).parents[1])])

    def run(*arguments: object) -> Completed:
        return subprocess.run(
            ecg_process(*arguments), cwd=tmp_path / "here", env={**os.environ, "PYTHONPATH": paths},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def output(completed: Completed) -> str:
    assert completed.returncode == 0, completed.stderr
    return completed.stdout


def refusal(completed: Completed) -> str:
    assert completed.returncode == 2, completed.stdout
    line = completed.stderr.splitlines()[-1]
    assert line.startswith("error: ")
    return line


@pytest.fixture
def signal() -> NDArray[np.float64]:
    """A minute of synthetic ECG in mV, 250 samples a second."""
    recording = simulate(1, 0)
    times = np.arange(60 * 250) / 250
    return np.interp(times, np.arange(len(recording.signal)) / 360, recording.signal)


def test_the_rooms_are_those_of_the_tree() -> None:
    listed = re.findall(r"^    (\w+)/ ", CONTRIBUTING, re.M)
    folders = {path.parent.name for path in (ROOT / "ecgcli").glob("*/__init__.py")}
    assert {*listed, "weights"} == folders


def test_a_model(ecg: Ecg, site: Path, demo: Path, tmp_path: Path) -> None:
    listed = json.loads(output(ecg("models", "--json")))["models"]
    assert "perceptron" in [entry["name"] for entry in listed]
    shown = json.loads(output(ecg("models", "show", "perceptron", "--json")))
    assert (shown["summary"], shown["arguments"]) == ("Two fully connected layers", {"units": 64})
    document = small_document(demo, tmp_path / "runs") | {"model": {"name": "perceptron"}}
    config = tmp_path / "perceptron.yaml"
    config.write_text(yaml.safe_dump(document))
    trained = ecg("train", "--config", config, "model.units=8", "training.epochs=1")
    run = output(trained).strip()
    test = demo / "synthetic_test.csv"
    output(ecg("predict", test, "--model", run, "-o", "out.csv"))
    table = pd.read_csv(tmp_path / "here/out.csv")
    assert len(table) == len(read_beats(test))
    assert np.allclose(table[["N", "S", "V", "F", "Q"]].sum(axis=1), 1, atol=1e-4)
    uninstall(site)
    assert "there is no model perceptron" in refusal(ecg("models", "show", "perceptron"))


def test_a_source(ecg: Ecg, site: Path, demo: Path, tmp_path: Path) -> None:
    for half in ("train", "test"):
        shutil.copy(demo / f"synthetic_{half}.csv", tmp_path / f"ward_{half}.csv")
    shown = " ".join(output(ecg("download", "--help")).replace("│", " ").split())
    assert "ward: beats of our ward" in shown
    fetched = ecg("download", "ward", "--from", tmp_path)
    assert output(fetched).split() == ["data/ward_train.csv", "data/ward_test.csv"]
    assert "data.train=data/ward_train.csv" in fetched.stderr
    assert len(read_beats(tmp_path / "here/data/ward_test.csv")) == len(
        read_beats(demo / "synthetic_test.csv")
    )
    assert "not on the network" in refusal(ecg("download", "ward"))
    uninstall(site)
    assert "there is no source ward" in refusal(ecg("download", "ward"))


def test_a_format(ecg: Ecg, site: Path, signal: NDArray[np.float64], tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in ("one", "two"):
        np.round(signal / 0.005).astype("<i2").tofile(folder / f"{name}.pls")
    table = output(ecg("predict", folder / "one.pls"))
    assert 40 < len(table.splitlines()) < 120
    output(ecg("predict", folder, "-o", "out", "--jobs", 2))
    assert (tmp_path / "here/out/two.csv").read_text() == table
    uninstall(site)
    assert "are not read; valid: .atr" in refusal(ecg("predict", folder / "one.pls"))
    assert "no recordings (" in refusal(ecg("predict", folder, "-o", "gone"))


def test_a_detector(ecg: Ecg, site: Path, signal: NDArray[np.float64], tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", signal)
    arguments = ("predict", tmp_path / "one.npy", "--fs", 250, "--units", "mV", "--detector")
    assert "maxima" in output(ecg("predict", "--help"))
    result = ecg(*arguments, "maxima")
    assert "R peaks detected (maxima)" in result.stderr
    beats = [len(output(each).splitlines()) for each in (result, ecg(*arguments, "envelope"))]
    assert beats[0] == pytest.approx(beats[1], abs=2)
    uninstall(site)
    assert "there is no detector maxima; valid: envelope" in refusal(ecg(*arguments, "maxima"))


def test_a_file_in_the_folder_is_enough(tmp_path: Path) -> None:
    """The first sentence of each recipe, in a copy of the package."""
    shutil.copytree(Path(ecgcli.__file__).parent, tmp_path / "ecgcli")
    for heading in RECIPES:
        (folder,) = re.findall(r"^One file in `(.*?)/`:", section(heading).lstrip(), re.M)
        (tmp_path / folder / "new.py").write_text(block("python", heading), encoding="utf-8")
    code = (
        "from ecgcli import models, sources\n"
        "from ecgcli.recordings import detectors, formats\n"
        "print(models.list_models(), sources.list_sources(), formats.list_formats(),"
        "detectors.list_detectors())"
    )
    listed = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for names in entry_points().values():
        assert all(f"'{name}'" in listed for name in names)
