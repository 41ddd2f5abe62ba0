"""Facts about the MIT-BIH Arrhythmia Database that its files do not state."""

from __future__ import annotations

#: The inter-patient split of de Chazal, O'Dwyer, Reilly (IEEE Trans Biomed Eng 51:1196-1206, 2004).
DS1 = (
    "101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122",
    "124", "201", "203", "205", "207", "208", "209", "215", "220", "223", "230",
)  # fmt: skip
DS2 = (
    "100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210",
    "212", "213", "214", "219", "221", "222", "228", "231", "232", "233", "234",
)  # fmt: skip
#: Paced records, which both the standard and that split leave out.
PACED = ("102", "104", "107", "217")

#: The 48 records, ascending.
RECORDS = tuple(sorted((*DS1, *DS2, *PACED)))

#: Records 201 and 202 are of one person: a split by patient keeps them together.
_SAME_PATIENT = {"202": "201"}


def patient_of(record: str) -> str:
    """The patient of a record of this database, named by the first record of that person."""
    return _SAME_PATIENT.get(record, record)


#: DS1 without 201, whose patient is the one of 202: DS2 stays as published.
DS1_ALONE = tuple(
    record for record in DS1 if patient_of(record) not in {patient_of(tested) for tested in DS2}
)
