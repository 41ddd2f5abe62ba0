"""``ecg cluster``: the table, the files, the document."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from ecgcli.beats import Beats, read_beats, write_beats

Ecg = Callable[..., Result]
PNG = b"\x89PNG"


def test_table_files_and_document_agree(demo: Path, ecg: Ecg) -> None:
    data = demo / "synthetic_test.csv"
    result = ecg("cluster", data, "-o", "a.csv", "--png", "c.png", "--means", "m.png")
    assert result.exit_code == 0, result.stderr
    assert Path("c.png").read_bytes().startswith(PNG)
    assert Path("m.png").read_bytes().startswith(PNG)
    assert "Picture: c.png\nMean beats: m.png\nAssignments: a.csv\n" in result.stderr
    document = json.loads(ecg("cluster", data, "--json").stdout)
    rows = np.loadtxt("a.csv", int, delimiter=",", skiprows=1)
    assert Path("a.csv").read_text().startswith("beat,cluster\n0,")
    assert rows[:, 0].tolist() == list(range(document["beats"]))
    sizes = [cluster["beats"] for cluster in document["clusters"]]
    assert np.bincount(rows[:, 1]).tolist() == sizes == sorted(sizes, reverse=True)
    words = result.stdout.split()
    for cluster in document["clusters"]:
        assert f"{cluster['beats']:,}" in words
        assert f"{cluster['main_share']:.1%}" in words
        assert sum(cluster["classes"].values()) == cluster["beats"]
    for value in [*document["agreement"].values(), document["silhouette"]]:
        assert f"{value:.3f}" in words
    assert f"({document['silhouette_beats']:,} of {document['beats']:,} beats)" in result.stdout


def test_a_model_groups_classes_better_than_samples_do(trained: Path, demo: Path, ecg: Ecg) -> None:
    data = demo / "synthetic_test.csv"
    by_samples, by_model = (
        json.loads(ecg("cluster", data, *options, "--json").stdout)["agreement"]["v_measure"]
        for options in ([], ["--model", trained])
    )
    assert by_model > by_samples + 0.1


def test_without_labels(demo: Path, ecg: Ecg) -> None:
    write_beats(Path("b.csv"), Beats(read_beats(demo / "synthetic_test.csv").samples[:300]))
    result = ecg("cluster", "b.csv", "-k", 12, "--png", "c.png", "--means", "m.png", "--json")
    document = json.loads(result.stdout)
    assert document["agreement"] is None
    assert len(document["clusters"]) == 12
    assert document["clusters"][0]["main_class"] is None
    assert Path("m.png").read_bytes().startswith(PNG)
    assert "main class" not in ecg("cluster", "b.csv").stdout


def test_fewer_beats_than_clusters_is_one_line(beats: Beats, ecg: Ecg) -> None:
    write_beats(Path("b.csv"), beats)
    result = ecg("cluster", "b.csv", "--clusters", 21, "-o", "a.csv", "-q")
    assert result.exit_code == 2
    assert result.stdout == ""
    expected = "error: 20 different beats cannot make 21 clusters; use more beats"
    assert result.stderr == f"{expected}, or --clusters 20 or fewer\n"
    assert not Path("a.csv").exists()


def test_a_picture_has_room_for_a_limited_number_of_clusters(demo: Path, ecg: Ecg) -> None:
    result = ecg("cluster", demo / "synthetic_test.csv", "-k", 41, "--means", "m.png", "-q")
    assert result.exit_code == 2
    assert result.stderr == "error: a picture has room for 40 clusters, not 41; ask for fewer\n"


def test_a_missing_umap_is_one_line(
    beats: Beats, ecg: Ecg, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_beats(Path("b.csv"), beats)
    monkeypatch.setitem(sys.modules, "umap", None)
    result = ecg("cluster", "b.csv", "--reduce", "umap", "-q")
    assert result.exit_code == 2
    assert result.stderr == "error: UMAP is not installed: pip install 'ecgcli[umap]'\n"
