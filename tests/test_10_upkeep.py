"""What only an environment can answer, on bases that behave like those of OSGeo4W, and after an update of QGIS."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from phenofuse.algorithms.bridge import environment, installer, interpreters, places, processes, upkeep
from phenofuse.algorithms.bridge.environment import Source
from phenofuse.algorithms.bridge.failures import SetupError
from wheels import write_list, write_wheel

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the simulated bases are made of links")

NAME = "python{}.{}".format(*sys.version_info[:2])
# As in OSGeo4W: adds the folder of libraries two floors up, and all of PATH.
SITECUSTOMIZE = """
import os, sys
root = os.path.dirname(os.path.dirname(sys.prefix))
for folder in [os.path.join(root, "bin"), *os.environ["PATH"].split(os.pathsep)]:
    if os.path.isdir(folder):
        os.add_dll_directory(folder)
"""
# As Windows: a folder must exist, and modules look for their libraries nowhere else. Put where every Python passes before
# its site; os itself is frozen into Python from 3.11 on.
ADD = """

import os
def _add_dll_directory(path):
    if not os.path.isdir(path):
        raise FileNotFoundError(path)
    os._added.append(path)
os._added, os.add_dll_directory = [], _add_dll_directory
"""
NEEDS = """import os
if not any(os.path.exists(os.path.join(folder, "{library}")) for folder in os._added):
    raise ImportError("DLL load failed while importing _{module}: The specified module could not be found.")
"""


def replace_module(there: Path, here: Path, name: str, changed) -> None:
    """Put a changed copy of a module or package of the standard library into a base made of links."""
    own = here / f"{name}.py" if (here / f"{name}.py").exists() else here / name / "__init__.py"
    new = there / own.relative_to(here)
    if own.name == "__init__.py":
        (there / name).unlink(missing_ok=True)
        (there / name).mkdir()
        for entry in own.parent.iterdir():
            if entry.name != "__pycache__":
                (there / name / entry.name).symlink_to(entry)
    new.unlink()
    new.write_text(changed(own.read_text(encoding="utf-8")), encoding="utf-8")


def make_base(root: Path, lost=("ssl", "sqlite3"), libraries=("ssl", "sqlite3")) -> Path:
    """Make a Python in ``root/apps/Python`` whose modules `lost` need libraries, of which `libraries` are in ``root/bin``."""
    prefix = root / "apps" / "Python"
    here = Path(sysconfig.get_paths()["stdlib"])
    there = prefix / "lib" / NAME
    (prefix / "bin").mkdir(parents=True)
    there.mkdir(parents=True)
    (root / "bin").mkdir()
    shutil.copy2(os.path.realpath(sys.executable), prefix / "bin" / NAME)
    for entry in here.iterdir():
        if entry.name not in ("site-packages", "dist-packages", "__pycache__", "encodings", "sitecustomize.py"):
            (there / entry.name).symlink_to(entry)
    replace_module(there, here, "encodings", lambda text: text + ADD)
    for module in lost:
        guard = NEEDS.format(library=f"{module}.dll", module=module)
        replace_module(there, here, module, lambda text, guard=guard: guard + text)
    for module in libraries:
        (root / "bin" / f"{module}.dll").write_text("x", encoding="utf-8")
    for packages in (there / "site-packages", prefix / "lib" / "python3" / "dist-packages"):      # the latter in Debian's
        packages.mkdir(parents=True)
        (packages / "sitecustomize.py").write_text(SITECUSTOMIZE, encoding="utf-8")
    return prefix / "bin" / NAME


def layout_of(*pythons: Path) -> interpreters.Layout:
    """Make a layout in which QGIS has these Pythons and no others."""
    return interpreters.Layout("Linux", sys.version_info[:2], pythons[0].parent.parent, Path("/nowhere/qgis"),
                               shared=tuple(python.parent for python in pythons[1:]))


@pytest.fixture
def offer(monkeypatch):
    """Let QGIS have certain Pythons only; leave pip out, which takes ten seconds: its files are put in place."""
    def only(*pythons):
        layout = layout_of(*pythons)
        monkeypatch.setattr(interpreters, "here", lambda: layout)
        return layout

    def without_pip(python, module, *arguments):
        return on_a_leash(python, module, *(["--without-pip"] if module == "venv" else []), *arguments)

    on_a_leash = processes.module_on_a_leash
    monkeypatch.setattr(processes, "module_on_a_leash", without_pip)
    monkeypatch.setattr(installer, "install", unpack)
    return only


def unpack(python, wanted, source, temporary, packages, *_):
    """Do as pip does with the store's wheels."""
    (packages / "pip").mkdir(exist_ok=True)
    (packages / "pip" / "__init__.py").touch()
    for listed in (Path(word) for word in wanted if word.endswith(".txt")):
        name = re.search(r"^(\w+)==", listed.read_text(encoding="utf-8"), re.MULTILINE).group(1)
        with zipfile.ZipFile(next(Path(source.wheels).glob(f"{name}-*.whl"))) as wheel:
            wheel.extractall(packages)
        (packages / f"{name}-1.0.dist-info" / "INSTALLER").write_text("pip\n", encoding="utf-8")


@pytest.fixture
def store(tmp_path):
    """Give wheels and lists of a product that needs one small package."""
    (tmp_path / "wheels").mkdir()
    for part, name in (("base", "tinybase"), ("earthengine", "tinyledger")):
        write_wheel(tmp_path / "wheels", name, "1.0", {f"{name}.py": "VALUE = 1\n"})
        write_list(tmp_path, part, name, "1.0")
    return tmp_path


def set_up(store, extras=(), listener=None, python="") -> Path:
    """Set up the managed environment in the store's folder; returns the environment."""
    folder = places.managed_folder(store)
    environment.set_up(folder, extras, Source(wheels=str(store / "wheels")), python, listener, lists=store / "lists")
    return folder


def loads(python, *modules) -> str:
    """What a Python says to the import of some modules; '' for nothing."""
    return subprocess.run([str(python), "-I", "-c", f"import {', '.join(modules)}"], capture_output=True, text=True).stderr


def test_environment_finds_the_libraries_of_its_base(store, monkeypatch):
    """As on OSGeo4W: the base loads sqlite3, a plain environment of it does not, ours does; and still after pip came again."""
    base = make_base(store / "o4w")
    monkeypatch.setattr(interpreters, "here", lambda: layout_of(base))
    subprocess.run([str(base), "-I", "-m", "venv", "--without-pip", str(store / "plain")], check=True)
    assert loads(base, "sqlite3", "ssl") == ""
    assert "DLL load failed while importing _sqlite3" in loads(store / "plain" / "bin" / "python", "sqlite3")
    folder = set_up(store)
    assert loads(environment.python_of(folder), "sqlite3", "ssl", "tinybase") == ""
    line = (places.site_packages(folder) / upkeep.LIBRARIES).read_text(encoding="ascii")
    assert line.startswith("import os; ")
    assert str(store / "o4w" / "bin") in line
    assert "/usr/bin" not in line                    # what the base adds of PATH is not its own
    set_up(store, ["earthengine"])
    assert loads(environment.python_of(folder), "sqlite3", "ssl", "tinyledger") == ""
    shutil.rmtree(store / "o4w" / "bin")             # gone: no word at every start of Python
    assert loads(environment.python_of(folder), "json") == ""


def test_folder_of_libraries_with_an_accent(tmp_path):
    """The folder is written in ASCII, since older Pythons read such files in the system's code page."""
    base = make_base(tmp_path / "Andr\u00e9 \u0141")
    subprocess.run([str(base), "-I", "-m", "venv", "--without-pip", str(tmp_path / "plain")], check=True)
    assert upkeep.examine(tmp_path / "plain", sys.version_info[:2]) == {}


def test_next_python_where_environments_lack_something(store, offer):
    """A base that runs well is passed over, with the reason, when its environments lack sqlite3; what was there stays."""
    poor = make_base(store / "poor", lost=["sqlite3"], libraries=[])
    with pytest.raises(SetupError, match=r"in its environments sqlite3 cannot be loaded \(DLL load failed while importing"):
        set_up(store, python=str(poor))
    assert not places.managed_folder(store).exists()
    assert not list(store.glob("*.trial"))
    whole = make_base(store / "whole")
    offer(poor, whole)
    assert places.home_of(set_up(store)) == whole.parent


def test_rebuild_keeps_the_extras(store, offer):
    """Starting afresh does not forget which extras there were."""
    offer(make_base(store / "o4w"))
    folder = set_up(store, ["earthengine"])
    (folder / "left over").touch()
    environment.set_up(folder, (), Source(wheels=str(store / "wheels")), rebuild=True, lists=store / "lists")
    assert places.record_of(folder)["extras"] == ["earthengine"]
    assert not (folder / "left over").exists()


def test_engine_of_before_is_mended_in_place(store, offer, monkeypatch):
    """An engine that was set up before anybody asked is asked once, helped, and written down; not sent in a circle."""
    layout = offer(make_base(store / "o4w"))
    folder = set_up(store, ["earthengine"])
    (places.site_packages(folder) / upkeep.LIBRARIES).unlink()
    record = {key: value for key, value in places.record_of(folder).items() if key not in ("base", "lost")}
    places.write_record(folder, record)
    assert "_sqlite3" in loads(environment.python_of(folder), "sqlite3")
    assert environment.find_engine("", store, extras=["earthengine"], layout=layout).kind == "managed"
    assert loads(environment.python_of(folder), "sqlite3") == ""
    monkeypatch.setattr(upkeep, "examine", None)     # the answer was written down
    assert environment.find_engine("", store, extras=["earthengine"], layout=layout).kind == "managed"


def test_what_cannot_be_mended_is_said_to_whom_it_concerns(store, offer):
    """Where sqlite3 stays lost, Earth Engine alone is refused; set-up then takes another Python, or leaves what works."""
    base = make_base(store / "o4w")
    layout = offer(base)
    folder = set_up(store, ["earthengine"])
    (store / "o4w" / "bin" / "sqlite3.dll").unlink()
    places.write_record(folder, {**places.record_of(folder), "base": None})
    assert environment.find_engine("", store, layout=layout).kind == "managed"
    with pytest.raises(SetupError, match=r"cannot load sqlite3 \(DLL load failed.*Set up engine"):
        environment.find_engine("", store, extras=["earthengine"], layout=layout)
    with pytest.raises(SetupError, match="No usable Python was found"):
        set_up(store)
    assert environment.find_engine("", store, layout=layout).kind == "managed"
    whole = make_base(store / "whole")
    layout = offer(base, whole)
    assert places.home_of(set_up(store)) == whole.parent
    assert environment.find_engine("", store, extras=["earthengine"], layout=layout).kind == "managed"


def test_updated_qgis_takes_its_engine_along(store, offer):
    """The base has moved (another folder per release of QGIS): the engine uses the new one, keeps its packages and says so."""
    offer(make_base(store / "QGIS 3.40.4"))
    folder = set_up(store, ["earthengine"])
    shutil.rmtree(store / "QGIS 3.40.4")
    assert environment.installed(folder) == {}
    new = make_base(store / "QGIS 3.40.5")
    layout = offer(new)
    engine = environment.find_engine("", store, extras=["earthengine"], layout=layout)
    assert engine.kind == "managed"
    assert f"updated; the engine now uses {new}" in engine.notice
    assert loads(engine.python, "sqlite3", "ssl", "tinybase", "tinyledger") == ""
    assert places.home_of(folder) == new.parent
    assert environment.installed(folder)["extras"] == ["earthengine"]
    again = environment.find_engine("", store, extras=["earthengine"], layout=layout)
    assert (again.python, again.notice) == (engine.python, "")
    assert environment.find_engine(engine.python, "", extras=["earthengine"], layout=layout).kind == "setting"


def test_updated_qgis_with_another_version_of_python(store, offer):
    """The new Python has another minor version: said with both versions; set-up makes the engine anew with its extras."""
    offer(make_base(store / "old"))
    folder = set_up(store, ["earthengine"])
    config = folder / "pyvenv.cfg"
    made = ".".join(map(str, sys.version_info[:2]))
    config.write_text(config.read_text(encoding="utf-8").replace(f"version = {made}", "version = 3.7"), encoding="utf-8")
    shutil.rmtree(store / "old")
    new = make_base(store / "new")
    layout = offer(new)
    with pytest.raises(SetupError, match=rf"Python 3\.7 that it was made from .*the Python of QGIS is {made} now.*Set up engine"):
        environment.find_engine("", store, layout=layout)
    set_up(store)
    assert environment.find_engine("", store, extras=["earthengine"], layout=layout).notice == ""
    assert places.home_of(folder) == new.parent


def test_python_replaced_by_another_version_under_its_name(store, offer):
    """A new minor version under the old name (an upgrade of the system) sees none of the packages: noticed by its file."""
    base = make_base(store / "o4w")
    layout = offer(base)
    folder = set_up(store)
    config = folder / "pyvenv.cfg"
    made = ".".join(map(str, sys.version_info[:2]))
    config.write_text(config.read_text(encoding="utf-8").replace(f"version = {made}", "version = 3.7"), encoding="utf-8")
    os.utime(base)
    with pytest.raises(SetupError, match="cannot be used: the Python 3.7"):
        environment.find_engine("", store, layout=layout)


def test_engine_that_is_being_set_up_is_only_looked_at(store, offer):
    """While another QGIS adds an extra, a job may run; nothing is mended or written under its hands."""
    layout = offer(make_base(store / "o4w"))
    folder = set_up(store)
    before = {**places.record_of(folder), "base": None}
    places.write_record(folder, before)
    with upkeep.only_one(folder):
        assert environment.find_engine("", store, layout=layout).kind == "managed"
    assert places.record_of(folder) == before


def test_a_python_of_the_users_own_is_asked_for_what_the_job_needs(store, monkeypatch):
    """A Python named in the setting that lacks sqlite3 is refused for Earth Engine, not for the rest."""
    poor = make_base(store / "poor", lost=["sqlite3"], libraries=[])
    monkeypatch.setattr(environment.requirements, "lowest_versions", lambda parts: {})
    environment._problem_of.cache_clear()
    assert environment.problem_of(str(poor)) == ""
    assert environment.problem_of(str(poor), ["earthengine"]) != ""
    environment._problem_of.cache_clear()


def test_folders_are_asked_of_the_base(tmp_path):
    """A Python without folders of its own adds none."""
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", str(tmp_path / "plain")], check=True)
    assert not upkeep._add_libraries(tmp_path / "plain")
    assert processes.run([places.python_of(tmp_path / "plain"), "-I", "-c", "import ssl"])[0] == 0
