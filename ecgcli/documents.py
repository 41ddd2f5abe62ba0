"""The documents that ``--json`` prints: their keys, what each means, and their version.

Every document is an object whose first key is ``schema``, its version. A key may be added within a
version; a key that is renamed, removed or given another meaning makes the next one. Times are in
seconds, shares between 0 and 1, paths as the command was given them; a figure that is not defined
is null.

Tables are not among them: ``ecg predict`` of beats and ``ecg features -o FILE.json`` write an array
with an object for each row, which has the columns of their CSV.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Object(BaseModel):
    """An object: the keys that it has, and no others."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class _Document(_Object):
    """What a command prints."""

    version: Literal[1] = Field(alias="schema")


Score = dict[Literal["value", "low", "high"], float | None]
Gross = dict[Literal["gross", "average", "low", "high"], float | None]
Counts = dict[str, int]
Matrix = list[list[int]]


class Train(_Document):
    """A finished training."""

    run: str
    """The run folder."""
    report: str
    """The page of the training."""
    metrics: dict[str, float]
    """Figures of the weights kept, on the validation beats."""
    seconds: float
    """How long it took, without reading the data."""
    best: dict[str, float] | None
    """The row of ``metrics.csv`` of the epoch whose weights were kept; null without epochs."""
    epochs: int
    """Number of epochs; 0 for a model that is fitted in one step."""
    stopped_early: bool
    """Whether ``training.patience`` ended it."""
    overfitting: str | None
    """A sentence, when the model overfits."""
    reading: list[str]
    """What the curves show, in sentences; empty without epochs."""


class Aami(_Object):
    """Figures by ANSI/AAMI EC57."""

    rules: str
    interval: str
    skipped_seconds: float
    figures: dict[str, Gross]
    dominant_s_record: str | None
    """The record that has more than half of all S beats."""
    sveb_without_dominant: dict[str, Gross]
    categories: list[str]
    """Of rows and columns of the matrices: O is no beat, X unreadable."""
    records: dict[str, dict[str, Any]]
    """Of each record: ``matrix`` and figures."""


class Episodes(_Object):
    """Episodes of atrial fibrillation by ANSI/AAMI EC57."""

    rules: str
    interval: str
    skipped_seconds: float
    figures: dict[str, Gross]
    records: dict[str, dict[str, float | None]]


class EvaluateBeats(_Document):
    """An evaluation on a labelled beats CSV."""

    model: str
    data: str
    beats: int
    statement: str
    """What the score holds for, in a sentence or two."""
    interval: str
    """The intervals from ``low`` to ``high``."""
    overall: dict[str, Score]
    by_class: dict[str, dict[str, Score | int | float | None]]
    classes: list[str]
    confusion_matrix: Matrix
    """True class in rows, predicted class in columns."""
    calibration: dict[str, Any]
    aami: Aami | None
    """Null where the records of the beats are not known."""


class EvaluateRecordings(_Document):
    """An evaluation on annotated recordings."""

    model: str
    data: str
    r_peaks: Literal["detected"]
    detector: str
    statement: str
    classes: list[str]
    confusion_matrix: Matrix
    """Of the beats that were detected."""
    aami: Aami
    fibrillation: Episodes | None
    """Null without rhythm annotations."""
    notes: list[str]


class EvaluateRhythm(_Document):
    """An evaluation of a model of atrial fibrillation."""

    model: str
    data: str
    r_peaks: Literal["annotated"]
    statement: str
    fibrillation: Episodes


class Compare(_Document):
    """A comparison of several models on the same splits."""

    interval: str
    splits: list[str]
    rows: list[dict[str, Any]]
    """The best first: name, model, seeds, scores by split and figure, and what they cost."""


class Confusion(_Document):
    """A confusion matrix."""

    of: str
    """Which model or table, on which data."""
    report: str | None
    """The report of the evaluation that it is from; null where it was computed now."""
    classes: list[str]
    confusion_matrix: Matrix
    """True class in rows, predicted class in columns."""
    abstained: int
    """Number of beats that were not classified; they are not in the matrix."""
    normalized_over: Literal["true", "pred", "all"]
    normalized: list[list[float | None]]
    rows: str
    columns: str


class Models(_Document):
    """The models that can be trained."""

    models: list[dict[str, Any]]
    """Of each: name, summary, kind, views (its inputs), and its scores in the comparison."""


class ShowModel(_Document):
    """A model that can be trained."""

    name: str
    summary: str
    kind: Literal["network", "estimator"]
    views: list[str]
    """Its inputs."""
    config: str | None
    """Its config in the comparison, whose figures follow."""
    parameters: int | None
    beats_per_second: float | None
    random_f1: float | None
    """Macro-F1 on beats of the patients that it was trained on."""
    patients_f1: float | None
    """Macro-F1 on beats of new patients."""
    description: str
    arguments: dict[str, Any]
    """The keys of ``model:`` in a config, with their defaults."""
    meanings: dict[str, str]
    """Of the arguments."""


class ShowRun(_Document):
    """Trained weights: the card of their checkpoint, and the evaluations in their run."""

    place: str
    """What commands take for these weights."""
    format: int
    ecgcli: str
    model: str
    estimator: bool
    arguments: dict[str, Any]
    views: list[str]
    classes: list[str]
    beat_length: int
    sampling_rate: float
    preprocessing: str
    temperature: float
    class_offsets: list[float]
    training_data: dict[str, Any]
    metrics: dict[str, float]
    licence: str
    evaluations: list[dict[str, Any]]
    """Documents of ``ecg evaluate``, the last one last, and the path of each."""
    text: str = ""
    """The card of pretrained weights, in Markdown."""


class ShowFibrillation(_Document):
    """A model of atrial fibrillation."""

    place: str
    format: int
    ecgcli: str
    model: str
    window: int
    """Number of RR intervals that it reads."""
    training_data: dict[str, Any]
    metrics: dict[str, float]
    licence: str
    text: str = ""

    model_config = ConfigDict(extra="allow")


class Configs(_Document):
    """The configs that come with ecg."""

    configs: list[dict[Literal["name", "summary"], str]]


class Download(_Document):
    """Downloaded data."""

    source: str
    files: list[str]


class Check(_Document):
    """What was found in files of beats."""

    files: dict[str, list[dict[str, Any]]]
    """The findings in each: section, level (good, warning or error), message and facts."""


class Resample(_Document):
    """A resampled training file; the same is in ``NAME.resample.json``."""

    source: str
    source_fingerprint: str
    rule: dict[str, Any]
    seed: int
    before: Counts
    after: Counts
    dropped_rows: list[int]
    test_file_forced: bool
    """Whether it is a test file, on which every score is inflated now."""


class Prepare(_Document):
    """Beats cut from recordings, or joined from files of beats."""

    files: list[str]
    sources: int
    """How many recordings, or files of beats, were read."""
    recordings: int | None
    """How many of them were recordings; null where files of beats were joined."""
    beats: int
    classes: Counts | None
    """Beats of each class; null without classes."""
    skipped_beats: int
    notes: dict[str, list[str]]
    """Of each recording that has any."""
    failures: dict[str, str]
    """The recordings that could not be read, and why."""


class Predict(_Document):
    """Predictions of a recording."""

    summary: dict[str, Any]
    """Rates, counts, burdens, runs, episodes of atrial fibrillation, and notes."""
    beats: list[dict[str, Any]]
    """A row for each beat, with the columns of the CSV."""


class PredictMany(_Document):
    """Predictions of several recordings; each has a file with its beats."""

    recordings: list[dict[str, Any]]
    """The summary of each, as of one recording."""
    failures: dict[str, str]
    """The recordings that could not be read, and why."""


class View(_Document):
    """The page of a recording."""

    page: str
    recording: str
    beats: int
    notes: list[str]
    events: Counts
    """The number of events of each kind."""


class Review(_Document):
    """The results of a review."""

    table: str
    annotations: str
    review: str
    """The file of answers."""
    answers: int
    beats: int
    beats_by_reader: int


class Features(_Document):
    """The features of beats."""

    beats: list[dict[str, Any]]
    """A row for each beat, with the columns of the CSV."""


class FeatureList(_Document):
    """The features that there are."""

    features: list[dict[Literal["name", "group", "meaning"], str]]


class Cluster(_Document):
    """Clusters of beats."""

    beats: int
    reduction: str
    components: int
    explained_variance: float | None
    clusters: list[dict[str, Any]]
    agreement: dict[str, float] | None
    """With the classes; null without labels."""
    silhouette: float | None
    silhouette_beats: int


class Similar(_Document):
    """Beats that the model finds similar to others."""

    beats: list[dict[str, Any]]
    """Of each: its class, the predicted class, and its neighbours, the nearest first."""


class Explain(_Document):
    """What predictions depend on."""

    method: str
    beats: list[dict[str, Any]]
    """Of each: the predicted class, its probability, and what each sample adds to it."""
    deletion_test: dict[str, Any] | None
    """How far the probability falls when the samples ranked highest are removed."""


class Decompose(_Document):
    """Parts of a recording: trend, periodic, residual."""

    recording: str
    lead: str
    model: str
    start: float = Field(alias="from")
    """In s, as ``to``."""
    to: float
    beats: int
    heart_rate: float
    """Beats a minute."""
    noise_share: float
    wander_mv: float
    offset_mv: float
    notes: list[str]
    files: list[str]


class AnomalyFit(_Document):
    """A fitted model of normal beats."""

    run: str
    method: str
    validation: dict[str, Any]
    quantile: float
    threshold: float
    band_factors: dict[str, float]
    training_loss: list[float]
    """Of each epoch."""


class AnomalyScore(_Document):
    """How unusual beats are."""

    model: str
    data: str
    notes: list[str]
    statement: str
    beats: int
    anomalous: int
    quantile: float
    threshold: float
    by_class: dict[str, dict[Literal["beats", "anomalous"], int]]
    roc_auc: dict[str, Score]
    interval: str


class Forecast(_Document):
    """How beats go on."""

    observed: int = Field(alias="from")
    """The number of samples that were known."""
    unit: str
    coverage: dict[str, Any]
    """The share of samples within each band."""
    rows: list[dict[str, Any]]
    """A row for each sample, with the columns of the CSV."""


class FibrillationFit(_Document):
    """A fitted model of atrial fibrillation, and its figures by cross-validation."""

    run: str
    training_data: dict[str, Any]
    rules: str
    interval: str
    skipped_seconds: float
    figures: dict[str, Gross]
    records: dict[str, dict[str, float | None]]


class Export(_Document):
    """An exported model, checked against its checkpoint."""

    file: str
    example: str | None
    """A program that runs it."""
    inputs: list[str]
    classes: list[str]
    checked_on: str
    beats: int
    largest_difference: float
    """Of a probability from the checkpoint's."""


#: The documents of each command.
DOCUMENTS: dict[str, Any] = {
    "anomaly fit": AnomalyFit,
    "anomaly score": AnomalyScore,
    "check": Check,
    "cluster": Cluster,
    "compare": Compare,
    "config": Configs,
    "config list": Configs,
    "confusion": Confusion,
    "decompose": Decompose,
    "download": Download,
    "evaluate": EvaluateBeats | EvaluateRecordings | EvaluateRhythm,
    "explain": Explain,
    "export": Export,
    "features": Features | FeatureList,
    "fibrillation fit": FibrillationFit,
    "forecast": Forecast,
    "models": Models,
    "models list": Models,
    "models show": ShowModel | ShowRun | ShowFibrillation,
    "predict": Predict | PredictMany,
    "prepare": Prepare,
    "resample": Resample,
    "review": Review,
    "similar": Similar,
    "train": Train,
    "view": View,
}


def json_schema(command: str) -> dict[str, Any]:
    """The JSON Schema of the documents of a command, such as ``models show``."""
    return TypeAdapter(DOCUMENTS[command]).json_schema()
