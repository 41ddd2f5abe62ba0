"""Pictures, written as PNG without a display."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgcli.files import atomic_write
from ecgcli.history import History, best_epoch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TRAIN, _VALIDATION = "#8c8c8c", "#0b6e99"
_CLASS_COLOURS = ("#0b6e99", "#e07b39", "#b3263a", "#6a4c93", "#4d8b31")


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


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def _save(figure: Figure, target: Path) -> None:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=150)
    with atomic_write(target) as stream:
        stream.write(picture.getvalue())
