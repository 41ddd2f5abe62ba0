"""Folders of annotated recordings as training beats, and their altered copies."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ecgcli.beats import Beats, concatenate
from ecgcli.beats.context import with_context
from ecgcli.beats.preparation import patients_of
from ecgcli.beats.segmentation import cut_beats
from ecgcli.choices import Copy
from ecgcli.cores import thread_count
from ecgcli.errors import DataError, did_you_mean
from ecgcli.parallel import in_order
from ecgcli.recordings import ReadOptions, Recording, read_recording
from ecgcli.recordings.databases import database_of
from ecgcli.recordings.mitbih import DS1_ALONE, DS2
from ecgcli.recordings.quality import unusable
from ecgcli.recordings.search import distinct_names, find_recordings
from ecgcli.training.copies import copies_of


def read_training_recordings(
    folders: Sequence[Path],
    records: str | Sequence[str],
    copies: Sequence[Copy],
    seed: int,
    annotations: str = "auto",
) -> Beats:
    """The labelled beats, with context, of recordings in folders, then those of their copies.

    Args:
        folders: searched with all their subfolders.
        records: ``all``, or names; ``ds1`` (without 201) and ``ds2`` choose among the records
            of the MIT-BIH Arrhythmia Database and keep those of other databases.
        copies: the kinds to make; see `ecgcli.training.copies`.
        seed: of the copies.
        annotations: where their labels are from; see `ReadOptions`.

    Raises:
        DataError: a recording is missing, cannot be read, or has no annotations.
    """
    paths = find_recordings([str(folder) for folder in folders]).paths
    paths = choose_recordings(paths, records, folders)
    beats_of = partial(
        _beats_of,
        options=ReadOptions(annotations=annotations),
        names=distinct_names(paths),
        patients=patients_of(paths),
        copies=tuple(copies),
        seed=seed,
    )
    parts = list(in_order(beats_of, paths, min(len(paths), thread_count())))
    return concatenate([part[0] for part in parts] + [copy for part in parts for copy in part[1:]])


def choose_recordings(
    paths: list[Path], records: str | Sequence[str], folders: Sequence[Path]
) -> list[Path]:
    """The recordings to train on; ``records`` as in `read_training_recordings`.

    Raises:
        DataError: a recording is missing.
    """
    if records == "all":
        return paths
    sets = {"ds1": DS1_ALONE, "ds2": DS2}
    names = sets[records] if isinstance(records, str) else list(records)
    shared = distinct_names(paths)
    path_of = {shared.get(path, path.stem): path for path in paths}
    missing = [name for name in names if name not in path_of]
    if missing:
        places = ", ".join(str(folder) for folder in folders)
        hint = did_you_mean(missing[0], path_of)
        raise DataError(f"there is no recording {missing[0]}{hint}", file=places)
    others = [path for path in paths if isinstance(records, str) and not _is_of_mitdb(path)]
    return [*(path_of[name] for name in names), *others]


def _is_of_mitdb(path: Path) -> bool:
    database = database_of(path.stem)
    return database is not None and database.name == "mitdb"


def _beats_of(
    path: Path,
    options: ReadOptions,
    names: dict[Path, str],
    patients: dict[Path, str],
    copies: tuple[Copy, ...],
    seed: int,
) -> list[Beats]:
    recording = read_recording(path, options, patients[path], names.get(path, ""))
    if not recording.annotated:
        raise DataError("this recording has no annotations to train on", file=path)
    return [_cut(version) for version in (recording, *copies_of(recording, copies, seed))]


def _cut(recording: Recording) -> Beats:
    stretches = unusable(recording.signal, recording.sampling_rate)
    return with_context(recording, cut_beats(recording, skip=stretches))
