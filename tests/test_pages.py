"""The pages that trainings, evaluations and folders of recordings leave, in a real Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.conftest import MakeOnce
from tests.view.browsers import open_browser
from tests.view.reading import require_reached_by_tab, require_readable

Ecg = Callable[..., Result]
KINDS = ["training", "evaluation", "evaluation of recordings", "list"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as running:
        yield running


@pytest.fixture
def page_of(
    trained: Path, demo: Path, mitdb: Path, make_once: MakeOnce, ecg: Ecg
) -> Callable[[str], Path]:
    def succeed(*arguments: object) -> None:
        result = ecg(*arguments)
        assert result.exit_code == 0, result.output

    def copied(folder: Path, *names: str) -> Path:
        folder.mkdir()
        for name in names:
            for path in mitdb.glob(f"{name}.*"):
                shutil.copy(path, folder)
        return folder

    def evaluate(folder: Path) -> None:
        succeed("evaluate", trained, "--data", demo / "synthetic_test.csv", "-o", folder, "-q")

    def evaluate_recordings(folder: Path) -> None:
        records = copied(folder / "records", "201", "208")
        succeed("evaluate", "recordings", "--data", records, "-o", folder, "-q")

    def make_list(folder: Path) -> None:
        records = copied(folder / "records", "100", "208")
        succeed("predict", records, "-m", "recordings", "-o", folder / "tables",
                "--report", folder / "pages", "--jobs", 1, "-q")  # fmt: skip

    def call(kind: str) -> Path:
        return {
            "training": lambda: trained / "report.html",
            "evaluation": lambda: make_once("evaluated", evaluate) / "report.html",
            "evaluation of recordings": lambda: (
                make_once("evaluated-recordings", evaluate_recordings) / "report.html"
            ),
            "list": lambda: make_once("list", make_list) / "pages" / "index.html",
        }[kind]()

    return call


@pytest.mark.parametrize("kind", KINDS)
def test_everyone_can_read_it(kind: str, page_of: Callable[[str], Path], browser: Any) -> None:
    page = page_of(kind)
    for scheme in ("light", "dark"):
        for width in (390, 1200):
            tab = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
            tab.goto(page.as_uri())
            require_readable(tab)
            require_reached_by_tab(tab)
            tab.close()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_cut_off_on_paper(
    kind: str, page_of: Callable[[str], Path], browser: Any
) -> None:
    """Whatever scrolls on a screen is as wide as a sheet of A4, without its margins, at most."""
    width = 1047 if kind == "list" else 703
    tab = browser.new_page(viewport={"width": width, "height": 1000})
    tab.goto(page_of(kind).as_uri())
    tab.emulate_media(media="print")
    wide = """() => [...document.querySelectorAll("table, img, pre")].filter(
      (each) => each.checkVisibility() && each.getBoundingClientRect().right > innerWidth + 1
    ).map((each) => each.outerHTML.slice(0, 200))"""
    assert tab.evaluate(wide) == []
    records = tab.locator("details table")
    if records.count():
        assert records.first.is_visible()  # what is closed on the screen is printed
    tab.close()


def test_the_list_names_what_its_figures_are(page_of: Callable[[str], Path], browser: Any) -> None:
    """On a phone, where there is no row of headings, each figure has its name beside it."""
    tab = browser.new_page(viewport={"width": 390, "height": 800})
    tab.goto(page_of("list").as_uri())
    cell = tab.locator("tbody tr").first.locator("td").nth(3)
    assert cell.evaluate("(cell) => getComputedStyle(cell, '::before').content") == '"V "'
    assert "ventricular ectopic beats" in tab.locator("dl").inner_text()
    tab.locator("tbody a").first.click()
    assert tab.locator("h1").inner_text() == "100"
    tab.close()
