"""The environment of a computation, for repeating it."""

from __future__ import annotations

import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from ecgcli import __version__
from ecgcli.cores import core_count, thread_count

_PACKAGES = ("torch", "numpy", "pandas", "pyarrow", "scikit-learn", "safetensors", "openvino")


def describe_environment(command: str, seed: int, device: str) -> dict[str, Any]:
    """Versions, device, number of cores and threads, git commit, seed, command and time."""
    return {
        "command": command,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "device": device,
        "cores": core_count(),
        "threads": thread_count(),
        "ecgcli": __version__,
        "git_commit": _git_commit(),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "packages": {name: version(name) for name in _PACKAGES},
    }


def _git_commit() -> str | None:
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
