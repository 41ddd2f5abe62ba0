"""What every picture shares: colours, a canvas, and writing it as PNG without a display."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecgcli.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY, LIGHT_GREY = "#0b6e99", "#e07b39", "#8c8c8c", "#b0b0b0"
#: Colours of up to five classes or groups.
PALETTE = (BLUE, ORANGE, "#b3263a", "#6a4c93", "#4d8b31")


def new_figure(width: float, height: float) -> Figure:
    """An empty white figure of this size, in inches, that needs no display."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def save_figure(figure: Figure, target: Path) -> None:
    """Write the figure as a PNG, complete or not at all.

    A name of a file in a title is text: a dollar sign in it begins no formula.
    """
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=150)
    with atomic_write(target) as stream:
        stream.write(picture.getvalue())


def panel_grid(panels: int, across: int, width: float, height: float) -> tuple[list[Axes], Figure]:
    """Axes for as many panels in rows of ``across``; the remaining places are blank."""
    across = min(across, panels)
    down = -(-panels // across)
    figure = new_figure(width * across, height * down + 0.5)
    axes = list(figure.subplots(down, across, squeeze=False).flat)
    for axis in axes[panels:]:
        axis.set_axis_off()
    return axes[:panels], figure


def group_colour(number: int, of: int) -> Any:
    """A colour that distinguishes this group: from `PALETTE` while it has enough."""
    if of <= len(PALETTE):
        return PALETTE[number]
    from matplotlib import colormaps

    return colormaps["tab10" if of <= 10 else "tab20"](number % 20)
