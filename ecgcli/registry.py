"""Registries: items found by name in a folder of the package and in installed packages.

`ecgcli.models`, `ecgcli.sources`, `ecgcli.recordings.formats` and `ecgcli.recordings.detectors`
each have a registry and a decorator ``register``. A file put into one of these folders is
imported on first use, and so are the entry points of installed packages in the group of the
folder's name (``ecgcli.models``, ``ecgcli.sources``, ``ecgcli.formats``, ``ecgcli.detectors``).
"""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Generic, TypeVar

from ecgcli.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Item = TypeVar("Item")


class PluginWarning(UserWarning):
    """An item that an installed package adds cannot be used; the message names both, and why."""


class Registry(Generic[Item]):
    """Items by name.

    Args:
        noun: the word for an item in messages, such as ``model``.
        package: the package whose modules register items when imported.
    """

    def __init__(self, noun: str, package: str) -> None:
        self.noun, self.package = noun, package
        self.group = f"ecgcli.{package.rpartition('.')[2]}"
        self._items: dict[str, Item] = {}
        #: The module that registered each name, or other word.
        self._holders: dict[str, str] = {}
        #: The problem of each entry point loaded so far; empty where there is none.
        self._problems: dict[EntryPoint, str] = {}
        self._own_imported = False

    def add(self, name: str, item: Item, module: str, words: Sequence[str] = ()) -> None:
        """Register an item.

        Args:
            name: the name to find it by.
            item: the item itself.
            module: the module that defines it.
            words: other words that only this item may have, such as the ending of a file.

        Raises:
            ConfigError: the name or a word belongs to another module; ecg's modules come first.
        """
        if not module.startswith(f"{self.package}."):
            self._import_own()
        for word in (name, *words):
            if (holder := self._holders.get(word, module)) != module:
                raise ConfigError(
                    f"{module} cannot register the {self.noun} {name}: {word!r} belongs to "
                    f"{holder}; choose another"
                )
        self._holders.update(dict.fromkeys((name, *words), module))
        self._items[name] = item

    def get(self, name: str) -> Item:
        """The item named ``name``; only the modules needed to find it are imported.

        Raises:
            ConfigError: there is no such item, or the package that adds it cannot be loaded.
        """
        if name not in self._items:
            self._import_file(name)
        if name not in self._items:
            self._import_own()
        if name not in self._items:
            self._load_plugin(name)
        if name not in self._items:
            raise ConfigError(f"there is no {self.noun} {name}{did_you_mean(name, self.names())}")
        return self._items[name]

    def names(self) -> list[str]:
        """The names of all items, sorted.

        An item that cannot be loaded from an installed package is left out with a `PluginWarning`.
        """
        self._import_own()
        for plugin in self._entry_points:
            if plugin not in self._problems and (problem := self._problem_of(plugin)):
                warnings.warn(problem, PluginWarning, stacklevel=2)
        return sorted(self._items)

    def items(self) -> list[Item]:
        """All items, in the order of their names; see `names`."""
        return [self._items[name] for name in self.names()]

    def _import_file(self, name: str) -> None:
        """Import the module that has the name of the item."""
        module = name.replace("-", "_")
        if module.isidentifier() and find_spec(f"{self.package}.{module}"):
            importlib.import_module(f"{self.package}.{module}")

    def _import_own(self) -> None:
        if not self._own_imported:
            for module in pkgutil.iter_modules(importlib.import_module(self.package).__path__):
                importlib.import_module(f"{self.package}.{module.name}")
            self._own_imported = True

    def _load_plugin(self, name: str) -> None:
        """Load the entry point of that name, if there is one; a problem with it is an error."""
        plugins = [plugin for plugin in self._entry_points if plugin.name == name]
        if plugins and (problem := self._problem_of(plugins[0])):
            raise ConfigError(problem)

    @cached_property
    def _entry_points(self) -> list[EntryPoint]:
        from importlib.metadata import entry_points

        return sorted(entry_points(group=self.group), key=lambda each: (each.name, _owner(each)))

    def _problem_of(self, plugin: EntryPoint) -> str:
        """Load an entry point, once, and return its problem; empty if there is none."""
        if plugin not in self._problems:
            self._import_own()
            before = dict(self._items), dict(self._holders)
            self._problems[plugin] = self._load(plugin)
            if self._problems[plugin]:  # undo what it registered before it failed
                self._items, self._holders = before
        return self._problems[plugin]

    def _load(self, plugin: EntryPoint) -> str:
        adds = f"the installed package {_owner(plugin)} adds the {self.noun} {plugin.name}"
        holder = self._holders.get(plugin.name, plugin.module)
        if holder.partition(".")[0] != plugin.module.partition(".")[0]:
            return f"{adds}, a name that belongs to {holder}; update or uninstall it"
        try:
            plugin.load()
        except Exception as error:  # foreign code may raise anything
            reason = " ".join(str(error).split())
            return (
                f"{adds}, which cannot be loaded ({type(error).__name__}: {reason}); "
                "update or uninstall it"
            )
        if plugin.name not in self._items:
            return f"{adds}, but {plugin.module} registers no {self.noun} of that name"
        return ""


def _owner(plugin: EntryPoint) -> str:
    """The distribution of an entry point, with its version."""
    return f"{plugin.dist.name} {plugin.dist.version}" if plugin.dist else plugin.module
