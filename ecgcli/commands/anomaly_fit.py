"""``ecg anomaly fit``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ecgcli.choices import HoldOut, Method
from ecgcli.commands.console import (
    HIGHEST_SEED,
    Classes,
    Json,
    Normalize,
    Quantile,
    Quiet,
    Threads,
    messages,
    print_json,
    progress_bar,
    suggest,
)
from ecgcli.cores import use_threads
from ecgcli.wording import counted

EXAMPLE = "Example: ecg anomaly fit --data data/mitbih_train.csv"


def command(
    data: Annotated[Path, typer.Option("--data", "-d", help="Labelled beats (CSV or parquet).")],
    method: Annotated[Method, typer.Option(help="What learns normal beats.")] = "forecaster",
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the normal beats.")] = 8,
    seed: Annotated[
        int, typer.Option(min=0, max=HIGHEST_SEED, help="Seed of all random choices.")
    ] = 0,
    quantile: Quantile = None,
    validation: Annotated[
        HoldOut, typer.Option(help="What is held out: a tenth of each class, or of the patients.")
    ] = "stratified",
    classes: Classes = None,
    normalize: Normalize = False,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="Run folder to write; -2 and so on is added if it exists."
        ),
    ] = Path("runs/anomaly"),
    device: Annotated[
        str, typer.Option(help="Device that computes: auto, cpu, cuda or mps.")
    ] = "auto",
    threads: Threads = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Learn what normal beats look like, from the beats of class N alone.

    A forecaster reads a beat and predicts how it continues; an autoencoder compresses it
    and reconstructs it. The score of a beat is its distance to the most similar normal
    beats. Normal beats that are held out set the threshold; beats of other classes are
    not learned from, and measure how well they are detected.
    """
    use_threads(threads)
    console = messages(quiet)
    console.print(f"Reading {data}")
    from ecgcli.anomaly.fitting import Settings, fit

    settings = Settings(
        method, epochs, seed, quantile or Settings.quantile, validation, classes, normalize, device
    )
    with progress_bar(console) as progress:
        fitted = fit(data, settings, out, progress, " ".join(["ecg", *sys.argv[1:]]))
    card = fitted.model.card
    if json:
        print_json(
            {
                "run": fitted.run,
                "method": card.method,
                "validation": card.metrics,
                "quantile": card.quantile,
                "threshold": fitted.model.threshold(),
                "band_factors": card.band_factors,
                "training_loss": fitted.losses,
            }
        )
    else:
        print(fitted.run)
    normal = card.training_data.trained_on[card.classes[0]]
    console.print(
        f"{card.method} fitted on {counted(normal, 'normal beat')}, {counted(card.epochs, 'epoch')}"
    )
    if "roc_auc" in card.metrics:
        console.print(
            f"Held-out beats: area under ROC {card.metrics['roc_auc']:.4f}, normal against the rest"
        )
    suggest(console, "ecg", "anomaly", "score", "TEST.csv", "--model", fitted.run)
