"""``ecg forecast``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ecgcli.commands.console import (
    Annotations,
    AnomalyModel,
    BeatsOrRecording,
    Detect,
    Lead,
    Normalize,
    Quiet,
    Rate,
    Rows,
    Units,
    messages,
    progress_bar,
    read_options,
    refuse_options,
)
from ecgcli.errors import ConfigError

EXAMPLE = "Example: ecg forecast data/mitbih_test.csv --rows 0-5 --png forecast.png -o forecast.csv"


def command(
    ctx: typer.Context,
    data: BeatsOrRecording,
    model: AnomalyModel = None,
    known: Annotated[
        int | None,
        typer.Option("--from", help="Of beats: forecast from this sample on; default 40."),
    ] = None,
    after: Annotated[
        float | None,
        typer.Option(help="Of a recording: forecast from this second on; default its end."),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(help="How many to forecast, at 120 Hz; default to the beat's 187th."),
    ] = None,
    rows: Rows = "0",
    seed: Annotated[int, typer.Option(min=0, help="Of the futures drawn.")] = 0,
    out: Annotated[
        str, typer.Option("--out", "-o", help="The table to write; - is standard output.")
    ] = "-",
    table_format: Annotated[
        Literal["csv", "json"] | None,
        typer.Option("--format", help="Default by the ending of --out, else csv."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    png: Annotated[Path | None, typer.Option(help="Draw the first six into this file too.")] = None,
    normalize: Normalize = False,
    lead: Lead = None,
    rate: Rate = None,
    units: Units = None,
    annotations: Annotations = "auto",
    detector: Detect = "envelope",
    quiet: Quiet = False,
) -> None:
    """Continue a beat from its first samples, with the bands it will stay in.

    A row a sample: its time, the median, and the low and high of the 50% and the 90% band.
    The forecaster is that of ecg anomaly fit; it knows normal beats. In a recording the
    beat under way is continued, in mV.
    """
    from ecgcli.anomaly.forecasting import forecast_beats, forecast_recording, write_forecast
    from ecgcli.anomaly.model import load_model
    from ecgcli.checkpoints.runs import ANOMALY, find_checkpoint
    from ecgcli.recordings import is_recording

    console = messages(quiet)
    recording = is_recording(str(data), rate)
    refuse_options(ctx, str(data), recording=recording)
    path = find_checkpoint(model, holding=ANOMALY)
    fitted = load_model(path)
    console.print(f"Model: {path}")
    if recording:
        if known is not None:
            raise ConfigError("--from is for beats; where a recording goes on is told by --after")
        options = read_options(lead, rate, units, annotations, detector)
        found = forecast_recording(
            fitted, str(path), data, after=after, horizon=samples, options=options,
            seed=seed,
        )  # fmt: skip
    else:
        if after is not None:
            raise ConfigError(
                "--after is for recordings; where a beat goes on is told by --from SAMPLE"
            )
        with progress_bar(console) as progress:
            found = forecast_beats(
                fitted, str(path), data, rows=rows or "0", known=40 if known is None else known,
                horizon=samples, normalize=normalize, seed=seed,
                progress=progress,
            )  # fmt: skip
    as_json = json or table_format == "json" or (table_format is None and out.endswith(".json"))
    write_forecast(out, found, "json" if as_json else "csv")
    for kind, shares in found.coverage().items():
        told = ", ".join(f"the {band}% band {share:.1%}" for band, share in shares.items())
        console.print(f"Of what came, {kind}: in {told}")
    if png is not None:
        found.draw(png)
        console.print(f"Picture: {png}")
