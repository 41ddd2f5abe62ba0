"""Write the page about the documents of ``--json``: ``python docs/documents.py > docs/json.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import TypeAdapter

from ecgcli import documents

#: What the keys mean that several documents have and describe nowhere else.
MEANINGS = {
    "aami": "Figures by ANSI/AAMI EC57.",
    "kind": "Whether it is trained in epochs or fitted in one step.",
    "parameters": "Number of weights, in the comparison.",
    "beats_per_second": "Its speed, in the comparison.",
    "description": "What it is.",
    "anomalous": "Number of beats above the threshold.",
    "arguments": "Of the model.",
    "band_factors": "What each band of forecasts is widened by.",
    "beats": "Number of beats.",
    "beat_length": "Samples in a beat.",
    "by_class": "Figures of each class.",
    "calibration": "Expected calibration error, its bins, and what is left when unsure beats are.",
    "class_offsets": "Added to the logits of the classes.",
    "classes": "The names of the classes, in label order.",
    "columns": "What a column of the matrix is.",
    "components": "Number of dimensions left.",
    "clusters": "Of each: its number, beats, main class and the classes of its beats.",
    "data": "The data, as named in the command.",
    "detector": "Of R peaks.",
    "ecgcli": "The version of ecg that made it.",
    "estimator": "Whether it is fitted in one step.",
    "explained_variance": "Share of the variance that the dimensions left have.",
    "fibrillation": "Episodes of atrial fibrillation.",
    "figures": "Each with the gross value, the average of records and the interval.",
    "files": "The files written.",
    "format": "The version of the file.",
    "inputs": "What the model reads.",
    "interval": "What the intervals from `low` to `high` are.",
    "lead": "The lead.",
    "licence": "Of the weights.",
    "method": "The method chosen.",
    "metrics": "Figures on validation data.",
    "model": "The model.",
    "name": "Its name.",
    "noise_share": "Share of the time without ECG.",
    "normalized": "The matrix as shares; null where there are no beats.",
    "normalized_over": "What the shares are of: the true class, the predicted one, or all beats.",
    "notes": "What was noticed in reading.",
    "offset_mv": "The mean of the signal.",
    "overall": "Figures over all classes.",
    "page": "The page written.",
    "place": "What commands take for these weights.",
    "preprocessing": "Of the beats.",
    "quantile": "Share of normal beats below the threshold.",
    "r_peaks": "Where the R peaks are from.",
    "recording": "Its name.",
    "recordings": "Number of recordings.",
    "records": "Figures of each record.",
    "reduction": "How the dimensions were reduced.",
    "roc_auc": "Area under the ROC curve, with its interval.",
    "rows": "What a row of the matrix is.",
    "rule": "What the counts of the classes were changed to.",
    "rules": "How the standard was applied.",
    "run": "The run folder.",
    "sampling_rate": "In Hz.",
    "schema": "The version of the document: 1.",
    "seed": "Of the random choices.",
    "silhouette": "The silhouette coefficient.",
    "silhouette_beats": "Number of beats it was computed on.",
    "skipped_beats": "Number of beats left out.",
    "skipped_seconds": "At the start of each record.",
    "source": "What the data were made from.",
    "source_fingerprint": "SHA-256 of its beats.",
    "splits": "The splits compared.",
    "statement": "What the result holds for, in a sentence or two.",
    "summary": "What it is, in a line.",
    "table": "The beats after the review, as a table.",
    "annotations": "The corrected annotations.",
    "answers": "Number of answers.",
    "beats_by_reader": "Number of beats whose class is from the reader.",
    "before": "Beats of each class.",
    "after": "Beats of each class.",
    "dropped_rows": "Their numbers, from 0.",
    "temperature": "What the logits are divided by.",
    "text": "The card of pretrained weights, in Markdown.",
    "threshold": "The anomaly score above which a beat is anomalous.",
    "to": "In s.",
    "training_data": "Which beats the weights have seen.",
    "unit": "Of the values.",
    "validation": "Figures on beats held out.",
    "views": "Its inputs.",
    "wander_mv": "How far the baseline wanders.",
    "configs": "Of each: its name and what it trains.",
    "features": "Of each: its name, its group and its meaning.",
    "checked_on": "The beats on which it was compared with the checkpoint.",
    "file": "The file written.",
}


def as_markdown() -> str:
    """The documentation of all documents."""
    introduction = (documents.__doc__ or "").partition("\n\n")[2].replace("``", "`").strip()
    lines = ["# What `--json` prints", "", introduction]
    for command, kinds in documents.DOCUMENTS.items():
        if command not in ("config list", "models list"):
            lines += ["", f"## `ecg {command}`", *_sections(kinds)]
    return "\n".join(lines) + "\n"


def _sections(kinds: Any) -> Iterator[str]:
    for document in get_args(kinds) or (kinds,):
        yield from ("", document.__doc__, "", "| key | type | meaning |", "|---|---|---|")
        for name, field in document.model_fields.items():
            key = field.alias or name
            meaning = (field.description or MEANINGS[key]).replace("``", "`")
            yield f"| `{key}` | {_type_of(field.annotation)} | {meaning} |"


def _type_of(annotation: Any) -> str:
    """The JSON type: ``object``, ``array``, ``string`` … or ``null``."""
    schema = TypeAdapter(annotation).json_schema()
    kinds = [part.get("type", "object") for part in schema.get("anyOf", [schema])]
    return " or ".join(kinds)


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
