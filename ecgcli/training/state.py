"""The state of training, to and from the ``last`` checkpoint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from ecgcli.arrays import Tensors
from ecgcli.beats import Beats
from ecgcli.beats.views import inputs_of
from ecgcli.checkpoints.runs import LAST
from ecgcli.errors import CheckpointError, shown
from ecgcli.training.history import Epoch
from ecgcli.validation import first_problem


@dataclass
class Position:
    """The progress of training: its state without weights, optimizer and schedule.

    ``order``, ``batch``, ``loss_sum`` and ``matrix`` describe the current epoch: its rows in
    training order, the number of batches done, the sum of their weighted losses and their confusion
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
    the `fingerprint` of each part.
    """

    config: dict[str, Any]
    training: str
    validation: str


def fingerprint(beats: Beats, views: Sequence[str]) -> str:
    """A hash of everything of the beats that a model with these views is trained on.

    Raises:
        DataError: the beats lack the data of a view.
    """
    whole = beats.fingerprint()
    others = [name for name in views if name != "samples"]
    if not others:
        return whole
    digest = hashlib.sha256(whole.encode())
    for values in inputs_of(beats, others):
        digest.update(values.astype("<f4").tobytes())
    return digest.hexdigest()


def read_origin(text: str | None) -> Origin | None:
    """The origin in the JSON text that `pack` made; None if there is none, as in older ones.

    Raises:
        CheckpointError: the text is damaged.
    """
    return None if text is None else _read_facts(text).origin


class _Facts(BaseModel):
    """What the JSON text of `pack` holds."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    history: list[Epoch]
    batch: Annotated[int, Field(ge=0)]
    loss_sum: float
    matrix: list[list[int]]
    seconds: float
    parameter_groups: list[dict[str, Any]]
    schedule: dict[str, Any]
    #: None in the checkpoints of earlier versions.
    origin: Origin | None = None


def _read_facts(text: str) -> _Facts:
    try:
        return _Facts.model_validate_json(text)
    except ValidationError as error:
        where, problem = first_problem(error)
        raise damaged(f"{'.'.join(where)}: {problem}") from error


def damaged(problem: str) -> CheckpointError:
    """The error for a training state that cannot be resumed from."""
    return CheckpointError(
        f"the training state in {LAST} is damaged ({problem}); start a new training"
    )


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
    """Restore optimizer, schedule and random generators from what `pack` made; return the rest.

    Raises:
        CheckpointError: it is damaged, or of another training.
    """
    facts = _read_facts(text)
    fresh = json.loads(json.dumps([optimizer.state_dict()["param_groups"], schedule.state_dict()]))
    if not _alike([facts.parameter_groups, facts.schedule], fresh):
        raise damaged("the optimizer or its schedule are of another training")
    try:
        moments = _moments(tensors, optimizer)
        optimizer.load_state_dict({"state": moments, "param_groups": facts.parameter_groups})
        schedule.load_state_dict(facts.schedule)
        torch.set_rng_state(torch.tensor(tensors["random"]))
        if "random_cuda" in tensors and device.type == "cuda":
            torch.cuda.set_rng_state(torch.tensor(tensors["random_cuda"]), device)
    except (KeyError, ValueError, TypeError, IndexError, RuntimeError) as error:
        raise damaged(shown(error)) from error
    return Position(
        history=facts.history,
        order=torch.tensor(tensors["order"], device=device) if "order" in tensors else None,
        batch=facts.batch,
        loss_sum=facts.loss_sum,
        matrix=facts.matrix,
        seconds=facts.seconds,
    )


def _moments(tensors: Tensors, optimizer: torch.optim.Optimizer) -> dict[int, dict[str, Tensor]]:
    """The optimizer's state of each parameter, by its number."""
    parameters = [weights for group in optimizer.param_groups for weights in group["params"]]
    moments: dict[int, dict[str, Tensor]] = {}
    for key, values in tensors.items():
        if key.startswith("optimizer."):
            _, number, name = key.split(".")
            value = torch.tensor(values)
            moments.setdefault(int(number), {})[name] = (
                _step_count(value)
                if name == "step"
                else _laid_out_as(parameters[int(number)], value)
            )
    if moments and [sorted(moments[number]) for number in range(len(parameters))] != [
        ["exp_avg", "exp_avg_sq", "step"]
    ] * len(parameters):
        raise ValueError("moments are missing")
    return moments


def _alike(value: Any, model: Any) -> bool:
    """Whether two documents have the same keys, and values of the same kinds."""
    if isinstance(model, dict):
        return (
            isinstance(value, dict)
            and value.keys() == model.keys()
            and all(_alike(value[key], model[key]) for key in model)
        )
    if isinstance(model, list):
        return (
            isinstance(value, list) and len(value) == len(model) and all(map(_alike, value, model))
        )
    if isinstance(model, (bool, str)) or model is None:
        return isinstance(value, type(model))
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _step_count(value: Tensor) -> Tensor:
    if value.shape != ():
        raise ValueError("a number of steps is not a number")
    return value


def _laid_out_as(parameter: Tensor, moment: Tensor) -> Tensor:
    """The moment in its parameter's memory format, which the fused optimizer assumes."""
    if moment.shape != parameter.shape or not torch.isfinite(moment).all():
        raise ValueError("a moment does not fit its parameter")
    return torch.empty_like(parameter, dtype=moment.dtype, device="cpu").copy_(moment)


def to_array(value: Tensor) -> np.ndarray[Any, Any]:
    """A tensor's values in main memory."""
    return value.detach().contiguous().cpu().numpy()
