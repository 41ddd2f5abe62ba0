"""Words an option may have, shared by the command line and the library."""

from __future__ import annotations

from typing import Literal

#: What computes predictions; see `inference.load_engine`.
EngineName = Literal["auto", "openvino", "torch"]

#: What a table of predictions is written as.
TableFormat = Literal["csv", "json", "parquet"]

#: What a confusion matrix is shown as shares of.
Over = Literal["true", "pred", "all"]

#: What brings beats to fewer dimensions; see `clustering.cluster`.
Reduction = Literal["pca", "umap"]

#: What measures how much each sample of a beat counts; see `explanation.explain`.
Attribution = Literal["gradients", "occlusion"]

#: How the parts of a decomposed recording go together.
DecompositionModel = Literal["additive", "multiplicative"]

#: A changed copy of a recording to train on; see `ecgcli.training.copies`.
Copy = Literal["inverted", "fibrillation"]

#: How validation beats are held out of a training file.
HoldOut = Literal["stratified", "patient"]

#: What learns normal beats; see `anomaly.model.NETWORKS`.
Method = Literal["forecaster", "autoencoder"]
