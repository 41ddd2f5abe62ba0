"""Comparisons: several models on the same splits, ranked, resumed where they stopped."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import Result

from ecgcli.errors import CheckpointError, ConfigError, DataError
from ecgcli.evaluation.comparison import Mean, compare, mean_over_seeds
from ecgcli.training.config import Config, parse_config
from ecgcli.training.run import is_finished
from tests.helpers import Watcher, draw_nothing, small_document

Ecg = Callable[..., Result]


def configs(demo: Path, runs: Path) -> list[Config]:
    network = small_document(demo, runs) | {"name": "net"}
    network["training"] = {"epochs": 1, "device": "cpu"}
    trees = small_document(demo, runs) | {"name": "trees", "training": {}}
    trees["model"] = {"name": "features", "trees": 30}
    return [parse_config(network), parse_config(trees)]


@pytest.fixture(scope="module", autouse=True)
def no_pictures() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        draw_nothing(patch)
        yield


@pytest.fixture(scope="module")
def compared(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("compare")
    compare(configs(demo, out), ["synthetic"], 2, demo, out)
    return out


def test_the_table_is_ranked_and_complete(compared: Path) -> None:
    document = json.loads((compared / "comparison.json").read_text())
    rows = document["rows"]
    assert {row["name"] for row in rows} == {"net", "trees"}
    means = [row["scores"]["synthetic"]["macro_f1"]["value"] for row in rows]
    assert means == sorted(means, reverse=True)
    for row in rows:
        figure = row["scores"]["synthetic"]["accuracy"]
        assert figure["low"] <= figure["value"] <= figure["high"]
        assert min(row["parameters"], row["beats_per_second"]) > 0
    table = (compared / "comparison.md").read_text().splitlines()
    assert [line.split("|")[1].strip() for line in table[2:]] == [row["name"] for row in rows]


def test_every_cell_is_its_own_run_with_its_seed(compared: Path) -> None:
    for seed in (0, 1):
        run = compared / "synthetic" / f"net-{seed}"
        assert yaml.safe_load((run / "config.yaml").read_text())["seed"] == seed
        result = json.loads((run / "result.json").read_text())
        assert result["scores"]["accuracy"] > 0.5
    first, second = (
        json.loads((compared / "synthetic" / f"net-{seed}" / "result.json").read_text())["scores"]
        for seed in (0, 1)
    )
    assert first != second


def test_it_continues_where_it_stopped(compared: Path, demo: Path) -> None:
    again = Watcher()
    (compared / "synthetic" / "net-1" / "result.json").unlink()  # trained, but not yet evaluated
    comparison = compare(configs(demo, compared), ["synthetic"], 2, demo, compared, again)
    assert ["(done before)" in line for line in again.messages] == [True, False, True, True]
    assert [line.split()[0] for line in again.messages] == ["net", "net", "trees", "trees"]
    assert {row.seeds for row in comparison.rows} == {2}
    assert not (compared / "synthetic" / "net-1-2").exists()


def killed_before(moment: str, demo: Path, out: Path) -> None:
    """A comparison that is killed when it first calls a function, given as ``module:name``."""
    module, name = moment.split(":")
    program = (
        "import importlib, os, signal, sys, pathlib\n"
        f"module = importlib.import_module({module!r})\n"
        f"module.{name} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from ecgcli.evaluation.comparison import compare\n"
        "from tests.evaluation.test_comparison import configs\n"
        "demo, out = map(pathlib.Path, sys.argv[1:])\n"
        "compare(configs(demo, out), ['synthetic'], 1, demo, out)"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(demo), str(out)], check=False)
    assert killed.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    "moment",
    [
        "ecgcli.training.run:write_text",  # there is a folder, and nothing in it
        "ecgcli.training.epochs:save_checkpoint",  # it holds the config
        "ecgcli.training.estimators:save_checkpoint",  # and a report
    ],
)
def test_a_comparison_killed_at_any_moment_continues(
    moment: str, demo: Path, tmp_path: Path, compared: Path
) -> None:
    killed_before(moment, demo, tmp_path)
    compare(configs(demo, tmp_path), ["synthetic"], 1, demo, tmp_path)
    runs = {path.name: path for path in (tmp_path / "synthetic").iterdir()}
    assert sorted(runs) == ["net-0", "trees-0"]
    for name, run in runs.items():
        there = json.loads((run / "result.json").read_text())
        assert (
            there["scores"]
            == json.loads((compared / "synthetic" / name / "result.json").read_text())["scores"]
        )
        assert is_finished(run)


def test_a_folder_that_holds_something_else_stays(demo: Path, tmp_path: Path) -> None:
    notes = tmp_path / "synthetic" / "net-0" / "notes.txt"
    notes.parent.mkdir(parents=True)
    notes.write_text("mine")
    with pytest.raises(CheckpointError, match=r"notes\.txt is no file of one"):
        compare(configs(demo, tmp_path), ["synthetic"], 1, demo, tmp_path)
    assert notes.read_text() == "mine"


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"name": 1}', "\0\0", '{"scores": {"accuracy": "high"}}']
)
def test_a_damaged_result_is_made_again(
    damage: str, compared: Path, demo: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(compared, tmp_path / "out"))
    for config in out.glob("*/*/config.yaml"):  # copied: each names the folder of its run
        config.write_text(config.read_text().replace(str(compared), str(out)))
    for result in out.glob("*/*/result.json"):
        result.unlink()
    trees = configs(demo, out)[1:]
    compare(trees, ["synthetic"], 1, demo, out)
    result = out / "synthetic" / "trees-0" / "result.json"
    whole = json.loads(result.read_text())
    result.write_text(damage)
    (out / "synthetic" / "net-0" / "result.json").write_text(damage)  # not compared this time
    again = Watcher()
    found = compare(trees, ["synthetic"], 1, demo, out, again)
    assert json.loads(result.read_text())["scores"] == whole["scores"]
    assert [row.name for row in found.rows] == ["trees"]
    assert again.messages[0] == f"{result}: damaged; it is made again"
    assert "net-0/result.json: damaged, and not in the table" in again.messages[-1]


def test_a_training_begun_with_another_config_is_not_finished_with_this_one(
    demo: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    killed_before("ecgcli.training.epochs:draw_order", demo, out)
    net = configs(demo, out)[0]
    training = net.training.model_copy(update={"learning_rate": 0.1})
    with pytest.raises(ConfigError, match="was trained with another config"):
        compare([net.model_copy(update={"training": training})], ["synthetic"], 1, demo, out)


def test_other_configs_add_their_rows(compared: Path, demo: Path, tmp_path: Path) -> None:
    out = shutil.copytree(compared, tmp_path / "out")
    third = configs(demo, out)[1].model_copy(update={"name": "more-trees"})
    comparison = compare([third], ["synthetic"], 1, demo, out)
    assert {row.name: row.seeds for row in comparison.rows} == {
        "net": 2,
        "trees": 2,
        "more-trees": 1,
    }


def test_another_config_does_not_pass_for_the_old_one(compared: Path, demo: Path) -> None:
    changed = configs(demo, compared)[0]
    changed = changed.model_copy(
        update={"training": changed.training.model_copy(update={"learning_rate": 0.1})}
    )
    with pytest.raises(ConfigError, match="was trained with another config"):
        compare([changed], ["synthetic"], 1, demo, compared)


def test_a_result_of_other_data_does_not_pass_for_one_of_these(
    compared: Path, demo: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(demo, tmp_path / "data"))
    trees = configs(data, compared)[1:]
    compare(trees, ["synthetic"], 1, data, tmp_path / "out")
    test = data / "synthetic_test.csv"
    rows = test.read_text().splitlines(keepends=True)
    test.write_text("".join([*rows[1:], rows[0]]))
    with pytest.raises(ConfigError, match="was measured on other data"):
        compare(trees, ["synthetic"], 1, data, tmp_path / "out")


def test_the_interval_is_students() -> None:
    """Three values with mean 0.5 and deviation 0.1: t(0.975, 2) = 4.3027."""
    mean = mean_over_seeds(np.array([0.4, 0.5, 0.6]))
    assert (mean.value, mean.low, mean.high) == pytest.approx((0.5, 0.2516, 0.7484), abs=1e-3)
    assert mean_over_seeds(np.array([0.5, 0.9, 1.0])).high == 1
    assert mean_over_seeds(np.array([0.9])) == Mean(0.9, 0.9, 0.9)


def test_missing_data_are_reported_before_anything_is_trained(demo: Path, tmp_path: Path) -> None:
    paths = configs(demo, tmp_path)
    with pytest.raises(DataError, match=r"get it with: ecg prepare data/mitdb"):
        compare(paths, ["synthetic", "patients"], 1, demo, tmp_path / "out")
    with pytest.raises(ConfigError, match=r"--splits: found 'patiens'"):
        compare(paths, ["patiens"], 1, demo, tmp_path / "out")
    with pytest.raises(ConfigError, match="two of the configs are named net"):
        compare([paths[0], paths[0]], ["synthetic"], 1, demo, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command(demo: Path, tmp_path: Path, ecg: Ecg) -> None:
    for config in configs(demo, tmp_path):
        training = None if config.name == "net" else ["prior_correction"]
        Path(f"{config.name}.yaml").write_text(config.to_yaml(training))
    arguments = ["--splits", "synthetic", "--seeds", 1, "--data", demo, "-o", "out"]
    result = ecg("compare", "net.yaml", "trees.yaml", *arguments)
    assert result.exit_code == 0, result.stderr
    assert "macro-F1" in result.stdout
    assert "comparison.md" in result.stderr
    again = ecg("compare", "net.yaml", "trees.yaml", *arguments, "--json")
    assert again.stderr.count("done before") == 2
    assert len(json.loads(again.stdout)["rows"]) == 2
