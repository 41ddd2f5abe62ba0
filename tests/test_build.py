"""What make installs, and in which order; its programs are replaced by ones that log calls."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
WITHOUT_CUDA = f"--extra-index-url {CPU_INDEX} torch"

#: Stands for every program the Makefile starts; makes a .venv of such programs.
STUB = """#!/bin/sh
echo "$(basename "$0") $*" >> "$CALLS"
case "$*" in
"-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
esac
"""


def program(path: Path, text: str = STUB) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the files that make reads, on Linux."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    program(tmp_path / "programs" / "python3")
    program(tmp_path / "programs" / "uname", "#!/bin/sh\necho Linux\n")
    return tmp_path


def make(clone: Path, *arguments: str) -> list[str]:
    """What make calls in the clone: a line for each program."""
    calls = clone / "calls"
    calls.write_text("")
    done = subprocess.run(
        ["make", *arguments], cwd=clone, capture_output=True, text=True, check=False,
        env={"PATH": f"{clone / 'programs'}:{os.environ['PATH']}", "CALLS": str(calls)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return calls.read_text().splitlines()


def installed(calls: list[str]) -> list[str]:
    return [call for call in calls if " install " in call]


@pytest.mark.parametrize("venv_there", [False, True])
def test_pip_is_updated_before_groups_are_installed(clone: Path, venv_there: bool) -> None:
    if venv_there:
        program(clone / ".venv" / "bin" / "python")
    calls = make(clone, ".venv/installed-dev", f"TORCH_INDEX={CPU_INDEX}")
    assert ("python3 -m venv .venv" in calls) is not venv_there
    pip, torch, package, dev = installed(calls)
    assert pip.endswith("--upgrade pip>=25.1")
    assert torch.endswith(WITHOUT_CUDA)
    assert package.endswith("--constraint constraints.txt --editable .")
    assert "--group dev" in dev
    assert dev.endswith("--editable .[all]")
    assert installed(make(clone, ".venv/installed-dev")) == []  # nothing is installed twice


@pytest.mark.skipif(
    Path("/proc/driver/nvidia").exists() or shutil.which("nvidia-smi") is not None,
    reason="this machine has an NVIDIA driver",
)
def test_torch_comes_without_cuda_where_there_is_no_nvidia_driver(clone: Path) -> None:
    assert installed(make(clone, ".venv/installed"))[1].endswith(WITHOUT_CUDA)


@pytest.mark.parametrize(
    ("name", "text"),
    [("uname", "#!/bin/sh\necho Darwin\n"), ("nvidia-smi", "#!/bin/sh\n")],
)
def test_torch_is_as_on_pypi_with_an_nvidia_driver_and_on_a_mac(
    name: str, text: str, clone: Path
) -> None:
    program(clone / "programs" / name, text)
    assert not any(CPU_INDEX in call for call in make(clone, ".venv/installed"))


def test_the_index_of_torch_can_be_named(clone: Path) -> None:
    (_, torch, _) = installed(make(clone, ".venv/installed", "TORCH_INDEX=https://mirror/cu"))
    assert torch.endswith("--extra-index-url https://mirror/cu torch")


def test_a_pip_that_fails_leaves_nothing_that_looks_installed(clone: Path) -> None:
    program(clone / ".venv" / "bin" / "python", "#!/bin/sh\nexit 1\n")
    done = subprocess.run(["make", ".venv/installed"], cwd=clone, capture_output=True, check=False)
    assert done.returncode == 2
    assert not (clone / ".venv" / "installed").exists()


def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def pins() -> dict[str, str]:
    """The version that constraints.txt pins of each package."""
    lines = (line.partition("==") for line in (ROOT / "constraints.txt").read_text().splitlines())
    return {canonicalize_name(name): version for name, _, version in lines if version}


def claimed_pythons() -> list[str]:
    """The Pythons of the classifiers, the oldest first."""
    return [text.rpartition(" ")[2] for text in project()["classifiers"] if ":: Python" in text]


def test_the_versions_that_are_tested_are_those_that_are_required() -> None:
    """Every pinned version lies in the bounds, and make looks for every Python claimed."""
    optional = chain.from_iterable(project()["optional-dependencies"].values())
    for requirement in map(Requirement, [*project()["dependencies"], *optional]):
        if requirement.name != project()["name"]:
            version = pins()[canonicalize_name(requirement.name)]
            assert version in requirement.specifier, requirement
    claimed = claimed_pythons()
    assert claimed[0] == project()["requires-python"].removeprefix(">=")
    assert all(f"python{version}" in (ROOT / "Makefile").read_text() for version in claimed)


def test_all_has_every_extra() -> None:
    extras = project()["optional-dependencies"]
    (everything,) = map(Requirement, extras["all"])
    assert everything.name == project()["name"]
    assert everything.extras == set(extras) - {"all"}


def test_the_documentation_lists_every_extra() -> None:
    text = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    table = text.partition("## A container")[0]
    named = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", "".join(named))) == {*project()["optional-dependencies"]}


def test_the_wheel_holds_every_file_of_the_package_and_no_others(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*build, "--directory", str(tmp_path)], cwd=ROOT, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    files = {path for path in (ROOT / "ecgcli").rglob("*") if path.is_file()}
    names = {str(path.relative_to(ROOT)) for path in files if path.parent.name != "__pycache__"}
    assert {"ecgcli/weights/beats.safetensors", "ecgcli/sources/mitdb.sha256"} <= names
    names |= {f"ecgcli/{path.relative_to(ROOT)}" for path in ROOT.glob("configs/*.yaml")}
    assert "ecgcli/configs/cnn.yaml" in names
    held = set(zipfile.ZipFile(wheel).namelist())
    assert names <= held
    assert all(name.startswith(("ecgcli/", "ecgcli-")) for name in held)
