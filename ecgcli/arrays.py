"""What the arrays hold that are passed from module to module; shapes are said where they are."""

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
#: What is computed of beats, ``(beats, features)``.
Features = NDArray[np.float32]
#: Indices into a set of classes, ``(beats,)``.
Labels = NDArray[np.int64]
#: Of each class, ``(beats, classes)``.
Probabilities = NDArray[np.float32]
#: What a model is stored as: arrays by name.
Tensors = dict[str, NDArray[Any]]
