"""Scored beats -> a folder with a table, pictures and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.anomaly.bands import one_block_ahead
from ecgcli.anomaly.figures import Trace, draw_histogram, draw_traces
from ecgcli.anomaly.forecaster import Forecaster
from ecgcli.anomaly.model import AnomalyModel, rebuild
from ecgcli.anomaly.scoring import Scored
from ecgcli.beats import within_beats
from ecgcli.beats.reader import SAMPLING_RATE
from ecgcli.checkpoints.runs import name_of_data
from ecgcli.evaluation.figures import draw_curves_by_class
from ecgcli.files import atomic_write, write_json

REPORT, TABLE = "report.json", "scores.csv"
#: Beats in the picture of the most anomalous.
SHOWN = 6


def report_folder(checkpoint: Path, data: Path) -> Path:
    """The folder for the report of a model on a file: beside the model, named after the data."""
    return checkpoint.parent / f"anomalies-{name_of_data(data)}"


def write_report(folder: Path, model: AnomalyModel, scored: Scored) -> Path:
    """Write ``scores.csv``, ``histogram.png``, ``beats.png``, ``roc.png`` and ``report.json``.

    ``roc.png`` needs labels.

    Returns:
        The path of ``report.json``, which is written last.
    """
    import pyarrow.csv as pacsv

    with atomic_write(folder / TABLE) as stream:
        pacsv.write_csv(
            scored.table(), stream, pacsv.WriteOptions(quoting_style="none", quoting_header="none")
        )
    draw_histogram(
        folder / "histogram.png",
        _groups(scored),
        (scored.threshold, f"{scored.quantile:.0%} of normal beats"),
        "anomaly score",
    )
    if curves := scored.curves():
        draw_curves_by_class(
            folder / "roc.png",
            {name: (curve.x, curve.y, curve.area) for name, curve in curves.items()},
            ("normal beats flagged as anomalous", "other beats flagged as anomalous"),
            "ROC against normal beats",
        )
    draw_traces(
        folder / "beats.png",
        _most_anomalous(model, scored),
        "s after the R peak",
        expected="forecast" if isinstance(model.network, Forecaster) else "reconstructed",
    )
    report = folder / REPORT
    write_json(report, scored.as_json())
    return report


def _groups(scored: Scored) -> dict[str, NDArray[np.float64]]:
    labels = scored.beats.labels
    if labels is None:
        return {"beats": scored.scores}
    rest = "not " + scored.classes[0]
    groups = {scored.classes[0]: scored.scores[labels == 0], rest: scored.scores[labels > 0]}
    return {name: scores for name, scores in groups.items() if len(scores)}


def _most_anomalous(model: AnomalyModel, scored: Scored) -> list[Trace]:
    rows = np.argsort(-scored.scores, kind="stable")[:SHOWN]
    samples = scored.beats.samples[rows]
    drawn = np.where(within_beats(samples), samples, np.nan)  # padding is no ECG
    times = np.arange(samples.shape[1]) / SAMPLING_RATE
    bands: dict[int, Any] = {}
    if isinstance(model.network, Forecaster):
        expected = one_block_ahead(model.network, samples)
        lines = expected.median
        bands = {band: (expected.low[band], expected.high[band]) for band in expected.low}
    else:
        lines = rebuild(model.network, samples)
    return [
        Trace(
            _title(scored, int(row)),
            times,
            drawn[k],
            lines[k],
            {band: (low[k], high[k]) for band, (low, high) in bands.items()},
        )
        for k, row in enumerate(rows)
    ]


def _title(scored: Scored, row: int) -> str:
    parts = [f"beat {row}"]
    if scored.times is not None:
        parts.append(f"at {scored.times[row]:.1f} s")
    if scored.beats.labels is not None:
        parts.append(f"class {scored.classes[scored.beats.labels[row]]}")
    return ", ".join([*parts, f"score {scored.scores[row]:.2f}"])
