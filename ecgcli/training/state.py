"""The state of training, to and from the ``last`` checkpoint."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ecgcli.arrays import Tensors
from ecgcli.training.history import Epoch


@dataclass
class Position:
    """The progress of training: its state without weights, optimizer and schedule.

    ``order``, ``batch``, ``loss_sum`` and ``matrix`` describe the current epoch: its rows in
    training order, the number of batches done, the sum of their losses and their confusion
    matrix. Between epochs they are empty.
    """

    history: list[Epoch] = field(default_factory=list)
    order: Tensor | None = None
    batch: int = 0
    loss_sum: float = 0.0
    matrix: list[list[int]] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True)
class Origin:
    """The config and data that training began with, to be compared when it is resumed.

    ``config`` holds the resolved config as plain values, ``training`` and ``validation`` are
    the fingerprints of the beats of each part.
    """

    config: dict[str, Any]
    training: str
    validation: str


def read_origin(text: str | None) -> Origin | None:
    """The origin in the JSON text that `pack` made; None if there is none, as in older ones."""
    document = None if text is None else json.loads(text).get("origin")
    return None if document is None else Origin(**document)


def pack(
    position: Position,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    device: torch.device,
    origin: Origin,
) -> tuple[Tensors, str]:
    """Everything that resuming needs besides the weights, as tensors and a JSON text."""
    moments = optimizer.state_dict()
    tensors = {
        f"optimizer.{parameter}.{name}": to_array(value)
        for parameter, values in moments["state"].items()
        for name, value in values.items()
    }
    tensors["random"] = to_array(torch.get_rng_state())
    if device.type == "cuda":
        tensors["random_cuda"] = to_array(torch.cuda.get_rng_state(device))
    if position.order is not None:
        tensors["order"] = to_array(position.order)
    facts = {
        "history": [asdict(row) for row in position.history],
        "batch": position.batch,
        "loss_sum": position.loss_sum,
        "matrix": position.matrix,
        "seconds": position.seconds,
        "parameter_groups": moments["param_groups"],
        "schedule": schedule.state_dict(),
        "origin": asdict(origin),
    }
    return tensors, json.dumps(facts)


def unpack(
    tensors: Tensors,
    text: str,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    device: torch.device,
) -> Position:
    """Restore optimizer, schedule and random generators from what `pack` made; return the rest."""
    facts = json.loads(text)
    parameters = [weights for group in optimizer.param_groups for weights in group["params"]]
    moments: dict[int, dict[str, Tensor]] = {}
    for key, values in tensors.items():
        if key.startswith("optimizer."):
            _, parameter, name = key.split(".")
            moments.setdefault(int(parameter), {})[name] = _laid_out_as(
                parameters[int(parameter)], torch.tensor(values)
            )
    optimizer.load_state_dict({"state": moments, "param_groups": facts["parameter_groups"]})
    schedule.load_state_dict(facts["schedule"])
    torch.set_rng_state(torch.tensor(tensors["random"]))
    if "random_cuda" in tensors:
        torch.cuda.set_rng_state(torch.tensor(tensors["random_cuda"]), device)
    return Position(
        history=[Epoch(**row) for row in facts["history"]],
        order=torch.tensor(tensors["order"], device=device) if "order" in tensors else None,
        batch=facts["batch"],
        loss_sum=facts["loss_sum"],
        matrix=facts["matrix"],
        seconds=facts["seconds"],
    )


def _laid_out_as(parameter: Tensor, moment: Tensor) -> Tensor:
    """The moment in its parameter's memory format, which the fused optimizer assumes."""
    if moment.shape != parameter.shape:
        return moment
    return torch.empty_like(parameter, dtype=moment.dtype, device="cpu").copy_(moment)


def to_array(value: Tensor) -> np.ndarray[Any, Any]:
    """A tensor's values in main memory."""
    return value.detach().contiguous().cpu().numpy()
