"""The architecture, as checks: the order of rooms, no circular imports, a light start."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ecgcli"

#: In the order of the data. A room imports from its own files and from rooms before it; modules
#: outside rooms (errors, files, ...) and the weights are the ground floor, which all may use.
ROOMS = (
    "recordings", "beats", "sources", "metrics", "models", "checkpoints", "training",
    "prediction", "evaluation", "insight", "anomaly", "view", "commands",
)  # fmt: skip
GROUND_FLOOR = "ground floor"


def imported(path: Path) -> set[str]:
    """The package's modules that a file imports, anywhere in it, except for type checkers only."""
    names: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ecgcli"):
            base = node.module or ""
            names.update(
                f"{base}.{alias.name}"
                if (PACKAGE.parent / base.replace(".", "/") / f"{alias.name}.py").exists()
                else base
                for alias in node.names
            )
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text()))
    return names


def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        ): path
        for path in PACKAGE.rglob("*.py")
    }


def room_of(module: str) -> str:
    """The room of ``ecgcli.room.module``."""
    room = [*module.split("."), ""][1]
    return room if room in ROOMS else GROUND_FLOOR


def test_every_folder_has_its_place_in_the_order() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders == {*ROOMS, "weights"}


def test_rooms_import_only_from_rooms_before_them() -> None:
    order = {room: place for place, room in enumerate((GROUND_FLOOR, *ROOMS))}
    upwards = [
        f"{name} imports {module}"
        for name, path in modules().items()
        for module in imported(path)
        if name != "ecgcli.__main__" and order[room_of(module)] > order[room_of(name)]
    ]
    assert not upwards


def test_no_module_imports_in_a_circle() -> None:
    """Registries aside: a package may list its members, which import the package."""
    graph = {
        name: {module for module in imported(path) if not module.startswith(f"{name}.")}
        for name, path in modules().items()
    }
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path, name])
        if name not in done:
            for module in graph.get(name, ()):
                walk(module, (*path, name))
            done.add(name)

    for name in graph:
        walk(name, ())


def test_the_library_does_not_know_the_command_line() -> None:
    for name, path in modules().items():
        if not name.startswith("ecgcli.commands") and name != "ecgcli.__main__":
            assert not any(module.startswith("ecgcli.commands") for module in imported(path)), name


def test_the_library_never_prints_or_exits() -> None:
    for name, path in modules().items():
        if name.startswith("ecgcli.commands") or name == "ecgcli.__main__":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in ("print", "exit", "sys.exit", "quit"), name


@pytest.mark.parametrize("statement", ["import ecgcli", "import ecgcli.commands"])
def test_starting_up_loads_nothing_heavy(statement: str) -> None:
    code = f"{statement}; import sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"torch", "pandas", "numpy", "pyarrow", "sklearn", "matplotlib", "openvino", "wfdb"}
    assert not heavy & set(loaded)


def test_predicting_loads_no_torch(trained: Path, demo: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from ecgcli.commands import app\n"
        "try: app(sys.argv[1:])\n"
        "finally: print('torch' in sys.modules, 'openvino' in sys.modules)"
    )
    arguments = ["predict", str(demo / "synthetic_test.csv"), "--model", str(trained)]
    answer = subprocess.run(
        [sys.executable, "-c", code, *arguments, "-o", str(tmp_path / "out.csv")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert answer.stdout.split() == ["False", "True"]
