"""What the shell completes: names of configs, models, weights and runs; other words are files."""

from __future__ import annotations

from pathlib import Path


def config_names() -> list[str]:
    """The configs that come with ecg."""
    from ecgcli.training.experiments import list_experiments

    return [experiment.name for experiment in list_experiments()]


def detector_names() -> list[str]:
    """The detectors of R peaks."""
    from ecgcli.recordings.detectors import list_detectors

    return list_detectors()


def source_names() -> list[str]:
    """The sources of data."""
    from ecgcli.sources import list_sources

    return [source.name for source in list_sources()]


def runs() -> list[str]:
    """The runs in this folder that have a trained model."""
    from ecgcli.checkpoints.runs import BEST

    return _runs_with(BEST)


def anomaly_runs() -> list[str]:
    """The runs in this folder that have an anomaly model."""
    from ecgcli.checkpoints.runs import ANOMALY

    return _runs_with(ANOMALY)


def runs_or_weights() -> list[str]:
    """The runs in this folder, and the pretrained weights."""
    from ecgcli.weights import BUNDLED

    return [*runs(), *BUNDLED]


def models_or_runs() -> list[str]:
    """The models in the bundled comparison, the pretrained weights, and the runs."""
    from ecgcli.checkpoints.catalogue import compared_models

    return [*compared_models(), *runs_or_weights()]


def _runs_with(file: str) -> list[str]:
    return sorted(str(path.parent) for path in Path("runs").glob(f"*/{file}"))
