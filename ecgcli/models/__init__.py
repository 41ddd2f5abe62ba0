"""The networks: one file each, made known by a decorator.

A network is a ``torch.nn.Module`` whose ``__init__`` takes the number of classes and
the number of samples, then its own keyword arguments with types and defaults, and
whose ``forward`` maps beats ``(batch, samples)`` to logits ``(batch, classes)``.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar, get_type_hints

import torch
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, ValidationError
from pydantic import create_model as pydantic_model

from ecgcli.beats_csv import BEAT_LENGTH
from ecgcli.errors import CheckpointError, ConfigError, did_you_mean

#: Type of an argument that counts something.
Size = Annotated[int, Field(ge=1)]

Network = TypeVar("Network", bound=type[torch.nn.Module])

_NETWORKS: dict[str, type[torch.nn.Module]] = {}


def register(name: str) -> Callable[[Network], Network]:
    """Make a network known under ``name``."""

    def add(network: Network) -> Network:
        _NETWORKS[name] = network
        return network

    return add


def list_models() -> list[str]:
    """The names of all networks, sorted."""
    _load_all()
    return sorted(_NETWORKS)


def create_model(
    name: str, *, classes: int, length: int = BEAT_LENGTH, **arguments: Any
) -> torch.nn.Module:
    """Build a network with fresh weights.

    Args:
        name: one of `list_models`.
        classes: how many classes it tells apart.
        length: samples in a beat.
        arguments: the network's own arguments.

    Raises:
        ConfigError: no such network, no such argument, or a value of the wrong type.
    """
    checked = check_arguments(name, arguments)
    return _NETWORKS[name](classes, length, **checked)


def check_arguments(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, converted to the types of the network's signature.

    Raises:
        ConfigError: no such network, no such argument, or a value of the wrong type.
    """
    _load_all()
    if name not in _NETWORKS:
        raise ConfigError(f"model.name: found {name!r}{did_you_mean(name, _NETWORKS)}")
    network = _NETWORKS[name]
    hints = get_type_hints(network.__init__, include_extras=True)
    fields: dict[str, Any] = {
        parameter.name: (hints[parameter.name], parameter.default)
        for parameter in inspect.signature(network).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    for argument in arguments:
        if argument not in fields:
            raise ConfigError(f"unknown key model.{argument}{did_you_mean(argument, fields)}")
    schema = pydantic_model(name, __config__=ConfigDict(extra="forbid"), **fields)
    try:
        return dict(schema(**arguments))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"model.{key}: found {first['input']!r}; {first['msg'][0].lower()}{first['msg'][1:]}"
        ) from error


def load_weights(model: torch.nn.Module, weights: Mapping[str, NDArray[Any]]) -> None:
    """Put a checkpoint's weights into a network.

    Raises:
        CheckpointError: they belong to another architecture.
    """
    try:
        model.load_state_dict({name: torch.tensor(values) for name, values in weights.items()})
    except RuntimeError as error:
        raise CheckpointError(
            f"the weights do not fit the network: {' '.join(str(error).split())[:200]}"
        ) from error


def _load_all() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
