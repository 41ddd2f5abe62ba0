"""Which file, which damages and which command: case N of a seed, always the same."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.fuzz.damage import DAMAGES
from tests.fuzz.damage.anything import ODD_TEXTS, Random, pick

#: Written as ``{file}`` in a command: the damaged file.
_BEATS = (
    "predict {file} --model run -o out.csv",
    "predict {file} --model run -o out.csv",
    "predict {file} --model run -o out.json --normalize",
    "check {file}",
    "resample {file} -o out.csv --majority 3 --classes aami",
    "features {file} -o out.csv",
    "confusion run --truth {file} --json",
    "cluster {file} -o out.csv --clusters 2 --classes aami",
    "similar {file} --to beats.csv --rows 0-1",
    "explain {file} --model run --rows 0",
    "anomaly score {file} --model anomaly -o out",
    "forecast {file} --model anomaly --rows 0 -o out.csv",
    "evaluate run --data {file} -o out",
)
_SIDECARS = (
    "predict beats.csv --model context.safetensors -o out.csv",
    "check beats.csv",
    "resample beats.csv -o out.csv --majority 3",
    "evaluate run --data beats.csv -o out",
    "train -q --config context.yaml data.train=beats.csv data.validation=patient",
)
_RECORDING = (
    "predict {file} --model run -o out.csv",
    "predict {file} --model run -o out.csv --annotations none",
    "prepare {file} -o out.csv --jobs 1",
    "prepare {file} -o out.csv --jobs 1 --context",
    "decompose {file} --seconds 5 -o out.csv",
)
_PARQUET = (
    *_BEATS,
    "prepare {file} -o out.csv",
    "prepare {file} -o out.parquet --samples float16",
    "check beats.csv --against {file}",
    "train -q --config knn.yaml data.train={file}",
    "train -q --config config.yaml data.train={file} data.validation=patient",
)
_REVIEW = "review lead.edf --model run --annotations none --reader anna -q"
_UNSTATED = tuple(f"{command} --fs 250 --units mV" for command in _RECORDING)
_CHECKPOINT = (
    "predict beats.csv --model {file} -o out.csv",
    "predict beats.csv --model {file} -o out.csv",
    "models show {file}",
    "confusion {file} --truth beats.csv --json",
    "explain beats.csv --model {file} --rows 0",
)


@dataclass(frozen=True)
class Target:
    """A kind of file to damage.

    Attributes:
        name: what the table calls it.
        files: files of this kind in the material.
        damages: a key of `DAMAGES`.
        commands: that read it.
        reader: the second reader in `readers.READERS` for what is accepted.
    """

    name: str
    files: tuple[str, ...]
    damages: str
    commands: tuple[str, ...]
    reader: str = ""


TARGETS = (
    Target(
        "beats CSV",
        ("beats.csv", "header.csv", "index.csv", "semicolons.csv", "unlabelled.csv"),
        "table", _BEATS, "beats",
    ),
    Target("gzip", ("packed.csv.gz",), "gzip", _BEATS[:5], "beats"),
    Target("sidecar", ("beats.info.csv",), "table", _SIDECARS, "sidecar"),
    Target("context", ("beats.context.npy",), "npy", _SIDECARS[:3]),
    Target("beats parquet", ("beats.parquet",), "binary", _PARQUET, "parquet"),
    Target("shards", tuple(f"shards/part-0000{n}.parquet" for n in range(4)), "binary", tuple(
        command.replace("{file}", "shards") for command in _PARQUET
    ), "parquet"),
    Target("WFDB header", ("rec.hea", "packed12.hea"), "table", _RECORDING, "wfdb"),
    Target("WFDB segments", ("multi.hea", "multi_1.hea"), "table", tuple(
        command.replace("{file}", "multi.hea") for command in _RECORDING
    )),
    Target("WFDB signal", ("rec.dat", "packed12.dat"), "binary", _RECORDING, "wfdb"),
    Target("WFDB annotations", ("rec.atr", "packed12.atr"), "annotations", _RECORDING, "wfdb"),
    Target("EDF", ("lead.edf", "lead.bdf"), "edf", _RECORDING, "edf"),
    Target("ISHNE", ("lead.ecg",), "ishne", _RECORDING, "ishne"),
    Target("DICOM", ("lead.dcm",), "binary", _RECORDING, "dicom"),
    Target("NPY", ("lead.npy",), "npy", _UNSTATED, "npy"),
    Target("MAT", ("lead.mat", "lead4.mat"), "binary", _UNSTATED, "mat"),
    Target("recording CSV", ("lead.csv",), "table", _UNSTATED, "text"),
    Target("config", ("config.yaml",), "yaml", (
        "train -q --config {file}", "train -q --config {file} model={{name: knn}} training={{}}",
    )),
    Target("checkpoint", (
        "run/best.safetensors", "knn.safetensors",
    ), "checkpoint", _CHECKPOINT, "predictions"),
    Target("context checkpoint", ("context.safetensors",), "checkpoint", _CHECKPOINT[:4]),
    Target("forged checkpoint", (
        "run/best.safetensors", "knn.safetensors", "context.safetensors",
    ), "forged", _CHECKPOINT),
    Target("training state", ("stopped/last.safetensors",), "checkpoint", (
        "train -q --resume stopped",
    )),
    Target("forged state", ("stopped/last.safetensors",), "forged", (
        "train -q --resume stopped",
    )),
    Target("run folder", (
        "stopped/config.yaml", "stopped/metrics.csv", "stopped/environment.json",
    ), "json", ("train -q --resume stopped",)),
    Target("finished run", (
        "run/config.yaml", "run/report.json", "run/metrics.csv", "run/environment.json",
    ), "json", ("train -q --resume run",)),
    Target("forged anomaly model", ("anomaly/anomaly.safetensors",), "forged", (
        "anomaly score beats.csv --model {file} -o out",
        "forecast beats.csv --model {file} --rows 0 -o out.csv",
    )),
    Target("model of fibrillation", ("fibrillation.safetensors",), "forged", (
        "evaluate {file} --data rec.hea -o out", "models show {file}",
    )),
    Target("anomaly model", ("anomaly/anomaly.safetensors",), "checkpoint", (
        "anomaly score beats.csv --model {file} -o out",
        "forecast beats.csv --model {file} --rows 0 -o out.csv",
    )),
    Target("results", ("results/rec.summary.json",), "json", (
        "predict day --model run -o results --jobs 1",
    ), "results"),
    Target("files about all", (
        "results/cohort.parquet", "results/failures.csv", "results/summary.json",
    ), "binary", (
        "predict day --model run -o results --jobs 1",
        "predict day --model run -o results --jobs 1 --beats-parquet",
        "check {file}",
    ), "about_all"),
    Target("review", ("lead.review.csv",), "table", (
        f"{_REVIEW} --answers more.csv --resume",
    ), "review"),
    Target("answers", ("given.csv",), "table", (f"{_REVIEW} --answers {{file}} -o out",)),
    Target("evaluation", ("run/evaluation-beats/report.json",), "json", ("confusion run --json",)),
    Target("comparison", ("compared/synthetic/knn-0/result.json",), "json", (
        "compare knn.yaml --splits synthetic --seeds 1 --data . -o compared",
    )),
    Target("split", ("split.json",), "json", (
        "prepare rec.hea packed12.hea -o out.csv --jobs 1 --split {file}",
    )),
    Target("predictions", ("predictions.csv",), "table", (
        "confusion {file} --truth beats.csv --json",
    ), "confusion"),
    Target("predictions JSON", ("predictions.json",), "json", (
        "confusion {file} --truth beats.csv --json",
    )),
    Target("predictions parquet", ("predictions.parquet",), "binary", (
        "confusion {file} --truth beats.csv --json",
    )),
)  # fmt: skip

#: Commands whose options are damaged: all of them work.
_WORKING = (
    "predict beats.csv --model run -o out.csv --abstain 0.5",
    "predict rec.hea --model run -o out.csv --lead II --annotations atr --detector envelope",
    "prepare lead.csv -o out.csv --fs 250 --units mV --annotations none --jobs 1 --lead II",
    "prepare rec.hea -o out.csv --jobs 1 --split random --test-fraction 0.3 --seed 1",
    "check beats.csv --against header.csv --classes aami",
    "resample beats.csv -o out.csv --majority 3 --seed 1",
    "resample beats.csv -o out.csv --ratio 2",
    "resample beats.csv -o out.csv --per-class N=2,V=2",
    "evaluate run --data beats.csv -o out --require accuracy=0 --skip-first 0",
    "confusion run --truth beats.csv --normalize true --png out.png",
    "features beats.csv -o out.csv",
    "cluster beats.csv -o out.csv --clusters 2 --components 3 --seed 1 --png out.png",
    "similar beats.csv --to beats.csv --rows 0,2-3 --neighbours 2 --png out.png",
    "explain beats.csv --model run --rows 0 --method gradients --seed 1 --png out.png",
    "anomaly score beats.csv --model anomaly -o out --quantile 0.9",
    "forecast beats.csv --model anomaly --rows 0 --from 50 --samples 20 --seed 1 -o out.csv",
    "decompose rec.hea --from 1 --seconds 5 --model additive -o out.csv --png out.png",
    "train -q --config knn.yaml seed=1 data.validation_fraction=0.2 licence=none name=x",
    "train -q --config config.yaml training.epochs=1 training.learning_rate=0.01 model.hidden=[4]",
    "models show run",
    "prepare shards -o out.parquet --samples uint8 --normalize --classes aami",
    "predict day --model run -o out --shard 1/1 --beats-parquet --jobs 1 --format json",
    "review lead.edf --model run --reader anna --answers given.csv -o out -q",
)
_ODD_OPTIONS = (
    *ODD_TEXTS, "3,,5", "5-3", "0-", "-5", "1-99999999999999", "all", "N=0", "N=nan", "N=-1",
    "N=1,N=2", "=", "accuracy=nan", "accuracy=1=1", "macro_f1", "8" * 20, "beats.csv", "run",
    "run/best.safetensors", "none/x", "-o", "--", "[1,2", "{a: [", "*a", "&a [*a]", "cuda:9",
)  # fmt: skip

#: Names that files may have; written to disk as they are.
_ODD_NAMES = (
    b"$\\frac{a$", b"[/b]", b"[red]x", b"\xff\xfe", b"\x1b[31m", b"=1+1", b"@x", b"+1", b"a b",
    b"a\nb", b"a\tb", b"%s%d", b"{0}", b"\xc3\xa9", b"e\xcc\x81", b"summary", b"-x", b"x.csv", b"~",
    b"*", b"a?", b"a[0]", b"'", b'"', b"\xe2\x80\xae", b"x" * 240, b"a;b", b"a,b", b"$HOME", b"...",
    b"\xf0\x9f\xab\x80", b"C:\\x", b"con", b"#x", b"a&b", b"<b>", b"nan", b"1", b"100", b"NA",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A damaged input and a command that is given it.

    Attributes:
        target: what is damaged.
        damages: the names of the damages, in the order in which they are done.
        file: the damaged file, relative to the working folder; empty where there is none.
        arguments: of ``ecg``.
        reader: the second reader for what is accepted.
        existing: whether a file of an earlier time lies where the output goes.
    """

    target: str
    damages: tuple[str, ...]
    file: str
    arguments: tuple[str, ...]
    reader: str = ""
    existing: bool = False


def make_case(seed: int, number: int, material: Path, folder: Path) -> Case:
    """Lay out the working folder of a case: a copy of the material, with the damage done."""
    random = np.random.default_rng((seed, number))
    shutil.copytree(material, folder, dirs_exist_ok=True)
    existing = random.random() < 0.2
    if existing:
        (folder / "out.csv").write_text("an earlier result\n")
    kind = number % 12
    if kind == 0:
        return _odd_options(random)
    if kind == 1:
        return _odd_name(random, folder)
    target: Target = pick(random, TARGETS)
    file: str = pick(random, target.files)
    command: str = pick(random, target.commands)
    data = (folder / file).read_bytes()
    damages = []
    for _ in range(int(random.choice([1, 2, 3], p=[0.8, 0.15, 0.05]))):
        name: str = pick(random, sorted(DAMAGES[target.damages]))
        data = DAMAGES[target.damages][name](data, random)
        damages.append(name)
    (folder / file).write_bytes(data)
    arguments = tuple(word.format(file=file) for word in command.split())
    return Case(target.name, tuple(damages), file, arguments, target.reader, existing)


def _odd_options(random: Random) -> Case:
    """One or two words of a working command replaced."""
    words = str(pick(random, _WORKING)).split()
    for _ in range(int(random.integers(1, 3))):
        where = int(random.integers(1, len(words)))
        name, equals, _value = words[where].partition("=")
        odd = str(pick(random, _ODD_OPTIONS))
        words[where] = f"{name}={odd}" if equals else odd
    return Case("options", (), "", tuple(words))


def _odd_name(random: Random, folder: Path) -> Case:
    """A whole file, its companions with it, under an odd name."""
    odd = os.fsdecode(pick(random, _ODD_NAMES))
    stem, endings, commands = pick(
        random,
        (
            ("beats", (".csv", ".info.csv", ".context.npy"), _BEATS),
            ("rec", (".hea", ".dat", ".atr"), _RECORDING),
            ("lead", (".edf",), _RECORDING),
            ("lead", (".ecg",), _RECORDING),
            ("lead", (".dcm",), _RECORDING),
            ("beats", (".parquet",), _PARQUET),
            ("lead", (".npy",), _UNSTATED),
            ("run/best", (".safetensors",), _CHECKPOINT),
        ),
    )
    (folder / odd).parent.mkdir(exist_ok=True)  # a slash makes a folder of its first half
    for ending in endings:
        if len(os.fsencode(odd + ending)) < 256:
            shutil.copy(folder / f"{stem}{ending}", folder / f"{odd}{ending}")
    file = f"{odd}{endings[0]}"
    words = str(pick(random, commands)).split()
    arguments = tuple(file if word == "{file}" else word for word in words)
    if file.startswith("-"):
        arguments = tuple(f"./{file}" if word == file else word for word in arguments)
    out = f"{odd}-out"
    arguments = tuple(out + word[3:] if word.startswith("out") else word for word in arguments)
    return Case("names", (ascii(odd),), file, arguments)
