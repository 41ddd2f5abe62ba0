"""The models: one file each, registered by a decorator and discovered automatically.

There are two kinds, and both are trained, stored and run by the same commands.

A **network** is a ``torch.nn.Module`` trained in epochs. Its ``__init__`` takes the
number of classes and the number of samples, then its own keyword arguments with types
and defaults; ``forward`` maps its views, each ``(batch, width)``, to logits
``(batch, classes)``.

An **estimator** is fitted in one step and computes probabilities itself: a subclass of
`Estimator`, with keyword arguments alone.

Either names its inputs in ``views`` (see `ecgcli.beats.views`); the default is the samples.
"""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar, get_type_hints

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, ValidationError
from pydantic import create_model as pydantic_model

from ecgcli.arrays import Tensors
from ecgcli.beats import Beats
from ecgcli.beats.reader import BEAT_LENGTH
from ecgcli.beats.views import Inputs
from ecgcli.errors import CheckpointError, ConfigError, did_you_mean
from ecgcli.progress import SILENT, Progress
from ecgcli.registry import Registry
from ecgcli.validation import first_problem

if TYPE_CHECKING:
    import torch

#: Type of an argument that counts something.
Size = Annotated[int, Field(ge=1, le=10_000)]
#: Parameters of the largest network that is built: 400 MB, hundreds of times the largest here.
MOST_PARAMETERS = 100_000_000

SAMPLES = ("samples",)


class Estimator(ABC):
    """A model that is fitted in one step."""

    views: ClassVar[tuple[str, ...]] = SAMPLES

    @abstractmethod
    def fit(
        self, inputs: Inputs, beats: Beats, classes: int, seed: int, progress: Progress = SILENT
    ) -> None:
        """Learn from the views ``(beats, width)`` of labelled beats.

        Raises:
            ConfigError: the beats do not suffice for the arguments.
            MissingExtraError: a library it needs is not installed.
        """

    @abstractmethod
    def probabilities(self, inputs: Inputs) -> NDArray[np.float32]:
        """Probabilities ``(beats, classes)`` of views ``(beats, width)``."""

    @abstractmethod
    def state(self) -> Tensors:
        """Everything it has learnt, as arrays."""

    @abstractmethod
    def restore(self, state: Tensors) -> None:
        """Take up what `state` gave."""

    def check_state(self, state: Tensors) -> None:  # noqa: B027 (most libraries need no check)
        """Refuse a state that `restore` would not survive; called for all but bundled files.

        Raises:
            ValueError: the state is damaged.
        """

    def importances(self) -> dict[str, float]:
        """The share of each feature in its decisions, largest first; empty if it has no shares."""
        return {}


Model = TypeVar("Model", bound="type[torch.nn.Module] | type[Estimator]")

_MODELS: Registry[Any] = Registry("model", __name__)


def register(name: str) -> Callable[[Model], Model]:
    """Register a model under ``name``."""

    def add(model: Model) -> Model:
        _MODELS.add(name, model, model.__module__)
        return model

    return add


def list_models() -> list[str]:
    """The names of all models, sorted."""
    return _MODELS.names()


def list_networks() -> list[str]:
    """The names of the networks, sorted."""
    return [name for name in list_models() if not is_estimator(name)]


def is_estimator(name: str) -> bool:
    """Whether the model is fitted at once, and not by epochs.

    Raises:
        ConfigError: no such model.
    """
    return issubclass(_MODELS.get(name), Estimator)


def views_of(name: str) -> tuple[str, ...]:
    """The names of the model's views.

    Raises:
        ConfigError: no such model.
    """
    views: tuple[str, ...] = getattr(_MODELS.get(name), "views", SAMPLES)
    return views


def most_threads(name: str) -> int | None:
    """The most threads that speed up the model, if it states one; None if all do.

    Raises:
        ConfigError: no such model.
    """
    most: int | None = getattr(_MODELS.get(name), "most_threads", None)
    return most


def summary_of(name: str) -> str:
    """The model in one line, the first of its docstring.

    Raises:
        ConfigError: no such model.
    """
    return doc_of(name).partition("\n")[0]


def description_of(name: str) -> str:
    """What the model is and its source: its docstring, a line a paragraph, without arguments.

    Raises:
        ConfigError: no such model.
    """
    prose = doc_of(name).partition("\nArgs:\n")[0].replace("`", "")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in prose.split("\n\n")).strip()


def meanings_of(name: str) -> dict[str, str]:
    """What each of the model's own arguments means, as its docstring or its parent's states.

    Raises:
        ConfigError: no such model.
    """
    meanings: dict[str, str] = {}
    for parent in reversed(_MODELS.get(name).__mro__):
        arguments = inspect.cleandoc(vars(parent).get("__doc__") or "").partition("\nArgs:\n")[2]
        argument = ""
        for line in arguments.splitlines():
            if stated := re.match(r" {4}(\w+): (.*)", line):
                argument, meanings[stated[1]] = stated.groups()
            elif argument and line.startswith(" " * 8):
                meanings[argument] += f" {line.strip()}"
    return {
        argument: meanings[argument].replace("`", "")
        for argument in arguments_of(name)
        if argument in meanings
    }


def doc_of(name: str) -> str:
    """The model's docstring: what it is, its source, and the meaning of its arguments.

    Raises:
        ConfigError: no such model.
    """
    return inspect.getdoc(_MODELS.get(name)) or ""


def arguments_of(name: str) -> dict[str, Any]:
    """The model's own arguments with their defaults.

    Raises:
        ConfigError: no such model.
    """
    return {argument: default for argument, (_, default) in _fields(_MODELS.get(name)).items()}


def create_model(
    name: str, *, classes: int, length: int = BEAT_LENGTH, **arguments: Any
) -> torch.nn.Module:
    """Build a network with fresh weights.

    Args:
        name: one of `list_networks`.
        classes: number of classes.
        length: samples in a beat.
        arguments: the network's own arguments.

    Raises:
        ConfigError: no such network, no such argument, a value of the wrong type, or a network
            of more than `MOST_PARAMETERS`.
    """
    checked = check_arguments(name, arguments)
    if is_estimator(name):
        raise ConfigError(f"{name} is not a network; networks: {', '.join(list_networks())}")
    build: Callable[[], torch.nn.Module] = partial(_MODELS.get(name), classes, length, **checked)
    _require_possible_size(build)
    return build()


def _require_possible_size(build: Callable[[], torch.nn.Module]) -> None:
    """Build a network without memory for its numbers, and refuse it if there are too many."""
    import torch

    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            parameters = sum(values.numel() for values in build().parameters())
    except RuntimeError:  # a network that computes with its numbers while it is built
        return
    if parameters > MOST_PARAMETERS:
        raise ConfigError(
            f"model: these arguments make a network of more than {MOST_PARAMETERS:,} parameters; "
            "lower them"
        )


def create_estimator(name: str, **arguments: Any) -> Estimator:
    """Build an estimator that has learnt nothing yet.

    Raises:
        ConfigError: no such argument, or a value of the wrong type.
    """
    checked = check_arguments(name, arguments)
    estimator: Estimator = _MODELS.get(name)(**checked)
    return estimator


def check_arguments(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, converted to the types of the model's signature.

    Raises:
        ConfigError: no such model, no such argument, or a value of the wrong type.
    """
    fields = _fields(_MODELS.get(name))
    for argument in arguments:
        if argument not in fields:
            raise ConfigError(f"unknown key model.{argument}{did_you_mean(argument, fields)}")
    schema = pydantic_model(name, __config__=ConfigDict(extra="forbid"), **fields)
    try:
        return dict(schema(**arguments))
    except ValidationError as error:
        where, problem = first_problem(error)
        raise ConfigError(f"model.{'.'.join(where)}: {problem}") from error


def _fields(model: Any) -> dict[str, Any]:
    """The model's own arguments: type and default of each."""
    hints = get_type_hints(model.__init__, include_extras=True)
    return {
        parameter.name: (hints[parameter.name], parameter.default)
        for parameter in inspect.signature(model).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }


def load_weights(model: torch.nn.Module, weights: Mapping[str, NDArray[Any]]) -> None:
    """Put a checkpoint's weights into a network.

    Raises:
        CheckpointError: they belong to another architecture.
    """
    import torch

    try:
        model.load_state_dict({name: torch.tensor(values) for name, values in weights.items()})
    except RuntimeError as error:
        raise CheckpointError(
            f"the weights do not fit the network: {' '.join(str(error).split())[:200]}"
        ) from error
