"""The experiments that come with ecg: the files of ``configs/``, by name.

A clone has them in its folder ``configs``; the wheel has the same files in the package.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import ecgcli
from ecgcli.errors import ConfigError, did_you_mean, nearest

_PACKAGE = Path(ecgcli.__file__).parent


@dataclass(frozen=True)
class Experiment:
    """A config that comes with ecg.

    Attributes:
        name: its name, which ``--config`` takes.
        path: its file.
    """

    name: str
    path: Path

    @property
    def text(self) -> str:
        """The YAML."""
        return self.path.read_text(encoding="utf-8")

    @property
    def summary(self) -> str:
        """What it trains, in a line: the comment it begins with."""
        return self.text.partition("\n")[0].removeprefix("# ").rstrip(".")


def list_experiments() -> list[Experiment]:
    """Every experiment, by name."""
    folders = (_PACKAGE / "configs", _PACKAGE.parent / "configs")
    folder = next((folder for folder in folders if folder.is_dir()), folders[0])
    files = sorted(folder.glob("*.yaml"), key=lambda path: path.stem)
    return [Experiment(path.stem, path) for path in files]


def get_experiment(name: str) -> Experiment:
    """The experiment named ``name``.

    Raises:
        ConfigError: there is none.
    """
    experiments = {experiment.name: experiment for experiment in list_experiments()}
    if name not in experiments:
        hint = did_you_mean(name, experiments)
        raise ConfigError(f"no config that comes with ecg is called {name}{hint}")
    return experiments[name]


def find_config(place: Path) -> Path:
    """The config file meant by a path, or by the name of an experiment.

    Where there is no ``configs/NAME.yaml``, as outside a clone, it means the experiment NAME.

    Raises:
        ConfigError: there is no such file and no such experiment.
    """
    if place.exists() and not place.is_dir():
        return place
    name = place.stem if place == Path("configs", f"{place.stem}.yaml") else str(place)
    experiments = {experiment.name: experiment.path for experiment in list_experiments()}
    if name in experiments:
        return experiments[name]
    if len(place.parts) == 1 and not place.suffix:
        raise ConfigError(f"there is no config {place}{did_you_mean(name, experiments)}")
    near = nearest(place.stem, experiments)
    hint = f"the config {near} comes with ecg: --config {near}"
    raise ConfigError(
        f"{place}: no such config; {hint if near else 'ecg config lists those that come with ecg'}"
    )
