"""What a run writes about all of its recordings, a row at a time: a list, a table, failures."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as papq

from ecgcli.beats.preparation import Failure
from ecgcli.cells import quoting, to_cell
from ecgcli.files import json_text
from ecgcli.prediction.results import Results
from ecgcli.prediction.shards import Shard, files_of_shards
from ecgcli.recordings.rhythm import ECTOPIC
from ecgcli.schema import SCHEMA

#: The files of a run: the summary of each recording, a table with a row for each, and failures.
SUMMARY, TABLE, FAILURES = "summary.json", "cohort.parquet", "failures.csv"
_NAMES = (SUMMARY, TABLE, FAILURES)
#: Names of files may have bytes that are not UTF-8.
_UTF8: dict[str, Any] = {"encoding": "utf-8", "errors": "backslashreplace"}
#: What a summary says of the run rather than of the recording; the list is equal in every run.
_OF_RUN = ("done_before", "processing_seconds", "damaged", "changed")
#: Rows of the table that are held before they are written.
_ROWS = 1000

_TEXT, _WHOLE, _NUMBER, _FLAG = pa.string(), pa.int64(), pa.float64(), pa.bool_()
#: Columns that have the name and the value of an entry of a summary.
_PLAIN = {
    "recording": _TEXT, "path": _TEXT, "seconds": _NUMBER, "r_peaks": _TEXT, "beats": _WHOLE,
    "unclassified": _WHOLE, "abstained": _WHOLE, "mean_rate": _NUMBER, "lowest_rate": _NUMBER,
    "highest_rate": _NUMBER, "longest_rr": _NUMBER, "longest_rr_at": _NUMBER,
    "longest_rr_may_miss_a_beat": _FLAG, "noise_share": _NUMBER,
}  # fmt: skip
_BURDEN = {
    "beats": _WHOLE, "percent": _NUMBER, "per_hour": _NUMBER, "couplets": _WHOLE, "runs": _WHOLE,
}  # fmt: skip
_OTHER = {
    "longest_run": _WHOLE, "af_burden": _NUMBER, "af_known_seconds": _NUMBER,
    "af_episodes": _WHOLE, "model": _TEXT, "model_sha256": _TEXT, "ecgcli": _TEXT,
    "processing_seconds": _NUMBER,
}  # fmt: skip
_SCHEMA = pa.schema(
    _PLAIN
    | {f"{kind.lower()}_{name}": of for kind in ECTOPIC for name, of in _BURDEN.items()}
    | _OTHER
)


def is_of_shard(name: str) -> bool:
    """Whether a file of this name is a shard's version of one of the files of a run."""
    return any(files_of_shards([name], own) for own in _NAMES)


def row_of(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a recording in the table; burdens of classes that a model lacks are missing."""
    row = {name: summary.get(name) for name in _PLAIN}
    for kind in ECTOPIC:
        burden = summary["burdens"].get(kind, {})
        row |= {f"{kind.lower()}_{name}": burden.get(name) for name in _BURDEN}
    fibrillation, made_with = summary["fibrillation"], summary.get("made_with", {})
    return row | {
        "longest_run": max((run["beats"] for run in summary["runs"]), default=0),
        "af_burden": fibrillation["burden"],
        "af_known_seconds": fibrillation["known_seconds"],
        "af_episodes": fibrillation["episode_count"],
        "model": made_with.get("model"),
        "model_sha256": made_with.get("model_sha256"),
        "ecgcli": made_with.get("ecgcli"),
        "processing_seconds": summary.get("processing_seconds"),
    }


def is_summary(document: Any) -> bool:
    """Whether a document read from a file has all that a row of the table needs."""
    try:
        pa.Table.from_pylist([row_of(document)], _SCHEMA)
        results = document.get("results", {})
        texts = [document["recording"], *results, *results.values()]
        return all(isinstance(t, str) for t in texts) and isinstance(document["beats"], int)
    except (KeyError, TypeError, ValueError, AttributeError, pa.ArrowException):
        return False


class CohortFiles:
    """Takes the result of each recording and keeps none of them."""

    def __init__(
        self, summaries: IO[bytes], table: papq.ParquetWriter, failures: IO[bytes]
    ) -> None:
        self._summaries, self._table, self._failures = summaries, table, failures
        self._rows: list[dict[str, Any]] = []
        self._failed: dict[str, str] = {}
        self._first = True
        summaries.write(f'{{\n  "schema": {SCHEMA},\n  "recordings": ['.encode())
        failures.write(_csv_line("recording", "reason"))

    def add(self, result: Mapping[str, Any] | Failure) -> None:
        """Append the summary of a recording, or why it failed."""
        if isinstance(result, Failure):
            self._failed[str(result.path)] = result.reason
            self._failures.write(_csv_line(str(result.path), result.reason))
            return
        summary = {name: value for name, value in result.items() if name not in _OF_RUN}
        text = json_text(summary).replace("\n", "\n    ")
        self._summaries.write(f"{'' if self._first else ','}\n    {text}".encode(**_UTF8))
        self._first = False
        self._rows.append(row_of(result))
        if len(self._rows) == _ROWS:
            self._write_rows()

    def close(self) -> None:
        """Complete the files; the streams stay open."""
        end = "]" if self._first else "\n  ]"
        failures = json.dumps(self._failed, indent=2, ensure_ascii=False).replace("\n", "\n  ")
        self._summaries.write(f'{end},\n  "failures": {failures}\n}}\n'.encode(**_UTF8))
        self._write_rows()

    def _write_rows(self) -> None:
        if self._rows:
            self._table.write_table(pa.Table.from_pylist(self._rows, _SCHEMA))
            self._rows.clear()


def _csv_line(*cells: str) -> bytes:
    line = io.StringIO()
    texts = [to_cell(cell) for cell in cells]
    csv.writer(line, lineterminator="\n", quoting=quoting(texts)).writerow(texts)
    return line.getvalue().encode(**_UTF8)


@contextmanager
def cohort_files(results: Results, shard: Shard | None) -> Iterator[CohortFiles]:
    """The files of a run, which appear once the block succeeds.

    A run without a shard replaces those of all shards: it merges them.
    """
    with ExitStack() as stack:
        names = [name if shard is None else shard.named(name) for name in _NAMES]
        summaries, table, failures = (stack.enter_context(results.writing(name)) for name in names)
        writer = stack.enter_context(papq.ParquetWriter(table, _SCHEMA))
        files = CohortFiles(summaries, writer, failures)
        yield files
        files.close()
    if shard is None:
        there = results.names()
        for old in (part for name in _NAMES for part in files_of_shards(there, name)):
            results.remove(old)
