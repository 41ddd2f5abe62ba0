"""The config is typed and strict, and errors are one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgcli.errors import ConfigError
from ecgcli.training.config import Config, load_config
from tests.helpers import Watcher

CONFIGS = sorted(Path(__file__).parents[2].glob("configs/*.yaml"))


def load(tmp_path: Path, *overrides: str, text: str = "data: {train: a.csv}") -> Config:
    path = tmp_path / "experiment.yaml"
    path.write_text(text)
    return load_config(path, overrides)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_config_is_valid_and_named_after_its_file(path: Path) -> None:
    assert load_config(path).name == path.stem


def test_the_resolved_config_reads_back_equal(tmp_path: Path) -> None:
    config = load(tmp_path, "training.class_weights={S: 2.5}", "data.resample.ratio=2.0")
    (tmp_path / "again.yaml").write_text(config.to_yaml())
    assert load_config(tmp_path / "again.yaml") == config


def test_overrides_are_typed(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "training.epochs=5",
        "training.learning_rate=1e-3",
        "train.device=cpu",
        "model.channels=[8, 16]",
        "data.resample.majority=100",
        "data.train=[a.csv, b.csv]",
    )
    assert config.training.epochs == 5
    assert config.training.learning_rate == 0.001
    assert config.training.device == "cpu"
    assert config.model.arguments == {"channels": [8, 16]}
    assert config.data.resample is not None
    assert config.data.resample.majority == 100
    assert [path.name for path in config.data.files] == ["a.csv", "b.csv"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epoch=5", "unknown key training.epoch; did you mean epochs?"),
        ("traning.epochs=5", "unknown key traning; did you mean training?"),
        ("data.resample.majorty=5", "unknown key data.resample.majorty; did you mean majority?"),
        ("training.epochs=five", "training.epochs: found 'five', expected a whole number"),
        ("training.epochs=1.5", "training.epochs: found 1.5, expected a whole number"),
        ("training.epochs=0", "expected a number of at least 1"),
        ("training.schedule=linear", "'onecycle', 'cosine' or 'constant'"),
        ("data.normalize=1", "data.normalize: found 1, expected true or false"),
        ("data.resample={majority: 1, ratio: 2.0}", "takes exactly one of"),
        ("training=5", "training: found 5, expected a section of keys"),
        ("name=a/b", "name: found 'a/b'"),
        ("epochs", "found epochs, expected key=value"),
        ("training.epochs=[", "the value is not valid YAML"),
    ],
)
def test_errors_are_one_line(override: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, override)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data: {}", "data.train is missing"),
        ("", "found None, expected keys"),
        ("- 1", "found .1., expected keys"),
        ("data: [", "not valid YAML"),
        ("!!python/object/apply:os.system ['true']", "not valid YAML"),
    ],
)
def test_files_that_are_not_configs(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, text=text)


@pytest.mark.parametrize(
    ("override", "hint"),
    [
        ("epochs=5", "unknown key epochs; did you mean training.epochs=5?"),
        ("training.ratio=2", "unknown key training.ratio; did you mean data.resample.ratio=2?"),
        ("train.epoch=5", "unknown key training.epoch; did you mean epochs?"),
        ("sedd=5", "unknown key sedd; did you mean seed?"),
    ],
)
def test_a_key_of_another_section_is_named_in_full(
    override: str, hint: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, override)
    assert str(caught.value).endswith(hint)


CNN = "data: {train: a.csv}\nmodel: {name: cnn, channels: [8], dropout: 0.3}"


def test_another_model_takes_its_own_defaults(tmp_path: Path) -> None:
    watcher = Watcher()
    path = tmp_path / "experiment.yaml"
    path.write_text(CNN)
    config = load_config(path, ["model.units=8", "model.name=lstm"], watcher)
    assert config.model.name == "lstm"
    assert config.model.arguments == {"units": 8}
    assert watcher.messages == [
        "model.name=lstm: the config's keys of cnn are left out (channels, dropout), and the "
        "defaults of lstm apply"
    ]


def test_the_same_model_keeps_its_keys(tmp_path: Path) -> None:
    config = load(tmp_path, "model.name=cnn", "model.dropout=0.1", text=CNN)
    assert config.model.arguments == {"channels": [8], "dropout": 0.1}


def test_a_model_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no model lstn; did you mean lstm\?"):
        load(tmp_path, "model.name=lstn", text=CNN)


def test_a_missing_config_points_to_those_that_come_with_ecg(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ecg config lists those that come with ecg"):
        load_config(tmp_path / "nothing.yaml")
