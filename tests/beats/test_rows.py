"""Which beats of a file are meant."""

from __future__ import annotations

import pytest

from ecgcli.beats.rows import choose_rows
from ecgcli.errors import ConfigError, DataError


def test_numbers_or_the_first_five() -> None:
    assert choose_rows("7, 0,7", 8, "b.csv").tolist() == [7, 0, 7]
    assert choose_rows(None, 8, "b.csv").tolist() == [0, 1, 2, 3, 4]
    assert choose_rows(None, 2, "b.csv").tolist() == [0, 1]


@pytest.mark.parametrize("text", ["0,x", "", "-1", "1.5", "0,,2"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--rows: found '.*'; name beats by their numbers"):
        choose_rows(text, 8, "b.csv")


def test_a_beat_beyond_the_end() -> None:
    expected = r"^b\.csv: there is no beat 8; it has 8 beats, numbered from 0$"
    with pytest.raises(DataError, match=expected):
        choose_rows("0,8", 8, "b.csv")
