"""The embedding: the activations that enter a network's last layer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ecgcli.beats import Beats
from ecgcli.checkpoints import Checkpoint
from ecgcli.checkpoints.networks import load_network, tensors_for
from ecgcli.errors import ConfigError
from ecgcli.insight.embedding import embed, last_linear
from ecgcli.models import list_networks
from tests.helpers import Watcher, some_beats, untrained


@pytest.mark.parametrize("name", list_networks())
def test_the_last_layer_turns_the_embedding_into_the_logits(name: str) -> None:
    beats = some_beats(20)
    classifier = untrained(name)
    network = load_network(classifier.checkpoint)
    embedding = torch.from_numpy(embed(classifier, beats))
    with torch.inference_mode():
        expected = network(*tensors_for(network, beats))
        assert torch.allclose(last_linear(network)(embedding), expected, atol=1e-5)


def test_batches_keep_the_order_and_progress_ends_at_the_end(beats: Beats) -> None:
    many = beats.take(np.resize(np.arange(20), 600))
    watcher = Watcher()
    embedding = embed(untrained("cnn"), many, watcher)
    assert embedding.shape == (600, 64)
    assert np.allclose(embedding[580:], embedding[:20], atol=1e-5)
    assert watcher.steps == [("embedding", done, 600) for done in (256, 512, 600)]


def test_a_model_that_is_not_a_network_is_refused(beats: Beats) -> None:
    classifier = untrained("cnn")
    card = classifier.card.model_copy(update={"model": "knn"})
    estimator = replace(classifier, checkpoint=Checkpoint(card, {}))
    with pytest.raises(ConfigError, match=r"^knn has no embedding.*needs a network: cnn, cnn-gru"):
        embed(estimator, beats)
