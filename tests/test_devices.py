"""Devices: what is offered, and what is reported when their memory runs out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ecgcli.devices import choose_device, memory_for
from ecgcli.errors import ConfigError


def test_only_devices_that_are_here_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"'abacus' is not available; use one of auto, cpu$"):
        choose_device("abacus")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ConfigError, match=r"use one of auto, cpu, cuda, cuda:1$"):
        choose_device("abacus")


def of_gpu() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (of_gpu, r"^the GPU has not enough memory for this; set less$"),
        (lambda: torch.empty(1 << 56), r"^there is not enough memory for this; set less$"),
        (lambda: np.empty(1 << 56), r"^there is not enough memory for this; set less$"),
    ],
)
def test_memory_that_runs_out_is_reported(work: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message), memory_for("this", "set less"):
        work()  # type: ignore[operator]


def test_other_errors_keep_their_traceback() -> None:
    with pytest.raises(RuntimeError, match="size"), memory_for("this", "set less"):
        torch.zeros(2) + torch.zeros(3)
