"""Words an option may have, shared by the command line and the library."""

from __future__ import annotations

from typing import Literal

#: What computes predictions; see `inference.load_engine`.
EngineName = Literal["auto", "openvino", "torch"]

#: What a table of predictions is written as.
TableFormat = Literal["csv", "json", "parquet"]

#: What a confusion matrix is shown as shares of.
Over = Literal["true", "pred", "all"]

#: How validation beats are held out of a training file.
HoldOut = Literal["stratified", "patient"]

#: What learns normal beats; see `anomaly.model.NETWORKS`.
Method = Literal["forecaster", "autoencoder"]
