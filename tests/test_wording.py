"""Numbers and nouns."""

from __future__ import annotations

import pytest

from ecgcli.wording import counted


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0 beats"), (1, "1 beat"), (2, "2 beats"), (21892, "21,892 beats")]
)
def test_the_noun_agrees_with_the_number(number: int, expected: str) -> None:
    assert counted(number, "beat") == expected


def test_an_irregular_plural_is_given() -> None:
    assert counted(1, "class", "classes") == "1 class"
    assert counted(5, "class", "classes") == "5 classes"
