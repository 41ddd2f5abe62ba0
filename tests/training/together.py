"""Run by torchrun: in double precision, several processes learn the weights of one."""

from __future__ import annotations

import torch
from torch import nn

from ecgcli.models import create_model
from ecgcli.training.distributed import Team, joined_team

#: Networks with every kind of layer that looks beyond one beat, without dropout.
NETWORKS = {
    "cnn": {"channels": (4, 6), "hidden": (8,)},
    "cnn-rr": {"channels": (4,), "hidden": (8,)},
    "cnn-gru": {"channels": (4, 6), "units": 5, "dropout": 0.0},
    "inception": {"depth": 3, "filters": 2, "dropout": 0.0},
    "resnet1d": {"channels": (4,), "dropout": 0.0},
    "gru": {"units": 4, "layers": 1, "dropout": 0.0},
}
#: Beats in each batch; the last has fewer than there are processes.
BATCHES = (7, 6, 7, 1)


def learnt(name: str, team: Team) -> dict[str, torch.Tensor]:
    """The weights after a few batches, with weights of classes."""
    torch.manual_seed(3)
    model = create_model(name, classes=5, **NETWORKS[name]).double()
    network = team.network(model)
    optimizer = torch.optim.AdamW(model.parameters(), 0.01)
    loss_of = nn.CrossEntropyLoss(torch.arange(1, 6).double(), label_smoothing=0.1)
    for count in BATCHES[: 3 if name == "cnn-rr" else 4]:  # which does not learn from one beat
        views = [torch.rand(count, 187).double()]
        views += [torch.rand(count, 5).double()] if name == "cnn-rr" else []
        labels = torch.arange(count) % 5
        mine = team.part_of_batch(count)
        with team.own_dropout(count):
            logits = network(*(view[mine] for view in views))
        loss = team.scaled(loss_of(logits, labels[mine]), labels, mine, loss_of.weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.state_dict()


with joined_team() as team:
    assert team.size == 2
    for name in NETWORKS:
        together, alone = learnt(name, team), learnt(name, Team())
        assert together.keys() == alone.keys()
        for key, values in alone.items():
            torch.testing.assert_close(together[key], values, rtol=1e-8, atol=1e-8)
