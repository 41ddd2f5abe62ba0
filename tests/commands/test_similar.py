"""``ecg similar``: the table, the picture, the document."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

from typer.testing import Result

from ecgcli.beats import Beats, write_beats

Ecg = Callable[..., Result]


def test_table_picture_and_document_agree(trained: Path, demo: Path, ecg: Ecg) -> None:
    data, to, run = demo / "synthetic_test.csv", demo / "synthetic_train.csv", Path("run")
    copytree(trained, run)
    arguments = ("similar", data, "--to", to, "-m", run, "--rows", "4,0", "-k", 3)
    result = ecg(*arguments, "--png", "s.png")
    assert result.exit_code == 0, result.stderr
    assert "Embedding: kept in run/embedding.safetensors" in result.stderr
    assert Path("s.png").read_bytes().startswith(b"\x89PNG")
    assert "Picture: s.png" in result.stderr
    assert f"ecg explain {data} --model {run} --rows 4,0" in result.stderr
    again = ecg(*arguments, "--json")
    assert "Embedding: read from run/embedding.safetensors" in again.stderr
    document = json.loads(again.stdout)["beats"]
    assert [beat["beat"] for beat in document] == [4, 0]
    words = result.stdout.split()
    for beat in document:
        assert f"probability {beat['probability']:.3f}" in result.stdout
        assert f"{beat['agreeing']} of 3 neighbours agree" in result.stdout
        assert [near["rank"] for near in beat["neighbours"]] == [1, 2, 3]
        for near in beat["neighbours"]:
            assert {near["label"], str(near["beat"]), near["record"]} <= {*words}
            assert f"{near['distance']:.4f}" in words
            assert f"{near['time']:.2f}" in words


def test_bad_input_is_one_line(trained: Path, beats: Beats, ecg: Ecg) -> None:
    write_beats(Path("b.csv"), beats)
    write_beats(Path("unlabelled.csv"), Beats(beats.samples))
    for arguments, expected in (
        (("--to", "unlabelled.csv"), "unlabelled.csv: found 187 columns, so no class;"),
        (("--to", "b.csv", "-k", 21), "found 20 beats to compare with, fewer than 21 neighbours;"),
        (("--to", "b.csv", "--rows", "20"), "b.csv: there is no beat 20; it has 20 beats,"),
        (("--to", "b.csv", "--rows", "one"), "--rows: found 'one'; name beats by number"),
    ):
        result = ecg("similar", "b.csv", *arguments, "-m", trained, "-q")
        assert result.exit_code == 2
        assert result.stderr.startswith(f"error: {expected}")
        assert result.stderr.count("\n") == 1
