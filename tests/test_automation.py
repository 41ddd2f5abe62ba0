"""Workflows, hooks and the container: their files parse, and their versions are the project's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.test_build import claimed_pythons, pins, project

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CONTAINERFILE = (ROOT / "Containerfile").read_text().replace("\\\n", "")
INSTRUCTIONS = [line.split(maxsplit=1) for line in CONTAINERFILE.splitlines() if line[:1].isupper()]


def workflow(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())
    return document


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_can_only_read_and_ends(path: Path) -> None:
    document = workflow(path.name)
    assert document["permissions"] == {"contents": "read"}
    for job in document["jobs"].values():
        assert "uses" in job or job["timeout-minutes"] <= 120
        assert all(("run" in step) != ("uses" in step) for step in job.get("steps", []))


@pytest.mark.parametrize(("name", "job"), [("tests.yml", "test"), ("release.yml", "check")])
def test_every_python_that_is_claimed_is_tested(name: str, job: str) -> None:
    assert workflow(name)["jobs"][job]["strategy"]["matrix"]["python"] == claimed_pythons()


def test_the_tests_are_those_of_make() -> None:
    targets = re.findall(r"^([a-z./-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    lines = [line for line in commands(workflow("tests.yml")["jobs"]["test"]) if "make" in line]
    assert lines[-1] == "make test"
    assert all(line.split()[1] in targets for line in lines)


def test_only_a_release_that_was_tested_is_published() -> None:
    document = workflow("release.yml")
    jobs = document["jobs"]
    assert document[True] == {"push": {"tags": ["v*"]}}  # YAML reads the key `on` as true
    assert jobs["test"]["uses"] == "./.github/workflows/tests.yml"
    assert "workflow_call" in workflow("tests.yml")[True]
    assert set(jobs["publish"]["needs"]) == {"test", "check"}
    assert jobs["check"]["needs"] == "build"
    assert [name for name in jobs if "id-token" in jobs[name].get("permissions", {})] == ["publish"]


def test_hooks_are_the_checks_of_make_by_its_pinned_programs() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    entries = [hook["entry"].replace(" --force-exclude", "") for hook in repository["hooks"]]
    recipe = (ROOT / "Makefile").read_text().partition("\nlint:")[2].partition("\n\n")[0]
    checks = re.findall(r"\$\(BIN\)/(.*)", recipe)
    assert sorted(entries) == sorted(f".venv/bin/{line.removesuffix(' .')}" for line in checks)
    assert all(Path(entry.split()[0]).name in pins() for entry in entries)


def test_the_container_has_a_python_that_is_claimed_and_pinned_packages() -> None:
    arguments = dict(text.split("=") for word, text in INSTRUCTIONS if word == "ARG")
    assert arguments["PYTHON"] in claimed_pythons()
    assert arguments["EXTRAS"] in project()["optional-dependencies"]
    installs = [text for word, text in INSTRUCTIONS if word == "RUN" and "pip install" in text]
    assert len(installs) == 2
    assert all("--constraint constraints.txt" in text for text in installs)


def test_the_container_runs_ecg_and_not_as_root() -> None:
    last = dict(INSTRUCTIONS)
    assert last["USER"] == "ecg"
    assert last["ENTRYPOINT"] == '["ecg"]'


def test_the_container_is_sent_just_what_it_copies() -> None:
    copied = {
        name
        for word, text in INSTRUCTIONS
        if word == "COPY" and "--from" not in text
        for name in text.split()[:-1]
    }
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert {line[1:] for line in lines if line.startswith("!")} == copied
    assert all((ROOT / name).exists() for name in copied)
