"""Beat classes: their names and order, and the annotation symbols of each.

The order is the only one in the project: label 0 is N, 1 is S, 2 is V, 3 is F, 4 is Q.
The grouping of annotation symbols is that of ANSI/AAMI EC57 as the public
heartbeat files apply it (paced beats are Q; ``!``, ``[`` and ``]`` are not beats).
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

#: What the name of each class means.
CLASS_MEANINGS = {
    "N": "normal, bundle branch block or escape beat",
    "S": "supraventricular ectopic beat",
    "V": "ventricular ectopic beat",
    "F": "fusion of a ventricular and a normal beat",
    "Q": "paced or unclassifiable beat",
    "normal": "beat of a person without heart disease",
    "abnormal": "beat of a person after a heart attack",
}

#: Stands for the class of a beat whose probability was too low to classify it; it is also the
#: closest annotation symbol of WFDB (LEARN, code 30), which belongs to no beat class.
ABSTAINED = "?"

_SYMBOLS = {"N": "NLRej", "S": "AaJS", "V": "VE", "F": "F", "Q": "/fQ"}

#: WFDB annotation symbol -> label. A symbol that is missing here does not mark a beat.
LABEL_OF_SYMBOL: dict[str, int] = {
    symbol: AAMI_CLASSES.index(name) for name, symbols in _SYMBOLS.items() for symbol in symbols
}


def classes_named(name: ClassSet | None) -> tuple[str, ...] | None:
    """The classes of the set ``name``; None if no set is named."""
    return None if name is None else CLASS_SETS[name]
