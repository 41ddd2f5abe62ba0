"""The public two-class PTB files: normal or abnormal (myocardial infarction)."""

from __future__ import annotations

from pathlib import Path

from ecgcli.classes import CLASS_SETS
from ecgcli.progress import Progress
from ecgcli.sources import register
from ecgcli.sources.kaggle import obtain

TEST_FRACTION = 0.2
SPLIT_SEED = 0


@register(
    "ptbdb",
    "the public two-class PTB files from Kaggle: normal, abnormal",
    config="ptb",
)
def download(out: Path, origin: str | None, progress: Progress) -> list[Path]:
    """Join the two public files and write ``ptbdb_train.csv`` and ``ptbdb_test.csv``.

    The public files have no test set: a fifth of each class is held out at
    random. They do not name patients, so beats of one patient are on both sides.
    """
    from ecgcli.beats import concatenate, read_labelled, write_beats
    from ecgcli.beats.splits import stratified

    names = ["ptbdb_normal.csv", "ptbdb_abnormal.csv"]
    folder = obtain(names, out, origin, progress)
    beats = concatenate([read_labelled(folder / name, CLASS_SETS["ptb"]) for name in names])
    split = stratified(beats.known_labels, TEST_FRACTION, SPLIT_SEED)
    written = []
    for done, (name, rows) in enumerate((("train", split.kept), ("test", split.held_out)), 1):
        path = out / f"ptbdb_{name}.csv"
        write_beats(path, beats.take(rows))
        written.append(path)
        progress.update("writing", done, 2)
    return written
