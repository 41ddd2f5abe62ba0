"""``ecg cluster``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgcli.choices import Reduction
from ecgcli.classes import ClassSet, classes_named
from ecgcli.commands.console import (
    Json,
    Normalize,
    Quiet,
    given,
    messages,
    open_classifier,
    print_json,
    progress_bar,
    results,
)
from ecgcli.errors import ConfigError
from ecgcli.wording import counted

if TYPE_CHECKING:
    from ecgcli.insight.clustering import Clustering

EXAMPLE = "Example: ecg cluster beats.csv --model runs/cnn --png clusters.png -o assignments.csv"


def command(
    ctx: typer.Context,
    data: Annotated[Path, typer.Argument(metavar="BEATS.csv", help="Beats, labelled or not.")],
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", "-m", help="Cluster what this run or checkpoint makes of the beats."
        ),
    ] = None,
    clusters: Annotated[
        int | None,
        typer.Option("--clusters", "-k", min=2, help="Default: the classes present, else 5."),
    ] = None,
    reduction: Annotated[
        Reduction, typer.Option("--reduce", help="To fewer dimensions, before k-means.")
    ] = "pca",
    components: Annotated[
        int | None, typer.Option(min=2, help="Dimensions; default 10 of PCA, 2 of UMAP.")
    ] = None,
    classes: Annotated[
        ClassSet | None, typer.Option(help="Which classes the labels mean; with --model, its own.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write each beat's cluster into this CSV.")
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Draw the beats as points.")] = None,
    means: Annotated[Path | None, typer.Option(help="Draw each cluster's mean beat.")] = None,
    normalize: Normalize = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Group beats that are alike: by their samples, or by what a model makes of them.

    k-means after PCA or UMAP. With labels: how far the clusters are classes. Clusters are
    numbered by size from 0.
    """
    from ecgcli.beats import read_beats
    from ecgcli.insight.clustering import cluster

    console = messages(quiet)
    if model is not None and given(ctx, "classes"):
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
    found = cluster(
        beats, features,
        reduction=reduction, components=components, clusters=clusters, seed=seed,
    )  # fmt: skip
    title = data.name if model is None else f"{data.name} as {model} sees it"
    if png is not None:
        found.draw_scatter(png, title, seed)
    if means is not None:
        found.draw_means(means, title)
    if out is not None:
        found.write_assignments(out)
    if json:
        print_json(found.as_json())
    else:
        _print(found)
    for what, target in (("Picture", png), ("Mean beats", means), ("Assignments", out)):
        if target is not None:
            console.print(f"{what}: {target}")
    if means is None:
        seen_by = "" if model is None else f" --model {model}"
        console.print(f"Next: ecg cluster {data}{seen_by} --png clusters.png --means means.png")


def _print(found: Clustering) -> None:
    from rich.table import Table

    labelled = found.agreement is not None
    table = Table(box=None)
    for head in ("cluster", "beats", "share"):
        table.add_column(head, justify="right")
    if labelled:
        for head in ("main class", "share of it", *found.beats.classes):
            table.add_column(head, justify="right")
    for number, cluster in enumerate(found.clusters):
        cells = [str(number), f"{cluster.beats:,}", f"{cluster.beats / len(found.beats):.1%}"]
        if cluster.classes is not None:
            cells += [str(cluster.main_class), f"{cluster.main_share:.1%}"]
            cells += [f"{count:,}" for count in cluster.classes.values()]
        table.add_row(*cells)
    console = results()
    console.print(table)
    for name, value in (found.agreement or {}).items():
        console.print(f"{name.replace('_', ' '):<28}{value:.3f}")
    of = f"{found.silhouette_beats:,} of {counted(len(found.beats), 'beat')}"
    silhouette = "not defined" if found.silhouette is None else f"{found.silhouette:.3f}"
    console.print(f"{'silhouette':<28}{silhouette}   ({of})")
    if found.reduced.explained is not None:
        kept = counted(found.reduced.values.shape[1], "principal component")
        console.print(f"{'variance kept':<28}{found.reduced.explained:.3f}   ({kept})")
