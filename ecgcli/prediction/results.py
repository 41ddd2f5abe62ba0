"""Where the results of recordings go: a folder, or an address such as ``s3://ward/results``."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Protocol, cast

from ecgcli.errors import ConfigError, MissingExtraError, OutputError
from ecgcli.files import atomic_write, remove, sha256
from ecgcli.guard import require_replaceable
from ecgcli.inputs import read_input
from ecgcli.locking import FOLDER_LOCK, locked

#: Bytes of a result that are held in memory before it is sent to an address.
_IN_MEMORY = 16 << 20


class Results(Protocol):
    """Files with names such as ``p1/holter.csv``, each written completely or not at all."""

    def place_of(self, name: str) -> str:
        """A file as a message shows it."""

    def names(self) -> list[str]:
        """The files that do not lie in subfolders."""

    def folders(self, name: str) -> list[str]:
        """The names of the folders in a folder of the results; none where there is none."""

    def has(self, name: str) -> bool:
        """Whether there is such a file."""

    def read(self, name: str) -> bytes:
        """The content of a file; raises `FileNotFoundError` where there is none."""

    def fingerprint(self, name: str) -> str:
        """What a file differs in from one that replaced it; empty where there is none."""

    def writing(self, name: str, *, annotations: bool = False) -> AbstractContextManager[IO[bytes]]:
        """A stream whose bytes become the file when the block succeeds; see `atomic_write`."""

    def require_replaceable(self, name: str, *, annotations: bool = False) -> None:
        """Refuse to replace a file that must stay; see `ecgcli.guard`."""

    def remove(self, name: str) -> None:
        """Remove a file if there is one."""

    def locked(self, shard: str = "") -> AbstractContextManager[None]:
        """Keep other runs (of the same shard) out where the place has locks."""


def open_results(place: str) -> Results:
    """The results at a folder or an address.

    Raises:
        ConfigError: no file system has addresses like this.
        MissingExtraError: the package of its file system is not installed.
    """
    scheme, mark, rest = place.partition("://")
    if not mark:
        return Folder(Path(place))
    if scheme in ("file", "local"):
        return Folder(Path(rest))
    results = Address(place.rstrip("/"))
    results.file_system()
    return results


@dataclass(frozen=True)
class Folder:
    """Results in a folder of this machine, or of a file system that several machines share."""

    folder: Path

    def __str__(self) -> str:
        return str(self.folder)

    def place_of(self, name: str) -> str:
        """See `Results`."""
        return str(self.folder / name)

    def names(self) -> list[str]:
        """See `Results`."""
        return sorted(path.name for path in self.folder.glob("*") if path.is_file())

    def folders(self, name: str) -> list[str]:
        """See `Results`."""
        return sorted(path.name for path in (self.folder / name).glob("*") if path.is_dir())

    def has(self, name: str) -> bool:
        """See `Results`."""
        return (self.folder / name).exists()

    def read(self, name: str) -> bytes:
        """See `Results`."""
        return read_input(self.folder / name)

    def fingerprint(self, name: str) -> str:
        """The SHA-256 of the file's bytes, in hexadecimal; empty where there is none."""
        path = self.folder / name
        return sha256(path) if path.is_file() else ""

    def writing(self, name: str, *, annotations: bool = False) -> AbstractContextManager[IO[bytes]]:
        """See `Results`."""
        return atomic_write(self.folder / name, annotations=annotations)

    def require_replaceable(self, name: str, *, annotations: bool = False) -> None:
        """See `Results`."""
        require_replaceable(self.folder / name, annotations=annotations)

    def remove(self, name: str) -> None:
        """See `Results`."""
        remove(self.folder / name)

    @contextmanager
    def locked(self, shard: str = "") -> Iterator[None]:
        """One run works here at a time, or one for each shard.

        Raises:
            OutputError: another run has the folder, or this shard.
        """
        in_use = f"{self.folder}: another ecg predict writes its results here"
        advice = "wait until it ends, or choose another folder with --out"
        own = self.folder / (f"{FOLDER_LOCK}.{shard}" if shard else FOLDER_LOCK)
        with locked(own, in_use, advice):
            for other in sorted(self.folder.glob(f"{FOLDER_LOCK}*")):
                if other != own and not (shard and _same_split(other.name, shard)):
                    with locked(other, in_use, advice):
                        pass
            yield


def _same_split(lock: str, shard: str) -> bool:
    """Whether a lock is that of another shard of the same number of shards."""
    return lock.rpartition("-of-")[2] == shard.rpartition("-of-")[2]


@dataclass(frozen=True)
class Address:
    """Results at an address of `fsspec`, such as an object store.

    There are no locks: of two runs that share an address, each writes whole files.
    """

    address: str

    def __str__(self) -> str:
        return self.address

    def file_system(self) -> Any:
        """The file system of the address; raises as `open_results` does."""
        import fsspec

        protocol = self.address.partition("://")[0]
        try:
            return fsspec.filesystem(protocol)
        except ImportError as error:
            package = _package_of(str(error))
            raise MissingExtraError(
                f"{self.address}: {package} is not installed: pip install {package}"
            ) from error
        except ValueError as error:
            raise ConfigError(
                f"{self.address}: there are no addresses of {protocol}://; "
                "valid: a folder, or s3://, gs://, abfs://, sftp:// and others of fsspec"
            ) from error

    def place_of(self, name: str) -> str:
        """See `Results`."""
        return f"{self.address}/{name}"

    def names(self) -> list[str]:
        """See `Results`."""
        return self._list(self.address, "file")

    def folders(self, name: str) -> list[str]:
        """See `Results`."""
        return self._list(self.place_of(name), "directory")

    def _list(self, place: str, kind: str) -> list[str]:
        with self._reaching("read"):
            try:
                entries = self.file_system().ls(place, detail=True)
            except FileNotFoundError:
                return []
        return sorted(Path(entry["name"]).name for entry in entries if entry["type"] == kind)

    def has(self, name: str) -> bool:
        """See `Results`."""
        with self._reaching("read"):
            return bool(self.file_system().exists(self.place_of(name)))

    def read(self, name: str) -> bytes:
        """See `Results`."""
        return bytes(self.file_system().cat_file(self.place_of(name)))

    def fingerprint(self, name: str) -> str:
        """The file's size: for a checksum all results would be fetched in every run."""
        with self._reaching("read"):
            try:
                return f"{self.file_system().size(self.place_of(name))} bytes"
            except FileNotFoundError:
                return ""

    @contextmanager
    def writing(self, name: str, *, annotations: bool = False) -> Iterator[IO[bytes]]:
        """See `Results`."""
        del annotations  # another program's annotations lie beside its recordings, not here
        with SpooledTemporaryFile(_IN_MEMORY) as stream:
            yield cast(IO[bytes], stream)
            stream.seek(0)
            with self._reaching("write"):
                files, place = self.file_system(), self.place_of(name)
                files.makedirs(place.rpartition("/")[0], exist_ok=True)
                with files.transaction, files.open(place, "wb") as target:
                    shutil.copyfileobj(stream, target)

    def require_replaceable(self, name: str, *, annotations: bool = False) -> None:
        """Nothing that a command reads, and no annotation of another program, lies here."""

    def remove(self, name: str) -> None:
        """See `Results`."""
        with self._reaching("write"):
            if self.has(name):
                self.file_system().rm_file(self.place_of(name))

    def locked(self, shard: str = "") -> AbstractContextManager[None]:
        """No locks; see the class."""
        del shard
        return nullcontext()

    @contextmanager
    def _reaching(self, verb: str) -> Iterator[None]:
        """Turn what a file system raises, of any type, into an `OutputError`."""
        try:
            yield
        except (OutputError, ConfigError, MissingExtraError):
            raise
        except Exception as error:
            reason = str(error) or type(error).__name__
            raise OutputError(
                f"cannot {verb} {self.address}: {reason}; check the address and your credentials"
            ) from error


def _package_of(message: str) -> str:
    """The package in a message of fsspec: 'Install s3fs to access S3'."""
    words = message.replace('"', " ").split()
    lower = [word.lower() for word in words]
    return words[lower.index("install") + 1] if "install" in lower[:-1] else message
