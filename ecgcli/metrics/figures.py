"""Pictures of what a model gets wrong: its errors, drawn as beats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ecgcli.beats.reader import SAMPLING_RATE
from ecgcli.figures import BLUE, new_figure, save_figure
from ecgcli.files import remove
from ecgcli.metrics.mistakes import BeatError, Mistakes
from ecgcli.pages import ERRORS, WORST, TextTable
from ecgcli.wording import clock_text

#: Beats in a row.
_ACROSS = 4


def draw_mistakes(folder: Path, mistakes: Mistakes, worst: TextTable | None) -> None:
    """Draw the most confident errors, and those of the worst records, a row for each record.

    A picture without errors is not drawn, and one of an earlier page is removed.

    Args:
        folder: of the page.
        mistakes: what is drawn.
        worst: of `worst_records_table`; None where records are unknown.
    """
    surest = mistakes.surest
    rows = [surest[first : first + _ACROSS] for first in range(0, len(surest), _ACROSS)]
    records = [mistakes.of(row[0]) for row in worst.rows] if worst is not None else []
    for name, errors in ((ERRORS, rows), (WORST, [row for row in records if row])):
        if errors:
            _draw_errors(folder / name, errors)
        else:
            remove(folder / name)


def _draw_errors(target: Path, rows: Sequence[Sequence[BeatError]]) -> None:
    """Beats in rows, without their padding, with the true and the predicted class."""
    height = 1.7 * len(rows) + 0.5
    figure = new_figure(2.6 * _ACROSS, height)
    # All panels are alike: to measure their texts would take as long as to draw them.
    figure.set_layout_engine("none")
    edges = {"left": 0.008, "right": 0.992, "bottom": 0.45 / height, "top": 1 - 0.4 / height}
    axes = figure.subplots(
        len(rows), _ACROSS, squeeze=False, gridspec_kw=edges | {"wspace": 0.05, "hspace": 0.55}
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for row, errors in zip(axes, rows, strict=True):
        for axis, error in zip(row, errors, strict=False):
            axis.set_axis_on()
            samples = np.trim_zeros(error.samples, "b")
            milliseconds = 1000 * np.arange(len(samples)) / SAMPLING_RATE
            axis.plot(milliseconds, samples, color=BLUE, linewidth=1)
            axis.set_title(
                f"{error.true} called {error.predicted} ({error.probability:.2f})\n{_place(error)}",
                fontsize=8,
            )
            axis.set(xlim=(0, 1000 * len(error.samples) / SAMPLING_RATE), ylim=(-0.05, 1.05))
            axis.set_yticks([])
            axis.tick_params(labelsize=7)
    figure.supxlabel("ms after the R peak", fontsize=8)
    save_figure(figure, target)


def _place(error: BeatError) -> str:
    """Where a beat is: ``record 208, 0:12:03``, or its number in the file."""
    if not error.record:
        return f"beat {error.row}"
    return f"record {error.record}" + (
        "" if np.isnan(error.time) else f", {clock_text(error.time)}"
    )
