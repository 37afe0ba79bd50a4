"""Names of Qt and QGIS are written so that Qt6 has them too, though no QGIS 4 may be at hand to try.

Every chain of names that starts at an import from `qgis.PyQt` is looked up in the type stubs of the PyQt6 wheel, where
enum members live only in their enum; and the enums of QGIS's own classes must be written in full as well.
"""

from __future__ import annotations

import ast
import os
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STATE = Path(os.environ.get("PHENOFUSE_DEV_HOME", ROOT / ".dev"))
ROOMS = ("algorithms", "core", "gui", "tools")


def stubs_folder() -> Path:
    """Find PyQt6's stubs, or skip."""
    found = sorted(STATE.glob("qt6/lib/python3*/site-packages/PyQt6/QtCore.pyi"))
    if not found:
        pytest.skip("PyQt6 is not installed here: ./dev test installs it")
    return found[0].parent


@cache
def stub(module: str) -> dict[str, ast.AST] | None:
    """Read the names a Qt6 module defines; None when there is no such module."""
    path = stubs_folder() / f"{module}.pyi"
    if not path.exists():
        return None
    text = path.read_text(encoding="utf-8").replace(", /)", ")")  # some stubs say (*args, /), which is no Python
    return members(ast.parse(text).body)


def members(body: list[ast.stmt]) -> dict[str, ast.AST]:
    """Name what a module or class body defines."""
    found: dict[str, ast.AST] = {}
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            found.update({target.id: node for target in node.targets if isinstance(target, ast.Name)})
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
    return found


def attribute(module: str, owner: ast.ClassDef, name: str) -> ast.AST | None:
    """Find a member of a class of the stubs, in the class or in what it inherits from."""
    own = members(owner.body)
    if name in own:
        return own[name]
    for base in owner.bases:
        where, _, what = ast.unparse(base).rpartition(".")
        where = where.split(".")[-1] or module
        parent = (stub(where) or {}).get(what)
        if isinstance(parent, ast.ClassDef) and (found := attribute(where, parent, name)):
            return found
    return None


def problem(module: str, chain: list[str]) -> str:
    """Say what Qt6 does not have of `module.chain[0].chain[1]...`; empty when all is well."""
    names = stub(module)
    if names is None:
        return f"Qt6 has no module {module}"
    if not chain:
        return ""
    if chain[0] not in names:
        return f"{module} has no {chain[0]}"
    node = names[chain[0]]
    for done, name in enumerate(chain[1:], 1):
        if not isinstance(node, ast.ClassDef):
            return ""  # a function or a value: what follows belongs to its result
        found = attribute(module, node, name)
        if found is None:
            return "" if name.startswith("__") else f"{'.'.join(chain[:done])} has no {name}"
        node = found
    return ""


def chains(tree: ast.AST):
    """Yield (line, root name, attributes) of every dotted chain of names."""
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Attribute, ast.Name)) and id(node) not in inner:
            names = []
            at = node
            while isinstance(at, ast.Attribute):
                names.append(at.attr)
                at = at.value
            if isinstance(at, ast.Name):
                yield node.lineno, at.id, names[::-1]


def imported(tree: ast.AST, package: str) -> dict[str, tuple[str, list[str]]]:
    """Map local names to (module, chain) for everything imported from a package: Qt -> (QtCore, [Qt])."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            parts = node.module.split(".")
            if ".".join(parts[: len(package.split("."))]) != package:
                continue
            rest = parts[len(package.split(".")) :]
            for alias in node.names:
                path = [*rest, alias.name]
                found[alias.asname or alias.name] = (path[0], path[1:])
    return found


def qt_problems(source: str) -> list[str]:
    """List what Qt6 would refuse in a file."""
    tree = ast.parse(source)
    names = imported(tree, "qgis.PyQt")
    found = [f"{name}: {text}" for name, (module, chain) in names.items() if (text := problem(module, chain))]
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            roots = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            found += [
                f"line {node.lineno}: import from qgis.PyQt, not {name}"
                for name in roots
                if name.split(".")[0] in ("PyQt5", "PyQt6")
            ]
    for line, root, rest in chains(tree):
        if root in names and (text := problem(names[root][0], names[root][1] + rest)):
            found.append(f"line {line}: {text}")
        if rest and rest[-1] == "exec_":
            found.append(f"line {line}: exec_ is exec in Qt6")
    return found


def unscoped_qgis_enums(source: str) -> list[str]:
    """List members of QGIS's enums that are not written Class.Enum.Member."""
    import importlib

    tree = ast.parse(source)
    names = {
        local: ("qgis." + module, chain)
        for local, (module, chain) in imported(tree, "qgis").items()
        if module != "PyQt"
    }
    found = []
    for line, root, rest in chains(tree):
        if root not in names or not rest:
            continue
        module, chain = names[root]
        try:
            value = importlib.import_module(module)
        except ImportError:
            continue
        for name in [*chain, *rest]:
            owner, value = value, getattr(value, name, None)
            if isinstance(value, int) and not isinstance(value, bool) and type(value) is not int:
                if owner is not type(value):
                    found.append(f"line {line}: write {type(value).__qualname__}.{name} in full")
                break
    return found


FILES = [
    path
    for path in [
        ROOT / "__init__.py",
        ROOT / "plugin.py",
        *(p for room in ROOMS for p in sorted((ROOT / room).rglob("*.py"))),
    ]
    if path.exists()
]


def test_every_qt_name_exists_in_qt6():
    """No file uses a Qt name, an unscoped enum or a module that Qt6 does not have."""
    assert not [
        f"{path.relative_to(ROOT)} {text}" for path in FILES for text in qt_problems(path.read_text(encoding="utf-8"))
    ]


def test_qgis_enums_are_written_in_full():
    """Members of QGIS's own enums are written Class.Enum.Member, which Qt5 and Qt6 builds both have."""
    pytest.importorskip("qgis.core")
    assert not [
        f"{path.relative_to(ROOT)} {text}"
        for path in FILES
        for text in unscoped_qgis_enums(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(
    "code",
    [
        "from qgis.PyQt.QtCore import Qt\nx = Qt.UserRole",
        "from qgis.PyQt.QtWidgets import QMessageBox\nx = QMessageBox.Yes",
        "from qgis.PyQt.QtWidgets import QDialog\nx = QDialog.Accepted",
        "from qgis.PyQt import QtWidgets\nx = QtWidgets.QDialog.Accepted",
        "from qgis.PyQt.QtCore import QRegExp",
        "from qgis.PyQt.QtCore import QVariant\nx = QVariant.Double",
        "from qgis.PyQt.QtWebKit import QWebView",
        "from PyQt5.QtCore import Qt",
        "dialog.exec_()",
    ],
)
def test_the_check_finds_what_qt6_lacks(code):
    """Each known incompatibility is found, so that silence means something."""
    assert qt_problems(code)


@pytest.mark.parametrize(
    "code",
    [
        "from qgis.PyQt.QtCore import Qt\nx = Qt.ItemDataRole.UserRole",
        "from qgis.PyQt.QtWidgets import QMessageBox\nx = QMessageBox.StandardButton.Yes",
        "from qgis.PyQt.QtWidgets import QLabel\nx = QLabel.Shape.NoFrame",
        "from qgis.PyQt.QtGui import QIcon, QColor\nx = QColor('red').name()\ny = QIcon.fromTheme('a')",
        "from qgis.PyQt.QtCore import QDateTime, QCoreApplication\nx = QCoreApplication.translate('a', 'b')",
        "dialog.exec()",
    ],
)
def test_the_check_lets_right_names_pass(code):
    """Scoped enums, inherited ones, methods and functions are fine."""
    assert not qt_problems(code)


def test_the_check_finds_unscoped_qgis_enums():
    """An unscoped member of a QGIS enum is found, a scoped one passes."""
    pytest.importorskip("qgis.core")
    assert unscoped_qgis_enums("from qgis.core import QgsProcessing\nx = QgsProcessing.TypeRaster")
    assert not unscoped_qgis_enums("from qgis.core import QgsProcessing\nx = QgsProcessing.SourceType.TypeRaster")
