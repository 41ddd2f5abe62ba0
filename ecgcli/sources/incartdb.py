"""The St Petersburg INCART 12-lead Arrhythmia Database: records to prepare beats from."""

from __future__ import annotations

from pathlib import Path

from ecgcli.progress import Progress
from ecgcli.recordings.databases import INCARTDB
from ecgcli.sources import register
from ecgcli.sources.physionet import obtain_records


@register("incartdb", "St Petersburg INCART database: 75 records of 12 leads from PhysioNet")
def download(out: Path, origin: str | None, progress: Progress) -> list[Path]:
    """The folder with the verified records, all or some; see `obtain_records`.

    They are verified against the list of checksums that PhysioNet publishes beside them, which
    is fetched first: no list is bundled.
    """
    return [obtain_records(INCARTDB, out, origin, progress, partial=True)]
