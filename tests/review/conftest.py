"""A review of a made-up recording."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecgcli.review.session import Analysis, Review
from tests.review.recordings import analyse, write_recording


@pytest.fixture
def analysis(tmp_path: Path) -> Analysis:
    return analyse(write_recording(tmp_path))


@pytest.fixture
def review(analysis: Analysis, tmp_path: Path) -> Iterator[Review]:
    with Review(analysis, tmp_path / "made.review.csv", "anna") as review:
        yield review
