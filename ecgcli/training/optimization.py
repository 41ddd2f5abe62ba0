"""Optimizer, schedule, loss and the order of beats, as a config describes them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler

from ecgcli.errors import ConfigError, did_you_mean
from ecgcli.training.config import Training


def build_optimizer(model: nn.Module, settings: Training) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter, ICLR 2019)."""
    return torch.optim.AdamW(
        model.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def build_schedule(
    optimizer: torch.optim.Optimizer, settings: Training, steps: int
) -> lr_scheduler.LRScheduler:
    """The learning rate over ``steps`` batches; ``learning_rate`` is its highest value."""
    if settings.schedule == "onecycle":
        return lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=steps)
    if settings.schedule == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, steps)
    return lr_scheduler.ConstantLR(optimizer, factor=1.0)


def build_loss(settings: Training, labels: Tensor, classes: tuple[str, ...]) -> nn.CrossEntropyLoss:
    """Cross-entropy, weighted by class.

    Raises:
        ConfigError: a weight names a class that does not exist.
    """
    by_class = settings.class_weights
    weights = None
    if by_class == "balanced":
        counts = torch.bincount(labels, minlength=len(classes))
        weights = len(labels) / (len(classes) * counts).float()
    elif by_class != "none":
        for name in by_class:
            if name not in classes:
                raise ConfigError(
                    f"training.class_weights: there is no class {name}{did_you_mean(name, classes)}"
                )
        weights = torch.tensor([by_class.get(name, 1.0) for name in classes], device=labels.device)
    return nn.CrossEntropyLoss(weight=weights, label_smoothing=settings.label_smoothing)


def balance_of(
    settings: Training, training: dict[str, int], validation: dict[str, int]
) -> list[float]:
    """Weights that give the classes of the beats drawn in training the shares of the validation.

    The loss and the scores of training beats are weighted with them, so that they can be compared
    with those of validation beats, whatever was resampled or is drawn more often.

    Args:
        settings: of which the sampler counts.
        training: the training beats of each class, in label order.
        validation: the validation beats of each class.
    """
    drawn = training.values() if settings.sampler == "shuffle" else map(bool, training.values())
    return [
        wanted / count if count else 0.0
        for wanted, count in zip(validation.values(), drawn, strict=True)
    ]


def draw_order(settings: Training, labels: Tensor) -> Tensor:
    """The rows of an epoch in training order, drawn from torch's global generator."""
    if settings.sampler == "shuffle":
        return torch.randperm(len(labels)).to(labels.device)
    share = 1 / torch.bincount(labels).cpu().double()
    rows = torch.multinomial(share[labels.cpu()], len(labels), replacement=True)
    return rows.to(labels.device)
