"""What a folder and installed packages offer by name."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ecgcli.errors import ConfigError
from ecgcli.recordings import formats
from ecgcli.recordings.search import find_recordings
from ecgcli.registry import PluginWarning, Registry
from tests.helpers import ecg_process
from tests.plugins import install

ROOM = "house.tools"
GROUP = "ecgcli.tools"
#: A module that registers tools by the names of ``{}``.
REGISTERS = "from house.tools import TOOLS\nfor name in {}: TOOLS.add(name, __name__, __name__)\n"

Ecg = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on ``sys.path`` with the package ``house``, whose room has three tools."""
    room = tmp_path / "house" / "tools"
    room.mkdir(parents=True)
    (room.parent / "__init__.py").touch()
    (room / "__init__.py").write_text(
        "from ecgcli.registry import Registry\nTOOLS = Registry('tool', __name__)\n"
    )
    (room / "steel_saw.py").write_text(REGISTERS.format(["steel-saw"]))
    (room / "others.py").write_text(REGISTERS.format(["hammer", "drill"]))
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for module in set(sys.modules) - before:
        del sys.modules[module]


@pytest.fixture
def tools(site: Path) -> Registry[str]:
    """The room's registry, before its first use."""
    assert site.is_dir()
    from house.tools import TOOLS

    return TOOLS


def test_an_item_is_found_by_its_file_alone(tools: Registry[str]) -> None:
    assert tools.get("steel-saw") == f"{ROOM}.steel_saw"
    assert f"{ROOM}.others" not in sys.modules


def test_all_items_are_found_and_sorted(tools: Registry[str]) -> None:
    assert tools.names() == ["drill", "hammer", "steel-saw"]
    assert tools.items() == [f"{ROOM}.others", f"{ROOM}.others", f"{ROOM}.steel_saw"]
    with pytest.raises(ConfigError, match="there is no tool hamer; did you mean hammer"):
        tools.get("hamer")


def test_an_installed_package_adds_one_which_is_loaded_only_when_used(
    site: Path, tools: Registry[str]
) -> None:
    modules = {"plug.a": REGISTERS.format(["axe"]), "plug.b": "raise AssertionError"}
    install(site, "plug", {GROUP: {"axe": "plug.a", "bow": "plug.b"}}, modules)
    assert tools.get("axe") == "plug.a"
    assert "plug.b" not in sys.modules


def test_one_module_may_register_several(site: Path, tools: Registry[str]) -> None:
    modules = {"plug": REGISTERS.format(["axe", "bow"])}
    install(site, "plug", {GROUP: {"axe": "plug", "bow": "plug"}}, modules)
    assert tools.names() == ["axe", "bow", "drill", "hammer", "steel-saw"]


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("axe", "import no_such_module", "cannot be loaded .ModuleNotFoundError: No module named"),
        ("axe", REGISTERS.format(["axe"]) + "1 / 0", "cannot be loaded .ZeroDivisionError"),
        ("axe", REGISTERS.format(["ax"]), "but plug registers no tool of that name"),
        ("axe", REGISTERS.format(["axe", "drill"]), "'drill' belongs to house.tools.others"),
    ],
)
def test_a_broken_package_is_named_and_the_rest_works(
    name: str, code: str, reason: str, site: Path, tools: Registry[str]
) -> None:
    install(site, "plug-of-x", {GROUP: {name: "plug"}}, {"plug": code})
    where = f"the installed package plug-of-x 1.0 adds the tool {name}"
    with pytest.warns(PluginWarning, match=f"{where}.*{reason}"):
        assert tools.names() == ["drill", "hammer", "steel-saw"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tools.get("drill") == f"{ROOM}.others"
        assert len(tools.names()) == 3  # it is reported once
    with pytest.raises(ConfigError, match=f"{where}.*{reason}"):
        tools.get(name)


def test_names_of_the_package_itself_stay_its_own(site: Path, tools: Registry[str]) -> None:
    install(site, "plug", {GROUP: {"drill": "plug"}}, {"plug": REGISTERS.format(["drill"])})
    assert tools.get("drill") == f"{ROOM}.others"
    with pytest.warns(PluginWarning, match="a name that belongs to house.tools.others"):
        tools.names()
    with pytest.raises(ConfigError, match="__main__ cannot register the tool hammer"):
        tools.add("hammer", "a script's", "__main__")


def test_of_two_packages_with_one_name_the_first_wins(site: Path, tools: Registry[str]) -> None:
    for package in ("second", "first"):
        code = REGISTERS.format(["axe"])
        install(site, package, {GROUP: {"axe": package}}, {package: code})
    assert tools.get("axe") == "first"
    with pytest.warns(PluginWarning, match=r"package second 1\.0 adds .* belongs to first"):
        assert "axe" in tools.names()


@pytest.mark.parametrize(
    ("endings", "in_folders", "message"),
    [
        ((".EDG",), None, "found the ending '.EDG'"),
        (("edg",), None, "found the ending 'edg'"),
        ((".edg.gz",), None, "one dot"),
        ((".edg",), (".edh",), "in_folders has .edh, not in endings"),
        ((".edf",), None, "'.edf' belongs to ecgcli.recordings.formats.edf"),
    ],
)
def test_a_format_with_impossible_endings_is_refused(
    endings: tuple[str, ...], in_folders: tuple[str, ...] | None, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        formats.register("x", "x", endings=endings, in_folders=in_folders)(lambda *_: None)
    assert "x" not in [each.name for each in formats.list_formats()]


def test_a_folder_is_searched_for_the_endings_of_an_installed_format(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ledger in ("_items", "_holders", "_problems"):  # as before, when the test has ended
        monkeypatch.setattr(formats._FORMATS, ledger, dict(vars(formats._FORMATS)[ledger]))
    monkeypatch.delitem(vars(formats._FORMATS), "_entry_points", raising=False)
    code = (
        "from ecgcli.recordings.formats import register\n"
        "@register('pulse', '', endings=('.pls', '.log'), in_folders=('.pls',))\n"
        "def read(path, options): raise AssertionError\n"
    )
    install(site, "plug", {"ecgcli.formats": {"pulse": "plug"}}, {"plug": code})
    for name in ("a.PLS", "b.log", "c.edf"):
        (site / name).touch()
    assert [path.name for path in find_recordings([str(site)]).paths] == ["a.PLS", "c.edf"]
    assert ".log" in formats.endings()


class TestOnTheCommandLine:
    """A package with a model that cannot be imported and one with the name of a model of ecg."""

    @pytest.fixture
    def ecg(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ecg:
        install(
            tmp_path / "site",
            "plug",
            {"ecgcli.models": {"bad": "plug_bad", "cnn": "plug_cnn"}},
            {"plug_bad": "import no_such_module", "plug_cnn": ""},
        )
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"), prepend=":")
        return lambda *arguments: subprocess.run(
            ecg_process(*arguments), capture_output=True, text=True, check=False
        )

    def test_help_does_not_depend_on_it(self, ecg: Ecg) -> None:
        shown = ecg("--help")
        assert (shown.returncode, shown.stderr) == (0, "")

    def test_the_list_notes_it(self, ecg: Ecg) -> None:
        listed = ecg("models")
        assert listed.returncode == 0
        assert "resnet1d" in listed.stdout
        note, cnn = listed.stderr.splitlines()
        assert note.startswith("note: the installed package plug 1.0 adds the model bad, which")
        assert "belongs to ecgcli.models.cnn; update" in cnn

    def test_a_broken_package_is_an_error_when_used(self, ecg: Ecg) -> None:
        shown = ecg("models", "show", "bad")
        assert shown.returncode == 2
        assert shown.stderr.startswith("error: the installed package plug 1.0 adds the model bad")
        assert len(shown.stderr.splitlines()) == 1
