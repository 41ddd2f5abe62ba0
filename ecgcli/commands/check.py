"""``ecg check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgcli.classes import classes_named
from ecgcli.commands.console import Classes, Json, Quiet, messages, print_json, results, working
from ecgcli.errors import RequirementMissed
from ecgcli.inputs import missing
from ecgcli.wording import counted

if TYPE_CHECKING:
    from ecgcli.beats.checking import Finding

EXAMPLE = "Example: ecg check data/mitbih_train.csv --against data/mitbih_test.csv"

_MARKS = {"ok": ("✔", "green"), "warning": ("⚠", "yellow"), "error": ("✘", "red")}


def command(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Beats to check: CSV or parquet files.")
    ],
    against: Annotated[
        Path | None, typer.Option("--against", help="Test file to check for leaks from FILE.")
    ] = None,
    classes: Classes = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check beats files for errors, and for what would inflate a score.

    A tick is a passed check, a warning deserves a look, a cross would make a score wrong.
    Any cross makes the exit code 3.
    """
    from ecgcli.beats.checking import check_file, check_pair

    names = classes_named(classes)
    every = [*files, *([against] if against else [])]
    for path in every:
        if not path.exists():
            raise missing(path)
    checked: dict[str, list[Finding]] = {}
    console = messages(quiet)
    for path in every:
        with working(console, f"checking {path}"):
            checked[str(path)] = list(check_file(path, names))
    if against:
        for path in files:
            with working(console, f"comparing {path} with {against}"):
                checked[f"{path} against {against}"] = list(check_pair(path, against, names))
    crosses = sum(finding.level == "error" for findings in checked.values() for finding in findings)
    if json:
        from dataclasses import asdict

        print_json(
            {
                "files": {
                    place: [asdict(finding) for finding in findings]
                    for place, findings in checked.items()
                }
            }
        )
    else:
        _print(checked)
    if crosses:
        raise RequirementMissed(f"{counted(crosses, 'finding')} would make a score wrong")
    console.print("Nothing found that would make a score wrong.")


def _print(checked: dict[str, list[Finding]]) -> None:
    from rich.text import Text

    console = results()
    for place, findings in checked.items():
        console.print(place, style="bold", soft_wrap=True)
        for finding in findings:
            text = f" {finding.section:<11}{finding.message}"
            console.print(Text.assemble("  ", _MARKS[finding.level], text), soft_wrap=True)
