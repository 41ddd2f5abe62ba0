"""The well-known network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ecgcli.errors import ConfigError
from ecgcli.models import create_model


def test_it_has_the_published_size_without_batch_norm() -> None:
    """Conv 32-64-128 (kernel 5, pool 2) and full layers 128-64-5 have 437,125 weights."""
    model = create_model("cnn", classes=5, batch_norm=False)
    assert sum(weights.numel() for weights in model.parameters()) == 437_125


def test_it_computes_what_one_dimensional_convolutions_with_pooling_last_compute() -> None:
    torch.manual_seed(0)
    fast = create_model("cnn", classes=5, batch_norm=False).eval()
    weights = list(fast.state_dict().values())
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 32), (32, 64), (64, 128)):
        layers += [nn.Conv1d(inputs, outputs, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2)]
    layers += [nn.Flatten(), nn.Linear(2944, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU()]
    plain = nn.Sequential(*layers, nn.Linear(64, 5)).eval()
    shapes = {key: value.shape for key, value in plain.state_dict().items()}
    plain.load_state_dict(
        {key: value.reshape(shapes[key]) for key, value in zip(shapes, weights, strict=True)}
    )
    beats = torch.rand(16, 187)
    with torch.inference_mode():
        assert torch.allclose(fast(beats), plain(beats[:, None]), atol=1e-5)


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("chanels", [8], "did you mean channels"),
        ("channels", ["a"], "model.channels.0: found 'a'"),
        ("channels", [], "at least 1 of them"),
        ("dropout", 2.0, "a number below 1"),
        ("kernel", 0, "a number of at least 1"),
    ],
)
def test_wrong_arguments_are_named(argument: str, value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        create_model("cnn", classes=5, **{argument: value})


def test_an_unknown_network_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean cnn"):
        create_model("cnm", classes=5)
