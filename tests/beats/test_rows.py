"""Beats of a file chosen by number."""

from __future__ import annotations

import pytest

from ecgcli.beats.rows import choose_rows
from ecgcli.errors import ConfigError, DataError


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("7, 0,7", [7, 0, 7]),
        ("6,1-3", [6, 1, 2, 3]),
        ("2-2", [2]),
        ("all", [0, 1, 2, 3, 4, 5, 6, 7]),
        (None, [0, 1, 2, 3, 4]),
    ],
)
def test_numbers_ranges_and_all(text: str | None, rows: list[int]) -> None:
    assert choose_rows(text, 8, "b.csv").tolist() == rows


def test_the_first_five_of_a_shorter_file_are_all_of_it() -> None:
    assert choose_rows(None, 2, "b.csv").tolist() == [0, 1]


@pytest.mark.parametrize(
    "text", ["0,x", "", "-1", "1.5", "0,,2", "5-2", "0,all", "²", "9" * 5000, f"0-{'9' * 5000}"]
)
def test_text_in_another_form_is_refused_in_a_line(text: str) -> None:
    expected = r"^--rows: found '.{,80}; name beats by number, such as 0 or 3,8-12, or all$"
    with pytest.raises(ConfigError, match=expected):
        choose_rows(text, 8, "b.csv")


@pytest.mark.parametrize(("text", "beat"), [("0,8", 8), ("0-1000000000000", 10**12)])
def test_a_beat_beyond_the_end(text: str, beat: int) -> None:
    expected = rf"^b\.csv: there is no beat {beat}; it has 8 beats, numbered from 0$"
    with pytest.raises(DataError, match=expected):
        choose_rows(text, 8, "b.csv")
