"""Pictures of training: curves by epoch, feature importances."""

from __future__ import annotations

from pathlib import Path

from ecgcli.figures import BLUE, GREY, new_figure, save_figure
from ecgcli.training.history import History, best_epoch

#: How to compare the two curves of a panel.
_COMPARED = (
    "Training and validation are computed alike, without label smoothing and in the same balance "
    "of classes;\n"
    "those of training while the epoch runs, with dropout and augmentation, so they begin worse."
)


def draw_curves(target: Path, history: History) -> None:
    """Draw loss, accuracy and macro-F1 by epoch, and mark the epoch kept.

    What the figures on training beats have in common with those on validation beats, the
    picture says: see `Epoch`.
    """
    figure = new_figure(13, 4)
    axes = figure.subplots(1, 3)
    best = best_epoch(history).epoch
    epochs = [row.epoch for row in history]
    for axis, name, title in (
        (axes[0], "loss", "Loss"),
        (axes[1], "accuracy", "Accuracy"),
        (axes[2], "macro_f1", "Macro-F1"),
    ):
        for part, colour in (("train", GREY), ("validation", BLUE)):
            values = [getattr(row, f"{part}_{name}") for row in history]
            axis.plot(epochs, values, color=colour, marker="o", markersize=3, label=part)
        axis.axvline(best, color="black", linewidth=0.8, linestyle=":", label=f"best epoch: {best}")
        axis.set(title=title, xlabel="epoch")
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend(frameon=False)
    figure.supxlabel(_COMPARED, fontsize=8)
    save_figure(figure, target)


def draw_shares(target: Path, shares: dict[str, float], label: str) -> None:
    """Draw a bar for each name, the first at the top."""
    figure = new_figure(6.4, 0.6 + 0.22 * len(shares))
    axis = figure.subplots()
    axis.barh(list(shares), list(shares.values()), color=BLUE)
    axis.invert_yaxis()
    axis.set(xlabel=label)
    axis.tick_params(axis="y", labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    save_figure(figure, target)
