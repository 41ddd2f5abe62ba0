"""Every command of the README, typed in its order, on the real data."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.test_app import COMMANDS
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


COMMAND_LINES = [line for block in blocks("sh") for line in block.splitlines() if line]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, mitdb: Path) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    (folder / "configs").symlink_to(ROOT / "configs")
    (folder / "data").mkdir()
    (folder / "data" / "mitdb").symlink_to(mitdb)  # where a download leaves the records
    return folder


def shortened(line: str, mitdb: Path) -> str:
    """The records from where they are, fewer epochs and fewer beats."""
    if line.startswith("ecg download") and "demo" not in line:
        return f"{line} --from {mitdb}"
    if line.startswith("ecg train --config configs/cnn.yaml"):
        return f"{line} training.epochs=1"
    if line.startswith("ecg train --config configs/demo.yaml"):
        return f"{line.replace('training.epochs=5 ', '')} training.epochs=2"
    if line.startswith("ecg fibrillation fit"):
        return line.replace("data/ltafdb", "data/mitdb")
    if line.startswith("ecg anomaly fit"):
        return f"{line.replace('mitbih_train', 'small')} --epochs 3"
    if line.startswith("ecg similar"):
        return line.replace("mitbih_train", "small")
    return line


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_a_command(line: str, place: Path, mitdb: Path) -> None:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        shortened(line, mitdb), shell=True, cwd=place, env={**os.environ, "PATH": programs},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for output in re.findall(r"(?:-o|--png|>) (\S+)", line):
        path = output.replace(".csv", "_train.csv") if "--split" in line else output
        assert (place / path).exists()


def test_the_python_example(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = blocks("python")
    monkeypatch.chdir(place)
    shown: list[object] = []
    exec(example, {"print": lambda *values: shown.extend(values)})
    classes, shape, names, beats, times = shown
    assert (classes, shape, names) == (("N", "S", "V", "F", "Q"), (21892, 5), 21892)
    assert (beats, times) == (2955, (2954,))


def anchors(page: str) -> set[str]:
    """Of the headings of a Markdown page, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_every_command_and_link_is_there() -> None:
    for name in COMMANDS:
        assert f"\n### {name.split()[0]}\n" in README
        assert any(line.startswith(f"ecg {name}") for line in COMMAND_LINES)
    for link in re.findall(r"\]\(((?!http|#)[^)]+)\)", README):
        path, _, heading = link.partition("#")
        assert (ROOT / path).exists(), link
        assert not heading or heading in anchors((ROOT / path).read_text()), link
    for target in re.findall(r"^    make (\w+)", README, re.MULTILINE):
        assert f"\n{target}:" in (ROOT / "Makefile").read_text()
