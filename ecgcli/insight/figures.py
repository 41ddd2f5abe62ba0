"""Pictures of beats: scatter plots, cluster means, similar beats, attributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.beats import beat_lengths, within_beats
from ecgcli.beats.reader import SAMPLING_RATE
from ecgcli.errors import ConfigError
from ecgcli.figures import (
    BLUE,
    LIGHT_GREY,
    ORANGE,
    group_colour,
    new_figure,
    panel_grid,
    save_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The most beats, or clusters of beats, in one picture.
MOST_PANELS = 40


@dataclass(frozen=True)
class BeatPanel:
    """A beat in a picture: its title, its samples, and whether its class is the predicted one."""

    title: str
    samples: NDArray[np.float32]
    agrees: bool = True


def draw_scatter(
    target: Path,
    points: NDArray[np.float32],
    colourings: Sequence[tuple[str, NDArray[Any], Sequence[str]]],
    axis_name: str,
    title: str,
) -> None:
    """Draw points ``(beats, 2)`` in a panel for each colouring.

    A colouring is its name, the number of the group of each point, and the groups' names.
    """
    figure = new_figure(5.6 * len(colourings), 5.2)
    figure.suptitle(title)
    for axis, (colouring, numbers, names) in zip(
        figure.subplots(1, len(colourings), squeeze=False)[0], colourings, strict=True
    ):
        # Small groups are drawn last, or else large ones would hide them.
        for number in np.argsort(-np.bincount(numbers, minlength=len(names)), kind="stable"):
            chosen = points[numbers == number]
            if len(chosen):
                axis.scatter(
                    *chosen.T, s=7, linewidth=0, alpha=0.7,
                    color=group_colour(int(number), len(names)), label=names[number],
                )  # fmt: skip
        axis.set(title=f"by {colouring}", xlabel=f"{axis_name} 1", ylabel=f"{axis_name} 2")
        handles, labels = axis.get_legend_handles_labels()
        order = sorted(range(len(labels)), key=lambda entry: names.index(labels[entry]))
        axis.legend(
            [handles[entry] for entry in order], [labels[entry] for entry in order],
            title=colouring, markerscale=2.5, fontsize=8, ncols=1 + len(labels) // 12,
        )  # fmt: skip
    save_figure(figure, target)


def draw_mean_beats(
    target: Path, groups: Sequence[tuple[str, NDArray[np.float32]]], title: str
) -> None:
    """Draw the mean beat of each group and the range of its middle 80%, without padding."""
    axes, figure = panel_grid(len(groups), 3, 3.4, 2.5)
    figure.suptitle(title)
    for number, (axis, (caption, samples)) in enumerate(zip(axes, groups, strict=True)):
        colour = group_colour(number, len(groups))
        inside = within_beats(samples)
        # Later, too few beats are left for their mean to describe the group.
        last = max(1, int((inside.mean(0) >= 0.1).sum()))
        values = np.where(inside, samples, np.nan)[:, :last]
        low, high = np.nanpercentile(values, (10, 90), axis=0)
        times = _milliseconds(last)
        axis.fill_between(times, low, high, color=colour, alpha=0.45, linewidth=0)
        axis.plot(times, np.nanmean(values, 0), color="black", linewidth=1.2)
        axis.set_title(caption, fontsize=8)
        axis.set(xlim=(0, _milliseconds(samples.shape[1])[-1]), ylim=(-0.03, 1.03))
    figure.supxlabel("ms after the R peak; line: mean, band: 10% to 90% of the beats", fontsize=9)
    save_figure(figure, target)


def draw_similar(target: Path, rows: Sequence[tuple[BeatPanel, Sequence[BeatPanel]]]) -> None:
    """Draw a row for each beat: the beat, then each of its neighbours over it.

    A neighbour is coloured by whether it has the predicted class.
    """
    columns = 1 + max(len(neighbours) for _, neighbours in rows)
    figure = new_figure(2.5 * columns, 2.2 * len(rows) + 0.4)
    axes = figure.subplots(len(rows), columns, squeeze=False, sharex=True, sharey=True)
    for line, (beat, neighbours) in zip(axes, rows, strict=True):
        _draw_beat(line[0], beat, "black")
        for axis, panel in zip(line[1:], neighbours, strict=True):
            _draw_beat(axis, BeatPanel("", beat.samples), LIGHT_GREY)
            _draw_beat(axis, panel, BLUE if panel.agrees else ORANGE)
    figure.supxlabel(
        "ms after the R peak; grey: the beat. Title: a neighbour's true class and distance. "
        "Blue: it has the predicted class, orange: another class",
        fontsize=9,
    )
    save_figure(figure, target)


def draw_attributions(
    target: Path, panels: Sequence[BeatPanel], attributions: NDArray[np.float32], caption: str
) -> None:
    """Draw beats over a background coloured by the attributions ``(beats, samples)``."""
    axes, figure = panel_grid(len(panels), 2, 5.2, 2.4)
    for axis, panel, values in zip(axes, panels, attributions, strict=True):
        length = int(beat_lengths(panel.samples[None])[0])
        edges = (np.arange(length + 1) - 0.5) / SAMPLING_RATE * 1000
        most = float(np.abs(values).max()) or 1.0
        shade = axis.pcolormesh(
            edges, [-0.05, 1.05], values[None, :length] / most, cmap="RdBu_r", vmin=-1, vmax=1
        )
        _draw_beat(axis, panel, "black")
    bar = figure.colorbar(shade, ax=axes, ticks=[-1, 0, 1], fraction=0.03, pad=0.01)
    bar.ax.set_yticklabels(["against", "nothing", "for"])
    figure.supxlabel(
        f"ms after the R peak; red: supports the predicted class, by {caption}, "
        "scaled beat by beat",
        fontsize=9,
    )
    save_figure(figure, target)


def require_room(number: int, noun: str = "beats") -> None:
    """Refuse a picture of too many beats or clusters.

    Raises:
        ConfigError: there are more than `MOST_PANELS`.
    """
    if number > MOST_PANELS:
        raise ConfigError(
            f"a picture has room for {MOST_PANELS} {noun}, not {number}; ask for fewer"
        )


def _draw_beat(axis: Axes, panel: BeatPanel, colour: str) -> None:
    length = int(beat_lengths(panel.samples[None])[0])
    axis.plot(_milliseconds(length), panel.samples[:length], color=colour, linewidth=1.4)
    axis.set(xlim=(0, _milliseconds(len(panel.samples))[-1]), ylim=(-0.05, 1.05))
    if panel.title:
        axis.set_title(panel.title, fontsize=9, color=colour)


def _milliseconds(samples: int) -> NDArray[np.float64]:
    return np.arange(samples) / SAMPLING_RATE * 1000
