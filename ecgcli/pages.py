"""Pages for people: one look, and one file each, with its pictures inside."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ecgcli import __version__
from ecgcli.files import write_text

#: The page in the folder of a training or of an evaluation.
PAGE = "report.html"
#: Its pictures of errors, by `ecgcli.metrics.figures.draw_mistakes`.
ERRORS, WORST = "errors.png", "worst.png"


@dataclass(frozen=True)
class TextTable:
    """Headings, and rows with a cell for each of them; the first column names the row."""

    headings: list[str]
    rows: list[list[str]]


def write_page(
    folder: Path, package: str, template: str, pictures: Sequence[Path] = (), **content: Any
) -> Path:
    """Write ``report.html``, with the pictures of its folder inside the file.

    Args:
        folder: where the page goes, and where its pictures are.
        package: the package whose ``templates`` has the template.
        template: the name of the template; its variables are escaped.
        pictures: others than those in the folder.
        content: its variables.

    Returns:
        The page.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader

    loader = ChoiceLoader([PackageLoader(package), PackageLoader("ecgcli")])
    pages = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    text = pages.get_template(template).render(
        content,
        pictures={path.name: _data_uri(path) for path in (*pictures, *folder.glob("*.png"))},
        version=__version__,
        date=f"{datetime.now():%Y-%m-%d}",
    )
    write_text(folder / PAGE, text)
    return folder / PAGE


def _data_uri(picture: Path) -> str:
    """A picture as an address that holds it, so that the page is one file."""
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"
