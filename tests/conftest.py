"""What all tests share: the checkout as package `phenofuse`, a QGIS profile of its own, and the real data.

The checkout's folder may have any name, so a link called `phenofuse` is put on the path; child processes find the
package through PYTHONPATH and QGIS finds the plugin through QGIS_PLUGINPATH. Nothing touches the user's own profile.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STATE = Path(os.environ.get("PHENOFUSE_DEV_HOME", ROOT / ".dev"))

_folder = tempfile.TemporaryDirectory(prefix="phenofuse-tests-")
_plugins = Path(_folder.name, "plugins")
_profile = Path(_folder.name, "profile")


def _link_package() -> None:
    _plugins.mkdir()
    os.symlink(ROOT, _plugins / "phenofuse", target_is_directory=True)
    sys.path.insert(0, str(_plugins))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_plugins), os.environ.get("PYTHONPATH")]))
    os.environ["QGIS_PLUGINPATH"] = str(_plugins)


def _make_profile() -> None:
    for name in ("QGIS3.ini", "QGIS4.ini"):
        ini = _profile / "profiles" / "default" / "QGIS" / name
        ini.parent.mkdir(parents=True, exist_ok=True)
        ini.write_text("[PythonPlugins]\nphenofuse=true\nprocessing=true\n", encoding="utf-8")


sys.path.insert(0, str(Path(__file__).parent))  # what tests share lies beside them
_link_package()
_make_profile()
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # the machine may have no display
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the engine sets it for itself
if (STATE / "engine" / "bin" / "python").exists():
    os.environ.setdefault("PHENOFUSE_ENGINE_PYTHON", str(STATE / "engine" / "bin" / "python"))


try:
    from hypothesis import settings
except ImportError:  # QGIS's Python has none
    pass
else:  # the same examples in every run, so that what was seen once is seen by everybody; PHENOFUSE_EXPLORE=1 looks for new ones
    settings.register_profile("suite", derandomize=not os.environ.get("PHENOFUSE_EXPLORE"), print_blob=True)
    settings.load_profile("suite")


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    """Point child processes at the tests' profile; last, because pytest-qgis sets its own for this process."""
    os.environ["QGIS_CUSTOM_CONFIG_PATH"] = str(_profile)
    os.environ["XDG_DATA_HOME"] = str(_profile / "data")  # where an engine of the user's own may be


@pytest.fixture(scope="session")
def root() -> Path:
    """Give the folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of the real Sentinel series, or skip with the way to have them."""
    shared = Path(os.environ.get("PHENOFUSE_SHARED", ROOT.parent / "shared"))
    if not (shared / "data").is_dir():
        pytest.skip(f"no real data in {shared}: set PHENOFUSE_SHARED to the folder that holds data/")
    return shared / "data"


@pytest.fixture
def hurried(monkeypatch):
    """Keep an export's pauses between repetitions short."""
    from earthengine.helpers import HURRY
    from phenofuse.core.earthengine import service

    monkeypatch.setattr(service, "Patience", lambda: HURRY)


@pytest.fixture(scope="session")
def provider(request):
    """Register the provider once for all tests, as qgis_process does it: without an interface."""
    request.getfixturevalue("qgis_processing")  # pytest-qgis: a running QGIS with Processing
    import phenofuse

    plugin = phenofuse.classFactory(None)
    plugin.initProcessing()
    yield plugin.provider
    plugin.unload()


@pytest.fixture(scope="session")
def algorithms(provider) -> list:
    """Give what the provider offers besides its models."""
    return [algorithm for algorithm in provider.algorithms() if algorithm.groupId() != "models"]


@pytest.fixture
def project(qgis_iface, monkeypatch):
    """The project, empty before and after, in a layer tree as the desktop has it: from QGIS 3.44 on Processing works with it."""
    from qgis.core import QgsLayerTreeModel, QgsProject
    from qgis.gui import QgsLayerTreeView
    from qgis.PyQt import sip

    project, tree = QgsProject.instance(), QgsLayerTreeView()
    project.clear()
    tree.setModel(QgsLayerTreeModel(project.layerTreeRoot(), tree))
    monkeypatch.setattr(qgis_iface, "layerTreeView", lambda: tree, raising=False)
    yield project
    project.clear()
    sip.delete(tree)
