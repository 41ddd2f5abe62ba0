"""A real Chromium for the tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

#: How to get one.
INSTALL = (
    "no Chromium to test the pages with: install it with .venv/bin/playwright install chromium, "
    "or name one in ECG_CHROMIUM"
)

PACKAGE = "the package playwright is not installed: pip install playwright axe-playwright-python"


def _without(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def chromium() -> str | None:
    """The path of a Chromium: ECG_CHROMIUM, else the system's; None if there is none of these."""
    named = os.environ.get("ECG_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("google-chrome")


@contextmanager
def open_browser() -> Iterator[Any]:
    """A running Chromium: playwright's own, else the system's.

    Without one the tests are skipped, but where the variable CI is set they fail.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _without(PACKAGE)
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        path = own if Path(own).exists() else chromium()
        if path is None:
            _without(INSTALL)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
