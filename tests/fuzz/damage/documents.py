"""Damage to documents: JSON and YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from tests.fuzz.damage.anything import ODD_TEXTS, ODD_VALUES, Damage, Random, encoded, pick

#: What YAML alone makes of a text.
_YAML_TEXTS = (
    "2001-99-99", "2001-01-01", "!!timestamp x", "!!python/object:os.system {}", "!!binary x",
    "!!float x", "&a [*a]", "*unknown", "{a: 1, a: 2}", "? [a]", "|", ">", "<<: 1", "0o8", "0b2",
    "1:30:00", ".inf", ".nan", "~", "yes", "'", '"', "[", "{", "- a", "%TAG", "--- a\n--- b",
    "18446744073709551615", "1" * 5000, "1e400", '"\\ud800"', '"\\0"', "[" * 300, "{a: " * 300,
    "a" * 5000, "@x", "\t", "1000000000", "meta", "cuda:99", "[1, null]", "{x: .nan}",
)  # fmt: skip
_ALIASES = (
    "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True))  # noqa: E501
    + "name: *i\n"
).encode()  # fmt: skip


#: A document of more values consists of aliases, which stand for any number of values.
_PLACES = 2000


def _places(document: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys that lead to each value of a document, the document itself excepted."""
    if isinstance(document, dict):
        children = list(document.items())
    elif isinstance(document, list):
        children = list(enumerate(document[:20]))
    else:
        return
    for key, value in children:
        yield (*at, key)
        yield from _places(value, (*at, key))


def changed_document(document: Any, random: Random) -> Any:
    """A document with one value replaced, removed or renamed, or something else altogether."""
    places = list(islice(_places(document), _PLACES))
    if not places or random.random() < 0.05:
        return pick(random, ODD_VALUES)
    *path, last = pick(random, places)
    holder = document
    for key in path:
        holder = holder[key]
    action = random.random()
    if action < 0.7:
        holder[last] = pick(random, ODD_VALUES)
    elif action < 0.85:
        del holder[last]
    elif isinstance(holder, dict):
        holder[pick(random, ("", "x", "[/b]", "\ud800", f"{last}x"))] = holder.pop(last)
    else:
        holder.append(pick(random, ODD_VALUES))
    return document


def dumped(document: Any) -> bytes:
    return encoded(json.dumps(document, ensure_ascii=False))


def _odd_value(data: bytes, random: Random) -> bytes:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):  # damaged before
        return data
    return dumped(changed_document(document, random))


def _key_repeated(data: bytes, random: Random) -> bytes:
    keys = list(re.finditer(rb'"\w+": ?[^,{}\[\]]+,', data))
    if not keys:
        return data
    key = pick(random, keys)
    return (
        data[: key.start()] + b'"x": 1,'.replace(b"x", key[0].split(b'"')[1]) + data[key.start() :]
    )


def _deep(data: bytes, random: Random) -> bytes:
    depth = int(random.integers(500, 100_000))
    return b"[" * depth + data + b"]" * depth


JSON: dict[str, Damage] = {
    "an odd value": _odd_value,
    "several odd values": lambda data, random: _odd_value(_odd_value(data, random), random),
    "a key repeated": _key_repeated,
    "deep nesting": _deep,
}


def _odd_yaml(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    number = int(random.integers(len(lines)))
    key, colon, _ = lines[number].partition(b":")
    odd = encoded(pick(random, (*_YAML_TEXTS, *ODD_TEXTS)))
    lines[number] = key + colon + b" " + odd
    return b"\n".join(lines)


def _odd_yaml_value(data: bytes, random: Random) -> bytes:
    import yaml

    try:
        document = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError):  # damaged before
        return data
    if len(list(islice(_places(document), _PLACES))) == _PLACES:  # of aliases, not to be dumped
        return data
    return dumped(changed_document(document, random))


YAML: dict[str, Damage] = {
    "an odd text": _odd_yaml,
    "an odd value": _odd_yaml_value,
    "aliases of aliases": lambda data, _: _ALIASES + data,
    "tabs": lambda data, _: data.replace(b"  ", b"\t"),
    "deep nesting": _deep,
}
