"""All leads of a recording that can be read together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ecgcli.errors import DataError
from ecgcli.recordings import ALL_LEADS, ReadOptions, Recording, choose_lead, read_recording
from ecgcli.recordings.peaks import with_beats_of
from ecgcli.recordings.quality import without_ecg

#: A lead with less ECG than this share of the time is not the one that beats are found in.
_LEAST_ECG = 0.5

Leads = tuple[Recording, ...]


def read_chosen_leads(
    path: Path, options: ReadOptions, patient: str = "", name: str = ""
) -> tuple[Leads, tuple[str, ...]]:
    """The leads that ``options`` choose for classification: one, or all; see `read_leads`.

    Raises:
        DataError: the recording cannot be read.
    """
    if options.lead == ALL_LEADS:
        return read_leads(path, options, patient, name)
    return (read_recording(path, options, patient, name),), ()


def read_leads(
    path: Path, options: ReadOptions, patient: str = "", name: str = ""
) -> tuple[Leads, tuple[str, ...]]:
    """The leads of a recording, and notes on signals that are left out.

    The first lead is the one that ``options`` name, and has the annotations. With `ALL_LEADS` it
    is the preferred one, or, where that has no ECG for most of the time, the one with the most.
    Signals that are no ECG (their unit is none of voltage), or have another sampling rate, are
    left out.

    Args:
        path: of the recording.
        options: how it is read.
        patient: see `read_recording`.
        name: see `read_recording`.

    Raises:
        DataError: the recording cannot be read.
    """
    first = read_recording(path, options, patient, name)
    leads, notes = [first], []
    chosen = choose_lead(first.leads, options.lead, path) if first.leads else 0
    for number, signal in enumerate(first.leads):
        if number == chosen:
            continue
        alone = replace(options, lead=number, annotations="none")
        try:
            lead = read_recording(path, alone, patient, name)
        except DataError:
            notes.append(f"signal {signal} is left out: it cannot be read as an ECG in mV")
            continue
        if (lead.sampling_rate, len(lead.signal)) == (first.sampling_rate, len(first.signal)):
            leads.append(lead)
        else:
            notes.append(
                f"signal {signal} is left out: it has {lead.sampling_rate:g} Hz, "
                f"and {first.lead} has {first.sampling_rate:g} Hz"
            )
    if options.lead == ALL_LEADS:
        leads, more = _with_ecg_first(leads)
        notes += more
    return tuple(leads), tuple(notes)


def _with_ecg_first(leads: Sequence[Recording]) -> tuple[list[Recording], list[str]]:
    """The leads, and a note if another than the preferred one has to be the first."""
    first = leads[0]
    missing = without_ecg(first.signal, first.sampling_rate)
    if missing <= 1 - _LEAST_ECG:
        return list(leads), []
    best = min(leads, key=lambda lead: without_ecg(lead.signal, lead.sampling_rate))
    if best is first:
        return list(leads), []
    lead = replace(with_beats_of(best, first), rhythms=first.rhythms)
    note = f"{first.lead} has no ECG for {missing:.0%} of the time; beats are those of {lead.lead}"
    return [lead, *(other for other in leads if other is not best)], [note]
