"""Training by several processes, on one machine or many, as ``torchrun`` starts them.

Every process reads all data and draws the same order and the same augmentation; of each batch it
computes its share. DistributedDataParallel averages the gradients, and batch normalization uses
the statistics of the whole batch, so the weights are those of one process, up to rounding. Dropout
alone differs: each process draws its own. The first process writes and reports.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ecgcli.errors import ConfigError, EcgError, WorkerError
from ecgcli.parallel import process_count

Result = TypeVar("Result")


@dataclass
class Team:
    """The processes of a training, seen from one of them; see `joined_team`.

    Attributes:
        rank: the number of this process; the first is 0.
        size: number of processes.
        shares: whether each has its own part of the current batch, which has a beat for each.
    """

    rank: int = 0
    size: int = 1
    shares: bool = True

    @property
    def first(self) -> bool:
        """Whether this process writes and reports."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        """Whether there is no other process."""
        return self.size == 1

    def device(self, device: torch.device) -> torch.device:
        """The device of this process, of the kind of ``device``."""
        if self.alone or device.type != "cuda" or device.index is not None:
            return device
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))

    def network(self, model: nn.Module) -> nn.Module:
        """The model, as it is called in training; its parameters and buffers are the same."""
        if self.alone:
            return model
        _share_norms(model, self)
        with warnings.catch_warnings():  # of torch 2.13: its successor is not in torch 2.9
            warnings.filterwarnings("ignore", "`broadcast_buffers`", FutureWarning)
            return nn.parallel.DistributedDataParallel(model, broadcast_buffers=False)

    def part(self, count: int) -> slice:
        """The share of ``count`` rows that this process has; it may be empty."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def part_of_batch(self, count: int) -> slice:
        """The share of a batch; all of one that has fewer beats than processes."""
        self.shares = count >= self.size
        return self.part(count) if self.shares else slice(0, count)

    def counts(self) -> bool:
        """Whether this process's part of the batch counts in sums over all processes."""
        return self.shares or self.first

    def scaled(self, loss: Tensor, labels: Tensor, mine: slice, weight: Tensor | None) -> Tensor:
        """The mean loss of this share such that the mean over processes is that of the batch."""
        if self.alone or not self.shares:
            return loss
        each = torch.ones(len(labels), device=labels.device) if weight is None else weight[labels]
        return loss * (self.size * each[mine].sum() / each.sum())

    @contextmanager
    def own_dropout(self, *place: int) -> Iterator[None]:
        """Inside the block, draw other random numbers than the other processes; after it, the same.

        ``place`` are numbers that identify the batch, such as its own.
        """
        if self.alone:
            yield
            return
        cuda = range(torch.cuda.device_count())
        with torch.random.fork_rng(devices=cuda):
            seed = np.random.SeedSequence((*place, self.rank)).generate_state(1, np.uint64)
            torch.manual_seed(int(seed[0]) >> 1)
            yield

    def add_up(self, *sums: Tensor) -> None:
        """Replace each tensor by its sum over all processes."""
        if not self.alone:
            for each in sums:
                dist.all_reduce(each)

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        if self.alone:
            return flag
        flags = torch.tensor(int(flag))
        dist.all_reduce(flags)
        return bool(flags)

    def from_first(self, value: Result) -> Result:
        """The first process's value, in all."""
        values = [value]
        if not self.alone:
            dist.broadcast_object_list(values)
        return values[0]

    def first_then_others(self, work: Callable[[], Result]) -> Result:
        """The result of ``work`` in each process; the first does it before the others begin.

        Raises:
            EcgError: it failed in one of them, in all.
        """
        results: list[Result] = []
        for turn in (True, False) if not self.alone else (True,):
            with self.agreeing():
                if self.first == turn:
                    results.append(work())
        return results[0]

    @contextmanager
    def agreeing(self) -> Iterator[None]:
        """Fail in all processes if the block fails in one of them.

        Raises:
            EcgError: the block failed in this process, or in another.
        """
        if self.alone:
            yield
            return
        problem: EcgError | None = None
        try:
            yield
        except EcgError as error:
            problem = error
        problems: list[str | None] = [None] * self.size
        dist.all_gather_object(problems, None if problem is None else str(problem))
        if problem is not None:
            raise problem
        for rank, message in enumerate(problems):
            if message is not None:
                raise WorkerError(f"process {rank + 1} of {self.size}: {message}")


@contextmanager
def joined_team() -> Iterator[Team]:
    """The processes that ``torchrun`` has started together, or this one alone.

    Raises:
        WorkerError: another process ended before its work was done.
    """
    if process_count() == 1:
        yield Team()
        return
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Team(dist.get_rank(), dist.get_world_size())
    except RuntimeError as error:
        if not isinstance(error, dist.DistError) and "gloo" not in str(error):
            raise
        raise WorkerError(
            "another process of this training has ended; once its cause is removed, continue with "
            "ecg train --resume, by any number of processes"
        ) from error
    finally:
        dist.destroy_process_group()


def require_batch_for_all(batch_size: int, team: Team) -> None:
    """Refuse a batch with fewer beats than there are processes.

    Raises:
        ConfigError: it has.
    """
    if batch_size < team.size:
        raise ConfigError(
            f"training.batch_size: found {batch_size}, and {team.size} processes share a batch; "
            f"valid: {team.size} or more"
        )


class _Sum(torch.autograd.Function):
    """The sum over all processes; its gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:  # noqa: ARG004
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total


def _sum(values: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(values)  # type: ignore[no-untyped-call]
    return total


class _SharedNorm(_BatchNorm):
    """Batch normalization over the shares of all processes (torch's own needs a GPU)."""

    def __init__(self, norm: _BatchNorm, team: Team) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum, norm.affine)
        self.team = team
        for name, values in (*norm.named_parameters(), *norm.named_buffers()):
            setattr(self, name, values)

    def _check_input_dim(self, signal: Tensor) -> None:
        """Any number of dimensions."""

    def forward(self, signal: Tensor) -> Tensor:
        """Signal ``(batch, channels, ...)`` -> the same, normalized by channel."""
        if not self.training or not self.team.shares:
            return super().forward(signal)
        over = [dimension for dimension in range(signal.dim()) if dimension != 1]
        as_channels = (1, -1, *[1] * (signal.dim() - 2))
        values = signal.to(torch.promote_types(signal.dtype, torch.float32))
        count = _sum(torch.tensor(values.numel() / values.shape[1], device=values.device))
        mean = _sum(values.sum(over)) / count
        centred = values - mean.view(as_channels)
        variance = _sum(centred.square().sum(over)) / count
        self._keep(mean.detach(), (variance * count / (count - 1)).detach())
        scale = self.weight * torch.rsqrt(variance + self.eps)
        normal = centred * scale.view(as_channels) + self.bias.view(as_channels)
        return normal.to(signal.dtype)

    @torch.no_grad()
    def _keep(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics towards those of the batch."""
        if self.running_mean is None or self.running_var is None:
            return
        momentum = 0.1 if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance, momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked += 1


def _share_norms(module: nn.Module, team: Team) -> None:
    """Replace every batch normalization in a network by `_SharedNorm`."""
    for name, child in list(module.named_children()):
        if isinstance(child, _BatchNorm):
            setattr(module, name, _SharedNorm(child, team))
        else:
            _share_norms(child, team)
