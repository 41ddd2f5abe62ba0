"""Shards: the part of a cohort that one of several independent runs classifies."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ecgcli.errors import ConfigError

#: The part of a file's name that says whose shard it is of: ``3-of-50``.
_LABEL = re.compile(r"\.(\d+)-of-(\d+)\.")


@dataclass(frozen=True)
class Shard:
    """The shard ``number`` (from 1) of ``count``."""

    number: int
    count: int

    @property
    def label(self) -> str:
        """In names of files: ``3-of-50``."""
        return f"{self.number}-of-{self.count}"

    def has(self, place: str) -> bool:
        """Whether a recording belongs to it; decided by the recording's place alone.

        So each recording belongs to exactly one shard, and stays there when others are added.

        Args:
            place: the path below the folder that all recordings lie in, without ending.
        """
        digest = hashlib.sha256(place.encode("utf-8", "surrogateescape")).digest()
        return int.from_bytes(digest[:8]) % self.count == self.number - 1

    def named(self, name: str) -> str:
        """The name of this shard's own version of a file: ``summary.3-of-50.json``."""
        stem, _, ending = name.rpartition(".")
        return f"{stem}.{self.label}.{ending}"


def parse_shard(text: str) -> Shard:
    """A shard as it is typed: ``3/50``.

    Raises:
        ConfigError: it is not of this form.
    """
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    number, count = map(int, match.groups()) if match else (0, 0)
    if not 1 <= number <= count:
        raise ConfigError(f"--shard: found {text}; valid: 1/50 to 50/50, for example")
    return Shard(number, count)


def require_same_split(shard: Shard, names: Iterable[str], place: str) -> None:
    """Refuse a shard where files are of shards of another number.

    Args:
        shard: the shard to be run.
        names: of the files in the folder of results.
        place: that folder, for the message.

    Raises:
        ConfigError: the two would overlap.
    """
    for name in names:
        match = _LABEL.search(name)
        if match and int(match[2]) != shard.count:
            raise ConfigError(
                f"{place}: {name} is of a shard of {match[2]}, and shards of {shard.count} would "
                f"overlap with it; use --shard N/{match[2]}, or merge them first by a run without "
                "--shard"
            )


def files_of_shards(names: Iterable[str], name: str) -> list[str]:
    """The shards' versions of a file: ``summary.3-of-50.json`` of ``summary.json``."""
    stem, _, ending = name.rpartition(".")
    own = re.compile(rf"{re.escape(stem)}\.\d+-of-\d+\.{re.escape(ending)}")
    return [each for each in names if own.fullmatch(each)]
