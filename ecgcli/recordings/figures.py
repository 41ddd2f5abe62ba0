"""A picture of a decomposed recording."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecgcli.figures import PALETTE, new_figure, save_figure


def draw_decomposition(
    target: Path,
    times: Any,
    parts: dict[str, Any],
    marks: Sequence[tuple[float, str]],
    title: str,
) -> None:
    """Parts of a signal ``(samples,)`` above each other over time, beats named in the first."""
    figure = new_figure(11, 8)
    axes = figure.subplots(len(parts), 1, sharex=True)
    colours = ("black", *PALETTE)
    for axis, colour, (name, values) in zip(axes, colours, parts.items(), strict=False):
        axis.plot(times, values, color=colour, linewidth=0.8)
        axis.set_ylabel(name)
        axis.grid(color="#e4e8ec", linewidth=0.6)
        axis.margins(x=0.01, y=0.12)
    for time, name in marks:
        axes[0].annotate(
            name, (time, 0.98), xycoords=("data", "axes fraction"), ha="center", va="top",
            fontsize=9, color=PALETTE[2],
        )  # fmt: skip
    axes[0].set_title(title)
    axes[-1].set_xlabel("time, s")
    save_figure(figure, target)
