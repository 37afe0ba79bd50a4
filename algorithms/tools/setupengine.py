"""Set up engine: the Python environment that all other algorithms compute in."""
from __future__ import annotations

import re
import time
from pathlib import Path

from processing.core.ProcessingConfig import ProcessingConfig
from qgis.core import QgsNetworkAccessManager, QgsProcessingException
from qgis.PyQt.QtNetwork import QNetworkProxy

from ..bridge import checkreport, environment, installer, requirements, settings
from ..bridge import parameters as p
from ..bridge.algorithm import Feedback, PhenofuseAlgorithm
from ..bridge.text import tr

TORCH = ("cpu", "cuda", "default")


class SetUpEngine(PhenofuseAlgorithm):
    ID, GROUP, NAME = "setupengine", "tools", "Set up engine"
    SUMMARY = "Makes the Python environment that Phenofuse computes in, apart from QGIS's own."
    DESCRIPTION = (
        "Needed once. QGIS's own Python is never changed, and what is installed here is never seen by QGIS or by other "
        "plugins. The base takes about 180 MB to fetch and 690 MB on disk; the log says the sizes before anything is "
        "fetched.\n\n"
        "It is made once for all your QGIS profiles and versions. When QGIS is updated it goes on working: it is told to use "
        "the new Python, or you are told to run this again where that is another version.\n\n"
        "Cancel whenever you like: the same call continues where it stopped. Run it again to add extras; what is there "
        "stays, and an extra that cannot be installed takes nothing away.\n\n"
        "Without a network: on another computer of the same system, with the same Python version, run "
        "'pip download --only-binary=:all: -r base.txt -d FOLDER' (base.txt lies in the plugin's folder "
        "resources/requirements/locked, beside one list per extra, with the hash of every file) and give that folder as "
        "WHEELS. The proxy is taken from QGIS's network options or the variable HTTPS_PROXY, trusted certificates from "
        "PIP_CERT and from this system; pip's own configuration counts too.")
    TAGS = ("install", "environment", "python", "pip", "torch", "dask", "earth engine", "offline", "proxy")
    HELP = {
        "EXTRAS": "learning: torch, to train and apply networks (205 MB to fetch; with CUDA 2,750 MB). earthengine: to "
                  "download from Google Earth Engine (25 MB). cluster: Dask, to work on an existing cluster (5 MB). "
                  "onnx: to export models for other programs (35 MB, beside learning).",
        "TORCH": "Which build of torch: cpu (900 MB on disk; the one for Macs, whose GPUs are not used), cuda for NVIDIA "
                 "GPUs (5,000 MB on disk), or default: whatever the index offers. INDEX_URL and WHEELS decide by "
                 "themselves. To change an installed build, also choose REBUILD.",
        "INDEX_URL": "Address of another package index, such as your organisation's mirror. It is kept in QGIS's "
                     "history: put a user name and key into pip's own configuration instead. Empty: the public index.",
        "WHEELS": "A folder of wheel files (*.whl). Nothing is fetched then.",
        "PYTHON": "The Python to make the environment from (3.9 to 3.14, 64 bits). Empty: the one that came with QGIS, "
                  "or another of this system.",
        "FOLDER": "Where the environment goes, for example on a larger disk; the option Engine Python then points "
                  "there. Empty: the folder phenofuse in your own data folder (on Windows %LOCALAPPDATA%), which all QGIS "
                  "profiles share; an engine that an earlier version made in the QGIS settings folder stays there.",
        "REBUILD": "Start afresh even when the environment looks well. The extras that are there are installed again.",
        "REPORT": "What was done, as an HTML page.",
    }
    NUMBERS = {"SIZE_MB": "Size of the environment (MB)", "SECONDS": "Time it took (s)",
               "ENGINE_PYTHON$": "Path of the engine's Python"}

    def parameters(self):
        return [
            p.choice("EXTRAS", tr("Extras"), requirements.EXTRAS, None, multiple=True, optional=True),
            p.choice("TORCH", tr("Build of torch"), TORCH, "cpu"),
            p.folder("WHEELS", tr("Folder of wheels (no network)"), optional=True),
            p.advanced(p.text("INDEX_URL", tr("Another package index"))),
            p.advanced(p.file("PYTHON", tr("Python to make it from"), tr("All files (*)"), optional=True)),
            p.advanced(p.folder("FOLDER", tr("Another folder for the environment"), optional=True)),
            p.advanced(p.switch("REBUILD", tr("Start afresh"), False)),
            p.report_output(created=False),
        ]

    def perform(self, values, feedback):
        """Make the environment; needs no engine."""
        started, listener = time.monotonic(), _Diary(feedback)
        own = environment.managed_folder(settings.engines())
        folder = Path(values["FOLDER"] or own)
        source = environment.Source(values["INDEX_URL"] or "", values["WHEELS"] or "", values["TORCH"],
                                    _proxy_of_qgis())
        extras = tuple(values["EXTRAS"])
        try:
            record = environment.set_up(folder, extras, source, values["PYTHON"] or "", listener, values["REBUILD"])
        except environment.SetupError as problem:
            feedback.pushDebugInfo(problem.output)
            if environment.installed(folder):        # an extra is missing, but what is there can be used
                _choose(str(environment.python_of(folder)), folder == own, feedback)
            remedy = self._as_shown(problem.failure.remedy)
            raise QgsProcessingException(f"{problem.failure.sentence} {remedy}".strip()) from problem
        python = str(environment.python_of(folder))
        _choose(python, folder == own, feedback)
        size = installer.folder_megabytes(folder)
        listener.message("info", tr("The engine is ready: Python {}, {} MB, {} s.").format(
            record["python"], round(size), round(time.monotonic() - started)))
        if values.get("REPORT"):
            checkreport.write_page(values["REPORT"], tr(self.NAME), checkreport.redact("\n".join(listener.heard)))
        return {"outputs": {}, "numbers": {"SIZE_MB": round(size, 1), "SECONDS": round(time.monotonic() - started, 1),
                                           "ENGINE_PYTHON": python}}


    def _as_shown(self, text: str) -> str:
        """A text that names parameters, with what the dialog calls them: 'Start afresh' (REBUILD)."""
        shown = {definition.name(): definition.description() for definition in self.parameterDefinitions()}
        return re.sub(rf"\b({'|'.join(shown)})\b(=\w+)?", lambda found: f"'{shown[found[1]]}' ({found[0]})", text)


class _Diary(Feedback):
    """Processing's feedback that also keeps what was said, for the report."""

    def __init__(self, feedback):
        super().__init__(feedback)
        self.heard = []

    def message(self, level, text):
        self.heard.append(text)
        super().message(level, text)


def _choose(python: str, is_own: bool, feedback) -> None:
    """See to it that the environment just made is the one which is used, or say why it is not."""
    named = settings.engine_python()
    if is_own and named and named != python:
        feedback.pushWarning(tr("The option Engine Python names {}, which is used instead of this environment. "
                                "Empty the option to use this one.").format(named))
    elif not is_own and named != python:
        ProcessingConfig.setSettingValue(settings.ENGINE_PYTHON, python)
        feedback.pushInfo(tr("The option Engine Python now names {}.").format(python))


def _proxy_of_qgis() -> str:
    """The HTTP proxy set in QGIS's options, as an address; '' for none."""
    proxy = QgsNetworkAccessManager.instance().fallbackProxy()
    kinds = (QNetworkProxy.ProxyType.HttpProxy, QNetworkProxy.ProxyType.HttpCachingProxy)
    if proxy.type() not in kinds or not proxy.hostName():
        return ""
    return installer.proxy_address(proxy.hostName(), proxy.port(), proxy.user(), proxy.password())
