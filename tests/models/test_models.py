"""What every registered network must do."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ecgcli.checkpoint import Card
from ecgcli.classes import AAMI_CLASSES
from ecgcli.errors import ConfigError
from ecgcli.graph import export_graph
from ecgcli.inference import OpenVinoEngine
from ecgcli.models import create_model, list_models
from tests.helpers import NO_TRAINING

pytestmark = pytest.mark.parametrize("name", list_models())


@pytest.mark.parametrize("classes", [5, 2])
def test_beats_become_one_logit_a_class(name: str, classes: int) -> None:
    logits = create_model(name, classes=classes).eval()(torch.rand(3, 187))
    assert logits.shape == (3, classes)
    assert logits.isfinite().all()


def test_beats_are_judged_one_by_one(name: str) -> None:
    """In evaluation a beat's logits do not depend on its neighbours in the batch."""
    torch.manual_seed(0)
    model = create_model(name, classes=5).eval()
    beats = torch.rand(6, 187)
    with torch.inference_mode():
        assert torch.allclose(model(beats)[2:3], model(beats[2:3]), atol=1e-5)


def test_a_seed_gives_the_same_weights(name: str) -> None:
    torch.manual_seed(3)
    first = create_model(name, classes=5).state_dict()
    torch.manual_seed(3)
    second = create_model(name, classes=5).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_it_learns_two_beats_by_heart(name: str) -> None:
    torch.manual_seed(0)
    model = create_model(name, classes=2)
    beats, labels = torch.rand(2, 187), torch.tensor([0, 1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(300):
        loss = torch.nn.functional.cross_entropy(model(beats), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss.item() < 0.1:
            return
    raise AssertionError(f"the loss is still {loss.item():.2f}")


def test_arguments_are_checked(name: str) -> None:
    with pytest.raises(ConfigError, match=r"unknown key model\.no_such_argument"):
        create_model(name, classes=5, no_such_argument=1)


def test_its_graph_computes_the_same_without_torch(name: str) -> None:
    torch.manual_seed(0)
    model = create_model(name, classes=5).eval()
    card = Card(
        model=name, arguments={}, classes=AAMI_CLASSES, class_offsets=(0.0, 0.5, 0.0, -0.5, 0.0),
        training_data=NO_TRAINING, metrics={}, licence="none",
    )  # fmt: skip
    engine = OpenVinoEngine(export_graph(model, card))
    beats = torch.rand(300, 187)
    with torch.inference_mode():
        expected = torch.softmax(model(beats) + torch.tensor(card.class_offsets), 1)
    assert np.abs(engine.probabilities(beats.numpy()) - expected.numpy()).max() < 1e-4
