"""Pictures of anomalies and forecasts: score distributions, beats with their forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecgcli.figures import BLUE, PALETTE, new_figure, save_figure


@dataclass(frozen=True)
class Trace:
    """A stretch of ECG for a picture.

    ``values`` and ``line`` (the expected values) are at ``times``, NaN where there is no value.
    ``bands`` maps percent to low and high at ``times``; ``since`` is the time at which a
    forecast begins.
    """

    title: str
    times: Any
    values: Any
    line: Any
    bands: dict[int, tuple[Any, Any]]
    since: float | None = None


def draw_histogram(
    target: Path, groups: dict[str, Any], threshold: tuple[float, str], label: str
) -> None:
    """Draw the distribution of a score in each group, as shares, and a threshold."""
    figure = new_figure(7, 3.8)
    axis = figure.subplots()
    scores = np.concatenate(list(groups.values()))
    bins = np.linspace(scores.min(), scores.max() + 1e-9, 61)
    for colour, (name, values) in zip(PALETTE, groups.items(), strict=False):
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
    axis.legend(frameon=False, loc="upper right")
    save_figure(figure, target)


def draw_traces(
    target: Path, traces: Sequence[Trace], across: str, up: str = "", expected: str = "expected"
) -> None:
    """Draw ECG with its expected values, up to three traces per row; narrower bands are darker."""
    columns = min(3, len(traces))
    rows = -(-len(traces) // columns)
    width = 8.0 if columns == 1 else 4.2 * columns
    figure = new_figure(width, 3.2 * rows if columns > 1 else 3.8)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, trace in zip(axes, traces, strict=False):
        for band, shade in zip(sorted(trace.bands, reverse=True), (0.22, 0.4), strict=False):
            low, high = trace.bands[band]
            axis.fill_between(
                trace.times, low, high, color=BLUE, alpha=shade, linewidth=0,
                label=f"{band}% band",
            )  # fmt: skip
        axis.plot(trace.times, trace.line, color=BLUE, linewidth=1.2, label=expected)
        axis.plot(trace.times, trace.values, color="black", linewidth=1.2, label="ECG")
        if trace.since is not None:
            axis.axvline(trace.since, color="black", linewidth=0.8, linestyle=":")
        axis.set_title(trace.title, fontsize=10)
        axis.set(xlabel=across, ylabel=up)
    for axis in axes[len(traces) :]:
        axis.set_visible(False)
    axes[0].legend(frameon=False, fontsize=8, loc="upper right")
    save_figure(figure, target)
