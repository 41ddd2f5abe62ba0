"""Where beats come from: one file a source, each registered by the decorator.

A source is a function ``download(out, origin, progress) -> list[Path]`` that leaves
a training and a test file in the folder ``out`` and returns what it wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ecgcli.errors import ConfigError, did_you_mean

#: Called as work goes on: what is being done, how much is done, how much there is.
Progress = Callable[[str, int, int], None]
Download = Callable[[Path, str | None, Progress], list[Path]]


@dataclass(frozen=True)
class Source:
    """A place beats come from: its name, a line on what it is, and how to fetch it."""

    name: str
    summary: str
    download: Download


_SOURCES: dict[str, Source] = {}


def register(name: str, summary: str) -> Callable[[Download], Download]:
    """Make a download function known under ``name``."""

    def add(download: Download) -> Download:
        _SOURCES[name] = Source(name, summary, download)
        return download

    return add


def list_sources() -> list[Source]:
    """Every source, in the order they were registered."""
    return list(_SOURCES.values())


def get_source(name: str) -> Source:
    """The source called ``name``.

    Raises:
        ConfigError: there is none.
    """
    if name not in _SOURCES:
        raise ConfigError(f"there is no source {name}{did_you_mean(name, _SOURCES)}")
    return _SOURCES[name]


from ecgcli.sources import mitdb, kaggle, ptbdb, demo  # noqa: E402, F401, I001  (the order of help)
