"""A review of a made-up recording."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecgcli.review.session import Found, Review
from tests.review.recordings import found_in, write_recording


@pytest.fixture
def found(tmp_path: Path) -> Found:
    return found_in(write_recording(tmp_path))


@pytest.fixture
def review(found: Found, tmp_path: Path) -> Iterator[Review]:
    with Review(found, tmp_path / "made.review.csv", "anna") as review:
        yield review
