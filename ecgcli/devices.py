"""The device that computes, and its precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from ecgcli.errors import ConfigError
from ecgcli.wording import counted

Precision = Literal["float32", "bfloat16"]


def choose_device(name: str) -> torch.device:
    """The device of this name; ``auto`` is CUDA if available, else MPS, else the CPU.

    Raises:
        ConfigError: the name is not that of a device, or the device is not available.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # the device meta computes nothing
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        valid = ", ".join(_available())
        raise ConfigError(
            f"training.device: {name!r} is not available; use one of {valid}"
        ) from error
    return device


def _available() -> list[str]:
    """The names of the devices that are here."""
    names = ["auto", "cpu"]
    if torch.cuda.is_available():
        names += ["cuda", *(f"cuda:{number}" for number in range(1, torch.cuda.device_count()))]
    return [*names, "mps"] if torch.backends.mps.is_available() else names


@contextmanager
def memory_for(what: str, remedy: str) -> Iterator[None]:
    """Report memory that runs out in this block, on a GPU or in main memory, as what to set.

    Raises:
        ConfigError: memory ran out.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        on_gpu = isinstance(error, torch.OutOfMemoryError)
        raise ConfigError(
            f"{'the GPU has' if on_gpu else 'there is'} not enough memory for {what}; {remedy}"
        ) from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):  # what torch says about main memory
            raise
        raise ConfigError(f"there is not enough memory for {what}; {remedy}") from error


def choose_precision(
    precision: Literal["auto", "float32", "bfloat16"], device: torch.device
) -> Precision:
    """``auto`` is bfloat16 where the hardware computes with it, which is where it is faster."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return (
            "bfloat16"
            if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
            else "float32"
        )
    return "float32"


def device_name(device: torch.device) -> str:
    """The name of the device for people."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = torch.cpu.get_capabilities().get("cpu_name", "CPU")
    threads = counted(torch.get_num_threads(), "thread")
    return f"{name}, {threads}" if device.type == "cpu" else "Apple GPU"
