"""``ecg fibrillation``: one command, fit; every prediction of a recording uses such a model."""

from __future__ import annotations

import typer

from ecgcli.commands import fibrillation_fit
from ecgcli.commands.help import Command, Group

app = typer.Typer(
    name="fibrillation",
    cls=Group,
    help="Learn to find episodes of atrial fibrillation in RR intervals.",
    epilog=fibrillation_fit.EXAMPLE,
    no_args_is_help=True,
)


@app.callback()
def group() -> None:
    """Keep ``fit`` a command of the group, although it is the only one."""


app.command("fit", cls=Command, epilog=fibrillation_fit.EXAMPLE)(fibrillation_fit.command)
