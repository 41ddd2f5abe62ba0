"""Damage to safetensors files: with their checksum left as it was, or forged."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ecgcli.checkpoints.container import CHECKSUM, write_tensors
from tests.fuzz.damage.anything import Damage, Random, flip_a_bit, pick
from tests.fuzz.damage.documents import changed_document, dumped


def _safetensors(change: Callable[[dict[str, Any], Random], Any]) -> Damage:
    """Change the header of a checkpoint; its length is right."""

    def damage(data: bytes, random: Random) -> bytes:
        length = int.from_bytes(data[:8], "little")
        try:
            header = json.loads(data[8 : 8 + length])
            text = dumped(change(header, random))
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError):  # damaged before
            return data
        return len(text).to_bytes(8, "little") + text + data[8 + length :]

    return damage


def _odd_card(header: dict[str, Any], random: Random) -> Any:
    """A value of a document within the metadata."""
    metadata = header["__metadata__"]
    name = pick(random, sorted(metadata))
    metadata[name] = json.dumps(changed_document(json.loads(metadata[name]), random))
    return header


def _odd_metadata(header: dict[str, Any], random: Random) -> Any:
    metadata = header["__metadata__"]
    metadata[pick(random, sorted(metadata))] = pick(random, ("[]", "null", "3", "{}", "x", '"x"'))
    return header


def _tensors_swapped(header: dict[str, Any], random: Random) -> Any:
    names = sorted(set(header) - {"__metadata__"})
    one, other = pick(random, names), pick(random, names)
    header[one], header[other] = header[other], header[one]
    return header


def _bit_of_a_tensor(data: bytes, random: Random) -> bytes:
    start = 8 + int.from_bytes(data[:8], "little")
    return data[:start] + flip_a_bit(data[start:], random)


CHECKPOINT: dict[str, Damage] = {
    "an odd value in the card": _safetensors(_odd_card),
    "an odd card": _safetensors(_odd_metadata),
    "an odd header": _safetensors(changed_document),
    "tensors swapped": _safetensors(_tensors_swapped),
    "a bit of a tensor flipped": _bit_of_a_tensor,
}


def _forged(damage: Damage) -> Damage:
    """Damage done on purpose: the checksum is that of what is in the file."""

    def forge(data: bytes, random: Random) -> bytes:
        damaged = damage(data, random)
        try:
            tensors, metadata = load(damaged), _metadata_of(damaged)
            metadata.pop(CHECKSUM, None)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "x.safetensors")
                write_tensors(path, tensors, metadata)
                return path.read_bytes()
        except (SafetensorError, ValueError, TypeError, AttributeError):
            return damaged

    return forge


def _metadata_of(data: bytes) -> dict[str, str]:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return dict(header.get("__metadata__", {}))


def _odd_tensor(data: bytes, random: Random) -> bytes:
    """One tensor with odd values, of another shape or type."""
    try:
        tensors, metadata = load(data), _metadata_of(data)
        name = pick(random, sorted(tensors))
        values = tensors[name]
        first = values.copy()
        first.flat[:1] = pick(random, (0, 1, 100))
        with np.errstate(invalid="ignore"):
            changed = pick(random, (
                values * 0, values.ravel(), values[:-1], values[..., :1], values[None], first,
                values.astype("f8"), values.astype("i1"), values.astype("f4") * np.inf,
                np.zeros(0, values.dtype), -values.astype("i8"), np.concatenate([values, values]),
            ))  # fmt: skip
        tensors[name] = np.ascontiguousarray(changed)
        return bytes(save(tensors, metadata))
    except (SafetensorError, ValueError, IndexError, TypeError, OverflowError):
        return data


#: Damage under a checksum that fits.
FORGED: dict[str, Damage] = {
    name: _forged(damage) for name, damage in (CHECKPOINT | {"an odd tensor": _odd_tensor}).items()
}
