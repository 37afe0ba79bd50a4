"""The rules of ARCHITECTURE.md that a machine can check: who imports whom, how long files are, what an import costs.

The imports are read from the source, so that a forbidden one is found even in a function nobody calls here; and core
is imported in a child Python where QGIS and Qt do not exist.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
LONGEST_ALGORITHM = 150  # lines
DEAREST_IMPORT = 0.050  # seconds for `import phenofuse.core`
FOREIGN_TO_CORE = {"qgis", "osgeo", "PyQt5", "PyQt6", "processing"}
LAZY_ONLY = {"torch", "ee", "dask", "distributed", "sklearn"}
TORCH_ROOM = "core/learning/networks/"
SHARED_ROOMS = {"timeseries", "tiles", "report", "validate"}
SHARED_MODULES = {"errors", "events", "files", "foreign", "formats", "outputs", "parameters", "registry", "tables", "version"}


class Import(NamedTuple):
    """One import statement: where it stands, what it names in full, and whether it stands at module level."""

    file: str
    line: int
    name: str
    at_top: bool


def imports_of(path: Path) -> list[Import]:
    """Read all imports of a file, with relative ones made absolute (phenofuse.core...)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    in_functions = {
        id(inner)
        for outer in ast.walk(tree)
        if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef))
        for inner in ast.walk(outer)
    }
    relative = path.relative_to(ROOT)
    package = ["phenofuse", *relative.parent.parts]
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*base, *(node.module.split(".") if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [Import(relative.as_posix(), node.lineno, name, id(node) not in in_functions) for name in names]
    return found


def files(*rooms: str) -> list[Path]:
    """List the Python files of some rooms."""
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def listing(imports) -> str:
    """Say where the offending imports stand."""
    return "\n".join(f"{found.file}:{found.line} imports {found.name}" for found in imports)


CORE = [found for path in files("core") for found in imports_of(path)]
ALGORITHMS = [found for path in files("algorithms") for found in imports_of(path)]
GUI = [found for path in files("gui") for found in imports_of(path)]
MODULES = {
    ".".join(["phenofuse", *path.relative_to(ROOT).with_suffix("").parts]).replace(".__init__", ""): path
    for path in files("core", "algorithms", "gui")
}


def own_module(name: str) -> str | None:
    """Map an imported name to the module of ours that it is or lies in."""
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name or None


def room_of(module: str) -> str:
    """Name the room of a core module: its topic, or the module itself."""
    return module.split(".")[2] if module.count(".") > 1 else ""


def test_core_knows_no_qgis():
    """No file of core imports QGIS, GDAL's bindings or Qt, not even inside a function."""
    assert not [found for found in CORE if found.name.split(".")[0] in FOREIGN_TO_CORE], listing(CORE)


def test_algorithms_import_qgis_and_the_standard_library_only():
    """No file of algorithms imports numpy or anything else that a QGIS may lack or have in another version."""
    allowed = {"qgis", "processing", "phenofuse"} | set(sys.stdlib_module_names)
    wrong = [found for found in ALGORITHMS if found.name.split(".")[0] not in allowed]
    assert not wrong, listing(wrong)


def test_algorithms_do_not_reach_into_the_engine():
    """Across the border only what needs no package: the version, the errors, the names of the jobs."""
    allowed = {"phenofuse.core." + name for name in (*SHARED_MODULES, "jobs")}
    wrong = [
        found
        for found in ALGORITHMS
        if found.name.startswith("phenofuse.core") and own_module(found.name) not in allowed
    ]
    assert not wrong, listing(wrong)


def test_the_dock_needs_what_every_qgis_brings():
    """The dock imports QGIS, GDAL and the standard library, of ours itself, the texts and the tables; what reads files knows no Qt."""
    allowed = {"qgis", "osgeo", "phenofuse"} | set(sys.stdlib_module_names)
    wrong = [found for found in GUI if found.name.split(".")[0] not in allowed]
    wrong += [found for found in GUI if found.name.startswith("phenofuse.")
              and not found.name.startswith(("phenofuse.gui.", "phenofuse.algorithms.bridge.text", "phenofuse.core.foreign",
                                            "phenofuse.core.tables"))]
    wrong += [found for found in GUI if found.file in ("gui/profiles.py", "gui/members.py") and found.name.startswith("qgis")]
    assert not wrong, listing(wrong)


def test_nothing_depends_on_the_dock():
    """Algorithms and engine work where there is no window."""
    wrong = [found for found in CORE + ALGORITHMS if found.name.startswith("phenofuse.gui")]
    assert not wrong, listing(wrong)


def test_the_environment_maker_needs_no_qgis():
    """The managed environment can be made from a command line without QGIS: it and all it uses are standard library."""
    waiting, seen, wrong = ["phenofuse.algorithms.bridge.environment"], set(), []
    while waiting:
        module = waiting.pop()
        seen.add(module)
        for found in imports_of(MODULES[module]):
            if found.name.startswith("phenofuse."):
                waiting += {own_module(found.name)} - seen
            elif found.name.split(".")[0] not in sys.stdlib_module_names:
                wrong.append(found)
    assert not wrong, listing(wrong)


def test_topics_do_not_import_one_anothers_insides():
    """A topic uses the shared rooms, itself, and of another topic what its face (`__init__`) hands out, never its modules."""
    wrong = []
    for found in CORE:
        target = own_module(found.name)
        here = Path(found.file).parts[1] if len(Path(found.file).parts) > 2 else ""
        if here and target and target.startswith("phenofuse.core."):
            there = room_of(target)
            inside = target.count(".") > 2
            if there != here and inside and there not in SHARED_ROOMS:
                wrong.append(found)
    assert not wrong, listing(wrong)


def test_shared_rooms_do_not_import_topics():
    """The shared rooms stand below the topics: timeseries uses none of the others, tiles only timeseries, validate two."""
    may_use = {"timeseries": set(), "tiles": {"timeseries"}, "report": set(), "validate": {"timeseries", "report"}}
    wrong = []
    for found in CORE:
        here, target = Path(found.file).parts[1], own_module(found.name)
        if here in may_use and target and target.startswith("phenofuse.core.") and not found.file.endswith("/job.py"):
            there = room_of(target)
            if there != here and there not in may_use[here] | SHARED_MODULES:
                wrong.append(found)
    assert not wrong, listing(wrong)


def test_private_names_stay_in_their_room():
    """No name with a leading underscore is imported from another room."""
    wrong = [
        found
        for found in CORE + ALGORITHMS
        if found.name.startswith("phenofuse.")
        and found.name.rpartition(".")[2].startswith("_")
        and found.name.split(".")[1:3] != list(Path(found.file).with_suffix("").parts[:2])
    ]
    assert not wrong, listing(wrong)


def test_there_are_no_circles():
    """Following the imports from any module, one never comes back to it."""
    arrows: dict[str, set[str]] = {module: set() for module in MODULES}
    for module, path in MODULES.items():
        arrows[module] = {
            target for found in imports_of(path) if (target := own_module(found.name)) and target != module
        }

    def follow(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, "circle: " + " -> ".join([*way[way.index(module) :], module])
        if module not in done:
            for target in sorted(arrows[module]):
                follow(target, (*way, module))
            done.add(module)

    done: set[str] = set()
    for start in sorted(MODULES):
        follow(start, ())


def test_heavy_packages_are_imported_lazily():
    """torch, ee, dask and sklearn are imported inside the function that needs them, never with the module.

    The networks are classes of torch: their room imports it, and nobody else imports their modules but inside a function.
    """
    wrong = [found for found in CORE if found.at_top and found.name.split(".")[0] in LAZY_ONLY
             and not found.file.startswith(TORCH_ROOM)]
    wrong += [found for found in CORE if found.at_top and not found.file.startswith(TORCH_ROOM)
              and (own_module(found.name) or "").startswith("phenofuse." + TORCH_ROOM.replace("/", "."))]
    assert not wrong, listing(wrong)


def test_only_timeseries_opens_rasters():
    """rasterio is imported in core/timeseries and nowhere else."""
    users = {found.file.split("/")[1] for found in CORE if found.name.split(".")[0] == "rasterio"}
    assert users == {"timeseries"}


def test_algorithm_files_are_short():
    """An algorithm is parameters, checks, a job, outputs and a style; what is longer belongs to core."""
    long = {
        path.name: lines
        for path in files("algorithms")
        if path.parent.name not in ("bridge", "algorithms")
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_ALGORITHM
    }
    assert not long


def test_nothing_prints():
    """qgis_process answers in JSON on standard output, and the engine in JSON lines: nobody else writes there."""
    wrong = []
    for path in files("algorithms", "core", "gui"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        wrong += [
            f"{path.relative_to(ROOT)}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "print"
            and path.name != "environment.py"
        ]
    assert not wrong


BLOCKED = """
import sys
class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"qgis", "osgeo", "PyQt5", "PyQt6", "processing"}:
            raise ImportError("core must not import " + name)
sys.meta_path.insert(0, Wall())
"""


def child(python: str, code: str) -> str:
    """Run code in a child Python in which QGIS and Qt do not exist; return what it prints."""
    done = subprocess.run([python, "-c", BLOCKED + code], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_core_is_cheap():
    """`import phenofuse.core` and the job table load only the standard library, in less than 50 ms."""
    code = """
import time
before = set(sys.modules)
start = time.perf_counter()
import phenofuse.core
seconds = time.perf_counter() - start
import phenofuse.core.jobs, phenofuse.core.events, phenofuse.core.errors
print(seconds, *{name.split(".")[0] for name in set(sys.modules) - before})
"""
    answers = [child(sys.executable, code).split() for _ in range(3)]
    assert min(float(answer[0]) for answer in answers) < DEAREST_IMPORT
    assert set(answers[0][1:]) <= {"phenofuse", *sys.stdlib_module_names}


def test_all_of_core_imports_without_qgis():
    """Every module of core can be imported in the engine's Python while QGIS and Qt are walled off."""
    python = os.environ.get("PHENOFUSE_ENGINE_PYTHON", "")
    if not Path(python).is_file():
        pytest.skip("PHENOFUSE_ENGINE_PYTHON names no Python: ./dev test makes one")
    modules = [name for name in MODULES if name.startswith("phenofuse.core") and not name.endswith("__main__")]
    child(python, f"import importlib\nfor name in {modules!r}: importlib.import_module(name)\n")
