"""Take the README's picture of a dialog: runs inside the desktop, on a virtual screen.

    xvfb-run -a -s "-screen 0 1280x900x24" ./dev desktop --code tools/screenshots.py

Needs demo/ (./dev demo) and writes docs/images/dialog.png.
"""

import os
from pathlib import Path

import processing
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QApplication
from qgis.utils import iface

ROOT = Path(os.environ["PHENOFUSE_DEV_HOME"], "plugins", "phenofuse").resolve()
UNTIL_OPEN, UNTIL_SHOT = 3000, 4000  # ms


def start():
    """Open the project and the dialog."""
    iface.mainWindow().setGeometry(0, 0, 1280, 900)
    iface.addProject(str(ROOT / "demo" / "demo.qgz"))
    start.dialog = processing.createAlgorithmDialog(
        "phenofuse:fillharmonic", {"INPUT": str(ROOT / "demo" / "series" / "ndvi.tif")}
    )
    start.dialog.show()
    start.dialog.move(420, 160)
    QTimer.singleShot(UNTIL_SHOT, shoot)


def shoot():
    """Save what the screen shows and leave."""
    target = ROOT / "docs" / "images" / "dialog.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    QApplication.primaryScreen().grabWindow(0).save(str(target))
    os._exit(0)


QTimer.singleShot(UNTIL_OPEN, start)
