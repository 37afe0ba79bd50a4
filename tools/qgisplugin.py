"""The checkout's plugin in a QGIS without a window, for the tools that write what it holds."""
from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from qgis.core import QgsApplication

ROOT = Path(__file__).resolve().parents[1]


def run(work) -> None:
    """Start QGIS, register the provider, call ``work(provider)`` and end the process."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QgsApplication([], False)
    application.initQgis()
    sys.path.append(str(Path(QgsApplication.pkgDataPath(), "python", "plugins")))
    from processing.core.Processing import Processing

    Processing.initialize()
    spec = importlib.util.spec_from_file_location(
        "phenofuse", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    sys.modules["phenofuse"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["phenofuse"])
    plugin = sys.modules["phenofuse"].classFactory(None)
    plugin.initProcessing()
    work(plugin.provider)
    plugin.unload()
    sys.stdout.flush()
    os._exit(0)  # QGIS may crash while it is taken down
