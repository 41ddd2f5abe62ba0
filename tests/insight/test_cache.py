"""The embedding kept between two searches: used when it is right, and never otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ecgcli.beats import Beats
from ecgcli.checkpoints import save_checkpoint
from ecgcli.checkpoints.container import read_tensors, write_tensors
from ecgcli.insight.cache import FILE, cache_of, embed_once
from ecgcli.insight.embedding import embed
from ecgcli.prediction import Classifier, load
from tests.helpers import Watcher, some_beats, untrained

BEATS = some_beats(100)


def looked_up(
    classifier: Classifier, beats: Beats, cache: Path
) -> tuple[np.ndarray, list[str], int]:
    """The embedding, the messages, and the number of beats that were embedded for it."""
    watcher = Watcher()
    embedding = embed_once(classifier, beats, cache, watcher)
    return embedding, watcher.messages, int(max((done for _, done, _ in watcher.steps), default=0))


def cut(cache: Path) -> None:
    cache.write_bytes(cache.read_bytes()[:-100])


def plant(cache: Path) -> None:
    """Other numbers, under the right key and with a right checksum."""
    tensors, metadata = read_tensors(cache)
    write_tensors(cache, {"embedding": tensors["embedding"][::-1].copy()}, metadata)


def plant_other_shape(cache: Path) -> None:
    tensors, metadata = read_tensors(cache)
    write_tensors(cache, {"embedding": tensors["embedding"][:-1]}, metadata)


def plant_no_embedding(cache: Path) -> None:
    tensors, metadata = read_tensors(cache)
    write_tensors(cache, {"other": tensors["embedding"]}, metadata)


def test_the_second_search_embeds_no_beat(tmp_path: Path) -> None:
    classifier, cache = untrained("cnn"), tmp_path / FILE
    expected = embed(classifier, BEATS)
    first, messages, embedded = looked_up(classifier, BEATS, cache)
    assert (messages, embedded) == ([f"Embedding: kept in {cache}"], 100)
    second, messages, embedded = looked_up(classifier, BEATS, cache)
    assert (messages, embedded) == ([f"Embedding: read from {cache}"], 0)
    assert np.array_equal(first, expected)
    assert np.array_equal(second, expected)


def test_other_beats_and_other_weights_are_embedded_again(tmp_path: Path) -> None:
    classifier, cache = untrained("cnn"), tmp_path / FILE
    embed_once(classifier, BEATS, cache)
    reversed_beats = BEATS.take(np.arange(100)[::-1])
    embedding, messages, embedded = looked_up(classifier, reversed_beats, cache)
    assert "other beats" in messages[0]
    assert embedded == 100
    assert np.array_equal(embedding, embed(classifier, reversed_beats))
    next(iter(classifier.checkpoint.weights.values()))[0] += 1
    embedding, messages, _ = looked_up(classifier, reversed_beats, cache)
    assert "another model" in messages[0]
    assert np.array_equal(embedding, embed(classifier, reversed_beats))
    assert looked_up(classifier, reversed_beats, cache)[2] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (cut, "is damaged"),
        (plant, "not what the model computes"),
        (plant_other_shape, "not what the model computes"),
        (plant_no_embedding, "not what the model computes"),
    ],
)
def test_a_damaged_or_planted_file_is_not_used(
    change: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    classifier, cache = untrained("cnn"), tmp_path / FILE
    expected = embed_once(classifier, BEATS, cache)
    change(cache)
    embedding, messages, _ = looked_up(classifier, BEATS, cache)
    assert message in messages[0]
    assert np.array_equal(embedding, expected)
    assert looked_up(classifier, BEATS, cache)[1] == [f"Embedding: read from {cache}"]


def test_what_is_no_kept_embedding_stays(tmp_path: Path) -> None:
    classifier, cache = untrained("cnn"), tmp_path / FILE
    save_checkpoint(cache, classifier.checkpoint)
    other = tmp_path / "notes.txt"
    other.write_text("notes")
    link = tmp_path / "link.safetensors"
    link.symlink_to(other)
    (tmp_path / "folder").mkdir()
    before = cache.read_bytes()
    for place in (cache, link, tmp_path / "folder"):
        embedding, messages, _ = looked_up(classifier, BEATS, place)
        assert messages == [
            f"{place}: this file was not written by ecg similar, and stays; the embedding is not "
            "kept"
        ]
        assert np.array_equal(embedding, embed(classifier, BEATS))
    assert cache.read_bytes() == before
    assert other.read_text() == "notes"


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    embedding, messages, _ = looked_up(untrained("cnn"), BEATS, tmp_path / "file" / FILE)
    assert embedding.shape[0] == 100
    assert messages[0].startswith("The embedding is not kept: cannot write")


def test_bundled_weights_keep_nothing_in_the_package(trained: Path) -> None:
    assert cache_of(load(trained)) == trained / FILE
    assert cache_of(load("beats")) == Path("runs", "pretrained", "beats", FILE)
