"""Types of the arrays that are passed between modules, with their shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Real numbers of any precision.
Floats = NDArray[np.floating[Any]]
#: One lead, ``(samples,)``, in mV.
Signal = NDArray[np.float64]
#: Beats, ``(beats, 187)``, in 0..1.
Samples = NDArray[np.float32]
#: Features of beats, ``(beats, features)``.
Features = NDArray[np.float32]
#: Indices into a set of classes, ``(beats,)``.
Labels = NDArray[np.int64]
#: Probabilities of each class, ``(beats, classes)``.
Probabilities = NDArray[np.float32]
#: The stored form of a model: arrays by name.
Tensors = dict[str, NDArray[Any]]
