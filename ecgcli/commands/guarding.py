"""What a command reads, found from its parameters, so that it cannot overwrite it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import Any

from ecgcli.errors import ConfigError, EcgError
from ecgcli.guard import Guard, guard_of, guarding, require_replaceable
from ecgcli.inputs import is_parquet

#: The parameters that name what is written; every other path is read. ``arguments`` is the run
#: that ecg train continues.
_OUTPUTS = ("out", "png", "means", "report", "arguments")

#: Those that are pictures.
_PICTURES = ("png", "means")

#: The commands whose ``--out -`` is standard output.
_PRINTING = (
    "cluster", "copy", "decompose", "features", "forecast",
    "predict", "prepare", "resample", "view",
)  # fmt: skip


def require_names(command: str, params: Mapping[str, Any]) -> None:
    """Refuse ``-`` as the name of an output that is not printed: it would be a file or folder.

    Raises:
        ConfigError: an output of the command has this name.
    """
    for name in _OUTPUTS:
        printed = name == "out" and command in _PRINTING
        if str(params.get(name)) == "-" and not printed:
            raise ConfigError(f"--{name} -: this is not printed; name a file or folder")


def guard_for(params: Mapping[str, Any]) -> Guard:
    """The guard of a command with these parameters.

    Raises:
        ConfigError: two outputs are one file, or a picture has the ending of another format.
        OutputError: an output is a file that must stay.
    """
    outputs = [
        Path("/dev/stdout" if str(value) == "-" else value)
        for name, value in params.items()
        if name in _OUTPUTS and isinstance(value, (str, Path))
    ]
    if not outputs:
        return Guard()
    guard = guard_of(_inputs(params), replace=bool(params.get("replace")))
    with guarding(guard):
        for target in outputs:
            require_replaceable(target)
    for first, second in combinations(outputs, 2):
        if first.resolve() == second.resolve():
            raise ConfigError(f"{second}: two outputs have this name; choose another for one")
    for name in _PICTURES:
        picture = params.get(name)
        if isinstance(picture, Path) and picture.suffix.lower() not in ("", ".png"):
            raise ConfigError(f"--{name} {picture}: found the ending {picture.suffix}; valid: .png")
    return guard


def _inputs(params: Mapping[str, Any]) -> Iterator[Path]:
    """Every file that the parameters lead to, except through the names of outputs."""
    from ecgcli.checkpoints.runs import files_of_run

    annotations = str(params.get("annotations", "auto"))
    for name, value in params.items():
        if name == "model" and value is None:  # the newest run
            for run in Path("runs").glob("*/"):
                yield from files_of_run(run)
        elif name not in (*_OUTPUTS, "annotations"):
            for place in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(place, (str, Path)) and str(place):
                    yield from _files_at(Path(place), annotations)


def _files_at(place: Path, annotations: str) -> Iterator[Path]:
    """A file with its sidecars and annotations, or the recordings and the run of a folder."""
    from ecgcli.beats import context_path, info_path
    from ecgcli.checkpoints.runs import FILES, files_of_run
    from ecgcli.recordings.identity import files_of

    with suppress(EcgError, OSError, ValueError):  # the command itself reports what is wrong
        yield from files_of_run(place.parent if place.name in FILES else place)
        for path in _recordings_at(place):
            yield from (path, info_path(path), context_path(path))
            yield from files_of(path, annotations)


def _recordings_at(place: Path) -> list[Path]:
    """A file, or the recordings in a folder, of a pattern or of a list, with the list."""
    from ecgcli.recordings.search import find_recordings, is_list

    if is_parquet(place):
        return sorted(place.iterdir()) if place.is_dir() else [place]
    if is_list(str(place)):
        return [Path(str(place).removeprefix("@")), *find_recordings([str(place)]).paths]
    if not place.is_dir() and not any(mark in str(place) for mark in "*?["):
        return [place]
    return find_recordings([str(place)]).paths
