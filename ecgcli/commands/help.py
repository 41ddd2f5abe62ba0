"""How commands run and how they are shown by ``--help``.

While a command runs, what it reads is guarded. Paragraphs of a page wrap at the terminal's
width, and values are PATH or N.
"""

from __future__ import annotations

import inspect
import re
from types import ModuleType
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command_from_info, get_group_from_info
from typer.models import CommandInfo, TyperInfo

from ecgcli.commands.guarding import guard_for, require_names
from ecgcli.errors import nearest
from ecgcli.guard import guarding

#: The name of an option's value where the option does not name it.
_METAVARS = {"bool": "", "int": "N", "float": "NUMBER", "str": "TEXT", "Path": "PATH"}

#: How typer makes commands of this program.
_MAKING: dict[str, Any] = {"pretty_exceptions_short": True, "rich_markup_mode": "rich"}


class _Page:
    """Help page of a command or group, as a mixin."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["help"] = without_line_breaks(kwargs.get("help") or "")
        super().__init__(*args, **kwargs)

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, with readable names of values."""
        return named_values(super().get_params(ctx))  # type: ignore[misc]


class Command(_Page, TyperCommand):
    """A command with such a help page."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; an error names the valid value that a wrong one is similar to."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            _improve(error)
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run the command; what it reads is not overwritten."""
        require_names(self.name or "", ctx.params)
        with guarding(guard_for(ctx.params)):
            return super().invoke(ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page, with the registered items in it."""
        fill_lists(self.params)
        super().format_help(ctx, formatter)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What the usage line says after the command's name."""
        arguments = [param for param in self.get_params(ctx) if isinstance(param, TyperArgument)]
        return ["[OPTIONS]", *(argument.display_name_raw for argument in arguments)]


class Group(_Page, TyperGroup):
    """A group of commands with such a help page."""


def command_of(name: str, module: ModuleType) -> Command:
    """The command of a module that has ``command``, ``EXAMPLE`` and, where it differs, ``Page``."""
    page = getattr(module, "Page", Command)
    info = CommandInfo(name, cls=page, callback=module.command, epilog=module.EXAMPLE)
    made: Command = get_command_from_info(info, **_MAKING)  # type: ignore[assignment]
    return made


def group_of(app: typer.Typer) -> Group:
    """The group of an app's commands."""
    info = TyperInfo(app)
    made: Group = get_group_from_info(info, suggest_commands=True, **_MAKING)  # type: ignore[assignment]
    return made


def _improve(error: typer.BadParameter) -> None:
    """Take pydantic's prefix from the message, and add what a mistyped choice must mean."""
    error.message = error.message.removeprefix("Value error, ")
    kind = getattr(error.param, "type_descriptor", None)
    typed = re.match(r"'([^']*)' is not one of ", error.message)
    if typed and kind is not None and kind.is_choice:
        near = nearest(typed[1], map(str, kind.choices or ()))
        error.message = error.message.rstrip(".") + (f"; did you mean {near}?" if near else "")


def _detectors() -> str:
    from ecgcli.recordings.detectors import list_detectors

    return ", ".join(list_detectors())


def _sources() -> str:
    from ecgcli.sources import list_sources

    return "\n\n".join(f"[b]{source.name}[/b]: {source.summary}" for source in list_sources())


def _figures() -> str:
    from ecgcli.metrics import BY_CLASS, OVERALL
    from ecgcli.metrics.aami import FIGURES

    by_class = [*(metric.name for metric in BY_CLASS), "roc_auc", "average_precision"]
    return (
        f"{', '.join(metric.name for metric in OVERALL)}; of a class, such as recall_V: "
        f"{', '.join(by_class)}; by ANSI/AAMI EC57, where the records are known: "
        f"{', '.join(name for name in FIGURES if name not in {m.name for m in OVERALL})}"
    )


#: Placeholders in the help of parameters, and the function that makes the list each stands for
#: when the page is shown, so that registered items are not imported earlier.
_LISTS = {"{detectors}": _detectors, "{sources}": _sources, "{figures}": _figures}


def fill_lists(params: list[Any]) -> None:
    """Put the registered items into the help of parameters where it has a placeholder."""
    for param in params:
        for place, text in _LISTS.items():
            if place in (param.help or ""):
                param.help = param.help.replace(place, text())


def without_line_breaks(text: str) -> str:
    """The text with each paragraph on one line."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def named_values(params: list[Any]) -> list[Any]:
    """The parameters with PATH, TEXT or N in place of the names of Python types."""
    for param in params:
        if not isinstance(param, TyperOption):
            param.display_type_rich = lambda ctx: None  # noqa: ARG005  (the name says it)
        elif param.metavar is None:
            param.metavar = _metavar(param)
    return params


def _metavar(option: TyperOption) -> str:
    kind = option.type_descriptor
    if kind.is_choice:
        return "|".join(str(choice) for choice in kind.choices or ())
    name = option.bare_type().removeprefix("list[").removesuffix("]")
    return _METAVARS.get(name, name.upper())
