"""Where beats come from: one file a source, registered by a decorator, found by itself.

A source is a function ``download(out, origin, progress) -> list[Path]`` that leaves
a training and a test file in the folder ``out`` and returns what it wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ecgcli.progress import Progress
from ecgcli.registry import Registry

Download = Callable[[Path, str | None, Progress], list[Path]]


@dataclass(frozen=True)
class Source:
    """A place beats come from.

    Attributes:
        name: what it is called.
        summary: what it is, in a line.
        download: fetches it.
        config: the config that trains on its files, if there is one.
    """

    name: str
    summary: str
    download: Download
    config: str | None


_SOURCES: Registry[Source] = Registry("source", __name__)


def register(
    name: str, summary: str, *, config: str | None = None
) -> Callable[[Download], Download]:
    """Register a download function; see `Source`."""

    def add(download: Download) -> Download:
        _SOURCES.add(name, Source(name, summary, download, config), download.__module__)
        return download

    return add


def list_sources() -> list[Source]:
    """Every source, by name."""
    return _SOURCES.items()


def get_source(name: str) -> Source:
    """The source called ``name``.

    Raises:
        ConfigError: there is none.
    """
    return _SOURCES.get(name)
