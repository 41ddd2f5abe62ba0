"""Clusters of beats, and their agreement with the classes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from ecgcli.beats import Beats, read_beats
from ecgcli.classes import AAMI_CLASSES
from ecgcli.errors import ConfigError, DataError, MissingExtraError
from ecgcli.insight.clustering import SILHOUETTE_BEATS, cluster, reduce_features

SIZES = {"N": 30, "V": 20, "Q": 10}


@pytest.fixture
def shapes() -> Beats:
    """Beats of three shapes, shuffled: 30 N with a wave early, 20 V later, 10 Q last."""
    random = np.random.default_rng(0)
    labels = np.repeat([AAMI_CLASSES.index(name) for name in SIZES], list(SIZES.values()))
    random.shuffle(labels)
    times, centres = np.arange(187), np.array([20, 0, 60, 0, 100])
    waves = np.exp(-(((times - centres[labels][:, None]) / 10) ** 2))
    noise = 0.02 * random.random(waves.shape)
    samples = ((waves + noise) * (times < 150)).clip(0, 1).astype(np.float32)
    return Beats(samples, labels.astype(np.int64))


def test_beats_of_the_same_shape_are_one_cluster_the_largest_first(shapes: Beats) -> None:
    clustering = cluster(shapes, shapes.samples)
    assert [group.beats for group in clustering.clusters] == list(SIZES.values())
    assert [group.main_class for group in clustering.clusters] == list(SIZES)
    assert [group.main_share for group in clustering.clusters] == [1, 1, 1]
    assert clustering.agreement == pytest.approx(dict.fromkeys(clustering.agreement or {}, 1))
    assert len(clustering.agreement or {}) == 5
    assert clustering.silhouette is not None
    assert clustering.silhouette > 0.9
    for number, name in enumerate(SIZES):
        own = shapes.known_labels == AAMI_CLASSES.index(name)
        assert (clustering.assignments[own] == number).all()


def test_without_labels_the_clusters_are_the_same_and_have_no_classes(shapes: Beats) -> None:
    labelled = cluster(shapes, shapes.samples)
    unlabelled = cluster(Beats(shapes.samples), shapes.samples, clusters=3)
    assert np.array_equal(unlabelled.assignments, labelled.assignments)
    assert unlabelled.agreement is None
    assert unlabelled.clusters[0].main_class is None
    default = cluster(Beats(shapes.samples), shapes.samples)
    assert len(default.clusters) == 5


def test_clusters_unrelated_to_the_classes_have_no_adjusted_agreement(shapes: Beats) -> None:
    random = np.random.default_rng(1)
    shuffled = Beats(shapes.samples, random.permutation(shapes.known_labels))
    agreement = cluster(shuffled, shuffled.samples).agreement
    assert agreement is not None
    assert abs(agreement["adjusted_rand"]) < 0.1
    assert abs(agreement["adjusted_mutual_information"]) < 0.1


def test_the_same_seed_gives_the_same_clusters(demo: Path) -> None:
    beats = read_beats(demo / "synthetic_train.csv")
    first, again = (cluster(beats, beats.samples, seed=3) for _ in range(2))
    assert np.array_equal(first.assignments, again.assignments)
    assert first.silhouette == again.silhouette
    assert first.silhouette_beats == SILHOUETTE_BEATS < len(beats)


def test_principal_components_keep_the_variance_they_report(shapes: Beats) -> None:
    reduced = reduce_features(shapes.samples, "pca", 2, 0)
    assert reduced.explained is not None
    share = reduced.values.var(0, ddof=1).sum() / shapes.samples.var(0, ddof=1).sum()
    assert reduced.explained == pytest.approx(share, abs=1e-4)


def test_as_many_clusters_as_beats_have_no_silhouette(shapes: Beats) -> None:
    few = shapes.take(np.arange(4))
    clustering = cluster(few, few.samples, clusters=4)
    assert [group.beats for group in clustering.clusters] == [1, 1, 1, 1]
    assert clustering.silhouette is None


def test_fewer_beats_than_clusters(shapes: Beats) -> None:
    few = shapes.take(np.arange(4))
    with pytest.raises(
        DataError, match=r"^4 different beats cannot make 7 clusters; .*--clusters 4 or"
    ):
        cluster(few, few.samples, clusters=7)


def test_fewer_different_beats_than_clusters(shapes: Beats) -> None:
    same = shapes.take(np.zeros(10, np.intp))
    with pytest.raises(DataError, match=r"^1 different beat cannot make 2 clusters"):
        cluster(same, same.samples)


def test_an_embedding_that_is_the_same_for_all_beats(shapes: Beats) -> None:
    embedding = np.zeros((len(shapes), 64), np.float32)
    with pytest.raises(DataError, match="the model distinguishes fewer than 3 different beats"):
        cluster(shapes, embedding)


def test_more_components_than_beats_and_features_allow(shapes: Beats) -> None:
    few = shapes.take(np.arange(4))
    with pytest.raises(ConfigError, match=r"^4 beats of 187 features have no 5 .*most is 4$"):
        cluster(few, few.samples, components=5, clusters=2)


def test_umap_finds_the_same_clusters(shapes: Beats) -> None:
    pytest.importorskip("umap")
    clustering = cluster(shapes, shapes.samples, reduction="umap")
    assert clustering.reduced.values.shape == (60, 2)
    assert clustering.agreement is not None
    assert clustering.agreement["adjusted_rand"] > 0.9


def test_without_umap_the_message_names_the_command_that_installs_it(
    shapes: Beats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ecgcli\[umap\]'$"):
        cluster(shapes, shapes.samples, reduction="umap")
