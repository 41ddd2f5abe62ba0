"""A folder of pages: one of each recording, and a list of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ecgcli.errors import OutputError
from ecgcli.files import write_text
from ecgcli.prediction import Classifier
from ecgcli.prediction.recordings import Classified
from ecgcli.recordings import NO_OPTIONS, ReadOptions
from ecgcli.recordings.search import place_below
from ecgcli.view.building import describe_model, view_classified, write_page
from ecgcli.view.rendering import render_index

#: The list of the pages; no recording's page can have its name.
INDEX = "index.html"


@dataclass(frozen=True)
class PageFolder:
    """Where the pages of several recordings go, and how the recordings are read.

    The page of ``root/p1/holter.edf`` is ``folder/p1/holter.html``; without ``root``, that of any
    recording is directly in the folder.
    """

    folder: Path
    options: ReadOptions = NO_OPTIONS
    root: Path | None = None

    def below(self, root: Path) -> PageFolder:
        """Pages that lie as their recordings lie below ``root``."""
        return replace(self, root=root)

    def page_of(self, recording: Path) -> Path:
        """The page of a recording.

        Raises:
            OutputError: it would have the name of the list.
        """
        below = Path(recording.stem) if self.root is None else place_below(self.root, recording)
        page = self.folder / below.with_name(f"{below.name}.html")
        if page == self.folder / INDEX:
            raise OutputError(
                f"{recording}: its page would be {page}, which lists all pages; rename the "
                "recording, or use ecg view"
            )
        return page

    def write(self, classified: Classified, classifier: Classifier) -> None:
        """Write the page of a recording.

        Raises:
            DataError: the recording cannot be read again.
            OutputError: the page cannot be written.
        """
        page = view_classified(classified, describe_model(classifier), self.options)
        write_page(self.page_of(classified.path), page)

    def write_index(self, summaries: Sequence[dict[str, Any]]) -> Path:
        """Write the list of the pages, from the summaries of `Classified.summary`."""
        rows = [
            summary
            | {"link": quote(Path(summary["page"]).relative_to(self.folder.resolve()).as_posix())}
            for summary in summaries
        ]
        target = self.folder / INDEX
        write_text(target, render_index(rows))
        return target
