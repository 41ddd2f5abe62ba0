"""The annotations of the Long-Term AF Database, to fit a model of atrial fibrillation on."""

from __future__ import annotations

from pathlib import Path

from ecgcli.progress import Progress
from ecgcli.recordings.databases import LTAFDB
from ecgcli.sources import register
from ecgcli.sources.physionet import obtain_records


@register("ltafdb", "Long-Term AF Database: beats and rhythms of 84 days, without signals")
def download(out: Path, origin: str | None, progress: Progress) -> list[Path]:
    """The folder with the verified records, all or some; see `obtain_records`."""
    return [obtain_records(LTAFDB, out, origin, progress, partial=True)]
