"""A metric added to a table of `ecgcli.metrics` appears wherever figures are shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from ecgcli import metrics
from ecgcli.metrics import Figures, Matrix, Metric

Ecg = Callable[..., Result]


def missed(matrix: Matrix) -> Figures:
    """By class: the share of its beats that are missed."""
    return 1 - metrics.recall(matrix)


def error_rate(matrix: Matrix) -> Figures:
    """The share of beats whose class is wrong."""
    return 1 - metrics.accuracy(matrix)


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    """A metric by class in the middle of its table, and an overall one at the start."""
    first, *rest = metrics.BY_CLASS
    by_class = (first, Metric("missed", "share missed", missed), *rest)
    monkeypatch.setattr(metrics, "BY_CLASS", by_class)
    overall = (Metric("error_rate", "error rate", error_rate), *metrics.OVERALL)
    monkeypatch.setattr(metrics, "OVERALL", overall)


class Tables(HTMLParser):
    """The tables of a page: lists of rows of cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self._in_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        self._in_cell = tag in ("th", "td")

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.tables[-1][-1].append(data)

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._in_cell = False


def evaluated(ecg: Ecg, trained: Path, demo: Path, *options: object) -> Result:
    data = demo / "synthetic_test.csv"
    return ecg("evaluate", trained, "--data", data, "-o", "report", *options)


@pytest.mark.usefixtures("added")
def test_it_is_in_every_table_under_its_heading(trained: Path, demo: Path, ecg: Ecg) -> None:
    printed = evaluated(ecg, trained, demo).stdout
    assert "error rate" in printed
    figures = json.loads(Path("report/report.json").read_text())
    matrix = np.array(figures["confusion_matrix"])
    overall, by_class, *_ = Tables(Path("report/report.html").read_text()).tables
    assert overall[1][0] == "error rate"
    assert overall[1][1].startswith(f"{1 - np.trace(matrix) / matrix.sum():.3f}")
    for row in by_class[1:]:
        cells = dict(zip(by_class[0], row, strict=True))
        label = figures["classes"].index(cells["class"])
        hits, total = matrix[label, label], matrix[label].sum()
        assert cells["share missed"].startswith(f"{1 - hits / total:.3f}")
        assert cells["recall"].startswith(f"{hits / total:.3f}")
        assert " ".join(row) in " ".join(printed.split())  # the same row in the terminal


@pytest.mark.usefixtures("added")
def test_the_new_metric_can_be_required(trained: Path, demo: Path, ecg: Ecg) -> None:
    assert evaluated(ecg, trained, demo, "--require", "error_rate=0").exit_code == 0
    too_much = evaluated(ecg, trained, demo, "--require", "missed_S=1.1")
    assert too_much.exit_code == 3
    assert "missed_S is" in too_much.stderr
    figures = json.loads(Path("report/report.json").read_text())
    assert {"value", "low", "high"} <= set(figures["overall"]["error_rate"])
    assert "missed" in figures["by_class"]["S"]


def test_it_is_gone_when_it_is_removed(trained: Path, demo: Path, ecg: Ecg) -> None:
    assert "error rate" not in evaluated(ecg, trained, demo).stdout
    refused = evaluated(ecg, trained, demo, "--require", "error_rate=0")
    assert refused.exit_code == 2
    assert "there is no figure error_rate" in refused.stderr
