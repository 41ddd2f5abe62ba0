"""``ecg anomaly``: two commands, fit and score."""

from __future__ import annotations

import typer

from ecgcli.commands import anomaly_fit, anomaly_score
from ecgcli.commands.help import Command, Group

app = typer.Typer(
    name="anomaly",
    cls=Group,
    help="Learn normal beats, and score how unusual other beats are.",
    epilog="Example: ecg anomaly fit --data data/mitbih_train.csv; ecg anomaly score beats.csv",
    no_args_is_help=True,
)
for _name, _module in {"fit": anomaly_fit, "score": anomaly_score}.items():
    app.command(_name, cls=Command, epilog=_module.EXAMPLE)(_module.command)
