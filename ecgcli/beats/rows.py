"""Which beats of a file are meant: numbers from 0, as in the tables of predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgcli.errors import ConfigError, DataError

#: Beats looked at when none are named.
FIRST = 5


def choose_rows(text: str | None, beats: int, file: Path | str) -> NDArray[np.intp]:
    """The beats named by ``text`` (``0,5,7``), or the first `FIRST` of the file.

    Args:
        text: numbers between commas, or None.
        beats: how many the file has.
        file: named in errors.

    Raises:
        ConfigError: the text is no list of numbers.
        DataError: the file has no such beat.
    """
    if text is None:
        return np.arange(min(FIRST, beats))
    words = [word.strip() for word in text.split(",")]
    wrong = [word for word in words if not (word.isascii() and word.isdigit())]
    if wrong:
        raise ConfigError(f"--rows: found {wrong[0]!r}; name beats by their numbers, such as 0,5,7")
    beyond = [word for word in words if int(word) >= beats]
    if beyond:
        raise DataError(
            f"there is no beat {beyond[0]}; it has {beats:,} beats, numbered from 0", file=file
        )
    return np.array([int(word) for word in words], np.intp)
