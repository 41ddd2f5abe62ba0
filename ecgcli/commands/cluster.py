"""``ecg cluster``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgcli.choices import Reduction, format_for
from ecgcli.classes import ClassSet, classes_named
from ecgcli.commands import completion
from ecgcli.commands.console import (
    HIGHEST_SEED,
    Json,
    LabelledOrNot,
    Normalize,
    Quiet,
    Threads,
    messages,
    open_classifier,
    print_json,
    progress_bar,
    refuse_json_beside,
    results_beside,
    suggest,
    was_typed,
)
from ecgcli.cores import use_threads
from ecgcli.errors import ConfigError
from ecgcli.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from ecgcli.insight.clustering import Clustering

EXAMPLE = "Example: ecg cluster beats.csv --model runs/cnn --png clusters.png -o assignments.csv"


def command(
    ctx: typer.Context,
    data: LabelledOrNot,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            "-m",
            help="Cluster the last layer of this run or checkpoint, not the samples.",
            autocompletion=completion.runs_or_weights,
        ),
    ] = None,
    clusters: Annotated[
        int | None,
        typer.Option(
            "--clusters",
            "-k",
            min=2,
            help="Number of clusters; default the number of classes, else 5.",
        ),
    ] = None,
    reduction: Annotated[
        Reduction, typer.Option("--reduce", help="Reduction to fewer dimensions, before k-means.")
    ] = "pca",
    components: Annotated[
        int | None,
        typer.Option(min=2, help="Number of dimensions; default 10 for PCA, 2 for UMAP."),
    ] = None,
    classes: Annotated[
        ClassSet | None,
        typer.Option(help="Classes that the labels mean; default those of --model or the file."),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=HIGHEST_SEED, help="Seed of all random choices.")
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="CSV to write, with each beat's cluster; - is standard output."
        ),
    ] = None,
    png: Annotated[
        Path | None, typer.Option(help="Picture to draw of the beats as points.")
    ] = None,
    means: Annotated[
        Path | None, typer.Option(help="Picture to draw of the mean beat of each cluster.")
    ] = None,
    normalize: Normalize = False,
    threads: Threads = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Group similar beats, by their samples or by the last layer of a model.

    Reduces with PCA or UMAP, then clusters with k-means. With labels, reports how well
    clusters match classes. Clusters are numbered by size from 0.
    """
    use_threads(threads)
    from ecgcli.beats import read_beats
    from ecgcli.insight.clustering import cluster

    console = messages(quiet)
    format_for(out or "-", None, ("csv",))
    refuse_json_beside(out, json)
    if model is not None and was_typed(ctx, "classes"):
        raise ConfigError("--classes is for clusters of samples; with --model they are the model's")
    classifier = None if model is None else open_classifier(model, console)
    names = classes_named(classes) if classifier is None else classifier.classes
    beats = read_beats(data, names, normalize=normalize)
    features = beats.samples
    if classifier is not None:
        from ecgcli.insight.embedding import embed

        with progress_bar(console) as progress:
            features = embed(classifier, beats, progress)
    console.print(
        f"{counted(len(beats), 'beat')} of {counted(features.shape[1], 'feature')}, "
        f"by {reduction.upper()}"
    )
    clustering = cluster(
        beats, features,
        reduction=reduction, components=components, clusters=clusters, seed=seed,
    )  # fmt: skip
    title = data.name if model is None else f"{data.name}, last layer of {model}"
    if png is not None:
        clustering.draw_scatter(png, title, seed)
    if means is not None:
        clustering.draw_means(means, title)
    if out is not None:
        clustering.write_assignments(out)
    if json:
        print_json(clustering.as_json())
    else:
        _print(clustering, results_beside(out, console))
    for kind, target in (("Picture", png), ("Mean beats", means), ("Assignments", out)):
        if target is not None:
            console.print(f"{kind}: {target}")
    if means is None:
        with_model = () if model is None else ("--model", model)
        pictures = ("--png", "clusters.png", "--means", "means.png")
        suggest(console, "ecg", "cluster", data, *with_model, *pictures)


def _print(clustering: Clustering, console: Console) -> None:
    from rich.table import Table

    labelled = clustering.agreement is not None
    table = Table(box=None)
    for head in ("cluster", "beats", "share"):
        table.add_column(head, justify="right")
    if labelled:
        for head in ("main class", "share of it", *clustering.beats.classes):
            table.add_column(head, justify="right")
    for number, cluster in enumerate(clustering.clusters):
        cells = [str(number), f"{cluster.beats:,}", f"{cluster.beats / len(clustering.beats):.1%}"]
        if cluster.classes is not None:
            cells += [str(cluster.main_class), f"{cluster.main_share:.1%}"]
            cells += [f"{count:,}" for count in cluster.classes.values()]
        table.add_row(*cells)
    console.print(table)
    for name, value in (clustering.agreement or {}).items():
        console.print(f"{name.replace('_', ' '):<28}{value:.3f}")
    silhouette_beats = (
        f"{clustering.silhouette_beats:,} of {counted(len(clustering.beats), 'beat')}"
    )
    silhouette = "not defined" if clustering.silhouette is None else f"{clustering.silhouette:.3f}"
    console.print(f"{'silhouette':<28}{silhouette}   ({silhouette_beats})")
    if clustering.reduced.explained is not None:
        kept = counted(clustering.reduced.values.shape[1], "principal component")
        console.print(f"{'variance kept':<28}{clustering.reduced.explained:.3f}   ({kept})")
