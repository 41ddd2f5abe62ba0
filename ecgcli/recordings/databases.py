"""The supported databases of PhysioNet: their records, and the patient of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ecgcli.recordings import mitbih

ODC_BY = "Open Data Commons Attribution License 1.0 (ODC-By 1.0)"
_PHYSIONET = (
    "Goldberger AL et al. PhysioBank, PhysioToolkit, and PhysioNet. "
    "Circulation 101(23):e215-e220, 2000."
)


def _itself(record: str) -> str:
    """Each record is a patient of its own."""
    return record


def _neighbours(record: str) -> str:
    """The ten neighbouring numbers that a record belongs to: ``86x`` for 860 to 869.

    Which records are of one person is not published in the files. Records of one person
    have neighbouring numbers, so ten of them count as one patient wherever patients are kept
    together; a person whose records lie on both sides of a boundary is still split.
    """
    return f"{record[:-1]}x"


@dataclass(frozen=True)
class Database:
    """A database as PhysioNet publishes it.

    Attributes:
        name: PhysioNet's short name, also the name of the folder with its records.
        title: its full name.
        version: the version that is fetched.
        records: their names, ascending.
        endings: of each record's files, without the dot.
        citation: the reference to cite.
        licence: of the records.
        patient_of: the patient of a record; equal for records to be kept together.
    """

    name: str
    title: str
    version: str
    records: tuple[str, ...]
    citation: str
    endings: tuple[str, ...] = ("atr", "dat", "hea")
    licence: str = ODC_BY
    patient_of: Callable[[str], str] = _itself

    @property
    def url(self) -> str:
        """Where PhysioNet has its files."""
        return f"https://physionet.org/files/{self.name}/{self.version}/"

    def files_of(self, record: str) -> list[str]:
        """The names of a record's files."""
        return [f"{record}.{ending}" for ending in self.endings]


MITDB = Database(
    "mitdb",
    "MIT-BIH Arrhythmia Database",
    "1.0.0",
    mitbih.RECORDS,
    "Moody GB, Mark RG. The impact of the MIT-BIH Arrhythmia Database. IEEE Eng in Med and Biol "
    f"20(3):45-50, 2001. {_PHYSIONET}",
    patient_of=mitbih.patient_of,
)
SVDB = Database(
    "svdb",
    "MIT-BIH Supraventricular Arrhythmia Database",
    "1.0.0",
    tuple(str(n) for n in (*range(800, 813), *range(820, 830), *range(840, 895))),
    "Greenwald SD. Improved detection and classification of arrhythmias in noise-corrupted "
    "electrocardiograms using contextual information. PhD thesis, Harvard-MIT Division of Health "
    f"Sciences and Technology, 1990. {_PHYSIONET}",
    patient_of=_neighbours,
)
NSTDB = Database(
    "nstdb",
    "MIT-BIH Noise Stress Test Database",
    "1.0.0",
    ("bw", "em", "ma"),
    "Moody GB, Muldrow WE, Mark RG. A noise stress test for arrhythmia detectors. Computers in "
    f"Cardiology 11:381-384, 1984. {_PHYSIONET}",
    endings=("dat", "hea"),
)
INCARTDB = Database(
    "incartdb",
    "St Petersburg INCART 12-lead Arrhythmia Database",
    "1.0.0",
    tuple(f"I{n:02d}" for n in range(1, 76)),
    f"Tihonenko V et al. St Petersburg INCART 12-lead Arrhythmia Database. {_PHYSIONET}",
    patient_of=_neighbours,
)
#: Only its annotations are fetched. It is not one of `DATABASES`, since some of its records have
#: the names of other people's in MITDB.
LTAFDB = Database(
    "ltafdb",
    "Long-Term AF Database",
    "1.0.0",
    tuple(
        f"{number:02d}"
        for number in (
            *(0, 1, 3, *range(5, 9), *range(10, 14), *range(15, 27), 28, 30, *range(32, 36)),
            *(37, 38, 39, *range(42, 46), 47, 48, 49, 51, *range(53, 57), 58, 60, 62, 64, 65),
            *(*range(68, 73), 74, 75, *range(100, 106), *range(110, 123), *range(200, 209)),
        )
    ),
    "Petrutiu S, Sahakian AV, Swiryn S. Abrupt changes in fibrillatory wave characteristics at the "
    "termination of paroxysmal atrial fibrillation in humans. Europace 9:466-470, 2007. "
    f"{_PHYSIONET}",
    endings=("atr", "hea"),
)

DATABASES = (MITDB, SVDB, NSTDB, INCARTDB)

_OF_RECORD = {record: database for database in DATABASES for record in database.records}


def database_of(record: str) -> Database | None:
    """The database that has a record of this name, if one of `DATABASES` does."""
    return _OF_RECORD.get(record)
