"""``ecg forecast``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ecgcli.choices import format_for
from ecgcli.commands.console import (
    HIGHEST_SEED,
    Annotations,
    AnomalyModel,
    BeatsOrRecording,
    Detect,
    Lead,
    Normalize,
    Quiet,
    Rate,
    Threads,
    Units,
    messages,
    progress_bar,
    read_options,
    refuse_options,
    refuse_two_formats,
)
from ecgcli.cores import use_threads
from ecgcli.errors import ConfigError

#: The formats of a forecast.
_FORMATS: tuple[Literal["csv", "json"], ...] = ("csv", "json")

EXAMPLE = "Example: ecg forecast data/mitbih_test.csv --rows 0-5 --png forecast.png -o forecast.csv"


def command(
    ctx: typer.Context,
    data: BeatsOrRecording,
    model: AnomalyModel = None,
    observed: Annotated[
        int | None,
        typer.Option("--from", help="First sample to forecast, for beats; default 40."),
    ] = None,
    after: Annotated[
        float | None,
        typer.Option(help="Second from which to forecast, for a recording; default its end."),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            help="Number of samples to forecast, at 120 Hz; default up to the 187th of the beat."
        ),
    ] = None,
    rows: Annotated[
        str,
        typer.Option(
            metavar="N,N-N,...|all",
            help="Beats to forecast, numbered from 0, such as 0 or 3,8-12 or all.",
        ),
    ] = "0",
    seed: Annotated[
        int, typer.Option(min=0, max=HIGHEST_SEED, help="Seed of the simulated futures.")
    ] = 0,
    out: Annotated[
        str, typer.Option("--out", "-o", help="Table to write; - is standard output.")
    ] = "-",
    table_format: Annotated[
        Literal["csv", "json"] | None,
        typer.Option(
            "--format", help="Format of the table; default by the ending of --out, else csv."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    png: Annotated[Path | None, typer.Option(help="Picture to draw of the first six.")] = None,
    normalize: Normalize = False,
    lead: Lead = None,
    rate: Rate = None,
    units: Units = None,
    annotations: Annotations = "auto",
    detector: Detect = "envelope",
    threads: Threads = None,
    quiet: Quiet = False,
) -> None:
    """Forecast the rest of a beat from its first samples, with 50% and 90% bands.

    Writes one row per sample: its time, the median, and the low and high of each band.
    The forecaster is that of ecg anomaly fit, which has learned normal beats. In a
    recording, the current beat is continued, in mV.
    """
    use_threads(threads)
    from ecgcli.anomaly.forecasting import forecast_beats, forecast_recording, write_forecast
    from ecgcli.anomaly.model import load_model
    from ecgcli.checkpoints.runs import ANOMALY, find_checkpoint
    from ecgcli.recordings import is_recording

    console = messages(quiet)
    refuse_two_formats(table_format, json)
    chosen = format_for(out, "json" if json else table_format, _FORMATS)
    recording = is_recording(str(data), rate)
    refuse_options(ctx, str(data), recording=recording)
    path = find_checkpoint(model, holding=ANOMALY)
    fitted = load_model(path)
    console.print(f"Model: {path}")
    if recording:
        if observed is not None:
            raise ConfigError(
                "--from is for beats; for a recording, name the time with --after SECOND"
            )
        options = read_options(lead, rate, units, annotations, detector)
        forecasts = forecast_recording(
            fitted, str(path), data, after=after, horizon=samples, options=options,
            seed=seed,
        )  # fmt: skip
    else:
        if after is not None:
            raise ConfigError(
                "--after is for recordings; for beats, name the sample with --from SAMPLE"
            )
        with progress_bar(console) as progress:
            forecasts = forecast_beats(
                fitted, str(path), data, rows=rows,
                observed=40 if observed is None else observed,
                horizon=samples, normalize=normalize, seed=seed, progress=progress,
            )  # fmt: skip
    write_forecast(out, forecasts, chosen)
    for note in forecasts.notes:
        console.print(f"{data.stem}: {note}")
    for kind, shares in forecasts.coverage().items():
        bands = ", ".join(f"the {band}% band {share:.1%}" for band, share in shares.items())
        console.print(f"Share of samples inside, {kind}: {bands}")
    if png is not None:
        forecasts.draw(png)
        console.print(f"Picture: {png}")
