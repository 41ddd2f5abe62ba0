"""What every registered network must do."""

from __future__ import annotations

import pytest
import torch

from ecgcli.errors import ConfigError
from ecgcli.models import create_model, list_models

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
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(model(beats), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def test_arguments_are_checked(name: str) -> None:
    with pytest.raises(ConfigError, match=r"unknown key model\.no_such_argument"):
        create_model(name, classes=5, no_such_argument=1)
