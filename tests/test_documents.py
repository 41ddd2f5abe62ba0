"""The documents of ``--json``: one for every command, as ``docs/json.md`` says.

What the tests of the commands print is checked by the fixture ``ecg``.
"""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError
from typer.main import get_command

from ecgcli.commands import app
from ecgcli.documents import DOCUMENTS, json_schema
from ecgcli.schema import versioned
from tests.helpers import require_documented

ROOT = Path(__file__).parents[1]


def commands_with_json() -> set[str]:
    """Every command with the option, by the words that call it."""
    with_json = set()
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        members = {name: command} | {
            f"{name} {word}": member for word, member in getattr(command, "commands", {}).items()
        }
        with_json |= {
            words
            for words, member in members.items()
            if any("--json" in param.opts for param in member.params)
        }
    return with_json


def test_every_command_with_json_has_a_documented_schema() -> None:
    assert commands_with_json() == set(DOCUMENTS)
    for command in DOCUMENTS:
        schema = json_schema(command)
        variants = schema.get("$defs", {}).values() if "anyOf" in schema else [schema]
        assert any("schema" in variant["properties"] for variant in variants)


def test_the_page_is_made_from_the_documents() -> None:
    """To make it again: ``python docs/documents.py > docs/json.md``."""
    page = runpy.run_path(str(ROOT / "docs" / "documents.py"))["as_markdown"]()
    assert (ROOT / "docs" / "json.md").read_text(encoding="utf-8") == page


def test_a_document_with_another_key_or_without_its_version_is_found() -> None:
    document = versioned({"source": "demo", "files": []})
    assert list(document) == ["schema", "source", "files"]
    require_documented(["download", "demo", "--json"], document)
    for wrong in ({"extra": 1}, {"schema": 2}, {"files": None}):
        with pytest.raises(ValidationError):
            TypeAdapter(DOCUMENTS["download"]).validate_python(document | wrong)
