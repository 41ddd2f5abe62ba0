"""Which samples of a beat its predicted class depends on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ecgcli.beats import Beats
from ecgcli.checkpoints import Checkpoint
from ecgcli.choices import Attribution
from ecgcli.errors import ConfigError
from ecgcli.insight.deletion import deletion_test, highest_tenth
from ecgcli.insight.explanation import explain, flat_lines, remove
from ecgcli.models import list_networks
from tests.helpers import some_beats, untrained
from tests.insight.networks import Peeking


def test_the_samples_that_the_network_reads_are_ranked_highest(
    method: Attribution, bumps: Beats
) -> None:
    explanation = explain(untrained("peeking"), bumps, np.array([3, 0]), method)
    assert explanation.numbers.tolist() == [3, 0]
    assert explanation.predicted.tolist() == [2, 2]
    highest = np.flatnonzero(highest_tenth(explanation.attributions, np.array([100, 100]))[0])
    assert set(highest) == set(range(60, 70))
    assert explanation.strongest()[0] == pytest.approx((500, 70 / 0.12))
    assert not explanation.attributions[:, 100:].any()


def test_gradients_add_up_to_the_change_of_the_probability(bumps: Beats) -> None:
    """Completeness (Sundararajan et al., 2017); the network ignores the beat's ends."""
    classifier = untrained("peeking")
    explanation = explain(classifier, bumps, np.arange(30))
    flat = torch.from_numpy(flat_lines(bumps.samples))
    with torch.inference_mode():
        base = torch.softmax(Peeking(5, 187)(flat), 1)[:, 2].numpy()
    change = explanation.probabilities - base
    assert explanation.attributions.sum(1) == pytest.approx(change, abs=1e-3)


@pytest.mark.parametrize("name", list_networks())
def test_every_network_can_be_explained(name: str, method: Attribution, beats: Beats) -> None:
    with_info = replace(beats, info=some_beats(20).info)
    attributions = explain(untrained(name), with_info, np.arange(3), method).attributions
    assert attributions.shape == (3, 187)
    assert np.isfinite(attributions).all()
    assert attributions[:, :150].any(axis=1).all()
    assert not attributions[:, 150:].any()


def test_a_model_that_is_not_a_network_is_refused(beats: Beats) -> None:
    classifier = untrained("cnn")
    card = classifier.card.model_copy(update={"model": "features"})
    estimator = replace(classifier, checkpoint=Checkpoint(card, {}))
    with pytest.raises(ConfigError, match=r"^features has no .* gradients; this needs a network"):
        explain(estimator, beats, np.arange(2))


def test_removed_samples_are_replaced_by_a_line_between_the_others() -> None:
    samples = np.array([[0.8, 0.1, 0.9, 0.5, 0.3, 0, 0]], np.float32)
    inner, ends = np.zeros((2, 1, 7), bool)
    inner[0, 1:3] = True
    assert remove(samples, inner)[0] == pytest.approx([0.8, 0.7, 0.6, 0.5, 0.3, 0, 0])
    ends[0, [0, 4, 6]] = True
    assert remove(samples, ends)[0] == pytest.approx([0.1, 0.1, 0.9, 0.5, 0.5, 0, 0])


def test_a_beat_of_zeros_or_of_one_sample_can_be_explained(method: Attribution) -> None:
    samples = np.zeros((2, 187), np.float32)
    samples[1, 0] = 1
    explanation = explain(untrained("cnn"), Beats(samples), np.arange(2), method)
    assert np.isfinite(explanation.attributions).all()
    assert len(explanation.strongest()) == 2
    assert deletion_test(untrained("cnn"), Beats(samples), method).beats == 2
