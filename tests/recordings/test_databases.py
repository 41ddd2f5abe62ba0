"""Who the records of known databases are from."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgcli.beats.preparation import patients_of
from ecgcli.recordings.databases import DATABASES


def test_no_two_databases_have_a_record_of_one_name() -> None:
    names = [record for database in DATABASES for record in database.records]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("names", "patients"),
    [
        (["201", "202", "860", "869", "870"], ["201", "201", "86x", "86x", "87x"]),
        (["I09", "I10", "I19"], ["I0x", "I1x", "I1x"]),
        (["202", "mine"], ["202", "mine"]),  # 202 may be the user's own then
        (["860", "I01.edf"], ["86x", "I0x"]),
    ],
)
def test_patients_of_folders_that_mix_databases(names: list[str], patients: list[str]) -> None:
    assert list(patients_of([Path(name) for name in names]).values()) == patients
