"""Clusters of beats: fewer dimensions, then k-means, and agreement with the classes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.arrays import Features
from ecgcli.beats import Beats
from ecgcli.choices import Reduction
from ecgcli.errors import ConfigError, DataError, MissingExtraError
from ecgcli.files import write_text
from ecgcli.insight.figures import draw_mean_beats, draw_scatter, require_room
from ecgcli.wording import counted

#: Number of clusters of unlabelled beats.
DEFAULT_CLUSTERS = 5
#: Dimensions by default: enough for the shape of a beat; two for a map.
DEFAULT_COMPONENTS: dict[Reduction, int] = {"pca": 10, "umap": 2}
#: The most beats the silhouette is computed from: it compares every beat with every other.
SILHOUETTE_BEATS = 5_000
#: The most points in the scatter plot: with more they hide each other.
_POINTS = 5_000


@dataclass(frozen=True)
class Reduced:
    """Features in fewer dimensions, ``(beats, components)``, and the method.

    ``explained`` is the share of the variance that is kept; PCA only.
    """

    values: Features
    method: Reduction
    explained: float | None


@dataclass(frozen=True)
class Cluster:
    """A group of beats: the number of beats, and of each class when they are labelled."""

    beats: int
    classes: dict[str, int] | None

    @property
    def main_class(self) -> str | None:
        """The most frequent class in the cluster."""
        return None if self.classes is None else max(self.classes, key=self.classes.__getitem__)

    @property
    def main_share(self) -> float | None:
        """The share of the beats that have this class."""
        return None if self.classes is None else max(self.classes.values()) / self.beats


@dataclass(frozen=True)
class Clustering:
    """Beats in clusters.

    Attributes:
        beats: the beats.
        reduced: the input of k-means.
        assignments: ``(beats,)`` the cluster of each beat, from 0, the largest first.
        clusters: in the order of their numbers.
        agreement: homogeneity, completeness, V-measure, adjusted Rand index and adjusted
            mutual information with the labels; None without labels.
        silhouette: mean over ``silhouette_beats`` beats; None when there are not two
            clusters to compare.
    """

    beats: Beats
    reduced: Reduced
    assignments: NDArray[np.intp]
    clusters: tuple[Cluster, ...]
    agreement: dict[str, float] | None
    silhouette: float | None
    silhouette_beats: int

    def draw_scatter(self, target: Path, title: str, seed: int = 0) -> None:
        """Draw the first two components, coloured by cluster and, when labelled, by class."""
        rows = _sample(len(self.beats), _POINTS, seed)
        name = {"pca": "principal component", "umap": "UMAP"}[self.reduced.method]
        colourings = [("cluster", self.assignments[rows], self._cluster_names())]
        if self.beats.labels is not None:
            colourings.append(("class", self.beats.labels[rows], self.beats.classes))
        full_title = f"{title}, {len(rows):,} of {len(self.beats):,} beats"
        draw_scatter(target, self.reduced.values[rows, :2], colourings, name, full_title)

    def draw_means(self, target: Path, title: str) -> None:
        """Draw the mean beat of each cluster with its spread, size and classes.

        Raises:
            ConfigError: more clusters than a picture has room for.
        """
        require_room(len(self.clusters), "clusters")
        groups = [
            (self._caption(number), self.beats.samples[self.assignments == number])
            for number in range(len(self.clusters))
        ]
        draw_mean_beats(target, groups, title)

    def write_assignments(self, target: Path) -> None:
        """Write a CSV with a row for each beat: its number from 0, and its cluster."""
        rows = (f"{beat},{cluster}\n" for beat, cluster in enumerate(self.assignments))
        write_text(target, "beat,cluster\n" + "".join(rows))

    def as_json(self) -> dict[str, Any]:
        """A document of plain values."""
        explained = self.reduced.explained
        return {
            "beats": len(self.beats),
            "reduction": self.reduced.method,
            "components": self.reduced.values.shape[1],
            "explained_variance": None if explained is None else round(explained, 6),
            "clusters": [
                {
                    "cluster": number,
                    "beats": cluster.beats,
                    "main_class": cluster.main_class,
                    "main_share": cluster.main_share,
                    "classes": cluster.classes,
                }
                for number, cluster in enumerate(self.clusters)
            ],
            "agreement": self.agreement,
            "silhouette": self.silhouette,
            "silhouette_beats": self.silhouette_beats,
        }

    def _cluster_names(self) -> tuple[str, ...]:
        return tuple(str(number) for number in range(len(self.clusters)))

    def _caption(self, number: int) -> str:
        cluster = self.clusters[number]
        share = cluster.beats / len(self.beats)
        first = f"cluster {number}: {counted(cluster.beats, 'beat')} ({share:.1%})"
        if cluster.classes is None:
            return first
        parts = sorted(cluster.classes.items(), key=lambda item: -item[1])
        shares = [f"{name} {count / cluster.beats:.1%}" for name, count in parts if count]
        return f"{first}\n{', '.join(shares)}"


def cluster(
    beats: Beats,
    features: Features,
    *,
    reduction: Reduction = "pca",
    components: int | None = None,
    clusters: int | None = None,
    seed: int = 0,
) -> Clustering:
    """Reduce the features, then group the beats by k-means.

    Features are not standardised: samples share one unit, and the larger activations of an
    embedding also have more weight in the network.

    Args:
        beats: labelled or not.
        features: ``(beats, features)``: the samples, or an embedding.
        reduction: ``pca``, or ``umap`` (McInnes, Healy & Melville, arXiv:1802.03426, 2018).
        components: dimensions to reduce to; None is `DEFAULT_COMPONENTS`.
        clusters: their number; None is the number of classes present, at least 2, or
            `DEFAULT_CLUSTERS` without labels.
        seed: of the reduction, k-means, and the beats the silhouette is computed from.

    Raises:
        DataError: there are fewer different beats than clusters.
        ConfigError: there are more components than beats and features allow.
        MissingExtraError: UMAP is not installed.
    """
    clusters = _default_clusters(beats) if clusters is None else clusters
    different = _count_different(beats, clusters)
    if different < clusters:
        raise DataError(
            f"{counted(different, 'different beat')} cannot make {clusters} clusters; "
            "use more beats" + (f", or --clusters {different} or fewer" if different >= 2 else "")
        )
    reduced = reduce_features(features, reduction, components, seed)
    assignments = _k_means(reduced.values, clusters, seed)
    silhouette, silhouette_beats = _silhouette(reduced.values, assignments, seed)
    return Clustering(
        beats, reduced, assignments,
        tuple(_describe(beats, assignments == number) for number in range(clusters)),
        None if beats.labels is None else _agreement(beats.labels, assignments),
        silhouette, silhouette_beats,
    )  # fmt: skip


def reduce_features(
    features: Features, method: Reduction, components: int | None, seed: int
) -> Reduced:
    """Features ``(beats, features)`` in fewer dimensions.

    Raises:
        ConfigError: there are more components than beats and features allow.
        MissingExtraError: UMAP is not installed.
    """
    beats, width = features.shape
    # UMAP starts from eigenvectors of a graph of the beats and needs more beats than components.
    most = min(beats, width) if method == "pca" else min(beats - 2, width)
    if components is None:
        components = min(DEFAULT_COMPONENTS[method], max(most, 1))
    if components > most:
        raise ConfigError(
            f"{beats} beats of {width} features have no {components} components by {method}; "
            + (f"the most is {most}" if most > 0 else "use more beats")
        )
    if method == "umap":
        return Reduced(_umap(features, components, seed), "umap", None)
    from sklearn.decomposition import PCA

    with np.errstate(invalid="ignore"):  # of equal beats: there is no variance to explain
        fitted = PCA(components, random_state=seed).fit(features)
        explained = float(fitted.explained_variance_ratio_.sum())
    values = fitted.transform(features).astype(np.float32)
    return Reduced(values, "pca", explained if explained == explained else None)


def _umap(features: Features, components: int, seed: int) -> Features:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from umap import UMAP
    except ImportError as error:
        raise MissingExtraError("UMAP is not installed: pip install 'ecgcli[umap]'") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # UMAP warns that a seed limits it to one thread
        neighbours = min(15, len(features) - 1)
        fitted = UMAP(neighbours, n_components=components, random_state=seed)
        return np.asarray(fitted.fit_transform(features), np.float32)


def _count_different(beats: Beats, enough: int) -> int:
    """The number of different beats; counting stops at ``enough``."""
    seen: set[bytes] = set()
    for samples in beats.samples:
        seen.add(samples.tobytes())
        if len(seen) == enough:
            break
    return len(seen)


def _default_clusters(beats: Beats) -> int:
    if beats.labels is None:
        return DEFAULT_CLUSTERS
    return max(2, len(np.unique(beats.labels)))


def _k_means(values: Features, clusters: int, seed: int) -> NDArray[np.intp]:
    """The best of ten starts; clusters are numbered by size, the largest is 0."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            assignments = KMeans(clusters, n_init=10, random_state=seed).fit_predict(values)
        except ConvergenceWarning as error:
            raise DataError(
                f"the model distinguishes fewer than {clusters} different beats; "
                "give a smaller number to --clusters, or cluster without --model"
            ) from error
    order = np.argsort(-np.bincount(assignments, minlength=clusters), kind="stable")
    rank = np.empty(clusters, np.intp)
    rank[order] = np.arange(clusters)
    return np.asarray(rank[assignments])


def _describe(beats: Beats, members: NDArray[np.bool_]) -> Cluster:
    return Cluster(int(members.sum()), None if beats.labels is None else beats.counts(members))


def _agreement(labels: NDArray[np.int64], assignments: NDArray[np.intp]) -> dict[str, float]:
    """Agreement of clusters and classes: 1 when equal; the adjusted ones are 0 by chance.

    Homogeneity, completeness and V-measure: Rosenberg & Hirschberg, EMNLP-CoNLL 2007.
    Adjusted Rand index: Hubert & Arabie, J Classif 2:193-218, 1985. Adjusted mutual
    information: Vinh, Epps & Bailey, JMLR 11:2837-2854, 2010.
    """
    from sklearn.metrics import (
        adjusted_mutual_info_score,
        adjusted_rand_score,
        homogeneity_completeness_v_measure,
    )

    homogeneity, completeness, v_measure = homogeneity_completeness_v_measure(labels, assignments)
    return {
        "homogeneity": float(homogeneity),
        "completeness": float(completeness),
        "v_measure": float(v_measure),
        "adjusted_rand": float(adjusted_rand_score(labels, assignments)),
        "adjusted_mutual_information": float(adjusted_mutual_info_score(labels, assignments)),
    }


def _silhouette(
    values: Features, assignments: NDArray[np.intp], seed: int
) -> tuple[float | None, int]:
    """The mean silhouette (Rousseeuw, J Comput Appl Math 20:53-65, 1987), and its beats."""
    from sklearn.metrics import silhouette_score

    rows = _sample(len(values), SILHOUETTE_BEATS, seed)
    present = len(np.unique(assignments[rows]))
    if not 2 <= present < len(rows):
        return None, len(rows)
    return float(silhouette_score(values[rows], assignments[rows])), len(rows)


def _sample(beats: int, most: int, seed: int) -> NDArray[np.intp]:
    """The rows of all beats, or of ``most`` drawn at random, in ascending order."""
    if beats <= most:
        return np.arange(beats)
    return np.sort(np.random.default_rng(seed).choice(beats, most, replace=False))
