"""Configs, splits and seeds -> one ranked table, each cell trained and evaluated once.

A cell is one config trained with one seed on one split. Its result is ``result.json`` in its
run folder, so an interrupted comparison continues where it stopped.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from ecgcli import metrics
from ecgcli.beats import Beats, context_path, info_path, read_labelled
from ecgcli.checkpoints.runs import CONFIG, LAST, discard_run
from ecgcli.environment import describe_environment
from ecgcli.errors import ConfigError, DataError, did_you_mean
from ecgcli.evaluation.beats import Evaluation, evaluate_beats
from ecgcli.files import sha256, write_json, write_text
from ecgcli.inputs import read_input
from ecgcli.prediction import Classifier, load
from ecgcli.progress import SILENT, Part, Progress
from ecgcli.training import resume, train
from ecgcli.training.config import Config, load_config
from ecgcli.training.run import Run, is_finished, read_run

RESULT = "result.json"


@dataclass(frozen=True)
class SplitFiles:
    """The two files of a split, the validation rule, and the command that creates the files."""

    title: str
    files: str
    validation: str
    origin: str

    def train(self, folder: Path) -> Path:
        """The training file."""
        return folder / f"{self.files}_train.csv"

    def test(self, folder: Path) -> Path:
        """The test file."""
        return folder / f"{self.files}_test.csv"


SPLITS = {
    "random": SplitFiles("random split, known patients", "mitbih", "stratified", "ecg download"),
    "patients": SplitFiles(
        "DS1 to DS2, new patients", "patients", "patient",
        "ecg prepare data/mitdb -o data/patients.csv --split ds1-ds2",
    ),
    "synthetic": SplitFiles("synthetic beats", "synthetic", "patient", "ecg download demo"),
}  # fmt: skip

#: Figures of a cell; those of the standard only for splits whose files name their records.
FIGURES = (
    "accuracy", "macro_f1", "nsvf_macro_f1", "sveb_sensitivity", "sveb_positive_predictivity",
    "veb_sensitivity", "veb_positive_predictivity",
)  # fmt: skip
#: Those shown for every split, and the pairs of sensitivity and predictivity shown for DS1/DS2.
_OVERALL = ("accuracy", "macro_f1")
_PAIRS = {"sveb": "S Se/+P", "veb": "V Se/+P"}
#: The headings of `shown_costs`.
COSTS = ("seeds", "parameters", "training", "beats/s")


@dataclass(frozen=True)
class Cell:
    """One training run: its scores on the split's test file, and its costs.

    ``scores`` lacks the figures that are not defined, such as the positive predictivity
    of a class that is never predicted.
    """

    name: str
    model: str
    split: str
    seed: int
    scores: dict[str, float]
    parameters: int
    training_seconds: float
    beats_per_second: float


@dataclass(frozen=True)
class Mean:
    """The mean over seeds, with the 95% interval of the mean; for one seed it has no width.

    The interval is Student's t, kept within 0..1.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """A config's place in the table; ``scores`` maps each split evaluated on to its figures."""

    name: str
    model: str
    seeds: int
    scores: dict[str, dict[str, Mean]]
    parameters: int
    training_seconds: float
    beats_per_second: float


@dataclass(frozen=True)
class Comparison:
    """Rows, the best first by macro-F1 on the first split."""

    splits: tuple[str, ...]
    rows: tuple[Row, ...]

    def as_json(self) -> dict[str, Any]:
        """A document of plain values."""
        return {"interval": "95% of the mean over seeds, Student's t"} | asdict(self)

    def markdown(self) -> str:
        """The table, in Markdown."""
        head = ["", *(text for split in self.splits for text in _titled(split)), *COSTS]
        lines = ["| " + " | ".join(cells) + " |" for cells in (head, *self._cells())]
        lines.insert(1, "|" + "---|" * len(head))
        return "\n".join(lines) + "\n"

    def _cells(self) -> list[list[str]]:
        return [
            [
                row.name,
                *(text for split in self.splits for text in shown_scores(row, split)),
                *shown_costs(row),
            ]
            for row in self.rows
        ]


def headings(split: str) -> list[str]:
    """The headings of `shown_scores`."""
    by_name = {metric.name: metric.heading for metric in metrics.OVERALL}
    overall = [by_name[name] for name in _OVERALL]
    return [*overall, *_PAIRS.values()] if split == "patients" else overall


def _titled(split: str) -> list[str]:
    """The headings of a split in a table of several, the first one with the split's name."""
    shown = {"random": "random split", "patients": "DS1/DS2"}.get(split, split)
    first, *others = headings(split)
    return [f"{shown}: {first}", *others]


def shown_scores(row: Row, split: str) -> list[str]:
    """A row's figures on one split, as text; dashes where it was not evaluated on it."""
    scores = row.scores.get(split)
    if scores is None:
        return ["-"] * len(headings(split))
    cells = [_with_interval(scores[name]) for name in _OVERALL]
    if split == "patients":
        for kind in _PAIRS:
            pair = [
                scores.get(f"{kind}_{name}") for name in ("sensitivity", "positive_predictivity")
            ]
            cells.append(
                " / ".join("-" if mean is None else f"{100 * mean.value:.0f}" for mean in pair)
            )
    return cells


def shown_costs(row: Row) -> list[str]:
    """The texts under `COSTS`."""
    return [
        str(row.seeds),
        f"{row.parameters:,}",
        f"{row.training_seconds:.0f} s",
        f"{row.beats_per_second:,.0f}",
    ]


def _with_interval(mean: Mean) -> str:
    """The mean, and its interval if there are several seeds."""
    interval = f" ({mean.low:.3f}-{mean.high:.3f})" if mean.low < mean.high else ""
    return f"{mean.value:.4f}{interval}"


def compare(
    configs: Sequence[Config],
    splits: Sequence[str],
    seeds: int,
    data: Path,
    out: Path,
    progress: Progress = SILENT,
    command: str = "",
) -> Comparison:
    """Train every config on every split with seeds 0, 1, … and evaluate each on the test file.

    Args:
        configs: the experiments; the split replaces their training file and validation rule.
        splits: names in `SPLITS`.
        seeds: number of seeds.
        data: the folder of the files.
        out: the folder for the runs and the table.
        progress: of the comparison and of the current training; a message for each cell.
        command: the command line, for the record.

    Returns:
        The table of everything compared in ``out`` so far, by this call and earlier ones.

    Raises:
        ConfigError: two configs have the same name, or there is no such split.
        DataError: a file is missing.
        Interrupted: stopped by Ctrl-C; the same call continues where it stopped.
    """
    _require(configs, splits, data)
    contents = {split: _content_of(SPLITS[split], data) for split in splits}
    work = list(product(configs, splits, range(seeds)))
    for done, (config, split, seed) in enumerate(work):
        progress.update("comparing", done, len(work))
        run = out / split / f"{config.name}-{seed}"
        ours = _for_cell(config, SPLITS[split], seed, data, run)
        cell = _measured(run, ours, contents[split], progress)
        done_before = cell is not None
        if cell is None:
            part = Part(progress, f"{config.name}, {split}, seed {seed}")
            trained = _trained(ours, run, part, command)
            cell = _measure(ours, config.name, split, SPLITS[split].test(data), trained)
            _write_result(run, ours, contents[split], cell)
        progress.message(_line(cell, done_before))
    progress.update("comparing", len(work), len(work))
    comparison = _tabulate(_every_cell(out, progress), tuple(splits))
    write_json(
        out / "comparison.json",
        comparison.as_json() | {"environment": describe_environment(command, 0, "")},
    )
    write_text(out / "comparison.md", comparison.markdown())
    return comparison


def _require(configs: Sequence[Config], splits: Sequence[str], data: Path) -> None:
    names = [config.name for config in configs]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two of the configs are named {name}; rename one file")
    for split in splits:
        if split not in SPLITS:
            raise ConfigError(f"--splits: found {split!r}{did_you_mean(split, SPLITS)}")
        for path in (SPLITS[split].train(data), SPLITS[split].test(data)):
            if not path.exists():
                raise DataError(f"no such file; get it with: {SPLITS[split].origin}", file=path)


def _for_cell(config: Config, split: SplitFiles, seed: int, data: Path, run: Path) -> Config:
    """The config with the split's data, its seed and its own run folder."""
    part = config.data.model_copy(
        update={"train": str(split.train(data)), "validation": split.validation}
    )
    return config.model_copy(
        update={"data": part, "seed": seed, "name": run.name, "runs": str(run.parent)}
    )


def _fingerprint(config: Config) -> str:
    return hashlib.sha256(config.to_yaml().encode()).hexdigest()


def _content_of(split: SplitFiles, data: Path) -> str:
    """The SHA-256 of what the split's files and their sidecars hold."""
    digest = hashlib.sha256()
    for beats in (split.train(data), split.test(data)):
        for path in (beats, info_path(beats), context_path(beats)):
            digest.update((sha256(path) if path.exists() else "none").encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class _Result(Cell):
    """A cell as it is in its file, with the hashes of its config and of its data."""

    config_sha256: str
    data_sha256: str

    @property
    def cell(self) -> Cell:
        """The cell alone."""
        return Cell(**{field.name: getattr(self, field.name) for field in fields(Cell)})


def _read_result(path: Path) -> _Result | None:
    """The result in a file; None where there is none, or where it is damaged."""
    try:
        result = TypeAdapter(_Result).validate_json(read_input(path))
    except (OSError, ValidationError):
        return None
    return result if {"accuracy", "macro_f1"} <= result.scores.keys() else None


def _measured(run: Path, config: Config, content: str, progress: Progress) -> Cell | None:
    """The cell measured before; None where it is still to be measured.

    Raises:
        ConfigError: it was measured with another config, or on other data.
    """
    result = _read_result(run / RESULT)
    if result is None:
        if (run / RESULT).exists():
            progress.message(f"{run / RESULT}: damaged; it is made again")
        return None
    if result.config_sha256 != _fingerprint(config):
        raise _another_config(run)
    if result.data_sha256 != content:
        raise ConfigError(
            f"{run}: was measured on other data; remove the folder, or choose another -o"
        )
    return result.cell


def _another_config(run: Path) -> ConfigError:
    return ConfigError(
        f"{run}: was trained with another config; remove the folder, or choose another -o"
    )


def _require_same_config(run: Path, config: Config) -> None:
    """Refuse a training that was begun with another config, but for what `auto` stood for.

    Raises:
        ConfigError: the configs differ.
    """
    began = load_config(run / CONFIG).model_dump()
    for name in ("device", "precision"):
        began["training"][name] = getattr(config.training, name)
    if began != config.model_dump():
        raise _another_config(run)


def _every_cell(out: Path, progress: Progress) -> list[Cell]:
    """Everything measured in the folder, by this comparison and earlier ones."""
    results = {path: _read_result(path) for path in sorted(out.glob(f"*/*/{RESULT}"))}
    for path, result in results.items():
        if result is None:
            progress.message(f"{path}: damaged, and not in the table; compare its config again")
    return [result.cell for result in results.values() if result is not None]


def _line(cell: Cell, done_before: bool) -> str:
    """The line reported for a cell."""
    scores, before = cell.scores, " (done before)" if done_before else ""
    return (
        f"{cell.name:<14} {cell.split:<9} seed {cell.seed}  accuracy {scores['accuracy']:.4f}  "
        f"macro-F1 {scores['macro_f1']:.4f}  {cell.training_seconds:.0f} s{before}"
    )


def _trained(config: Config, path: Path, progress: Progress, command: str) -> Run:
    """The cell's training run: read back, continued where it stopped, or trained now."""
    if is_finished(path) or (path / LAST).exists():
        _require_same_config(path, config)
        return read_run(path) if is_finished(path) else resume(path, progress)
    if path.exists():
        discard_run(path)
    return train(config, progress, command)


def _measure(config: Config, name: str, split: str, test: Path, run: Run) -> Cell:
    """Evaluate a trained model on the split's test file."""
    classifier = load(run.checkpoint)
    evaluation, speed = _evaluate(classifier, test)
    scores = evaluation.scores()
    return Cell(
        name=name,
        model=config.model.name,
        split=split,
        seed=config.seed,
        scores={name: scores[name] for name in FIGURES if np.isfinite(scores.get(name, np.nan))},
        parameters=classifier.checkpoint.parameters,
        training_seconds=round(run.seconds, 1),
        beats_per_second=round(speed),
    )


def _write_result(folder: Path, config: Config, content: str, cell: Cell) -> None:
    hashes = {"config_sha256": _fingerprint(config), "data_sha256": content}
    write_json(folder / RESULT, asdict(cell) | hashes)


def _evaluate(classifier: Classifier, test: Path) -> tuple[Evaluation, float]:
    """The evaluation, and the beats per second of the model after a first run."""
    beats = read_labelled(test, classifier.classes)
    evaluation = evaluate_beats(classifier, beats, test)
    sample = beats.take(np.arange(min(len(beats), 2048)))
    return evaluation, len(sample) / min(_seconds(classifier, sample) for _ in range(3))


def _seconds(classifier: Classifier, beats: Beats) -> float:
    began = time.perf_counter()
    classifier.probabilities(beats)
    return time.perf_counter() - began


def _tabulate(cells: Sequence[Cell], splits: tuple[str, ...]) -> Comparison:
    rows = [
        _row([cell for cell in cells if cell.name == name and cell.split in splits], splits)
        for name in dict.fromkeys(cell.name for cell in cells if cell.split in splits)
    ]
    rows.sort(key=lambda row: -_rank(row, splits[0]))
    return Comparison(splits, tuple(rows))


def _rank(row: Row, split: str) -> float:
    return row.scores[split]["macro_f1"].value if split in row.scores else -1.0


def _row(cells: Sequence[Cell], splits: tuple[str, ...]) -> Row:
    """The row of a config's cells; speed and size are of the first split it was evaluated on."""
    by_split = {split: [cell for cell in cells if cell.split == split] for split in splits}
    evaluated = {split: own for split, own in by_split.items() if own}
    first = next(iter(evaluated.values()))
    return Row(
        name=first[0].name,
        model=first[0].model,
        seeds=len(first),
        scores={split: _means(own) for split, own in evaluated.items()},
        parameters=first[0].parameters,
        training_seconds=float(np.median([cell.training_seconds for cell in first])),
        beats_per_second=float(np.median([cell.beats_per_second for cell in first])),
    )


def _means(cells: Sequence[Cell]) -> dict[str, Mean]:
    """Of each figure over the seeds that have it: a predictivity needs a prediction."""
    return {
        name: mean_over_seeds(
            np.array([cell.scores[name] for cell in cells if name in cell.scores])
        )
        for name in FIGURES
        if any(name in cell.scores for cell in cells)
    }


def mean_over_seeds(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Mean:
    """Mean and interval of a figure ``(seeds,)``."""
    mean = float(values.mean())
    if len(values) < 2:
        return Mean(mean, mean, mean)
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return Mean(mean, max(mean - half, 0.0), min(mean + half, 1.0))
