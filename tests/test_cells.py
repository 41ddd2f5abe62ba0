"""Text in a CSV: no spreadsheet computes it, and it is read as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgcli.cells import from_cell, to_cell

#: What OWASP lists as the start of a formula, an apostrophe, and what follows one.
STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20'a1"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@x", "'@x"),
        ("-aVR", "'-aVR"),
        ("'=1", "''=1"),
        ("'100", "'100"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_only_what_may_be_a_formula_gets_an_apostrophe(text: str, cell: str) -> None:
    assert to_cell(text) == cell
    assert from_cell(cell) == text


@given(st.text(STARTS) | st.text())
def test_no_cell_is_a_formula_and_each_reads_back(text: str) -> None:
    cell = to_cell(text)
    assert not cell.startswith(tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"))
    assert from_cell(cell) == text


@given(st.text(STARTS) | st.text())
def test_a_cell_of_an_earlier_version_is_as_it_is(text: str) -> None:
    assert text.startswith("'") or from_cell(text) == text
