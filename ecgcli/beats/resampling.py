"""Class rebalancing: dropping beats of the classes that have too many. Training data only."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgcli.beats import read_labelled, write_beats
from ecgcli.errors import ConfigError, DataError, did_you_mean
from ecgcli.files import is_stream, write_json
from ecgcli.wording import counted


def target_counts(
    counts: dict[str, int],
    *,
    majority: int | None = None,
    ratio: float | None = None,
    per_class: dict[str, int] | None = None,
) -> dict[str, int]:
    """How many beats of each class to keep; exactly one of the rules is given.

    Args:
        counts: beats there are of each class.
        majority: keep at most this many of the largest class.
        ratio: keep at most this many times the second largest class of the largest.
        per_class: keep exactly this number of each named class, and all beats of the others.

    Raises:
        ConfigError: no rule or several, an unknown class, or more beats than the class has.
    """
    if sum(rule is not None for rule in (majority, ratio, per_class)) != 1:
        raise ConfigError("resampling takes exactly one of majority, ratio and per_class")
    if ratio is not None and not 0 < ratio < math.inf:
        raise ConfigError(f"ratio: found {ratio:g}, expected a number above 0")
    targets = dict(counts)
    if per_class is not None:
        for name, number in per_class.items():
            if name not in counts:
                raise ConfigError(f"there is no class {name}{did_you_mean(name, counts)}")
            if number < 0:
                raise ConfigError(f"class {name}: found {number}, expected 0 or more beats")
            if number > counts[name]:
                raise ConfigError(
                    f"class {name} has {counted(counts[name], 'beat')} and {number:,} were "
                    "asked for; resampling drops beats, it makes none"
                )
            targets[name] = number
        return targets
    largest, *others = sorted(counts, key=lambda name: -counts[name])
    limit = majority if majority is not None else (ratio or 0) * counts[others[0]]
    targets[largest] = round(min(counts[largest], limit))
    return targets


def resample(
    labels: NDArray[np.int64], targets: dict[str, int], classes: tuple[str, ...], seed: int
) -> NDArray[np.intp]:
    """Rows to keep, ascending: of each class a random draw of its target, without replacement."""
    random = np.random.default_rng(seed)
    kept = [
        random.permutation(np.flatnonzero(labels == label))[: targets[name]]
        for label, name in enumerate(classes)
    ]
    return np.sort(np.concatenate(kept))


def resample_file(
    source: Path,
    target: Path,
    *,
    seed: int = 0,
    force: bool = False,
    classes: tuple[str, ...] | None = None,
    **rule: Any,
) -> dict[str, Any]:
    """Resample a training CSV into ``target`` with its sidecar, and return the manifest.

    The manifest, written as ``TARGET.resample.json``, records what was dropped:
    counts before and after, the seed, and the dropped rows of the source. ``classes`` are
    those the labels mean; None where the file says so itself.

    Raises:
        DataError: ``source`` looks like a test file and ``force`` is not set.
    """
    if looks_like_test_file(source) and not force:
        raise DataError(
            "this looks like a test file, and a resampled test set flatters every score "
            "measured on it; resample training data, or insist with --force",
            file=source,
        )
    if source.resolve() == target.resolve():
        raise DataError("the output would replace the input; name another file", file=target)
    beats = read_labelled(source, classes)
    before = beats.counts()
    kept = resample(beats.known_labels, target_counts(before, **rule), beats.classes, seed)
    result = beats.take(kept)
    manifest = {
        "source": str(source),
        "source_fingerprint": beats.fingerprint(),
        "rule": {name: value for name, value in rule.items() if value is not None},
        "seed": seed,
        "before": before,
        "after": result.counts(),
        "dropped_rows": np.setdiff1d(np.arange(len(beats)), kept).tolist(),
        "test_file_forced": looks_like_test_file(source),
    }
    write_beats(target, result)
    if not is_stream(target):
        write_json(manifest_path(target), manifest)
    return manifest


def manifest_path(resampled: Path | str) -> Path:
    """The manifest of `resample_file`: ``out.csv(.gz)`` -> ``out.resample.json``."""
    path = Path(resampled)
    name = path.name.removesuffix(".gz").removesuffix(".csv").removesuffix(".parquet")
    return path.with_name(name + ".resample.json")


def looks_like_test_file(path: Path) -> bool:
    """Whether the file's name has the word test in it, as in ``mitbih_test.csv``."""
    return "test" in re.split(r"[^a-z]+", path.name.lower())
