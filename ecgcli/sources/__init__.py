"""Where beats come from: one file per source, registered by a decorator and discovered by name.

A source is a function ``download(out, origin, progress) -> list[Path]`` that writes
a training and a test file to the folder ``out`` and returns their paths.
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
    """A source of beats.

    Attributes:
        name: its name, as given to ``ecg download``.
        summary: its description, in one line.
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
    """The source named ``name``.

    Raises:
        ConfigError: there is no such source.
    """
    return _SOURCES.get(name)
