"""``ecg explain``: the table, the picture, the document, the deletion test."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ecgcli.beats import Beats, write_beats

Ecg = Callable[..., Result]


@pytest.mark.parametrize("method", ["gradients", "occlusion"])
def test_table_picture_and_document_agree(method: str, trained: Path, demo: Path, ecg: Ecg) -> None:
    arguments = ("explain", demo / "synthetic_test.csv", "-m", trained, "--rows", "4,0")
    arguments = (*arguments, "--method", method)
    result = ecg(*arguments, "--png", "e.png")
    assert result.exit_code == 0, result.stderr
    assert Path("e.png").read_bytes().startswith(b"\x89PNG")
    assert "Picture: e.png" in result.stderr
    document = json.loads(ecg(*arguments, "--json").stdout)
    assert document["method"] == method
    assert document["deletion_test"] is None
    assert [beat["beat"] for beat in document["beats"]] == [4, 0]
    for beat in document["beats"]:
        assert len(beat["attributions"]) == 187
        assert f"{beat['probability']:.3f}" in result.stdout
        start, end = beat["strongest_ms"]
        assert f"{start:.0f}-{end:.0f} ms after the R peak" in result.stdout


def test_the_deletion_test_is_reported(trained: Path, beats: Beats, ecg: Ecg) -> None:
    write_beats(Path("b.csv"), beats)
    arguments = ("explain", "b.csv", "-m", trained, "--check")
    document = json.loads(ecg(*arguments, "--json").stdout)["deletion_test"]
    shown = ecg(*arguments).stdout
    assert "Deletion test on 20 beats" in shown
    for name in ("highest", "random_place", "random_samples"):
        assert f"{document[name]['median']:.4f}" in shown
    assert f"{document['ratio']:.1f} times as much" in shown


def test_bad_input_is_one_line(trained: Path, beats: Beats, ecg: Ecg) -> None:
    write_beats(Path("b.csv"), beats)
    result = ecg("explain", "b.csv", "-m", trained, "--rows", "0,20", "-q")
    assert result.exit_code == 2
    expected = "error: b.csv: there is no beat 20; it has 20 beats, numbered from 0\n"
    assert result.stderr == expected
    rows = ",".join(["0"] * 41)
    result = ecg("explain", "b.csv", "-m", trained, "--rows", rows, "--png", "p.png", "-q")
    assert result.exit_code == 2
    expected = "error: a picture has room for 40 beats, not 41; ask for fewer\n"
    assert result.stderr == expected


@pytest.mark.parametrize("method", ["gradients", "occlusion"])
def test_without_captum_a_line_says_how_to_install_it(
    method: str, trained: Path, beats: Beats, ecg: Ecg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "captum", None)
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    write_beats(Path("b.csv"), beats)
    result = ecg("explain", "b.csv", "-m", trained, "--method", method, "--png", "p.png", "-q")
    assert result.exit_code == 2
    expected = "error: ecg explain needs the package captum: pip install 'ecgcli[explain]'\n"
    assert result.stderr == expected
    assert not Path("p.png").exists()
