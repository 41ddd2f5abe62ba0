"""Text in the cells of a CSV, written so that no spreadsheet takes it for a formula.

Names of files, patients, leads and readers come from outside. A spreadsheet computes a cell that
starts with one of a few characters, quoted or not (OWASP, *CSV Injection*), and an apostrophe
before it makes it text.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from typing import Literal

#: How a formula starts, full-width characters included, after any apostrophes: those of a text
#: are kept apart from the one that is added.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def to_cell(text: str) -> str:
    """The text as a cell: with an apostrophe before it where it might be a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def from_cell(cell: str) -> str:
    """The text that `to_cell` made a cell of; other texts are as they are."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def quoting(texts: Iterable[str]) -> Literal[0, 2]:
    """How to quote a CSV with these texts: all of it where one contains a carriage return.

    The csv module, where lines end with a line feed, leaves that character unquoted; readers take
    it for the end of a line.
    """
    return csv.QUOTE_NONNUMERIC if any("\r" in text for text in texts) else csv.QUOTE_MINIMAL
