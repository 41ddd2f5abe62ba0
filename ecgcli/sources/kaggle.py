"""The public heartbeat CSVs themselves, through Kaggle's own client."""

from __future__ import annotations

import shutil
from pathlib import Path

from ecgcli.errors import DownloadError, MissingExtraError
from ecgcli.files import atomic_write, remove
from ecgcli.progress import Progress
from ecgcli.sources import register
from ecgcli.sources.fetching import fetch

DATASET = "shayanfazeli/heartbeat"


@register(
    "kaggle",
    "the public heartbeat CSVs from Kaggle; needs a Kaggle account",
    config="cnn",
)
def download(out: Path, origin: str | None, progress: Progress) -> list[Path]:
    """Put the public ``mitbih_train.csv`` and ``mitbih_test.csv`` into ``out``.

    Args:
        out: the folder for the CSVs.
        origin: a folder or URL that contains the two files; Kaggle when None.
        progress: called with the progress.
    """
    from ecgcli.beats import context_path, info_path, read_labelled

    names = ["mitbih_train.csv", "mitbih_test.csv"]
    folder = obtain(names, out, origin, progress)
    written = []
    for done, name in enumerate(names, 1):
        read_labelled(folder / name)  # a file that is not a beats CSV is not installed
        if (folder / name).resolve() != (out / name).resolve():
            for of_earlier_file in (info_path(out / name), context_path(out / name)):
                remove(of_earlier_file)
            with (folder / name).open("rb") as source, atomic_write(out / name) as target:
                shutil.copyfileobj(source, target)
        written.append(out / name)
        progress.update("checking", done, len(names))
    return written


def obtain(names: list[str], out: Path, origin: str | None, progress: Progress) -> Path:
    """A folder that holds the dataset's files ``names``.

    Raises:
        DownloadError: no credentials, no such file, or a failed transfer.
        MissingExtraError: Kaggle's client is not installed.
    """
    if origin is not None and "://" in origin:
        fetch(origin, dict.fromkeys(names), out / "kaggle", progress)
        return out / "kaggle"
    folder = Path(origin) if origin is not None else _from_kaggle()
    for name in names:
        if not (folder / name).is_file():
            raise DownloadError(
                f"{folder / name}: no such file; give --from a folder that contains it"
            )
    return folder


_WITHOUT_ACCOUNT = (
    "Without an account, ecg download mitdb makes the beats of mitbih_train.csv and "
    "mitbih_test.csv from PhysioNet"
)


def _from_kaggle() -> Path:
    try:
        import kagglehub
        from kagglehub.config import get_kaggle_credentials
    except ImportError as error:
        raise MissingExtraError(
            f"Kaggle's client is not installed: pip install 'ecgcli[kaggle]'. {_WITHOUT_ACCOUNT}"
        ) from error
    if get_kaggle_credentials() is None:
        raise DownloadError(
            "no Kaggle credentials found; create a token at kaggle.com/settings and set "
            f"KAGGLE_API_TOKEN, or save kaggle.json in ~/.kaggle. {_WITHOUT_ACCOUNT}"
        )
    try:
        return Path(kagglehub.dataset_download(DATASET))
    except Exception as error:  # the client documents no exception classes
        raise DownloadError(f"Kaggle: {' '.join(str(error).split())}") from error
