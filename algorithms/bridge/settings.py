"""What the user sets once, in Processing's options, and where the engine and its things are."""

from __future__ import annotations

import os
import re
from pathlib import Path

from processing.core.ProcessingConfig import ProcessingConfig, Setting
from qgis.core import QgsApplication, QgsProcessingException

from . import places
from .text import tr

GROUP = "Phenofuse"
ENGINE_PYTHON = "PHENOFUSE_ENGINE_PYTHON"
MEMORY_MB = "PHENOFUSE_MEMORY_MB"
WORKERS = "PHENOFUSE_WORKERS"
DEVICE = "PHENOFUSE_DEVICE"
SCHEDULER = "PHENOFUSE_SCHEDULER"
WRITE_STYLES = "PHENOFUSE_WRITE_STYLES"

DEVICES = ("auto", "cpu", "gpu")
# A quarter of the 4 GB that the smallest machines have which run QGIS well.
DEFAULT_MEMORY_MB = 1024
_HERE = re.compile(r"(?:(?:tcp|tls|wss?)://)?(?:127\.0\.0\.1|localhost|\[::1\]):[0-9]{1,5}/?", re.ASCII | re.IGNORECASE)


def register(icon) -> None:
    """Add our page to Processing's options."""
    ProcessingConfig.settingIcons[GROUP] = icon
    for setting in (
        Setting(
            GROUP,
            ENGINE_PYTHON,
            tr("Engine Python (empty: the one that 'Set up engine' made)"),
            "",
            valuetype=Setting.FILE,
        ),
        Setting(GROUP, MEMORY_MB, tr("Memory for pixels (MB)"), DEFAULT_MEMORY_MB, valuetype=Setting.INT),
        Setting(GROUP, WORKERS, tr("Threads (0: one per core)"), 0, valuetype=Setting.INT),
        Setting(
            GROUP,
            DEVICE,
            tr("Device for deep learning"),
            DEVICES[0],
            valuetype=Setting.SELECTION,
            options=list(DEVICES),
        ),
        Setting(GROUP, SCHEDULER, tr("Dask scheduler (empty: this machine)"), "", valuetype=Setting.STRING),
        Setting(GROUP, WRITE_STYLES, tr("Write a style (.qml) beside output files"), False),
    ):
        ProcessingConfig.addSetting(setting)
    ProcessingConfig.readSettings()


def unregister() -> None:
    """Take our page away again."""
    for name in (ENGINE_PYTHON, MEMORY_MB, WORKERS, DEVICE, SCHEDULER, WRITE_STYLES):
        ProcessingConfig.removeSetting(name)


def engine_python() -> str:
    """The Python the user named, here or in the environment; '' for none."""
    return ProcessingConfig.getSetting(ENGINE_PYTHON) or os.environ.get(ENGINE_PYTHON, "")


def write_styles() -> bool:
    """Whether a ``.qml`` is written beside outputs that are kept."""
    return bool(ProcessingConfig.getSetting(WRITE_STYLES))


def without_resources(values: dict) -> dict:
    """The job's own parameters: how much memory it may use does not change what it makes."""
    return {key: value for key, value in values.items() if key not in ("MEMORY_MB", "WORKERS", "DEVICE", "SCHEDULER")}


def resources(values: dict) -> dict:
    """The engine's resources: what the dialog says, else what the options say.

    Raises
    ------
    QgsProcessingException
        When SCHEDULER is on another machine and not the one of the options. A scheduler's answers can run any code here, and
        a model or script from somebody else may bring its address; the options are the user's own.
    """

    def chosen(key, setting, default):
        value = values.get(key)
        return value if value not in (None, "") else ProcessingConfig.getSetting(setting) or default

    scheduler = str(chosen("SCHEDULER", SCHEDULER, "")).strip()
    if scheduler and not _HERE.fullmatch(scheduler) and scheduler != str(ProcessingConfig.getSetting(SCHEDULER) or "").strip():
        raise QgsProcessingException(
            tr("SCHEDULER is {}, which is not the Dask scheduler of your options. Whoever runs it can run any program here: if you "
               "trust it, enter it first under Settings > Options > Processing > Providers > Phenofuse, else leave SCHEDULER empty.")
            .format(ascii(scheduler)[1:-1]))  # fmt: skip
    return {
        "memory_mb": int(chosen("MEMORY_MB", MEMORY_MB, DEFAULT_MEMORY_MB)),
        "workers": int(chosen("WORKERS", WORKERS, 0)),
        "device": str(chosen("DEVICE", DEVICE, DEVICES[0])),
        "scheduler": scheduler,
    }


def home() -> Path:
    """The folder of this profile's logs and caches, in the QGIS settings folder."""
    return Path(QgsApplication.qgisSettingsDirPath()) / "phenofuse"


def engines() -> Path:
    """The folder of the engines: one for all profiles, or this profile's own where an earlier version has set one up."""
    return places.where_set_up(home())
