"""A folder of pages: one of each recording, and a list of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ecgcli.errors import OutputError
from ecgcli.files import write_text
from ecgcli.prediction import Classifier
from ecgcli.prediction.recordings import Classified
from ecgcli.recordings import NO_OPTIONS, ReadOptions
from ecgcli.view.building import describe_model, view_classified, write_page
from ecgcli.view.rendering import render_index

#: The list of the pages; no recording's page can have its name.
INDEX = "index.html"


@dataclass(frozen=True)
class PageFolder:
    """Where the pages of several recordings go, and how the recordings are read."""

    folder: Path
    options: ReadOptions = NO_OPTIONS

    def page_of(self, recording: Path) -> Path:
        """The page of a recording.

        Raises:
            OutputError: it would have the name of the list.
        """
        page = self.folder / f"{recording.stem}.html"
        if page.name == INDEX:
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
            summary | {"link": quote(self.page_of(Path(summary["path"])).name)}
            for summary in summaries
        ]
        target = self.folder / INDEX
        write_text(target, render_index(rows))
        return target
