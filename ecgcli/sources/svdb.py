"""The MIT-BIH Supraventricular Arrhythmia Database: records to prepare beats from."""

from __future__ import annotations

from pathlib import Path

from ecgcli.progress import Progress
from ecgcli.recordings.databases import SVDB
from ecgcli.sources import register
from ecgcli.sources.physionet import obtain_records


@register("svdb", "MIT-BIH Supraventricular Arrhythmia Database: 78 records from PhysioNet")
def download(out: Path, origin: str | None, progress: Progress) -> list[Path]:
    """The folder with the verified records, all or some; see `obtain_records`."""
    return [obtain_records(SVDB, out, origin, progress, partial=True)]
