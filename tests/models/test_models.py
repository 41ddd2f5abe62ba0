"""What every registered network must do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from ecgcli.beats.views import inputs_of
from ecgcli.checkpoints import Card
from ecgcli.checkpoints.engines import OpenVinoEngine
from ecgcli.checkpoints.graph import export_graph
from ecgcli.classes import AAMI_CLASSES
from ecgcli.errors import ConfigError
from ecgcli.models import create_model, list_networks, summary_of, views_of
from tests.helpers import UNTRAINED, some_beats

#: Fewer steps than by default: the graph has nodes for each, and is slow to make.
FEW_STEPS = {"gru": {"step": 16}, "lstm": {"step": 16}}

pytestmark = pytest.mark.parametrize("name", list_networks())


def views(name: str, count: int) -> list[Tensor]:
    return [torch.from_numpy(view) for view in inputs_of(some_beats(count), views_of(name))]


@pytest.mark.parametrize("classes", [5, 2])
def test_beats_become_one_logit_a_class(name: str, classes: int) -> None:
    logits = create_model(name, classes=classes).eval()(*views(name, 3))
    assert logits.shape == (3, classes)
    assert logits.isfinite().all()


def test_it_looks_at_every_view_it_declares(name: str) -> None:
    torch.manual_seed(0)
    model = create_model(name, classes=5).eval()
    before, inputs = model(*views(name, 4)), views(name, 4)
    for number, view in enumerate(inputs):
        changed = [*inputs[:number], view + 0.3, *inputs[number + 1 :]]
        assert not torch.allclose(model(*changed), before)


def test_each_beat_is_classified_by_itself(name: str) -> None:
    """In evaluation a beat's logits do not depend on its neighbours in the batch."""
    torch.manual_seed(0)
    model = create_model(name, classes=5).eval()
    inputs = views(name, 6)
    with torch.inference_mode():
        alone = model(*(view[2:3] for view in inputs))
        assert torch.allclose(model(*inputs)[2:3], alone, atol=1e-5)


def test_a_seed_gives_the_same_weights(name: str) -> None:
    torch.manual_seed(3)
    first = create_model(name, classes=5).state_dict()
    torch.manual_seed(3)
    second = create_model(name, classes=5).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_it_can_memorise_two_beats(name: str) -> None:
    torch.manual_seed(0)
    model = create_model(name, classes=2)
    inputs, labels = views(name, 2), torch.tensor([0, 1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(300):
        loss = torch.nn.functional.cross_entropy(model(*inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss.item() < 0.1:
            return
    raise AssertionError(f"the loss is still {loss.item():.2f}")


def test_arguments_are_checked(name: str) -> None:
    with pytest.raises(ConfigError, match=r"unknown key model\.no_such_argument"):
        create_model(name, classes=5, no_such_argument=1)


def test_it_describes_itself_in_a_line(name: str) -> None:
    assert 10 < len(summary_of(name)) < 100


def test_its_graph_computes_the_same_without_torch(name: str) -> None:
    torch.manual_seed(0)
    arguments = FEW_STEPS.get(name, {})
    model = create_model(name, classes=5, **arguments).eval()
    card = Card(
        model=name, arguments=arguments, views=views_of(name), classes=AAMI_CLASSES,
        class_offsets=(0.0, 0.5, 0.0, -0.5, 0.0),
        training_data=UNTRAINED, metrics={}, licence="none",
    )  # fmt: skip
    graph = export_graph(model, card)
    assert b".py" not in graph  # the exporter notes source lines, with paths of this machine
    engine = OpenVinoEngine(graph, card.views)
    with torch.inference_mode():
        expected = torch.softmax(model(*views(name, 300)) + torch.tensor(card.class_offsets), 1)
    probabilities = engine.probabilities(some_beats(300))
    assert np.abs(probabilities - expected.numpy()).max() < 1e-4
