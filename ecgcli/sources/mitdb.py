"""The MIT-BIH Arrhythmia Database, cut into the beats of the public heartbeat files."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from ecgcli.classes import AAMI_CLASSES
from ecgcli.files import write_json
from ecgcli.progress import Progress
from ecgcli.recordings.databases import MITDB
from ecgcli.sources import register
from ecgcli.sources.physionet import obtain_records

#: Beats of each class in the public test file; the rest are its training file.
PUBLIC_TEST_COUNTS = {"N": 18118, "S": 556, "V": 1448, "F": 162, "Q": 1608}

#: The split of the public files cannot be derived from them;
#: this seed draws a random split of the same sizes.
SPLIT_SEED = 0


@register(
    "mitdb",
    "MIT-BIH Arrhythmia Database: 48 records from PhysioNet, no account needed",
    config="cnn",
)
def download(out: Path, origin: str | None, progress: Progress) -> list[Path]:
    """Fetch the 48 records and write ``mitbih_train.csv`` and ``mitbih_test.csv``.

    Args:
        out: the folder for the CSVs; records fetched from a URL go to ``out/mitdb``.
        origin: a mirror's URL, or a folder that holds the records and is read in
            place; PhysioNet when None.
        progress: called with the progress.

    Raises:
        DownloadError: a record cannot be fetched, or is not the published one.
    """
    folder = obtain_records(MITDB, out, origin, progress)
    if folder != out / MITDB.name:
        place = quote(str(folder))
        progress.message(f"the records stay in {folder}; prepare them there: ecg prepare {place}")
    return write_public_files(folder, out, progress)


def write_public_files(folder: Path, out: Path, progress: Progress) -> list[Path]:
    """Cut the records in ``folder`` into the two public CSVs, with sidecars and a manifest."""
    from ecgcli.beats import concatenate, write_beats
    from ecgcli.beats.context import with_context
    from ecgcli.beats.reader import SAMPLING_RATE
    from ecgcli.beats.segmentation import RECIPE, cut_beats
    from ecgcli.beats.splits import split_by_class
    from ecgcli.recordings import ReadOptions, read_recording

    parts = []
    first_lead = ReadOptions(lead=0, annotations="atr")
    for done, name in enumerate(MITDB.records, 1):
        recording = read_recording(folder / f"{name}.hea", first_lead, MITDB.patient_of(name))
        parts.append(with_context(recording, cut_beats(recording)))
        progress.update("cutting beats", done, len(MITDB.records))
    beats = concatenate(parts)
    held_out = {AAMI_CLASSES.index(name): n for name, n in PUBLIC_TEST_COUNTS.items()}
    split = split_by_class(beats.known_labels, held_out, SPLIT_SEED)
    written = {}
    for done, (name, rows) in enumerate((("train", split.kept), ("test", split.held_out)), 1):
        half, path = beats.take(rows), out / f"mitbih_{name}.csv"
        write_beats(path, half)
        written[path] = {
            "beats": len(half),
            "classes": half.counts(),
            "fingerprint": half.fingerprint(),
        }
        progress.update("writing", done, 2)
    write_json(
        out / "mitbih.json",
        {
            "source": f"{MITDB.title} {MITDB.version}",
            "recipe": RECIPE,
            "sampling_rate_hz": SAMPLING_RATE,
            "split": "random within each class, in the sizes of the public files; "
            "beats of every patient are on both sides",
            "split_seed": SPLIT_SEED,
            "files": {path.name: facts for path, facts in written.items()},
            "licence": MITDB.licence,
            "citation": MITDB.citation,
        },
    )
    return list(written)
