"""Every command and every example of README and of the documentation, on the real data.

A block of shell or Python is run, unless a comment above it says ``not run:`` and why. A line that
several pages have is run once, so that the pages share their data and their trained models.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecgcli.commands import app
from tests.commands.test_app import COMMANDS
from tests.conftest import ROOT
from tests.test_architecture import ROOMS

DOCS = ROOT / "docs"

#: The pages with commands, in the order in which these are typed.
PAGES = [
    ROOT / "README.md",
    *(DOCS / f"commands/{name}.md" for name in ("data", "models", "predictions", "insight")),
    *(DOCS / f"{name}.md" for name in ("install", "tutorial")),
    *(DOCS / f"howto/{name}.md" for name in ("students", "holter", "engineers")),
    DOCS / "python/index.md",
]

#: A fenced block: why it is not run, its language, its text.
BLOCK = re.compile(r"^(?:<!-- not run: (.+) -->\n)?```(\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)

#: The largest that a picture of the documentation may be, in bytes.
LARGEST_PICTURE = 200_000


def blocks(page: Path, language: str) -> list[str]:
    """The blocks of a page that are run."""
    found = BLOCK.findall(page.read_text())
    return [text for why, name, text in found if name == language and not why]


#: What is typed: a line of a block, or several that end in a backslash.
COMMAND_LINES = list(
    dict.fromkeys(
        line
        for page in PAGES
        for block in blocks(page, "sh")
        for line in block.replace("\\\n ", "").splitlines()
        if line
    )
)
EXAMPLES = {page: block for page in PAGES for block in blocks(page, "python")}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, mitdb: Path) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    (folder / "data").mkdir()
    (folder / "data" / "mitdb").symlink_to(mitdb)  # where a download leaves the records
    return folder


def shortened(line: str, mitdb: Path) -> str:
    """The records from where they are, fewer epochs and fewer beats."""
    if re.match(r"ecg download(?! demo)", line):
        return f"{line} --from {mitdb}"
    if line.startswith("ecg fibrillation fit"):
        return line.replace("data/ltafdb", "data/mitdb")
    if line.startswith("ecg anomaly fit"):
        return f"{line.replace('mitbih_train', 'small')} --epochs 3"
    if line.startswith("ecg similar"):
        return line.replace("mitbih_train", "small")
    if line.startswith("ecg train --config"):
        epochs = 2 if "demo" in line else 1
        return f"{re.sub(r' training.epochs=[0-9]+', '', line)} training.epochs={epochs}"
    return line


def run(command: str, place: Path) -> tuple[int, str]:
    """The exit code of a command and its messages; ``ecg`` alone needs no process of its own."""
    if command.startswith("ecg ") and not re.search(r"[|<>&;$*?]", command):
        result = CliRunner().invoke(app, shlex.split(command)[1:])
        trace = "".join(traceback.format_exception(result.exception)) if result.exception else ""
        return result.exit_code, f"{result.stderr}{trace}"
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, shell=True, cwd=place, env={**os.environ, "PATH": programs},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_a_command(line: str, place: Path, mitdb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    command, _, code = line.partition("  # exit code ")
    exit_code, messages = run(shortened(command, mitdb), place)
    assert exit_code == int(code or 0), messages
    for output in re.findall(r"(?:-o|--png|>) (?!- )(\S+)", command):
        path = output.replace(".csv", "_train.csv") if "--split" in line else output
        assert (place / path).exists()


def test_the_python_examples(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    shown: dict[str, list[object]] = {}
    for page, example in EXAMPLES.items():
        values = shown.setdefault(page.parent.name, [])
        exec(example, {"print": lambda *more, values=values: values.extend(more)})
    assert shown == {
        "howto": [977, pytest.approx(3.128, abs=0.001)],
        "python": [("N", "S", "V", "F", "Q"), (21892, 5), 21892, 2955, (2955,)],
    }


def anchors(page: str) -> set[str]:
    """Of the headings of a Markdown page, as GitHub names them, and of the marks before them."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    marks = re.findall(r"^\((.+)\)=$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", text).lower().replace(" ", "-") for text in headings} | {*marks}


def test_every_command_has_a_section_and_a_line() -> None:
    sections = "".join(page.read_text() for page in (DOCS / "commands").glob("*.md"))
    for name in COMMANDS:
        assert f"\n```{{command}} {name}\n" in sections
        assert any(line.startswith(f"ecg {name}") for line in COMMAND_LINES)


def test_every_block_is_run_or_says_why_not() -> None:
    """And no block of shell hides behind another language."""
    for page in PAGES:
        for _, language, text in BLOCK.findall(page.read_text()):
            assert language.startswith("{") or language in ("sh", "python", "yaml", "text"), page
            assert language == "sh" or not re.search(r"^(\$ )?ecg \w+ ", text, re.MULTILINE), text


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *DOCS.rglob("*.md")],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(((?!http)[^)]+)\)", page.read_text()):
        path, _, heading = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if heading and "```{" not in target.read_text():  # a directive makes headings of its own
            assert heading in anchors(target.read_text()), link


def test_targets_of_make_are_there() -> None:
    for target in re.findall(r"^    make (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE):
        assert f"\n{target}:" in (ROOT / "Makefile").read_text()


def test_rooms_are_listed_in_their_order() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    listed = re.findall(r"^    (\w+)/ +\w", text, re.MULTILINE)
    assert listed == list(ROOMS)


def test_pictures_are_small_and_all_are_shown() -> None:
    pictures = [*DOCS.rglob("*.png")]
    pages = "".join(page.read_text() for page in [ROOT / "README.md", *DOCS.rglob("*.md")])
    for picture in pictures:
        assert picture.stat().st_size < LARGEST_PICTURE, picture
        assert f"pictures/{picture.name})" in pages, picture
    assert {f"{picture.stem}.png" for picture in pictures} >= {"view.png", "review.png"}
