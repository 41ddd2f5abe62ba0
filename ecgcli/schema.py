"""The version of the documents that ``--json`` prints; `ecgcli.documents` describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: The version of all documents.
SCHEMA = 1


def versioned(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its version, as the first key."""
    return {"schema": SCHEMA} | dict(document)
