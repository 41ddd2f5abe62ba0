"""Fixtures: the real database, data made from it, synthetic data, a trained run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from typer.testing import CliRunner, Result

from ecgcli.beats import Beats
from ecgcli.commands import app
from ecgcli.progress import SILENT
from ecgcli.recordings.databases import MITDB
from ecgcli.sources import get_source
from ecgcli.sources.fetching import fetch
from ecgcli.sources.physionet import published_checksums
from tests.helpers import draw_nothing, require_documented, small_config

ROOT = Path(__file__).parents[1]

#: The modules that take longest, the longest first. They begin first, so that no process of the
#: run has one of them left when the others have ended.
LONGEST = (
    "test_readme", "training/test_epochs", "test_chain", "evaluation/test_comparison",
    "fuzz/test_fuzz", "training/test_distributed", "prediction/test_cohort_on_ray",
    "commands/test_predict_folders", "commands/test_scarce_resources", "test_contributing",
    "view/test_page", "review/test_page", "commands/test_app", "commands/test_bad_input",
    "models/test_models", "models/test_estimators", "training/test_run",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest modules first."""
    places = {ROOT / "tests" / f"{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session")
def mitdb() -> Path:
    """The 48 real records: ECG_MITDB, else ../shared/mitdb, else fetched once from PhysioNet."""
    named = Path(os.environ.get("ECG_MITDB", ROOT.parent / "shared" / "mitdb"))
    if (named / f"{MITDB.records[0]}.dat").exists():
        return named
    fetched = ROOT / "data" / "mitdb"
    fetch(MITDB.url, published_checksums(MITDB), fetched, SILENT)
    return fetched


@pytest.fixture(scope="session")
def svdb() -> Path:
    """Records of the Supraventricular Arrhythmia Database: ECG_SVDB, else ../shared/svdb."""
    return records_at_hand("svdb", "800.dat")


@pytest.fixture(scope="session")
def ltafdb() -> Path:
    """Annotations of the Long-Term AF Database: ECG_LTAFDB, else ../shared/ltafdb."""
    return records_at_hand("ltafdb", "00.atr")


@pytest.fixture(scope="session")
def nstdb() -> Path:
    """Noise of the Noise Stress Test Database: ECG_NSTDB, else ../shared/nstdb."""
    return records_at_hand("nstdb", "bw.dat")


def records_at_hand(name: str, file: str) -> Path:
    """The folder of a database that has this file; without one, the test is skipped."""
    variable = f"ECG_{name.upper()}"
    named = Path(os.environ.get(variable, ROOT.parent / "shared" / name))
    if not (named / file).exists():
        pytest.skip(f"no records of {name} in {named}; name a folder that has them in {variable}")
    return named


MakeOnce = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def make_once(tmp_path_factory: pytest.TempPathFactory) -> MakeOnce:
    """Fill a folder that all processes of the test run share; the first to need it makes it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    def call(name: str, fill: Callable[[Path], object]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # left by an attempt that failed
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return call


@pytest.fixture(scope="session")
def mitbih(mitdb: Path, make_once: MakeOnce) -> Path:
    """A folder with the public-format CSVs made from the real records."""
    return make_once("mitbih", lambda out: get_source("mitdb").download(out, str(mitdb), SILENT))


@pytest.fixture(scope="session")
def demo(make_once: MakeOnce) -> Path:
    """A folder with the synthetic CSVs."""
    return make_once("demo", lambda out: get_source("demo").download(out, None, SILENT))


@pytest.fixture(scope="session")
def trained(demo: Path, make_once: MakeOnce) -> Path:
    """A run trained on synthetic beats; tests only read it, or copy it first."""
    from ecgcli.training import train

    runs = make_once("runs", lambda out: train(small_config(demo, out)))
    return runs / "small"


@pytest.fixture(scope="session")
def anomaly_run(demo: Path, make_once: MakeOnce) -> Path:
    """A forecaster fitted on synthetic normal beats; tests only read it."""
    from ecgcli.anomaly.fitting import Settings, fit
    from ecgcli.beats import read_beats, write_beats

    def fit_it(folder: Path) -> None:
        beats = read_beats(demo / "synthetic_train.csv")
        rows = np.random.default_rng(0).permutation(len(beats))[:4000]
        write_beats(folder / "train.csv", beats.take(rows))
        fit(folder / "train.csv", Settings(epochs=3), folder / "anomaly")

    return make_once("anomaly", fit_it) / "anomaly"


@pytest.fixture(scope="session")
def rhythm_records(mitdb: Path, make_once: MakeOnce) -> Path:
    """A folder with the annotations of ten real records, five of them with fibrillation."""

    def fill(folder: Path) -> None:
        for record in ("100", "103", "106", "119", "123", "201", "202", "210", "219", "222"):
            for ending in ("atr", "hea"):
                shutil.copy(mitdb / f"{record}.{ending}", folder)

    return make_once("rhythms", fill)


@pytest.fixture(scope="session")
def fibrillation_run(rhythm_records: Path, make_once: MakeOnce) -> Path:
    """A run of a model of atrial fibrillation fitted on real records; tests only read it."""
    from ecgcli.fibrillation.fitting import fit

    runs = make_once("fibrillation", lambda out: fit(rhythm_records, out / "fibrillation"))
    return runs / "fibrillation"


@pytest.fixture
def bare_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings of this test draw nothing and store no graph, which would take most of its time."""
    draw_nothing(monkeypatch)
    monkeypatch.setattr("ecgcli.training.epochs.export_graph", lambda *_: b"none")


@pytest.fixture
def run_copy(trained: Path, tmp_path: Path) -> Path:
    """A copy of the trained run, to write into."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


@pytest.fixture
def ecg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run ``ecg`` with arguments, in an empty folder; what ``--json`` prints is checked."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object, stdin: bytes | None = None) -> Result:
        words = [str(argument) for argument in arguments]
        result = CliRunner().invoke(app, words, input=stdin)
        if "--json" in words and result.stdout.startswith("{"):
            require_documented(words, json.loads(result.stdout))
        return result

    return call


@pytest.fixture
def beats() -> Beats:
    """Twenty made-up beats, four of each class, zero-padded."""
    random = np.random.default_rng(7)
    samples = random.random((20, 187), np.float32)
    samples[:, 150:] = 0
    return Beats(samples, np.arange(20, dtype=np.int64) % 5)
