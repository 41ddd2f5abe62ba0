"""Checkpoints that are damaged, unknown or harmful are refused."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from ecgcli.checkpoints import load_checkpoint, save_checkpoint
from ecgcli.checkpoints.runs import BEST, find_checkpoint, new_run, newest_run
from ecgcli.errors import CheckpointError


class Dangerous:
    """Leaves a mark when unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.mark,)


def with_card(source: Path, target: Path, **changes: object) -> Path:
    checkpoint = load_checkpoint(source)
    card = json.loads(checkpoint.card.model_dump_json()) | changes
    tensors = {f"model.{name}": values for name, values in checkpoint.weights.items()}
    target.write_bytes(save(tensors, {"ecg": json.dumps(card)}))
    return target


def test_a_checkpoint_reads_back_equal(trained: Path, tmp_path: Path) -> None:
    first = load_checkpoint(trained / BEST)
    save_checkpoint(tmp_path / "copy.safetensors", first)
    again = load_checkpoint(tmp_path / "copy.safetensors")
    assert again.card == first.card
    assert again.graph == first.graph
    assert again.weights.keys() == first.weights.keys()
    for name, values in first.weights.items():
        assert np.array_equal(values, again.weights[name])


@pytest.mark.parametrize("keep", [0, 5, 100, 5000, -1])
def test_a_truncated_checkpoint_is_refused(keep: int, trained: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes((trained / BEST).read_bytes()[:keep])
    with pytest.raises(CheckpointError, match="no whole safetensors file"):
        load_checkpoint(cut)


def test_metadata_that_are_not_an_object_are_refused(tmp_path: Path) -> None:
    header = b'{"__metadata__":null}   '
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(CheckpointError, match="no whole safetensors file"):
        load_checkpoint(path)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_in_disguise_is_refused_and_not_executed(protocol: int, tmp_path: Path) -> None:
    mark, path = tmp_path / "executed", tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Dangerous(mark), protocol))
    with pytest.raises(CheckpointError, match="this is a pickle"):
        load_checkpoint(path)
    torch.save({"weights": Dangerous(mark)}, path)
    with pytest.raises(CheckpointError, match="this is a pickle"):
        load_checkpoint(path)
    assert not mark.exists()


def test_another_version_is_refused_with_both_named(trained: Path, tmp_path: Path) -> None:
    path = with_card(trained / BEST, tmp_path / "new.safetensors", format=2)
    with pytest.raises(
        CheckpointError, match="checkpoint format 2, this version of ecg reads format 1"
    ):
        load_checkpoint(path)


def test_another_class_order_is_refused(trained: Path, tmp_path: Path) -> None:
    path = with_card(trained / BEST, tmp_path / "x.safetensors", classes=["N", "V", "S", "F", "Q"])
    with pytest.raises(
        CheckpointError, match="its classes are N V S F Q; this ecg knows N S V F Q"
    ):
        load_checkpoint(path)


def test_a_card_that_is_not_valid_is_refused(trained: Path, tmp_path: Path) -> None:
    path = with_card(trained / BEST, tmp_path / "x.safetensors", class_offsets="none")
    with pytest.raises(CheckpointError, match="class_offsets"):
        load_checkpoint(path)


@pytest.mark.parametrize("text", ["[]", "7", "null", "text", '{"format": [1]}', "[" * 100_000])
def test_a_card_that_is_no_object_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(save({"weight": np.zeros(3, np.float32)}, {"ecg": text}))
    with pytest.raises(CheckpointError, match=r"checkpoint format .*, this version"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_offsets": [0.0]}, "class_offsets: found"),
        ({"temperature": 0}, "temperature: found 0, expected a number above 0"),
        ({"beat_length": 10**12}, "it takes 1000000000000 samples"),
        ({"views": ["smells"]}, "the views smells; this ecg has 187 samples and the views samples"),
    ],
)
def test_a_card_of_another_kind_of_model_is_refused(
    changes: dict[str, object], message: str, trained: Path, tmp_path: Path
) -> None:
    path = with_card(trained / BEST, tmp_path / "x.safetensors", **changes)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(path)


def test_a_changed_bit_anywhere_is_noticed(trained: Path, tmp_path: Path) -> None:
    """In the header, the weights, the graph or the state: of every 500th byte."""
    whole = (trained / "last.safetensors").read_bytes()
    path = tmp_path / "damaged.safetensors"
    for place in range(0, len(whole), 500):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(CheckpointError):
            load_checkpoint(path)


def test_a_renamed_tensor_is_noticed(trained: Path, tmp_path: Path) -> None:
    """The checksum covers the names: the model would be whole without a graph."""
    whole = (trained / BEST).read_bytes()
    assert whole.count(b'"graph"') == 1
    (tmp_path / "x.safetensors").write_bytes(whole.replace(b'"graph"', b'"grabh"'))
    with pytest.raises(CheckpointError, match="does not have the checksum stated in it"):
        load_checkpoint(tmp_path / "x.safetensors")


def test_a_checkpoint_without_a_checksum_is_an_old_one(trained: Path, tmp_path: Path) -> None:
    path = with_card(trained / BEST, tmp_path / "old.safetensors")
    assert load_checkpoint(path).card == load_checkpoint(trained / BEST).card


def test_other_safetensors_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(save({"weight": np.zeros(3, np.float32)}))
    with pytest.raises(CheckpointError, match="not one written by ecg train"):
        load_checkpoint(path)


def test_without_a_checkpoint_the_error_names_the_commands_that_make_one(
    tmp_path: Path, trained: Path
) -> None:
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        load_checkpoint(tmp_path / "nothing.safetensors")
    with pytest.raises(CheckpointError, match="train one with ecg train"):
        find_checkpoint(None, tmp_path)
    with pytest.raises(CheckpointError, match="not a trained run"):
        find_checkpoint(tmp_path)
    assert find_checkpoint(trained) == trained / BEST
    assert find_checkpoint(trained / "last.safetensors") == trained / "last.safetensors"


def test_a_new_run_removes_what_a_killed_one_left_half_written(tmp_path: Path) -> None:
    killed = (
        "import os, sys; from pathlib import Path\n"
        "from ecgcli.checkpoints.runs import new_run; from ecgcli.files import atomic_write\n"
        "with atomic_write(new_run(Path(sys.argv[1]), 'a') / 'report.json'): os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", killed, str(tmp_path)], check=False)
    assert len(list((tmp_path / "a").iterdir())) == 1
    assert new_run(tmp_path, "a").name == "a-2"
    assert list((tmp_path / "a").iterdir()) == []


def test_the_newest_run_is_the_one_written_last(tmp_path: Path) -> None:
    first, second = new_run(tmp_path, "a"), new_run(tmp_path, "a")
    assert (first.name, second.name) == ("a", "a-2")
    (second / BEST).write_text("")
    (first / BEST).write_text("")
    assert newest_run(tmp_path) == first
