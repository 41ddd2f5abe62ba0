"""Pictures of an evaluation: confusion matrix, curves by class, reliability."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecgcli.figures import GREY, PALETTE, new_figure, save_figure


def draw_confusion(
    target: Path, shares: Any, counts: Any, classes: Sequence[str], caption: str
) -> None:
    """A confusion matrix: colour and percentage from ``shares``, with the counts beneath."""
    figure = new_figure(5.4, 5)
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
    save_figure(figure, target)


def draw_curves_by_class(
    target: Path,
    curves: dict[str, tuple[Any, Any, float]],
    labels: tuple[str, str],
    title: str,
    zoom: tuple[float, float, float, float] | None = None,
) -> None:
    """A curve a class (x, y, area under it) in the unit square; ROC and precision-recall.

    ``zoom`` (lowest and highest x, lowest and highest y) is the corner in which good models lie;
    it is drawn once more, larger, if it is given.
    """
    figure = new_figure(6.4, 5)
    axis = figure.subplots()
    for colour, (name, (x, y, area)) in zip(PALETTE, curves.items(), strict=False):
        axis.plot(x, y, color=colour, label=f"{name}  {area:.3f}")
    axis.set(
        xlabel=labels[0], ylabel=labels[1], title=title, xlim=(-0.01, 1.01), ylim=(-0.01, 1.01)
    )
    if curves:  # beats of one class have no curves
        axis.legend(frameon=False, title="class, area", loc="upper left", bbox_to_anchor=(1, 1))
    if curves and zoom is not None:
        inset = axis.inset_axes((0.3, 0.12, 0.55, 0.55))
        for colour, (x, y, _) in zip(PALETTE, curves.values(), strict=False):
            inset.plot(x, y, color=colour)
        inset.set(xlim=zoom[:2], ylim=zoom[2:])
        inset.tick_params(labelsize=7)
        inset.locator_params(nbins=5)
        axis.indicate_inset_zoom(inset, edgecolor="black")
    save_figure(figure, target)


def draw_reliability(target: Path, confidence: Any, accuracy: Any, beats: Any, title: str) -> None:
    """Accuracy by bins of confidence beside the diagonal, and the share of beats of each bin."""
    figure = new_figure(5.4, 5.6)
    axis, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    bins = len(beats)
    edges = np.arange(bins) / bins
    axis.bar(
        edges, np.nan_to_num(accuracy), width=1 / bins, align="edge", color=PALETTE[0],
        edgecolor="white", alpha=0.55, label="share that is right",
    )  # fmt: skip
    axis.plot(confidence, accuracy, "o", color=PALETTE[0], markersize=4)
    axis.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle="--", label="as it should be")
    axis.set(ylabel="accuracy", title=title, xlim=(0, 1), ylim=(0, 1))
    axis.legend(frameon=False, loc="upper left")
    below.bar(edges, beats / beats.sum(), width=1 / bins, align="edge", color=GREY,
              edgecolor="white")  # fmt: skip
    for edge, count in zip(edges, beats, strict=True):
        share = count / beats.sum()
        at = edge + 0.5 / bins
        below.text(at, share + 0.03, f"{count:,}", ha="center", fontsize=6, rotation=90)
    below.set(xlabel="confidence: the highest probability", ylabel="share of beats", ylim=(0, 1.4))
    save_figure(figure, target)
