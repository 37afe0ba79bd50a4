"""The plugin on Qt 6, in a Python of its own beside a stand-in of QGIS: provider, dock and plot from the first to the last step."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STATE = Path(os.environ.get("PHENOFUSE_DEV_HOME", ROOT / ".dev"))
PYTHON = STATE / "qt6" / "bin" / "python"
TESTS = Path(__file__).parent
STEPS = 15


@pytest.fixture
def use(tmp_path):
    """Runs all steps with the plugin in a folder."""
    if not PYTHON.exists():
        pytest.skip("PyQt6 is not installed here: ./dev test installs it")

    def run(plugins: Path) -> subprocess.CompletedProcess:
        path = os.pathsep.join(map(str, (plugins, TESTS)))
        command = [PYTHON, TESTS / "qt6" / "standin.py", TESTS / "qt6" / "dock.py", tmp_path]
        return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, check=False,
                              env={**os.environ, "PYTHONPATH": path, "QT_QPA_PLATFORM": "offscreen"})

    return run


def test_no_exception_escapes_on_qt6(use, tmp_path):
    """Every step is done and nothing is raised, in no slot, event or thread."""
    (tmp_path / "phenofuse").symlink_to(ROOT, target_is_directory=True)
    ended = use(tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count(": ok\n") == STEPS and re.search(r"^Qt 6\.\d+\.\d+: 0 exceptions$", ended.stdout, re.M)


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("plot.py", "Qt.AlignmentFlag.AlignCenter", "Qt.AlignCenter"),
        ("places.py", "Qt.KeyboardModifier.ShiftModifier", "Qt.ShiftModifier"),
        ("export.py", "QImage.Format.Format_RGB32", "QImage.Format_RGB32"),
        ("plot.py", "QEvent.Type.PaletteChange", "QEvent.PaletteChange"),
    ],
)
def test_what_qt6_lacks_is_found(use, tmp_path, file, right, wrong):
    """An enum without its scope, wherever it is: in what is painted, in what hears the mouse, in a file's writing."""
    plugin = tmp_path / "phenofuse"
    shutil.copytree(ROOT, plugin, ignore=shutil.ignore_patterns(".*", "demo", "tests", "docs", "__pycache__"))
    source = (plugin / "gui" / file).read_text(encoding="utf-8")
    assert right in source
    (plugin / "gui" / file).write_text(source.replace(right, wrong), encoding="utf-8")
    ended = use(tmp_path)
    assert ended.returncode and "AttributeError" in ended.stdout and wrong.split(".")[1] in ended.stdout
