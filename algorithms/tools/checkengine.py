"""Check engine: a report on the engine and its machine, to be pasted into an issue."""
from __future__ import annotations

import json
import platform
import shutil
import tempfile
from pathlib import Path

from qgis.core import Qgis, QgsProcessingException
from qgis.PyQt.QtCore import qVersion

from ...core.version import version
from ..bridge import checkreport, engine, environment, requirements, settings
from ..bridge import parameters as p
from ..bridge.algorithm import Feedback, PhenofuseAlgorithm
from ..bridge.text import tr


class CheckEngine(PhenofuseAlgorithm):
    ID, GROUP, NAME = "checkengine", "tools", "Check engine"
    SUMMARY = "Finds out whether Phenofuse can compute on this machine, and with what."
    DESCRIPTION = (
        "Versions of QGIS, Python and all packages, memory, disk, GPU, whether functions compile, whether credentials "
        "for Earth Engine are there. Every problem comes with the one thing to do.\n\n"
        "The text can be pasted into an issue as it is: the home folder and your user name are left out, and no key or "
        "password is ever read.")
    TAGS = ("diagnose", "environment", "version", "gpu", "issue", "report", "python")
    HELP = {"REPORT": "The report as an HTML page; the log shows the same text."}
    NUMBERS = {"PROBLEMS": "Number of problems", "TEXT$": "The report"}

    def parameters(self):
        return [p.report_output()]

    def perform(self, values, feedback):
        """Ask both sides; an engine that does not answer is a finding, not a failure."""
        qgis = _qgis_side()
        chosen, facts = _engine_side(feedback)
        lowest = requirements.lowest_versions(("base", *requirements.EXTRAS))
        found = checkreport.problems(qgis, chosen, facts, lowest)
        text = checkreport.text(qgis, chosen, facts, found)
        for line in text.splitlines():
            feedback.pushInfo(line)
        if values.get("REPORT"):
            checkreport.write_page(values["REPORT"], tr(self.NAME), text)
        return {"outputs": {}, "numbers": {"PROBLEMS": len(found), "TEXT": text}}


def _qgis_side() -> dict:
    folders = {"settings": settings.home(), "engine": settings.engines(), "temporary": Path(tempfile.gettempdir())}
    return {"plugin": version(), "qgis": Qgis.QGIS_VERSION, "qt": qVersion(), "python": platform.python_version(),
            "system": platform.platform(), "folders": {name: _state_of(folder) for name, folder in folders.items()}}


def _state_of(folder: Path) -> dict:
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = round(shutil.disk_usage(there).free / 1e6)
    try:                                             # rights alone do not tell: Windows knows more than one kind
        tempfile.TemporaryFile(dir=there).close()
        writable = True
    except OSError:
        writable = False
    return {"path": str(folder), "free_mb": free, "writable": writable}


def _engine_side(feedback) -> tuple:
    """Which engine was chosen, with the problem where there is one, and the facts it answered."""
    try:
        chosen = environment.find_engine(settings.engine_python(), settings.engines())
    except environment.SetupError as problem:
        return {"problem": problem.failure.sentence, "remedy": problem.failure.remedy}, {}
    known, home = {"python": chosen.python, "reason": chosen.reason}, settings.home()
    made_in = Path(chosen.python).parent.parent
    if environment.installed(made_in) and not environment.is_current(made_in):
        known |= {"problem": "The engine's packages are those of an earlier version of the plugin.",
                  "remedy": "Run phenofuse:setupengine" + ("." if chosen.kind == "managed" else f" with FOLDER={made_in}.")}
    try:
        answer = engine.run_job(chosen.python, CheckEngine.ID, {}, settings.resources({}), Feedback(feedback),
                                logs=home / "logs", caches=home / "cache")
    except engine.EngineError as problem:
        if problem.kind == "cancelled":
            raise QgsProcessingException(tr("Cancelled.")) from problem
        return {**known, "problem": problem.text, "remedy": problem.remedy or "Run phenofuse:setupengine."}, {}
    return known, json.loads(answer["numbers"]["FACTS"])
