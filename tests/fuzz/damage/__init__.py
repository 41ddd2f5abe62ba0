"""Ways to damage a file: each takes its bytes and a random generator, and gives other bytes."""

from __future__ import annotations

from tests.fuzz.damage.anything import ANY, Damage
from tests.fuzz.damage.checkpoints import CHECKPOINT, FORGED
from tests.fuzz.damage.documents import JSON, YAML
from tests.fuzz.damage.formats import ANNOTATIONS, EDF, GZIP, ISHNE, NPY
from tests.fuzz.damage.text import TEXT

#: The ways to damage each kind of file.
DAMAGES: dict[str, dict[str, Damage]] = {
    "table": TEXT | ANY,
    "json": JSON | TEXT | ANY,
    "yaml": YAML | TEXT | ANY,
    "npy": NPY | ANY,
    "edf": EDF | ANY,
    "ishne": ISHNE | ANY,
    "binary": ANY,
    "annotations": ANNOTATIONS | ANY,
    "checkpoint": CHECKPOINT | ANY,
    "forged": FORGED,
    "gzip": GZIP | ANY,
}
