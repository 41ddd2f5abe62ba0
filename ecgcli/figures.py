"""Pictures, written as PNG without a display."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgcli.files import atomic_write
from ecgcli.history import History, best_epoch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TRAIN, _VALIDATION = "#8c8c8c", "#0b6e99"
_CLASS_COLOURS = ("#0b6e99", "#e07b39", "#b3263a", "#6a4c93", "#4d8b31")


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
