"""The noise records of the MIT-BIH Noise Stress Test Database."""

from __future__ import annotations

from pathlib import Path

from ecgcli.progress import Progress
from ecgcli.recordings.databases import NSTDB
from ecgcli.sources import register
from ecgcli.sources.physionet import obtain_records


@register("nstdb", "noise for stress tests: records bw, em and ma from PhysioNet")
def download(out: Path, origin: str | None, progress: Progress) -> list[Path]:
    """The folder with the verified records, all or some; see `obtain_records`."""
    return [obtain_records(NSTDB, out, origin, progress, partial=True)]
