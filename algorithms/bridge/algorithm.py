"""The base of all algorithms: parameters with help, checks, one job in the engine, styled outputs.

An algorithm says what it is (its class attributes), which parameters it has (`parameters`) and how its outputs
look (`STYLES`). All else happens here. An algorithm that needs no engine overrides `perform`.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingOutputNumber,
    QgsProcessingOutputRasterLayer,
    QgsProcessingOutputString,
    QgsProcessingUtils,
)
from qgis.PyQt.QtCore import QCoreApplication, QUrl
from qgis.PyQt.QtGui import QIcon

from ...core import formats, outputs
from ...core.errors import PhenofuseError
from ...core.registry import JOBS
from . import engine, environment, mask, parameters, secret, settings, styles
from .rasters import crs_of
from .text import tr

ICONS = Path(__file__).resolve().parents[2] / "resources" / "icons"
HELP_PAGES = ICONS.parent / "help"  # made by tools/make_help.py

GROUPS = {
    "earthengine": "Earth Engine",
    "prepare": "Prepare",
    "fill": "Fill gaps",
    "learn": "Deep learning",
    "assess": "Assess",
    "phenology": "Phenology",
    "tools": "Tools",
}


class PhenofuseAlgorithm(QgsProcessingAlgorithm):
    """An algorithm whose work is one job of the engine.

    Attributes
    ----------
    ID, GROUP, NAME : str
        Id (never changes), group id, and what the toolbox shows.
    SUMMARY : str
        One sentence: what it does.
    DESCRIPTION : str
        What it is for, when to use it, what it assumes.
    TAGS : tuple of str
        Words users search for.
    HELP : dict
        Help per key, where `parameters.SHARED_HELP` does not say it.
    STYLES : dict
        Per output key: (style, name of the layer). The style ``series`` follows the input's variable.
    NUMBERS : dict
        Per number the job returns: its description; they chain in models. A key ending in ``$`` is text.
    RASTERS : dict
        Per raster that the job makes in a folder of its own: its description. They chain in models, and are opened
        where the parameter LOAD says so.
    NODATA_OF : str
        The parameter whose layers' "additional no data values" the job is told.
    EXTRA : str
        The optional part of the engine that the job needs, or ''.
    """

    ID = GROUP = NAME = SUMMARY = DESCRIPTION = EXTRA = NODATA_OF = ""
    TAGS: tuple = ()
    HELP: dict = {}
    STYLES: dict = {}
    NUMBERS: dict = {}
    RASTERS: dict = {}

    def parameters(self) -> list:
        """Parameter definitions in the order of the dialog."""
        raise NotImplementedError

    def check(self, values: dict) -> str:
        """What is wrong between parameters, as one sentence with the remedy; '' when all is well."""
        return ""

    # What QGIS asks.

    def createInstance(self):
        return type(self)()

    def name(self):
        return self.ID

    def displayName(self):
        return tr(self.NAME)

    def groupId(self):
        return self.GROUP

    def group(self):
        return tr(GROUPS[self.GROUP])

    def icon(self):
        return QIcon(self.svgIconPath())

    def svgIconPath(self):
        return str(ICONS / f"{self.GROUP}.svg")

    def shortDescription(self):
        return tr(self.SUMMARY)

    def tags(self):
        return [tr(tag) for tag in (*self.TAGS, "phenofuse")]

    def helpUrl(self):
        return help_url(self.ID)

    def shortHelpString(self):
        parts = [tr(part) for part in self.DESCRIPTION.split("\n\n") if part]
        if QgsApplication.platform() == "qgis_process":  # prints tags as they stand, and the summary by itself
            return "\n\n".join(parts)
        keys = [
            f"<b>{definition.description()}</b>: {definition.help()}" for definition in self.parameterDefinitions()
        ]
        return "".join(f"<p>{part}</p>" for part in [tr(self.SUMMARY), *parts, *keys])

    def initAlgorithm(self, configuration=None):
        for parameter in self.parameters():
            parameter.setHelp(tr(self.help_of(parameter.name())))
            self.addParameter(parameter)
        for key, description in self.NUMBERS.items():
            kind = QgsProcessingOutputString if key.endswith("$") else QgsProcessingOutputNumber
            self.addOutput(kind(key.rstrip("$"), tr(description)))
        for key, description in self.RASTERS.items():
            self.addOutput(QgsProcessingOutputRasterLayer(key, tr(description)))

    def help_of(self, key: str) -> str:
        """Help of a parameter."""
        return self.HELP.get(key) or parameters.SHARED_HELP.get(key, "")

    def checkParameterValues(self, given, context):
        fine, message = super().checkParameterValues(given, context)
        if not fine:
            return fine, message
        try:
            values = parameters.values(self, given, context)
            settings.resources(values)
            problem = self.check(values) or self._unwritten(values, given, context)
        except QgsProcessingException as unusable:
            problem = str(unusable)
        return not problem, problem

    def _unwritten(self, values: dict, given, context) -> str:
        """What is wrong with the formats of the outputs; of a model's step, whose outputs have no names yet, nothing."""
        job = JOBS.get(self.ID)
        try:
            if job:
                formats.require_written(job, {**values, **parameters.destinations(self, given, context)})
        except PhenofuseError as problem:
            return str(problem)
        return ""

    def prepareAlgorithm(self, given, context, feedback):
        self._values = parameters.values(self, given, context)
        self._polygons = {}  # where they lie themselves: the engine is given a copy
        for key in ("MASK", "ZONES"):
            layer = self._values.get(key)
            if layer is not None:
                target = self._target_crs(given, context)
                self._polygons[key] = parameters.layer_file(layer)
                names = (self._values.pop("ZONE_FIELD") or "") if key == "ZONES" else None
                self._values[key] = mask.mask_file(layer, target, str(settings.home() / "masks"), names)
        # On this thread, as QGIS may ask for its master password; not among the values, which are written in places.
        self._secret = secret.of_configuration(self._values.pop("AUTH", None))
        return True

    def _target_crs(self, given, context) -> QgsCoordinateReferenceSystem:
        """The reference system in which the engine takes polygons: that of INPUT, degrees where there is none yet."""
        if self.parameterDefinition("INPUT"):
            return crs_of(given["INPUT"], context)
        return QgsCoordinateReferenceSystem("EPSG:4326")

    def processAlgorithm(self, given, context, feedback):
        wanted = parameters.destinations(self, given, context)
        values = {**self._values, **{key: os.path.abspath(path) for key, path in wanted.items()}}
        clash = outputs.clash({**values, **self._polygons}, wanted)
        if clash:
            raise QgsProcessingException(tr("{} and {} are the same file. Choose another name.").format(*clash))
        result = self.perform(values, feedback)
        made = {**result["outputs"], **wanted}
        self._open(made, values, context)
        self._dress(made, result.get("variables", {}), context)
        return {**made, **result["numbers"]}

    # What algorithms share.

    def perform(self, values: dict, feedback) -> dict:
        """Run the job in the engine; returns its outputs and numbers."""
        home = settings.home()
        try:
            chosen = environment.find_engine(
                settings.engine_python(), settings.engines(), extras=[self.EXTRA] if self.EXTRA else []
            )
            if chosen.notice:
                feedback.pushInfo(chosen.notice)
            feedback.pushDebugInfo(tr("Engine: {} ({})").format(chosen.python, chosen.kind))
            return engine.run_job(
                chosen.python,
                self.ID,
                settings.without_resources(values),
                {**settings.resources(values), "credentials": self._secret},
                Feedback(feedback),
                logs=home / "logs",
                caches=home / "cache",
            )
        except environment.SetupError as problem:
            raise QgsProcessingException(str(problem)) from problem
        except engine.EngineError as problem:
            if problem.kind == "cancelled":
                feedback.pushInfo(tr("Cancelled. The same call continues where it stopped."))
                raise QgsProcessingException(tr("Cancelled.")) from problem
            if problem.log:
                feedback.pushInfo(tr("Details are in the log file {}").format(problem.log))
            raise QgsProcessingException(f"{problem.text} {problem.remedy}".strip()) from problem

    def _open(self, made: dict, values: dict, context) -> None:
        """Have the rasters that the job made by itself opened, where that is wanted."""
        for key, description in self.RASTERS.items():
            if values.get("LOAD") and made.get(key):
                details = QgsProcessingContext.LayerDetails(tr(description), context.project(), key)
                context.addLayerToLoadOnCompletion(made[key], details)

    def _dress(self, made: dict, variables: dict, context) -> None:
        """Style the raster outputs that are loaded, and write styles beside those that are kept."""
        group = self._group_name()
        for order, (key, (kind, title)) in enumerate(reversed(self.STYLES.items())):  # the main output lies on top
            path = made.get(key)
            if not path:
                continue
            kind = styles.KIND_OF_VARIABLE.get(variables.get(key), "") if kind == "series" else kind
            definition = self.parameterDefinition(key)
            styles.attach(context, path, kind, tr(title), group, order, definition.description() if definition else "")
            if settings.write_styles() and not path.startswith(QgsProcessingUtils.tempFolder()):
                styles.write_beside(path, kind)

    def _group_name(self) -> str:
        source = self._values.get("INPUT")
        return f"{tr(self.NAME)}: {Path(source).stem}" if isinstance(source, str) else tr(self.NAME)


def help_url(identifier: str) -> str:
    """Address of the help page of an algorithm or a shipped model, which comes with the plugin."""
    return QUrl.fromLocalFile(str(HELP_PAGES / f"{identifier}.html")).toString()


class Feedback(engine.Listener):
    """Carries what the engine tells to Processing's feedback."""

    SECONDS_BETWEEN_ESTIMATES = 10  # each is a line in the log

    def __init__(self, feedback):
        self._feedback = feedback
        self._told = time.monotonic()

    def progress(self, fraction, eta_s):
        self._feedback.setProgress(100 * fraction)
        if eta_s is not None and time.monotonic() - self._told > self.SECONDS_BETWEEN_ESTIMATES:
            self._told = time.monotonic()
            self._feedback.setProgressText(tr("About {} left").format(_duration(eta_s)))

    def message(self, level, text):
        if level == "warning":
            self._feedback.pushWarning(text)
        else:
            self._feedback.pushInfo(text)

    def cancelled(self):
        if QgsApplication.platform() == "qgis_process":
            QCoreApplication.processEvents()  # it hears Ctrl+C as an event, and this loop is all that runs
        return self._feedback.isCanceled()


def _duration(seconds: float) -> str:
    if seconds < 90:
        return tr("{} s").format(round(seconds))
    if seconds < 5400:
        return tr("{} min").format(round(seconds / 60))
    return tr("{:.1f} h").format(seconds / 3600)
