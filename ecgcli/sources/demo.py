"""Synthetic beats from a published dynamical model: a source that needs no network."""

from __future__ import annotations

from pathlib import Path

from ecgcli.errors import ConfigError
from ecgcli.progress import Progress
from ecgcli.sources import register

SEED = 0
PATIENTS = 40
TEST_PATIENTS = 8


@register("demo", "synthetic beats from a published model; needs no network", config="demo")
def download(out: Path, origin: str | None, progress: Progress) -> list[Path]:
    """Simulate 40 patients; 8 of them are the test set.

    Raises:
        ConfigError: an ``origin`` is given; synthetic beats are not fetched.
    """
    if origin is not None:
        raise ConfigError("demo beats are computed, not fetched; leave --from out")
    from ecgcli.beats import concatenate, write_beats
    from ecgcli.beats.segmentation import cut_beats
    from ecgcli.sources.synthetic import simulate

    beats = []
    for done in range(1, PATIENTS + 1):
        beats.append(cut_beats(simulate(done, SEED)))
        progress.update("simulating", done, PATIENTS)
    halves = {"train": beats[TEST_PATIENTS:], "test": beats[:TEST_PATIENTS]}
    written = []
    for name, parts in halves.items():
        path = out / f"synthetic_{name}.csv"
        write_beats(path, concatenate(parts))
        written.append(path)
    return written
