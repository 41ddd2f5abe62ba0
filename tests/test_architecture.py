"""The architecture, as checks: the order of rooms, no circular imports, a light start."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ecgcli"

#: In the order of the data. A room imports from its own files and from rooms before it; modules
#: outside rooms (errors, files, ...) and the weights are the ground floor, which all may use.
ROOMS = (
    "recordings", "beats", "sources", "metrics", "models", "checkpoints", "fibrillation",
    "training", "prediction", "evaluation", "insight", "anomaly", "view", "review", "commands",
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


#: Calls that write, rename or remove files. Of those that take a stream as well, see below.
WRITERS = re.compile(
    r"(?<!\w)(os\.(open|replace|rename|remove|unlink|truncate|link|symlink)"
    r"|shutil\.(copy(?!fileobj)\w*|move|rmtree)|copy2|copyfile|copytree"
    r"|tempfile\.\w+|FileLock|wfdb\.wr\w+|open_memmap|sqlite3\.connect|EdfWriter|\w*FileHandler)$"
    r"|\.(write_text|write_bytes|touch|unlink|rename|rmdir|symlink_to|hardlink_to|tofile|save_as"
    r"|save_model|extractall)$"
)
#: Calls that write to one of their arguments, here only a stream: one of `files.atomic_write`'s.
STREAM_WRITERS = re.compile(
    r"\.(to_(csv|parquet|json|pickle|feather|excel|html|hdf|orc|xml)|savefig|dump|write_csv|write_feather)$"
    r"|^(np|numpy|torch|onnx)\.save\w*$|^(save_file|savemat)$"
    r"|^(pq|papq)\.(write_table|write_metadata|ParquetWriter)$"
)
#: Modules that may, and why.
MAY_WRITE = {
    "ecgcli.files": "the one place",
    "ecgcli.inputs": "a pipe that nothing writes to, which ends the wait for it",
    "ecgcli.locking": "the lock of a folder or a file, which names its holder",
    "ecgcli.streams": "/dev/null in place of a closed standard stream",
    "ecgcli.checkpoints.runs": "folders of runs that never began",
    "ecgcli.prediction.results": "addresses, which are not files, and what is sent to them",
    "ecgcli.recordings.annotation_file": "a temporary folder, for the library that writes them",
    "ecgcli.review.journal": "answers are added to the end of the file that has them",
    "ecgcli.sources.transfer": "the part of a file that the next download continues",
}


def written_by(tree: ast.AST) -> set[str]:
    """The calls in a module that open a file for writing, replace one or remove one."""
    streams = {
        ast.unparse(item.optional_vars)
        for node in ast.walk(tree)
        if isinstance(node, ast.With)
        for item in node.items
        if item.optional_vars is not None
        and re.match(r"atomic_write\(|output\(", ast.unparse(item.context_expr))
    }
    streams |= {
        node.arg
        for node in ast.walk(tree)
        if isinstance(node, ast.arg) and node.annotation and "IO[" in ast.unparse(node.annotation)
    }
    assigned = (node for node in ast.walk(tree) if isinstance(node, ast.Assign))
    streams |= {
        ast.unparse(name)
        for node in assigned
        for name in getattr(node.targets[0], "elts", node.targets)
        if re.search(r"BytesIO\(|StringIO\(|enter_context\(", ast.unparse(node.value))
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {ast.unparse(call) for call in calls if _writes(call, streams)}


def _writes(call: ast.Call, streams: set[str]) -> bool:
    function, places = ast.unparse(call.func), [ast.unparse(place) for place in call.args]
    if WRITERS.search(function):
        return True
    if any(each.arg == "fileobj" and ast.unparse(each.value) in streams for each in call.keywords):
        return False
    if re.search(
        r"(^|\.)(open|fdopen|FileIO|memmap|ZipFile|GzipFile|BZ2File|LZMAFile|h5py\.File)$", function
    ):
        modes = [*call.args, *(keyword.value for keyword in call.keywords)]
        return any(
            isinstance(mode, ast.Constant)
            and re.fullmatch(r"[rwxabt+]*[wxa+][bt+]*(:\w*)?", str(mode.value))
            for mode in modes
        )
    if STREAM_WRITERS.search(function):
        return bool(places) and not streams.intersection(places[:2])
    return False


@pytest.mark.parametrize(
    ("code", "writes"),
    [
        ("path.open('wb')", True),
        ("open(path, mode='a')", True),
        ("path.open('r+b')", True),
        ("path.open('rb')", False),
        ("path.open(encoding='utf-8')", False),
        ("path.write_text(text)", True),
        ("write_text(path, text)", False),
        ("os.replace(a, b)", True),
        ("text.replace(a, b)", False),
        ("shutil.rmtree(run)", True),
        ("table.to_csv(path)", True),
        ("np.save(path, array)", True),
        ("np.memmap(path, np.uint8, 'r')", False),
        ("np.memmap(path, mode='w+')", True),
        ("FileIO(path, 'ab')", True),
        ("gzip.GzipFile(path, 'wb')", True),
        ("tarfile.open(path, 'w:gz')", True),
        ("tarfile.open(path, 'r:gz')", False),
        ("h5py.File(path, 'w')", True),
        ("sqlite3.connect(path)", True),
        ("os.open(path, os.O_WRONLY)", True),
        ("torch.save(state, path)", True),
        ("save_file(tensors, path)", True),
        ("wfdb.wrsamp(name, fs, units, leads, signal)", True),
        ("logging.FileHandler(path)", True),
        ("figure.savefig(path)", True),
        ("shutil.copy(a, b)", True),
        ("papq.write_table(table, path)", True),
        ("papq.ParquetWriter(path, schema)", True),
        ("def f(stream: IO[bytes]): papq.write_table(table, stream)", False),
        ("document.save_as(path)", True),
        ("with atomic_write(path) as stream: np.save(stream, array)", False),
        ("with new_run(name) as path: np.save(path, array)", True),
    ],
)
def test_calls_that_write_are_recognized(code: str, writes: bool) -> None:
    assert bool(written_by(ast.parse(code))) == writes


def test_one_place_opens_files_for_writing() -> None:
    """So that nothing is half-written, and nothing that is read or of others is overwritten."""
    writers = {name: written_by(ast.parse(path.read_text())) for name, path in modules().items()}
    assert not {name: calls for name, calls in writers.items() if calls and name not in MAY_WRITE}


def test_nothing_measures_time_by_a_clock_that_may_be_set() -> None:
    """A clock that goes back while a command runs changes no duration and no time limit."""
    found = {name for name, path in modules().items() if "time.time()" in path.read_text()}
    assert found == {"ecgcli.training.tracking"}  # the time of day that MLflow is sent


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
