"""What the package offers to Python programs."""

from __future__ import annotations

import pytest

import ecgcli
from ecgcli import prediction


def test_the_public_names() -> None:
    assert ecgcli.__all__ == ["Classifier", "__version__", "load"]
    assert ecgcli.load is prediction.load
    assert ecgcli.Classifier is prediction.Classifier
    with pytest.raises(AttributeError, match="no attribute 'train'"):
        ecgcli.train  # type: ignore[attr-defined]  # noqa: B018
