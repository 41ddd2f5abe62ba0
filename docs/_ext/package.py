"""Directives that read the package: its commands, its rooms, its configs.

What they show is made while the pages are built, so it cannot differ from the program.
"""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

import ecgcli
from ecgcli.commands import app
from ecgcli.commands.help import fill_lists
from ecgcli.models import arguments_of, description_of, list_models, meanings_of
from ecgcli.recordings.formats import list_formats
from ecgcli.training.experiments import list_experiments

PACKAGE = Path(ecgcli.__file__).parent
DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent

#: A link or a picture within the repository: ``!``, its label, its target, its heading.
_LINK = re.compile(r"(!?)\[([^]]+)\]\((?!http|#)([^)#]+)(#[^)]*)?\)")

#: Pages of the repository, and where the documentation has them.
PAGES = {
    "README.md": "index",
    "CONTRIBUTING.md": "about/contributing",
    "SECURITY.md": "about/security",
    "CHANGELOG.md": "about/changes",
    "data/README.md": "about/data",
    "benchmarks/RESULTS.md": "about/results",
    "benchmarks/inter-patient.md": "about/new-patients",
    "benchmarks/reliability.md": "about/reliability",
}


class Markdown(SphinxDirective):
    """A directive that stands for a text in Markdown."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Parse the text where the directive stands."""
        return self.parse_text_to_nodes(self.text(self.arguments[0]), allow_section_headings=True)

    def text(self, argument: str) -> str:
        """The text, for the argument of the directive."""
        raise NotImplementedError


class Command(Markdown):
    """``{command} anomaly fit``: the help page of a command."""

    def text(self, argument: str) -> str:
        """Its description, usage, arguments and options, and its example."""
        command, context = find_command(argument)
        usage = " ".join(["ecg", argument, *command.collect_usage_pieces(context)])
        parts = [
            _with_code(command.help or ""),
            f"```text\n{usage}\n```",
        ]
        fill_lists(command.params)
        for param in command.get_params(context):
            if record := param.get_help_record(context):
                parts.append(f"`{record[0]}`\n: {_as_markdown(record[1])}")
        return "\n\n".join(parts)


class Commands(Markdown):
    """``{commands} Data``: the commands of a panel of ``ecg --help``, with a line on each."""

    def text(self, argument: str) -> str:
        """A table with links to the sections of the commands."""
        group, _ = find_command("")
        rows = [
            f"| [`ecg {name}`](#ecg-{name}) | {(command.help or '').partition(chr(10))[0]} |"
            for name, command in group.commands.items()
            if command.rich_help_panel == argument
        ]
        return "\n".join(["| command | |", "|---|---|", *rows])


class Keys(Markdown):
    """``{keys} Config``: the keys of a config, down to those of its sections."""

    def text(self, argument: str) -> str:
        """A definition list: each key with its default, its type and the comment beside it."""
        module = import_module("ecgcli.training.config")
        source = ModuleAnalyzer.for_module(module.__name__)
        source.analyze()
        return "\n\n".join(_keys(getattr(module, argument), "", source))


def _keys(section: Any, prefix: str, source: ModuleAnalyzer) -> Iterator[str]:
    for name, field in section.model_fields.items():
        members = (field.annotation, *get_args(field.annotation))
        if inner := [each for each in members if hasattr(each, "model_fields")]:
            yield from _keys(inner[0], f"{prefix}{name}.", source)
            continue
        of = (section.__name__, name)
        kind = re.sub(r"Annotated\[([\w[\]]+), Field\(.*?\)\]", r"\1", source.annotations[of])
        comment = " ".join(source.attr_docs.get(of, [])).strip()
        default = "required" if field.is_required() else f"default `{_yaml(field.default)}`"
        yield f"`{prefix}{name}`\n: {default}; `{kind}`. {comment}"


class Models(Markdown):
    """``{models} all``: each model with its arguments."""

    def text(self, argument: str) -> str:
        """A section for each: what it is, and its arguments as a definition list."""
        del argument
        return "\n\n".join(_model(name) for name in list_models())


def _model(name: str) -> str:
    meanings, defaults = meanings_of(name), arguments_of(name)
    arguments = [
        f"`model.{argument}`\n: default `{_yaml(default)}`. {meanings.get(argument, '')}"
        for argument, default in defaults.items()
    ]
    return "\n\n".join([f"### {name}", description_of(name), *arguments])


class Configs(Markdown):
    """``{configs} all``: the configs that come with ecg."""

    def text(self, argument: str) -> str:
        """A section for each, with its file."""
        del argument
        return "\n\n".join(
            f"### {each.name}.yaml\n\n```yaml\n{each.text.rstrip()}\n```"
            for each in list_experiments()
        )


class Formats(Markdown):
    """``{formats} all``: the formats of recordings that can be read."""

    def text(self, argument: str) -> str:
        """A table with the endings of each."""
        del argument
        rows = [
            f"| {each.summary} | {', '.join(f'`{ending}`' for ending in each.endings if ending)} |"
            for each in list_formats()
        ]
        return "\n".join(["| format | files |", "|---|---|", *rows])


class Page(Markdown):
    """``{page} SECURITY.md``: a page of the repository outside the documentation."""

    def text(self, argument: str) -> str:
        """The page, with its links to other pages as links within the documentation."""
        self.env.note_dependency(ROOT / argument)
        link = partial(self._link, (ROOT / argument).parent)
        return re.sub(
            r"(!?)\[([^]]+)\]\((?!http|#)([^)#]+)(#[^)]*)?\)",
            link,
            (ROOT / argument).read_text(encoding="utf-8"),
        )

    def _link(self, folder: Path, found: re.Match[str]) -> str:
        picture, label, target, heading = found.groups()
        path = (folder / target).resolve()
        if not path.exists():
            raise self.error(f"{target}: linked to, and not there")
        here = Path(self.env.doc2path(self.env.docname)).parent
        page = PAGES.get(path.relative_to(ROOT).as_posix())
        if page is None and not picture and not path.is_relative_to(DOCS):
            return label  # a file of the source
        place = DOCS / f"{page}.md" if page else path
        return f"{picture}[{label}]({os.path.relpath(place, here)}{heading or ''})"


class Rooms(Markdown):
    """``{rooms} all``: the rooms in their order, as ``tests/test_architecture.py`` has it."""

    def text(self, argument: str) -> str:
        """A table: each room with the first line of its docstring, linked to its page."""
        del argument
        source = (ROOT / "tests/test_architecture.py").read_text(encoding="utf-8")
        order = re.search(r"^ROOMS = (\(.*?\))", source, re.MULTILINE | re.DOTALL)
        assert order, "tests/test_architecture.py has no ROOMS"
        *rooms, last = ast.literal_eval(order[1])
        rows = [f"| [`{room}/`](../python/{room}.md) | {_summary(room)} |" for room in rooms]
        return "\n".join(["| room | |", "|---|---|", *rows, f"| `{last}/` | {_summary(last)} |"])


def _summary(room: str) -> str:
    doc = import_module(f"ecgcli.{room}").__doc__ or ""
    return " ".join(doc.partition("\n\n")[0].split()).replace("``", "`")


class Room(Markdown):
    """``{room} beats``: every public name in every module of a room."""

    def text(self, argument: str) -> str:
        """A section for each module, the room's own first."""
        return "\n\n".join(
            f"## {module}\n\n```{{eval-rst}}\n.. automodule:: {module}\n```"
            for module in modules_of(argument)
        )


def find_command(name: str) -> tuple[Any, Any]:
    """The command of a name such as ``anomaly fit``, and a context to ask it in."""
    from typer.main import get_command

    command: Any = get_command(app)
    context = command.make_context("ecg", [], resilient_parsing=True)
    for word in name.split():
        command = command.commands[word]
        context = command.make_context(word, [], parent=context, resilient_parsing=True)
    return command, context


def _with_code(text: str) -> str:
    """The text with options as code."""
    return re.sub(r"(?<![\w`-])--[a-z][a-z-]*", r"`\g<0>`", text)


def _as_markdown(text: str) -> str:
    """The help of a parameter, marked up for Rich, as Markdown within a definition."""
    text = re.sub(r"\[/?b\]", "**", _with_code(text))
    if "\n\n" in text:  # a list; the default is not part of its last item
        text = text.replace("  [default", "\n\n[default")
    return text.replace("\n\n", "\n\n  ")


def _yaml(value: Any) -> str:
    """A default as it is written in a config."""
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def modules_of(room: str) -> list[str]:
    """The modules of a room, or those outside rooms for ``ecgcli``, in alphabetical order."""
    if room == "ecgcli":
        names = [path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")]
        return ["ecgcli", *(f"ecgcli.{name}" for name in sorted(names))]
    paths = sorted((PACKAGE / room).rglob("*.py"), key=lambda path: (len(path.parts), path))
    dotted = (path.relative_to(PACKAGE.parent).with_suffix("") for path in paths)
    return [".".join(path.parts).removesuffix(".__init__") for path in dotted]


def restore_constant(
    sphinx: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Put back the comment on a constant: napoleon takes what is before a colon for a type."""
    del sphinx, name, thing, options
    if what in ("data", "attribute", "property") and lines and lines[-1].startswith(":type: "):
        beginning = lines.pop().removeprefix(":type: ")
        lines[0] = f"{beginning}: {lines[0]}"


def setup(sphinx: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    sphinx.connect("autodoc-process-docstring", restore_constant, priority=900)
    import_module("ecgcli.training.config")  # pydantic builds its classes only before autodoc runs
    for directive in (Command, Commands, Keys, Models, Configs, Formats, Page, Room, Rooms):
        sphinx.add_directive(directive.__name__.lower(), directive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
