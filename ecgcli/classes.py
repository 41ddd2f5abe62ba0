"""Beat classes: which there are, in which order, and which annotation symbol means which.

The order is the only one in the project: label 0 is N, 1 is S, 2 is V, 3 is F, 4 is Q.
The grouping of annotation symbols is that of ANSI/AAMI EC57 as the public
heartbeat files apply it (paced beats are Q; ``!``, ``[`` and ``]`` are no beats).
"""

from __future__ import annotations

from typing import Literal

ClassSet = Literal["aami", "ptb"]

#: The classes of each kind of beats file; a label is an index into its tuple.
CLASS_SETS: dict[ClassSet, tuple[str, ...]] = {
    "aami": ("N", "S", "V", "F", "Q"),
    "ptb": ("normal", "abnormal"),
}
AAMI_CLASSES = CLASS_SETS["aami"]

#: Stands for the class of a beat that the model was too unsure of to call; it is also the
#: annotation symbol of WFDB that comes nearest (LEARN, code 30) and marks no beat class.
ABSTAINED = "?"

_SYMBOLS = {"N": "NLRej", "S": "AaJS", "V": "VE", "F": "F", "Q": "/fQ"}

#: WFDB annotation symbol -> label. A symbol that is not here marks no beat.
LABEL_OF_SYMBOL: dict[str, int] = {
    symbol: AAMI_CLASSES.index(name) for name, symbols in _SYMBOLS.items() for symbol in symbols
}


def classes_named(name: ClassSet | None) -> tuple[str, ...] | None:
    """The classes of the set called ``name``; None where none is named."""
    return None if name is None else CLASS_SETS[name]
