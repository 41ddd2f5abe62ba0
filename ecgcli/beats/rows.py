"""Beats of a file chosen by number, counted from 0 as in the tables of predictions."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgcli.errors import ConfigError, DataError, shown
from ecgcli.wording import counted

#: Number of beats chosen when none are named.
FIRST = 5

#: A number or a range; no file needs numbers with more digits.
_PART = re.compile(r"\s*(\d{1,15})(?:-(\d{1,15}))?\s*", re.ASCII)


def choose_rows(text: str | None, beats: int, file: Path | str) -> NDArray[np.intp]:
    """The numbers of the beats named by ``text``, in its order; by default the first `FIRST`.

    Args:
        text: numbers and ranges separated by commas, such as ``0`` or ``3,8-12``; ``all``;
            or None.
        beats: number of beats in the file.
        file: named in errors.

    Raises:
        ConfigError: the text is not of this form.
        DataError: the file has no such beat.
    """
    if text is None:
        return np.arange(min(FIRST, beats))
    if text.strip() == "all":
        return np.arange(beats)
    return np.concatenate([_rows_of(part, beats, file) for part in text.split(",")])


def _rows_of(part: str, beats: int, file: Path | str) -> NDArray[np.intp]:
    match = _PART.fullmatch(part)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if first > last:
        raise ConfigError(
            f"--rows: found {shown(part.strip())}; name beats by number, such as 0 or 3,8-12, "
            "or all"
        )
    if last >= beats:
        raise DataError(
            f"there is no beat {last}; it has {counted(beats, 'beat')}, numbered from 0", file=file
        )
    return np.arange(first, last + 1)
