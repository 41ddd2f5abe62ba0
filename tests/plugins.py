"""Installed packages that extend ecg, laid out as pip does in a folder of ``sys.path``."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path


def install(
    folder: Path,
    package: str,
    entry_points: Mapping[str, Mapping[str, str]],
    modules: Mapping[str, str],
) -> None:
    """Install version 1.0 of a package: its entry points by group, and its modules' code."""
    for module, code in modules.items():
        path = folder / f"{module.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")
    record = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = []
    for group, names in entry_points.items():
        lines += [f"[{group}]", *(f"{name} = {module}" for name, module in names.items())]
    (record / "entry_points.txt").write_text("\n".join(lines) + "\n")


def uninstall(folder: Path) -> None:
    """Remove everything installed in a folder."""
    shutil.rmtree(folder)
    folder.mkdir()
