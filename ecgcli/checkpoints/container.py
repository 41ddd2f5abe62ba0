"""The file of a model: tensors and texts in safetensors, with a checksum over all of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load, save

from ecgcli.arrays import Tensors
from ecgcli.errors import CheckpointError
from ecgcli.files import atomic_write
from ecgcli.inputs import read_input

#: The metadata's entry for the SHA-256 of everything else in the file.
CHECKSUM = "sha256"

_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")


def write_tensors(path: Path, tensors: Tensors, metadata: dict[str, str]) -> None:
    """Write a safetensors file atomically, its checksum in the metadata.

    Equal content gives equal bytes.
    """
    checksum = _checksum(save(tensors, metadata))
    with atomic_write(path) as stream:
        stream.write(_in_order(save(tensors, metadata | {CHECKSUM: checksum})))


def read_tensors(path: Path) -> tuple[Tensors, dict[str, str]]:
    """The tensors and the metadata of a safetensors file, checked if it has a checksum.

    Files of earlier versions have none.

    Raises:
        CheckpointError: the file is missing, damaged or no safetensors file.
    """
    try:
        data = read_input(path)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no such checkpoint") from error
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    if data.startswith(_PICKLES):
        raise CheckpointError(
            f"{path}: this is a pickle (torch.save), which can run any code when loaded, and was "
            "not opened; checkpoints are .safetensors files written by ecg train"
        )
    try:
        tensors, metadata = load(data), _metadata(_header(data))
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(
            f"{path}: no whole safetensors file ({error}); it was cut off or is something else"
        ) from error
    if CHECKSUM in metadata and metadata[CHECKSUM] != _checksum(data):
        raise CheckpointError(
            f"{path}: the file is damaged: its content does not have the checksum stated in it; "
            "copy it again, or train again"
        )
    return tensors, metadata


def under(prefix: str, tensors: Tensors) -> Tensors:
    """The tensors whose name begins with ``prefix``, without it."""
    return {
        name.removeprefix(prefix): values
        for name, values in tensors.items()
        if name.startswith(prefix)
    }


def _checksum(data: bytes) -> str:
    """SHA-256 of the header, in one spelling and without the checksum, and of all the tensors."""
    header = _header(data)
    _metadata(header).pop(CHECKSUM, None)
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    digest.update(memoryview(data)[_header_end(data) :])
    return digest.hexdigest()


def _in_order(data: bytes) -> bytes:
    """The file with its metadata sorted by name; the library writes them in any order."""
    header = _header(data)
    header["__metadata__"] = dict(sorted(_metadata(header).items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + data[_header_end(data) :]


def _header(data: bytes) -> dict[str, Any]:
    """The header of a safetensors file: its length in 8 bytes, then JSON."""
    header: dict[str, Any] = json.loads(data[8 : _header_end(data)])
    return header


def _header_end(data: bytes) -> int:
    return 8 + int.from_bytes(data[:8], "little")


def _metadata(header: dict[str, Any]) -> dict[str, str]:
    """The texts of a header.

    Raises:
        ValueError: they are not an object.
    """
    metadata: dict[str, str] = header.setdefault("__metadata__", {})
    if not isinstance(metadata, dict):
        raise ValueError("its metadata are not an object")
    return metadata
