"""Which device computes, and at which precision."""

from __future__ import annotations

from typing import Literal

import torch

from ecgcli.errors import ConfigError
from ecgcli.wording import counted

Precision = Literal["float32", "bfloat16"]


def choose_device(wanted: str) -> torch.device:
    """``auto`` is CUDA when there, then MPS, then the CPU; otherwise the device named.

    Raises:
        ConfigError: the name is no device, or the device is not there.
    """
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        valid = "auto, cpu, cuda, cuda:1, mps"
        raise ConfigError(
            f"training.device: {wanted!r} is not available here; use one of {valid}"
        ) from error
    return device


def choose_precision(
    wanted: Literal["auto", "float32", "bfloat16"], device: torch.device
) -> Precision:
    """``auto`` is bfloat16 where the hardware computes with it, which is where it pays."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if device.type == "cpu":
        able = torch.cpu.get_capabilities()
        return "bfloat16" if able.get("avx512_bf16") or able.get("amx_bf16") else "float32"
    return "float32"


def device_name(device: torch.device) -> str:
    """The device as people know it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = torch.cpu.get_capabilities().get("cpu_name", "CPU")
    threads = counted(torch.get_num_threads(), "thread")
    return f"{name}, {threads}" if device.type == "cpu" else "Apple GPU"
