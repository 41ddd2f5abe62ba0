"""Pictures: what a text in one says is what was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgcli.figures import new_figure, save_figure


@pytest.mark.parametrize("name", ["$\\frac{a$.csv", "a $x$ b", "cost $5 and $6.csv", "_^{\\"])
def test_a_name_in_a_title_is_text_and_not_a_formula(name: str, tmp_path: Path) -> None:
    figure = new_figure(3, 2)
    axes = figure.subplots()
    axes.plot([1, 2], label=f"of {name}")
    axes.set_title(name)
    axes.set_xlabel(name)
    axes.legend()
    figure.suptitle(name)
    save_figure(figure, tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    assert not axes.title.get_parse_math()
