"""Pictures, written as PNG without a display."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.beats import beat_lengths, within_beats
from ecgcli.beats.reader import SAMPLING_RATE
from ecgcli.errors import ConfigError
from ecgcli.files import atomic_write
from ecgcli.training.history import History, best_epoch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TRAIN, _VALIDATION = "#8c8c8c", "#0b6e99"
_CLASS_COLOURS = ("#0b6e99", "#e07b39", "#b3263a", "#6a4c93", "#4d8b31")
_AGREES, _DISAGREES, _CONTEXT = "#0b6e99", "#e07b39", "#b0b0b0"

#: Beats, or clusters of them, that one picture has room for.
MOST_PANELS = 40


@dataclass(frozen=True)
class BeatPanel:
    """A beat in a picture: what is written above it, its samples, whether it agrees."""

    title: str
    samples: NDArray[np.float32]
    agrees: bool = True


@dataclass(frozen=True)
class Trace:
    """A stretch of ECG for a picture.

    ``values`` and ``line`` (what was expected of them) are at ``times``; where there is no
    value it is NaN. ``bands`` maps percent to low and high at ``times``; ``since`` is where
    a forecast begins.
    """

    title: str
    times: Any
    values: Any
    line: Any
    bands: dict[int, tuple[Any, Any]]
    since: float | None = None


def draw_curves(target: Path, history: History) -> None:
    """Loss and macro-F1 by epoch, training beside validation, the kept epoch marked."""
    figure = _figure(9, 3.6)
    axes = figure.subplots(1, 2)
    epochs = [row.epoch for row in history]
    for axis, name, title in (
        (axes[0], "loss", "Loss"),
        (axes[1], "macro_f1", "Macro-F1"),
    ):
        for part, colour in (("train", _TRAIN), ("validation", _VALIDATION)):
            values = [getattr(row, f"{part}_{name}") for row in history]
            axis.plot(epochs, values, color=colour, marker="o", markersize=3, label=part)
        axis.axvline(best_epoch(history).epoch, color="black", linewidth=0.8, linestyle=":")
        axis.set(title=title, xlabel="epoch")
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend(frameon=False)
    _save(figure, target)


def draw_confusion(
    target: Path, shares: Any, counts: Any, classes: Sequence[str], caption: str
) -> None:
    """A confusion matrix: colour and percentage from ``shares``, with the counts beneath."""
    figure = _figure(5.4, 5)
    axis = figure.subplots()
    axis.imshow(np.nan_to_num(shares), cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(counts.shape):
        share = shares[row, column]
        text = f"{counts[row, column]:,}"
        if np.isfinite(share):
            text = f"{100 * share:.1f}%\n{text}"
        colour = "white" if share > 0.55 else "black"
        axis.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    axis.set(xlabel="predicted", ylabel="true", title=caption)
    axis.set_xticks(range(len(classes)), classes)
    axis.set_yticks(range(len(classes)), classes)
    _save(figure, target)


def draw_curves_by_class(
    target: Path,
    curves: dict[str, tuple[Any, Any, float]],
    labels: tuple[str, str],
    title: str,
) -> None:
    """A curve a class (x, y, area under it) in the unit square; ROC and precision-recall."""
    figure = _figure(5.2, 5)
    axis = figure.subplots()
    for colour, (name, (x, y, area)) in zip(_CLASS_COLOURS, curves.items(), strict=False):
        axis.plot(x, y, color=colour, label=f"{name}  {area:.3f}")
    axis.set(
        xlabel=labels[0], ylabel=labels[1], title=title, xlim=(-0.01, 1.01), ylim=(-0.01, 1.01)
    )
    axis.legend(frameon=False, title="class, area")
    _save(figure, target)


def draw_shares(target: Path, shares: dict[str, float], label: str) -> None:
    """A bar a name, the first at the top."""
    figure = _figure(6.4, 0.6 + 0.22 * len(shares))
    axis = figure.subplots()
    axis.barh(list(shares), list(shares.values()), color=_VALIDATION)
    axis.invert_yaxis()
    axis.set(xlabel=label)
    axis.tick_params(axis="y", labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    _save(figure, target)


def draw_scatter(
    target: Path,
    points: NDArray[np.float32],
    colourings: Sequence[tuple[str, NDArray[Any], Sequence[str]]],
    axis_name: str,
    title: str,
) -> None:
    """Points ``(beats, 2)``, a panel a colouring: what it is by, a number a point, the names."""
    figure = _figure(5.6 * len(colourings), 5.2)
    figure.suptitle(title)
    for axis, (what, numbers, names) in zip(
        figure.subplots(1, len(colourings), squeeze=False)[0], colourings, strict=True
    ):
        # Small groups are drawn last: they would vanish under the large ones.
        for number in np.argsort(-np.bincount(numbers, minlength=len(names)), kind="stable"):
            chosen = points[numbers == number]
            if len(chosen):
                axis.scatter(
                    *chosen.T, s=7, linewidth=0, alpha=0.7,
                    color=_colour(int(number), len(names)), label=names[number],
                )  # fmt: skip
        axis.set(title=f"by {what}", xlabel=f"{axis_name} 1", ylabel=f"{axis_name} 2")
        handles, labels = axis.get_legend_handles_labels()
        order = sorted(range(len(labels)), key=lambda place: names.index(labels[place]))
        axis.legend(
            [handles[place] for place in order], [labels[place] for place in order],
            title=what, markerscale=2.5, fontsize=8, ncols=1 + len(labels) // 12,
        )  # fmt: skip
    _save(figure, target)


def draw_mean_beats(
    target: Path, groups: Sequence[tuple[str, NDArray[np.float32]]], title: str
) -> None:
    """The mean beat of each group and the range of its middle 80%; padding is left out."""
    axes, figure = _grid(len(groups), 3, 3.4, 2.5)
    figure.suptitle(title)
    for number, (axis, (caption, samples)) in enumerate(zip(axes, groups, strict=True)):
        colour = _colour(number, len(groups))
        real = within_beats(samples)
        # Beyond, so few beats are left that their mean is not that of the group.
        last = max(1, int((real.mean(0) >= 0.1).sum()))
        values = np.where(real, samples, np.nan)[:, :last]
        low, high = np.nanpercentile(values, (10, 90), axis=0)
        times = _milliseconds(last)
        axis.fill_between(times, low, high, color=colour, alpha=0.45, linewidth=0)
        axis.plot(times, np.nanmean(values, 0), color="black", linewidth=1.2)
        axis.set_title(caption, fontsize=8)
        axis.set(xlim=(0, _milliseconds(samples.shape[1])[-1]), ylim=(-0.03, 1.03))
    figure.supxlabel("ms after the R peak; line: mean, band: 10% to 90% of the beats", fontsize=9)
    _save(figure, target)


def draw_similar(target: Path, rows: Sequence[tuple[BeatPanel, Sequence[BeatPanel]]]) -> None:
    """A row a beat: the beat, then its neighbours over it, coloured by whether they agree."""
    across = 1 + max(len(near) for _, near in rows)
    figure = _figure(2.5 * across, 2.2 * len(rows) + 0.4)
    axes = figure.subplots(len(rows), across, squeeze=False, sharex=True, sharey=True)
    for line, (beat, near) in zip(axes, rows, strict=True):
        _draw_beat(line[0], beat, "black")
        for axis, panel in zip(line[1:], near, strict=True):
            _draw_beat(axis, BeatPanel("", beat.samples), _CONTEXT)
            _draw_beat(axis, panel, _AGREES if panel.agrees else _DISAGREES)
    figure.supxlabel(
        "ms after the R peak; grey: the beat. A neighbour's true class and distance: "
        "blue has the class the model says, orange another",
        fontsize=9,
    )
    _save(figure, target)


def draw_attributions(
    target: Path, panels: Sequence[BeatPanel], attributions: NDArray[np.float32], caption: str
) -> None:
    """Beats over a background that says how much each sample ``(beats, samples)`` counts."""
    axes, figure = _grid(len(panels), 2, 5.2, 2.4)
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
        f"ms after the R peak; red: what the class rests on, by {caption}, scaled beat by beat",
        fontsize=9,
    )
    _save(figure, target)


def require_room(number: int, what: str = "beats") -> None:
    """Refuse a picture of too many beats or clusters.

    Raises:
        ConfigError: there are more than `MOST_PANELS`.
    """
    if number > MOST_PANELS:
        raise ConfigError(
            f"a picture has room for {MOST_PANELS} {what}, not {number}; ask for fewer"
        )


def _draw_beat(axis: Axes, panel: BeatPanel, colour: str) -> None:
    length = int(beat_lengths(panel.samples[None])[0])
    axis.plot(_milliseconds(length), panel.samples[:length], color=colour, linewidth=1.4)
    axis.set(xlim=(0, _milliseconds(len(panel.samples))[-1]), ylim=(-0.05, 1.05))
    if panel.title:
        axis.set_title(panel.title, fontsize=9, color=colour)


def _grid(panels: int, across: int, width: float, height: float) -> tuple[list[Axes], Figure]:
    """Axes for as many panels in rows of ``across``; the places left over are blank."""
    across = min(across, panels)
    down = -(-panels // across)
    figure = _figure(width * across, height * down + 0.5)
    axes = list(figure.subplots(down, across, squeeze=False).flat)
    for axis in axes[panels:]:
        axis.set_axis_off()
    return axes[:panels], figure


def _colour(number: int, of: int) -> Any:
    """A colour that tells this group from the others: of the house while there are enough."""
    if of <= len(_CLASS_COLOURS):
        return _CLASS_COLOURS[number]
    from matplotlib import colormaps

    return colormaps["tab10" if of <= 10 else "tab20"](number % 20)


def _milliseconds(samples: int) -> NDArray[np.float64]:
    return np.arange(samples) / SAMPLING_RATE * 1000


def draw_reliability(target: Path, confidence: Any, accuracy: Any, beats: Any, title: str) -> None:
    """Accuracy by bins of confidence beside the diagonal, and the share of beats of each bin."""
    figure = _figure(5.4, 5.6)
    axis, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    bins = len(beats)
    edges = np.arange(bins) / bins
    axis.bar(
        edges, np.nan_to_num(accuracy), width=1 / bins, align="edge", color=_CLASS_COLOURS[0],
        edgecolor="white", alpha=0.55, label="share that is right",
    )  # fmt: skip
    axis.plot(confidence, accuracy, "o", color=_CLASS_COLOURS[0], markersize=4)
    axis.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle="--", label="as it should be")
    axis.set(ylabel="accuracy", title=title, xlim=(0, 1), ylim=(0, 1))
    axis.legend(frameon=False, loc="upper left")
    below.bar(edges, beats / beats.sum(), width=1 / bins, align="edge", color=_TRAIN,
              edgecolor="white")  # fmt: skip
    below.set(xlabel="confidence: the highest probability", ylabel="share of beats", ylim=(0, 1))
    _save(figure, target)


def draw_lines(
    target: Path,
    panels: dict[str, dict[str, tuple[Any, Any]]],
    label: str,
    levels: dict[str, float],
    title: str,
) -> None:
    """A panel a figure with named lines ``(x, y)``, dashed at the figure's own level."""
    figure = _figure(1 + 4.2 * len(panels), 4)
    for axis, (name, lines) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        for colour, (kind, (x, y)) in zip(_CLASS_COLOURS, lines.items(), strict=False):
            axis.plot(x, y, color=colour, marker="o", markersize=4, label=kind)
        axis.axhline(levels[name], color="black", linewidth=0.8, linestyle="--", label="clean")
        axis.set(title=name, xlabel=label, ylim=(0, 1))
        axis.grid(color="#e4e8ec", linewidth=0.6)
        axis.legend(frameon=False, fontsize=8)
    figure.suptitle(title)
    _save(figure, target)


def draw_decomposition(
    target: Path,
    times: Any,
    parts: dict[str, Any],
    marks: Sequence[tuple[float, str]],
    title: str,
) -> None:
    """Parts of a signal ``(samples,)`` above each other over time, beats named in the first."""
    figure = _figure(11, 8)
    axes = figure.subplots(len(parts), 1, sharex=True)
    colours = ("black", *_CLASS_COLOURS)
    for axis, colour, (name, values) in zip(axes, colours, parts.items(), strict=False):
        axis.plot(times, values, color=colour, linewidth=0.8)
        axis.set_ylabel(name)
        axis.grid(color="#e4e8ec", linewidth=0.6)
        axis.margins(x=0.01, y=0.12)
    for time, name in marks:
        axes[0].annotate(
            name, (time, 0.98), xycoords=("data", "axes fraction"), ha="center", va="top",
            fontsize=9, color=_CLASS_COLOURS[2],
        )  # fmt: skip
    axes[0].set_title(title)
    axes[-1].set_xlabel("time, s")
    _save(figure, target)


def draw_histogram(
    target: Path, groups: dict[str, Any], threshold: tuple[float, str], label: str
) -> None:
    """The distribution of a score in each group, as shares of the group, and a threshold."""
    figure = _figure(7, 3.8)
    axis = figure.subplots()
    every = np.concatenate(list(groups.values()))
    bins = np.linspace(every.min(), every.max() + 1e-9, 61)
    for colour, (name, values) in zip(_CLASS_COLOURS, groups.items(), strict=False):
        share = np.full(len(values), 1 / len(values))
        axis.hist(
            values,
            bins.tolist(),
            weights=share,
            color=colour,
            alpha=0.6,
            label=f"{name}  {len(values):,}",
        )
    at, name = threshold
    axis.axvline(at, color="black", linewidth=1, linestyle=":", label=f"threshold: {name}")
    axis.set(xlabel=label, ylabel="share of the group")
    axis.legend(frameon=False)
    _save(figure, target)


def draw_traces(
    target: Path, traces: Sequence[Trace], across: str, up: str = "", expected: str = "expected"
) -> None:
    """ECG with what was expected of it: up to three traces a row, bands darker where likelier."""
    columns = min(3, len(traces))
    rows = -(-len(traces) // columns)
    width = 8.0 if columns == 1 else 4.2 * columns
    figure = _figure(width, 3.2 * rows if columns > 1 else 3.8)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, trace in zip(axes, traces, strict=False):
        for band, shade in zip(sorted(trace.bands, reverse=True), (0.22, 0.4), strict=False):
            low, high = trace.bands[band]
            axis.fill_between(
                trace.times, low, high, color=_VALIDATION, alpha=shade, linewidth=0,
                label=f"{band}% band",
            )  # fmt: skip
        axis.plot(trace.times, trace.line, color=_VALIDATION, linewidth=1.2, label=expected)
        axis.plot(trace.times, trace.values, color="black", linewidth=1.2, label="ECG")
        if trace.since is not None:
            axis.axvline(trace.since, color="black", linewidth=0.8, linestyle=":")
        axis.set_title(trace.title, fontsize=10)
        axis.set(xlabel=across, ylabel=up)
    for axis in axes[len(traces) :]:
        axis.set_visible(False)
    axes[0].legend(frameon=False, fontsize=8, loc="upper right")
    _save(figure, target)


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def _save(figure: Figure, target: Path) -> None:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=150)
    with atomic_write(target) as stream:
        stream.write(picture.getvalue())
