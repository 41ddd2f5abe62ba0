"""All leads of a recording that can be drawn together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ecgcli.errors import DataError
from ecgcli.recordings import ReadOptions, Recording, choose_lead, read_recording


def read_leads(path: Path, options: ReadOptions) -> tuple[tuple[Recording, ...], tuple[str, ...]]:
    """The leads of a recording, and notes on signals that are left out.

    The first lead is the one that ``options`` name, which is also the one that is classified.
    Signals that are no ECG (their unit is none of voltage), or have another sampling rate, are
    left out.

    Raises:
        DataError: the recording cannot be read.
    """
    first = read_recording(path, options)
    leads, notes = [first], []
    chosen = choose_lead(first.leads, options.lead, path) if first.leads else 0
    for number, name in enumerate(first.leads):
        if number == chosen:
            continue
        try:
            lead = read_recording(path, replace(options, lead=number, annotations="none"))
        except DataError:
            notes.append(f"signal {name} is not shown: it cannot be read as an ECG in mV")
            continue
        if (lead.sampling_rate, len(lead.signal)) == (first.sampling_rate, len(first.signal)):
            leads.append(lead)
        else:
            notes.append(
                f"signal {name} is not shown: it has {lead.sampling_rate:g} Hz, "
                f"and {first.lead} has {first.sampling_rate:g} Hz"
            )
    return tuple(leads), tuple(notes)
