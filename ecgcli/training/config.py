"""The experiment: a YAML file plus ``key=value`` overrides, typed and strict.

An unknown key, or a value of the wrong type, is an error that names the file, the key,
the value found and the valid values.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from ecgcli.choices import Copy
from ecgcli.classes import CLASS_SETS, ClassSet
from ecgcli.errors import ConfigError, did_you_mean, shown
from ecgcli.inputs import read_input
from ecgcli.models import summary_of
from ecgcli.progress import SILENT, Progress
from ecgcli.training.experiments import find_config
from ecgcli.validation import first_problem

Fraction = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
NotNegative = Annotated[float, Field(ge=0)]


def _printable(text: str) -> str:
    """Refuse characters that no name of a file and no text of a report can have."""
    if not text.isprintable():
        raise ValueError("it holds a character that cannot be printed")
    return text


Text = Annotated[str, AfterValidator(_printable)]


class Section(BaseModel):
    """A part of the config: no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Resample(Section):
    """Class rebalancing of the training part; exactly one rule. See `resampling.target_counts`."""

    majority: Count | None = None
    ratio: Annotated[float, Field(gt=0)] | None = None
    per_class: dict[str, Annotated[int, Field(ge=0)]] | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("takes exactly one of majority, ratio and per_class")
        return self


class Data(Section):
    """What to train on, and which part of it to hold out for validation."""

    #: Beats CSVs or parquet (samples stay on disk), or folders of annotated recordings.
    train: Text | Annotated[list[Text], Field(min_length=1)]
    #: Which recordings of the folders; ds1 and ds2 are the usual halves of the MIT-BIH database,
    #: beside which the records of other databases are kept.
    records: Literal["all", "ds1", "ds2"] | list[Text] = "all"
    #: Where the classes of their beats are from, as in ecg predict: auto, or an annotator such as
    #: reviewed, whose files ecg review writes.
    annotations: Text = "auto"
    #: Altered copies of the recordings to train on as well.
    copies: list[Copy] = []
    classes: ClassSet = "aami"
    normalize: bool = False
    #: stratified: a share of each class at random, for test beats of the same patients.
    #: patient: whole patients, for test beats of new patients; needs the sidecar.
    #: folds: every patient in one of several folds; the model itself is fitted on all
    #: patients. For models that are fitted in one step.
    validation: Literal["stratified", "patient", "folds"] = "stratified"
    validation_fraction: Fraction = 0.1
    resample: Resample | None = None

    @property
    def files(self) -> list[Path]:
        """The training files."""
        return [
            Path(name) for name in ([self.train] if isinstance(self.train, str) else self.train)
        ]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes the labels mean, in label order."""
        return CLASS_SETS[self.classes]


class Model(BaseModel):
    """The model's name; every other key is one of its arguments."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    name: str = "cnn"

    @property
    def arguments(self) -> dict[str, Any]:
        """Every key but the name."""
        return self.model_extra or {}


class Augment(Section):
    """Random changes to each training beat; 0 is off. See `augmentation.augment`."""

    gain: NotNegative = 0.0
    noise: NotNegative = 0.0
    stretch: Annotated[float, Field(ge=0, lt=1)] = 0.0


TrackerName = Literal["tensorboard", "mlflow"]


class Training(Section):
    """How to train."""

    epochs: Count = 10
    batch_size: Count = 128
    learning_rate: Annotated[float, Field(gt=0)] = 0.002
    weight_decay: NotNegative = 0.01
    schedule: Literal["onecycle", "cosine", "constant"] = "onecycle"
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    #: Weight of each class in the loss; balanced is inverse to its number of beats.
    class_weights: Literal["none", "balanced"] | dict[str, Annotated[float, Field(gt=0)]] = "none"
    #: balanced draws every class equally often.
    sampler: Literal["shuffle", "balanced"] = "shuffle"
    #: Bring probabilities back to the class balance before resampling.
    prior_correction: bool = True
    augment: Augment = Augment()
    #: Stop after this number of epochs without a better validation macro-F1.
    patience: Count | None = None
    device: Text = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    #: Where each epoch's figures are sent, beside metrics.csv; see `tracking`.
    log: list[TrackerName] = []


class Config(Section):
    """A whole experiment."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")] = "run"
    runs: Text = "runs"
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    #: The licence of the weights, written into the checkpoint.
    licence: Text = "not stated"
    data: Data
    model: Model = Model()
    training: Training = Training()

    def to_yaml(self, training: Collection[str] | None = None) -> str:
        """The config as YAML that `load_config` reads back to an equal one.

        ``training`` names the keys of that section to write, where not all apply.
        """
        document = self.model_dump()
        if training is not None:
            document["training"] = {key: document["training"][key] for key in training}
        return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def load_config(place: Path, overrides: Sequence[str] = (), progress: Progress = SILENT) -> Config:
    """Read a config and apply ``key=value`` overrides such as ``training.epochs=5``.

    An experiment without a name is named after its file.

    Args:
        place: a YAML file, or the name of a config that comes with ecg; see `find_config`.
        overrides: applied in their order.
        progress: has a message when another file than the one named is read, and when an
            override of the model leaves out keys of the file.

    Raises:
        ConfigError: the file is missing or not YAML, a key is unknown, or a value is not valid.
    """
    path = find_config(place)
    if path != place and place.suffix:
        progress.message(f"{place} is not here: the config {path.stem} of ecg is used")
    document = _read_yaml(path)
    if isinstance(document, dict):
        document.setdefault("name", path.stem)
    return parse_config(document, overrides, str(path), progress)


def parse_config(
    document: Any,
    overrides: Sequence[str] = (),
    origin: str = "config",
    progress: Progress = SILENT,
) -> Config:
    """Validate a config given as nested dicts; see `load_config`."""
    if not isinstance(document, dict):
        raise ConfigError(f"{origin}: found {shown(document)}, expected keys such as data:")
    of_model = [override for override in overrides if override.startswith("model.name=")]
    for override in of_model:
        _replace_model(document, override, progress)
    for override in overrides:
        _apply(document, override)
    try:
        return Config.model_validate(document)
    except ValidationError as error:
        problem = _explain(error, document, overrides)
        typed = _is_typed(error, overrides)
        raise ConfigError(problem if typed else f"{origin}: {problem}") from error


def full_keys(name: str) -> list[str]:
    """The keys of a config that end in ``name``: ``training.epochs`` for ``epochs``."""
    return [key for key in _all_keys(Config) if key.rpartition(".")[2] == name]


def _replace_model(document: dict[str, Any], override: str, progress: Progress) -> None:
    """Leave out the arguments in the document where the override names another model.

    They belong to the document's model, and the other one begins with its own defaults.
    """
    model, name = document.get("model"), override.partition("=")[2]
    if not isinstance(model, dict) or model.get("name", Model().name) == name:
        return
    summary_of(name)  # refuses a model that there is not
    if left_out := [key for key in model if key != "name"]:
        progress.message(
            f"{override}: the config's keys of {model.get('name', Model().name)} are left out "
            f"({', '.join(left_out)}), and the defaults of {name} apply"
        )
    document["model"] = {}


class _Loader(yaml.SafeLoader):
    """A loader with the floats of YAML 1.2: ``1e-3`` is a number, not text."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)$"),
    list("-+.0123456789"),
)


#: What the library raises; a date such as 2001-99-99 is a ValueError, a wrong tag any of these.
_NOT_YAML = (yaml.YAMLError, ValueError, AttributeError, LookupError, TypeError)


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.load(read_input(path).decode("utf-8"), Loader=_Loader)  # noqa: S506 (is safe)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as a config: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: nested too deeply for a config") from error
    except _NOT_YAML as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error


def _apply(document: dict[str, Any], override: str) -> None:
    """Put ``section.key=value`` into the document; ``train.`` is short for ``training.``."""
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"found {override}, expected key=value such as training.epochs=5")
    try:
        value = yaml.load(text, Loader=_Loader)  # noqa: S506 (is safe)
    except (*_NOT_YAML, RecursionError) as error:
        raise ConfigError(f"{override}: the value is not valid YAML") from error
    *sections, last = key.split(".")
    if sections and sections[0] == "train":
        sections[0] = "training"
    parent = document
    for section in sections:
        if not isinstance(parent.get(section), dict):
            parent[section] = {}
        parent = parent[section]
    parent[last] = value


def _explain(error: ValidationError, document: dict[str, Any], overrides: Sequence[str]) -> str:
    """One line for the first problem."""
    first = error.errors(include_url=False)[0]
    location = [str(part) for part in first["loc"]]
    key = ".".join(location)
    if first["type"] == "extra_forbidden":
        return f"unknown key {key}{_hint(location, overrides)}"
    if first["type"] == "missing":
        return f"{key} is missing; add it, for example {key}=…"
    _, problem = first_problem(error)
    return f"{'.'.join(_path_in(document, location))}: {problem}"


def _is_typed(error: ValidationError, overrides: Sequence[str]) -> bool:
    """Whether the first problem is in an override, for which no file is to blame."""
    location = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])
    keys = [re.sub(r"^train\.", "training.", each.partition("=")[0]) for each in overrides]
    return any(f"{location}.".startswith(f"{key}.") for key in keys)


def _hint(location: Sequence[str], overrides: Sequence[str]) -> str:
    """What an unknown key may have meant: the same key of another section, or a similar one."""
    *section, name = location
    if elsewhere := full_keys(name):
        typed = f"{'.'.join(location)}="
        value = next((f"={each[len(typed) :]}" for each in overrides if each.startswith(typed)), "")
        return f"; did you mean {elsewhere[0]}{value}?"
    model: type[BaseModel] = Config
    for part in section:
        model = next(iter(_sections(model.model_fields[part].annotation)))
    return did_you_mean(name, model.model_fields)


def _all_keys(model: type[BaseModel]) -> Iterator[str]:
    """Every key below a section, with the sections it lies in."""
    for name, field in model.model_fields.items():
        yield name
        for section in _sections(field.annotation):
            yield from (f"{name}.{key}" for key in _all_keys(section))


def _sections(annotation: Any) -> list[type[BaseModel]]:
    """The section that a key with this annotation holds, if it holds one."""
    members = [annotation, *getattr(annotation, "__args__", ())]
    return [member for member in members if hasattr(member, "model_fields")]


def _path_in(document: Any, location: Sequence[str]) -> list[str]:
    """The part of an error's location that is in the document, without pydantic's union tags."""
    path = []
    for part in location:
        if not isinstance(document, dict) or part not in document:
            break
        path.append(part)
        document = document[part]
    return path or list(location)
