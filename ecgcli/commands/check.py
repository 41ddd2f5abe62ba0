"""``ecg check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgcli.classes import classes_named
from ecgcli.commands.console import Classes, Json, Quiet, messages, print_json, results
from ecgcli.errors import RequirementMissed
from ecgcli.wording import counted

if TYPE_CHECKING:
    from ecgcli.beats.checking import Finding

EXAMPLE = "Example: ecg check data/mitbih_train.csv --against data/mitbih_test.csv"

_MARKS = {"ok": ("✔", "green"), "warning": ("⚠", "yellow"), "error": ("✘", "red")}


def command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Beats CSVs.")],
    against: Annotated[
        Path | None, typer.Option("--against", help="A test file, to look for leaks.")
    ] = None,
    classes: Classes = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Look for what is wrong in beats files, and for what would flatter a score.

    A tick is right, a warning is worth a look, a cross would make a score wrong. Exits
    with 3 when there is a cross.
    """
    from ecgcli.beats.checking import check_file, check_pair

    names = classes_named(classes)
    found: dict[str, list[Finding]] = {}
    for path in [*files, *([against] if against else [])]:
        found[str(path)] = list(check_file(path, names))
    if against:
        for path in files:
            found[f"{path} against {against}"] = list(check_pair(path, against, names))
    crosses = sum(one.level == "error" for findings in found.values() for one in findings)
    if json:
        from dataclasses import asdict

        print_json({place: [asdict(one) for one in findings] for place, findings in found.items()})
    else:
        _print(found)
    if crosses:
        raise RequirementMissed(f"{counted(crosses, 'finding')} would make a score wrong")
    messages(quiet).print("Nothing found that would make a score wrong.")


def _print(found: dict[str, list[Finding]]) -> None:
    from rich.text import Text

    console = results()
    for place, findings in found.items():
        console.print(place, style="bold", soft_wrap=True)
        for one in findings:
            text = f" {one.section:<11}{one.message}"
            console.print(Text.assemble("  ", _MARKS[one.level], text), soft_wrap=True)
