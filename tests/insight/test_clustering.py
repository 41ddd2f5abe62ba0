"""Groups among beats, and how far they are classes."""

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


def test_beats_of_a_shape_are_one_cluster_the_largest_first(shapes: Beats) -> None:
    found = cluster(shapes, shapes.samples)
    assert [one.beats for one in found.clusters] == list(SIZES.values())
    assert [one.main_class for one in found.clusters] == list(SIZES)
    assert [one.main_share for one in found.clusters] == [1, 1, 1]
    assert found.agreement == pytest.approx(dict.fromkeys(found.agreement or {}, 1))
    assert len(found.agreement or {}) == 5
    assert found.silhouette is not None
    assert found.silhouette > 0.9
    for number, name in enumerate(SIZES):
        own = shapes.known_labels == AAMI_CLASSES.index(name)
        assert (found.assignments[own] == number).all()


def test_without_labels_the_same_groups_and_nothing_of_classes(shapes: Beats) -> None:
    labelled = cluster(shapes, shapes.samples)
    found = cluster(Beats(shapes.samples), shapes.samples, clusters=3)
    assert np.array_equal(found.assignments, labelled.assignments)
    assert found.agreement is None
    assert found.clusters[0].main_class is None
    default = cluster(Beats(shapes.samples), shapes.samples)
    assert len(default.clusters) == 5


def test_clusters_that_say_nothing_of_classes_score_nothing(shapes: Beats) -> None:
    random = np.random.default_rng(1)
    shuffled = Beats(shapes.samples, random.permutation(shapes.known_labels))
    found = cluster(shuffled, shuffled.samples)
    assert found.agreement is not None
    assert abs(found.agreement["adjusted_rand"]) < 0.1
    assert abs(found.agreement["adjusted_mutual_information"]) < 0.1


def test_a_seed_decides_everything(demo: Path) -> None:
    beats = read_beats(demo / "synthetic_train.csv")
    first, again = (cluster(beats, beats.samples, seed=3) for _ in range(2))
    assert np.array_equal(first.assignments, again.assignments)
    assert first.silhouette == again.silhouette
    assert first.silhouette_beats == SILHOUETTE_BEATS < len(beats)


def test_principal_components_keep_what_they_say(shapes: Beats) -> None:
    reduced = reduce_features(shapes.samples, "pca", 2, 0)
    assert reduced.explained is not None
    share = reduced.values.var(0, ddof=1).sum() / shapes.samples.var(0, ddof=1).sum()
    assert reduced.explained == pytest.approx(share, abs=1e-4)


def test_as_many_clusters_as_beats_have_no_silhouette(shapes: Beats) -> None:
    few = shapes.take(np.arange(4))
    found = cluster(few, few.samples, clusters=4)
    assert [one.beats for one in found.clusters] == [1, 1, 1, 1]
    assert found.silhouette is None


def test_fewer_beats_than_clusters(shapes: Beats) -> None:
    few = shapes.take(np.arange(4))
    with pytest.raises(
        DataError, match=r"^4 different beats cannot make 7 clusters; .*--clusters 4 or"
    ):
        cluster(few, few.samples, clusters=7)


def test_fewer_different_beats_than_clusters(shapes: Beats) -> None:
    same = shapes.take(np.zeros(10, np.intp))
    with pytest.raises(DataError, match=r"^1 different beats cannot make 2 clusters"):
        cluster(same, same.samples)


def test_a_model_that_sees_no_difference(shapes: Beats) -> None:
    blind = np.zeros((len(shapes), 64), np.float32)
    with pytest.raises(DataError, match="the model sees fewer than 3 different beats"):
        cluster(shapes, blind)


def test_more_components_than_there_are(shapes: Beats) -> None:
    few = shapes.take(np.arange(4))
    with pytest.raises(ConfigError, match=r"^4 beats of 187 features have no 5 .*most is 4$"):
        cluster(few, few.samples, components=5, clusters=2)


def test_umap_maps_the_same_groups(shapes: Beats) -> None:
    pytest.importorskip("umap")
    found = cluster(shapes, shapes.samples, reduction="umap")
    assert found.reduced.values.shape == (60, 2)
    assert found.agreement is not None
    assert found.agreement["adjusted_rand"] > 0.9


def test_a_missing_umap_is_one_command_away(shapes: Beats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ecgcli\[umap\]'$"):
        cluster(shapes, shapes.samples, reduction="umap")
