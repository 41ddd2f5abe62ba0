"""Recordings that several commands are tested on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def records(mitdb: Path, tmp_path: Path) -> Path:
    """A folder with three real records."""
    folder = tmp_path / "records"
    folder.mkdir()
    for name in ("100", "119", "208"):
        for ending in ("hea", "dat", "atr"):
            shutil.copy(mitdb / f"{name}.{ending}", folder)
    return folder
