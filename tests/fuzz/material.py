"""Small valid files of every kind that a command reads, made once for a campaign."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from typer.testing import CliRunner

from ecgcli.beats import INFO_COLUMNS, TIMES, Beats, write_beats
from ecgcli.commands import app
from tests.recordings.formats.holter_files import write_ishne

RATE = 250
#: What `cases.TARGETS` trains and compares with.
CONFIG = """\
name: run
licence: none
runs: trained
seed: 3
data:
  train: beats.csv
  validation: stratified
  validation_fraction: 0.3
  resample: {majority: 20}
model:
  name: cnn
  channels: [4]
  hidden: [8]
training:
  epochs: 1
  batch_size: 8
  learning_rate: 0.003
  schedule: constant
  augment: {gain: 0.1}
  device: cpu
"""

#: The options of a review that the material continues.
REVIEW = ("--model", "run", "--annotations", "none", "--reader", "anna", "-q")


def make_material(folder: Path) -> None:
    """Fill an empty folder with the files that `cases.TARGETS` names."""
    with chdir(folder):
        write_beats(Path("beats.csv"), some_labelled_beats(40))
        shutil.copy("beats.info.csv", "packed.info.csv")
        Path("packed.csv.gz").write_bytes(gzip.compress(Path("beats.csv").read_bytes(), mtime=0))
        _write_variants(Path("beats.csv").read_text())
        _write_parquet()
        _write_recordings()
        _write_models()
        _write_results()


def some_labelled_beats(count: int) -> Beats:
    """Beats of every class that look like beats, with intervals and context features."""
    from ecgcli.beats.context import feature_names

    random = np.random.default_rng(1)
    place = np.arange(187)
    labels = np.arange(count) % 5
    width = 3 + 4 * labels[:, None]
    samples = np.exp(-((place / width) ** 2)) + 0.2 * random.random((count, 187))
    samples = np.clip(samples / samples.max(1, keepdims=True), 0, 1).astype(np.float32)
    samples[:, 150:] = 0
    info = pd.DataFrame(dict.fromkeys(INFO_COLUMNS, "II"), index=range(count))
    info["record"] = [f"r{number // 5}" for number in range(count)]
    info["patient"] = [f"p{number // 5}" for number in range(count)]
    info["symbol"] = [("N", "A", "V", "F", "Q")[label] for label in labels]
    info["copy"] = ""
    info[TIMES] = random.uniform(0.4, 1.4, (count, len(TIMES)))
    context = random.random((count, len(feature_names())), np.float32)
    return Beats(samples, labels.astype(np.int64), info, context)


def _write_variants(text: str) -> None:
    """The same beats as other programs write them."""
    header = ",".join(map(str, range(188)))
    indexed = "\n".join(f"{number},{line}" for number, line in enumerate(text.split()))
    Path("header.csv").write_text(f"{header}\n{text}")
    Path("index.csv").write_text(f"{indexed}\n")
    Path("semicolons.csv").write_text(text.replace(",", ";").replace(".", ","))
    Path("unlabelled.csv").write_text(
        "".join(line.rpartition(",")[0] + "\n" for line in text.split())
    )


def _write_parquet() -> None:
    """The beats in one file, rounded to bytes, and in a folder of four shards."""
    from ecgcli.beats import read_labelled
    from ecgcli.beats.parquet_writer import writing_parquet

    beats = read_labelled(Path("beats.csv"))
    with writing_parquet(Path("beats.parquet"), storage="uint8", context=True) as writer:
        writer.write(beats)
    with writing_parquet(Path("shards"), context=True, shard_beats=10) as writer:
        writer.write(beats)


def _ecg(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A lead in mV with a QRS complex about every 0.8 s."""
    random = np.random.default_rng(2)
    time = np.arange(int(seconds * RATE)) / RATE
    beats = np.arange(0.5, seconds, 0.8) + random.normal(0, 0.01, len(np.arange(0.5, seconds, 0.8)))
    waves = [np.exp(-(((time - beat) / 0.012) ** 2)) for beat in beats]
    signal = np.sum(waves, axis=0) + 0.02 * random.standard_normal(len(time))
    return np.round(signal, 3)


def _write_recordings() -> None:
    """One recording of 20 s in every format, annotated where the format has annotations."""
    import edfio
    import wfdb
    from scipy.io import savemat

    signal = _ecg(20)
    leads = np.stack([signal, np.round(0.7 * signal[::-1] - 0.1, 3)], axis=1)
    peaks = (np.arange(0.5, 20, 0.8) * RATE).astype(np.int64)
    for name, digits in (("rec", "16"), ("packed12", "212")):
        wfdb.wrsamp(
            name, RATE, ["mV", "mV"], ["II", "V5"], leads, fmt=[digits] * 2,
            adc_gain=[200.0] * 2, baseline=[0] * 2, comments=["a comment"],
        )  # fmt: skip
        wfdb.wrann(name, "atr", peaks, [("N", "V", "A")[n % 3] for n in range(len(peaks))], fs=RATE)
    _write_segments(leads)
    for ending, kind, write in (
        ("edf", edfio.EdfSignal, edfio.Edf),
        ("bdf", edfio.BdfSignal, edfio.Bdf),
    ):
        write(
            [
                kind(leads[:, n].copy(), RATE, label=label, physical_dimension="mV")
                for n, label in enumerate(("ECG II", "ECG V5"))
            ]
        ).write(f"lead.{ending}")
    write_ishne(Path("lead.ecg"), np.round(leads * 200))
    _write_dicom(np.round(leads * 200))
    np.save("lead.npy", leads)
    savemat("lead.mat", {"ecg": leads})
    savemat("lead4.mat", {"ecg": leads}, format="4")
    lines = [f"{n / RATE:.3f},{first},{second}" for n, (first, second) in enumerate(leads)]
    Path("lead.csv").write_text("time,II,V5\n" + "\n".join(lines) + "\n")


def _write_dicom(steps: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> None:
    """Two leads in steps of 5 µV, in the 12-lead ECG that comes with pydicom."""
    import pydicom
    from pydicom.data import get_testdata_file

    document = pydicom.dcmread(str(get_testdata_file("waveform_ecg.dcm", download=False)))
    group = document.WaveformSequence[0]
    del document.WaveformSequence[1:]
    channels = group.ChannelDefinitionSequence
    group.ChannelDefinitionSequence = [channels[1], channels[10]]  # II and V5
    for channel in group.ChannelDefinitionSequence:
        channel.ChannelSensitivity = "5"
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = 2, len(steps)
    group.SamplingFrequency = str(RATE)
    group.WaveformData = steps.astype("<i2").tobytes()
    document.save_as("lead.dcm")


def _write_segments(leads: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> None:
    """A record of two segments, with a gap between them."""
    import wfdb

    half = len(leads) // 2
    for number in (1, 2):
        part = leads[(number - 1) * half : number * half]
        wfdb.wrsamp(
            f"multi_{number}", RATE, ["mV", "mV"], ["II", "V5"], part, fmt=["16"] * 2,
            adc_gain=[200.0] * 2, baseline=[0] * 2,
        )  # fmt: skip
    lines = (f"multi/3 2 {RATE} {2 * half + 100}", f"multi_1 {half}", "~ 100", f"multi_2 {half}")
    Path("multi.hea").write_text("\n".join(lines) + "\n")


def _write_models() -> None:
    """A run of a network with its state for resuming, fitted models, and an anomaly model."""
    Path("config.yaml").write_text(CONFIG)
    run("train", "-q", "--config", "config.yaml", "runs=.")
    _write_stopped()
    write_beats(Path("many.csv"), some_labelled_beats(1500))
    for name, arguments in (("knn", ""), ("context", ", boosters: 1, trees: 5")):
        text = (
            CONFIG[: CONFIG.index("model:")].replace("name: run", f"name: {name}")
            + f"model: {{name: {name}{arguments}}}\n"
        )
        Path(f"{name}.yaml").write_text(text.replace("  resample: {majority: 20}\n", ""))
        train = "beats" if name == "knn" else "many"
        run(
            "train", "-q", "-c", f"{name}.yaml", "runs=.", f"name={name}", f"data.train={train}.csv"
        )
        shutil.copy(f"{name}/best.safetensors", f"{name}.safetensors")
        shutil.rmtree(name)
    _write_fibrillation()
    run("anomaly", "fit", "--data", "many.csv", "--epochs", 1, "-o", "anomaly", "-q")
    for path in Path().glob("many.*"):
        path.unlink()


def _write_stopped() -> None:
    """A run that is to be continued: one epoch of two is done."""
    shutil.copytree("run", "stopped")
    Path("stopped/report.json").unlink()
    config = Path("stopped/config.yaml")
    config.write_text(config.read_text().replace("epochs: 1\n", "epochs: 2\n"))


def _write_fibrillation() -> None:
    """A model of atrial fibrillation of a few trees, which finds nothing."""
    import lightgbm

    from ecgcli.fibrillation.model import bundled_model, save_model
    from ecgcli.recordings.irregularity import FEATURES
    from ecgcli.trees import Trees

    random = np.random.default_rng(4)
    data = lightgbm.Dataset(random.random((400, len(FEATURES))), np.arange(400) % 2)
    booster = lightgbm.train({"objective": "binary", "verbosity": -1}, data, num_boost_round=2)
    trees = Trees(booster.model_to_string())
    save_model(
        Path("fibrillation.safetensors"),
        replace(bundled_model(), trees=trees),
    )


def _write_results() -> None:
    """What commands write and read again."""
    run("predict", "beats.csv", "--model", "run", "-o", "predictions.csv", "-q")
    run("predict", "beats.csv", "--model", "knn.safetensors", "-o", "knn.csv", "-q")
    run("predict", "beats.csv", "--model", "run", "-o", "predictions.json", "-q")
    run("predict", "beats.csv", "--model", "run", "-o", "predictions.parquet", "-q")
    Path("day").mkdir()
    for ending in ("hea", "dat", "atr"):
        shutil.copy(f"rec.{ending}", "day")
    run("predict", "day", "--model", "run", "-o", "results", "-q", "-j", 1, "--beats-parquet")
    _write_review()
    run("evaluate", "run", "--data", "beats.csv", "-q")
    for side in ("train", "test"):
        shutil.copy("beats.csv", f"synthetic_{side}.csv")
        shutil.copy("beats.info.csv", f"synthetic_{side}.info.csv")
        shutil.copy("beats.context.npy", f"synthetic_{side}.context.npy")
    options = ("--splits", "synthetic", "--seeds", 1, "--data", ".", "-o", "compared")
    run("compare", "knn.yaml", *options, "-q")
    sides = {"train": ["p0", "rec"], "test": ["p1", "packed12"]}
    split = {side: {"patient": names, "record": names} for side, names in sides.items()}
    Path("split.json").write_text(json.dumps(split))


def _write_review() -> None:
    """A review of the recording without annotations, with an answer of several kinds."""
    Path("given.csv").write_text(
        "action,time,class,to\nclass,1.3 2.1,V,\nclass,2.9,S,\nmove,3.7,,3.75\n"
        "delete,4.5,,\nskip,5.3,,\nunreadable,10,,11\nundo,,,\nadd,12.0,F,\n"
    )
    Path("more.csv").write_text("time,class\n16.5,N\n")
    run("review", "lead.edf", *REVIEW, "--answers", "given.csv")
    for name in ("lead.reviewed", "lead.reviewed.csv"):
        Path(name).unlink()
    file = Path("lead.review.csv")
    file.write_text(re.sub(r"\d+-\d+-\d+T[\d:]+", "2026-01-01T12:00:00", file.read_text()))


def run(*arguments: object) -> None:
    """Run ``ecg`` in this process, and insist that it works."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exit_code != 0:
        raise RuntimeError(f"{arguments}: {result.output}") from result.exception
