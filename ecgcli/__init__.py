"""ecg: train, evaluate and run ECG arrhythmia classifiers.

>>> import ecgcli
>>> classifier = ecgcli.load("runs/cnn")
>>> classifier.predict("beats.csv")

Importing the package loads neither torch nor pandas; its names are loaded when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecgcli.prediction import Classifier, load

__version__ = "0.1.0"
__all__ = ["Classifier", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """`Classifier` and `load`, from `ecgcli.prediction`."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("ecgcli.prediction"), name)
