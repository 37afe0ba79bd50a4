"""Parameters that algorithms share, and their values as the engine takes them.

Every parameter carries its help: here for the shared keys, in the algorithm's own table for the others.
"""

from __future__ import annotations

import os

from qgis.core import (
    QgsMapLayer,
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingParameterAuthConfig,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterCrs,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMapLayer,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
    QgsProcessingParameterVectorLayer,
    QgsProviderRegistry,
)

from ...core.formats import FORMATS
from . import addresses
from .rasters import Raster, RasterOrPolygons, Rasters, address, layer_or_raster, own_nodata, texts_of
from .text import tr

ADVANCED = QgsProcessingParameterDefinition.Flag.FlagAdvanced

# Help of the keys all algorithms share; an algorithm's own table may say it better for its case.
SHARED_HELP = {
    "INPUT": "The time series: a raster with one date per band, such as 'Build time series' makes.",
    "COVARIATES": "Radar or other series that help: their dates may differ from the input's, their grid may not.",
    "MASK": "Polygons, or a raster on the same grid: only pixels inside (raster: not zero) are worked on.",
    "OUTPUT": "The resulting raster.",
    "UNCERTAINTY": "A raster with the same bands: the standard deviation of what a clear observation would have shown.",
    "QUALITY": "A raster with the same bands: why each value is as it is (observed, filled, extrapolated, too few observations ...).",
    "REPORT": "A report to look at, as one HTML file; its numbers lie beside it as JSON (name.html.json).",
    "DATES": "Dates of the result, separated by commas (2024-01-31, 2024-02-29), or a CSV file of dates, as a spreadsheet saves it "
    "too (best with cells as yyyy-mm-dd). Empty: the input's own.",
    "STEP_DAYS": "Give the result on a regular grid of so many days. 0: on the input's own dates.",
    "KEEP_OBSERVED": "Observed values come back unchanged, to the last bit. Off: they are smoothed too.",
    "MAX_GAP_DAYS": "Leave gaps longer than this unfilled (quality code 4). 0: fill all.",
    "MEMORY_MB": "Memory for pixels, in MB; the engine itself needs about 300 MB more. Empty: as the Processing options say.",
    "WORKERS": "Threads. Empty: as the Processing options say; 0 there means one per core.",
    "SCHEDULER": "Address of a running Dask scheduler (tcp://host:8786), to work on a cluster: the one of the Processing options, "
    "or one on this machine. Empty: as the Processing options say; empty there means this machine, without Dask.",
    "DEVICE": "Where networks run: auto, cpu, or gpu (NVIDIA's). Empty: as the Processing options say.",
    "SEED": "Start of the random numbers: the same seed gives the same result.",
    "FORMAT": "How values are stored. standard: as they are, in float32; the output's name says whether as GeoTIFF (.tif) or as NetCDF "
    "by the CF conventions (.nc, for xarray). int16: as whole numbers with a scale, 0.0001 for NDVI and 0.01 for decibels: half the "
    "size, and values are read back to half such a step. cog: a cloud-optimized GeoTIFF, with overviews. cog_int16: both.",
    "FOLDER": "The folder.",
    "LOAD": "Open the resulting series in QGIS.",
    "PROJECT": "Id of the Google Cloud project that is registered for Earth Engine, such as my-project-123. It is no secret.",
    "AUTH": "A QGIS authentication configuration: Basic with a service account's key (JSON) as password, or API header with an "
    "access token under Authorization. Empty: KEY_FILE, or the login that 'earthengine authenticate' left.",
    "KEY_FILE": "Key file of a service account (JSON). Only its path is kept anywhere.",
    "ENDPOINT": "Address of the service, if not Google's usual one (https://...googleapis.com, or on this machine for tests).",
    "MAX_PENDING": "Most of our tasks that wait or run on the service at a time (drive, asset, cloudstorage).",
}


def raster(key: str, description: str, optional: bool = False):
    """One raster layer."""
    return Raster(key, description, optional=optional)


def rasters(key: str, description: str, optional: bool = False):
    """Several raster layers."""
    return Rasters(key, description, QgsProcessing.SourceType.TypeRaster, optional=optional)


def files(key: str, description: str, optional: bool = False):
    """Several files."""
    return QgsProcessingParameterMultipleLayers(key, description, QgsProcessing.SourceType.TypeFile, optional=optional)


def mask():
    """MASK: polygons or a raster."""
    kinds = [QgsProcessing.SourceType.TypeRaster, QgsProcessing.SourceType.TypeVectorPolygon]
    return RasterOrPolygons("MASK", tr("Mask"), optional=True, types=kinds)


def polygons(key: str, description: str):
    """A layer of polygons; it may stay empty."""
    kinds = [QgsProcessing.SourceType.TypeVectorPolygon]
    return QgsProcessingParameterVectorLayer(key, description, kinds, optional=True)


def places() -> list:
    """PLACES: points or polygons, all or those selected, and ID_FIELD, the field that names them."""
    kinds = [QgsProcessing.SourceType.TypeVectorPoint, QgsProcessing.SourceType.TypeVectorPolygon]
    return [
        QgsProcessingParameterFeatureSource("PLACES", tr("Points or polygons"), kinds),
        QgsProcessingParameterField("ID_FIELD", tr("Field that names them"), None, "PLACES", optional=True),
    ]


def zones() -> list:
    """ZONES: polygons to sum up by, and ZONE_FIELD, the field that names them."""
    return [
        polygons("ZONES", tr("Polygons to sum up by")),
        QgsProcessingParameterField("ZONE_FIELD", tr("Field that names the polygons"), None, "ZONES", optional=True),
    ]


def choice(key: str, description: str, options, default: str, multiple: bool = False, optional: bool = False):
    """One (or several) of some names; models and command lines hold the name itself."""
    return QgsProcessingParameterEnum(
        key, description, list(options), multiple, default, optional, usesStaticStrings=True
    )


def integer(key: str, description: str, default=None, minimum: int = 0, maximum: int = 2**31 - 1):
    """A whole number; without a default it may stay empty."""
    return QgsProcessingParameterNumber(
        key, description, QgsProcessingParameterNumber.Type.Integer, default, default is None, minimum, maximum
    )


def number(key: str, description: str, default=None, minimum: float = -1e300, maximum: float = 1e300):
    """A number; without a default it may stay empty."""
    return QgsProcessingParameterNumber(
        key, description, QgsProcessingParameterNumber.Type.Double, default, default is None, minimum, maximum
    )


def switch(key: str, description: str, default: bool):
    """Yes or no."""
    return QgsProcessingParameterBoolean(key, description, default)


def text(key: str, description: str, default: str = ""):
    """A line of text; it may stay empty."""
    return QgsProcessingParameterString(key, description, default, optional=True)


def day(key: str, description: str, optional: bool = True):
    """A date."""
    return QgsProcessingParameterDateTime(key, description, QgsProcessingParameterDateTime.Type.Date, None, optional)


def folder(key: str, description: str, optional: bool = False):
    """An existing folder."""
    return QgsProcessingParameterFile(key, description, QgsProcessingParameterFile.Behavior.Folder, optional=optional)


def file(key: str, description: str, kinds: str, optional: bool = False):
    """An existing file; `kinds` such as ``CSV files (*.csv)``."""
    return QgsProcessingParameterFile(
        key, description, QgsProcessingParameterFile.Behavior.File, optional=optional, fileFilter=kinds
    )


def extent(key: str, description: str):
    """A rectangle with its reference system."""
    return QgsProcessingParameterExtent(key, description)


def crs(key: str, description: str):
    """A reference system; it may stay empty."""
    return QgsProcessingParameterCrs(key, description, optional=True)


def account() -> list:
    """AUTH, KEY_FILE and ENDPOINT: who we are to a service, and where it is."""
    return [
        QgsProcessingParameterAuthConfig("AUTH", tr("Authentication configuration"), None, True),
        advanced(file("KEY_FILE", tr("Key file of a service account"), tr("JSON files (*.json)"), optional=True)),
        advanced(text("ENDPOINT", tr("Address of the service"))),
    ]


def form():
    """FORMAT, as an advanced parameter."""
    return advanced(choice("FORMAT", tr("Format of the series"), FORMATS, FORMATS[0]))


def raster_output(key: str, description: str, optional: bool = False, created: bool = True):
    """A raster to be made."""
    return QgsProcessingParameterRasterDestination(key, description, optional=optional, createByDefault=created)


def file_output(key: str, description: str, kinds: str, optional: bool = True, created: bool = False):
    """A file to be made."""
    return QgsProcessingParameterFileDestination(key, description, kinds, optional=optional, createByDefault=created)


def layer_output(key: str, description: str):
    """Polygons with attributes to be made."""
    kind = QgsProcessing.SourceType.TypeVectorPolygon
    return QgsProcessingParameterVectorDestination(key, description, kind, optional=True, createByDefault=False)


def table_output(key: str, description: str):
    """A table without geometry to be made, wherever QGIS can: a file, a database, memory."""
    return QgsProcessingParameterFeatureSink(key, description, QgsProcessing.SourceType.TypeVector, optional=True)


def report_output(created: bool = True):
    """REPORT: an HTML file, shown in the results viewer."""
    return file_output("REPORT", tr("Report"), tr("HTML files (*.html)"), created=created)


def folder_output(key: str, description: str):
    """A folder to be filled."""
    return QgsProcessingParameterFolderDestination(key, description)


def output_dates() -> list:
    """DATES and STEP_DAYS: on which dates the result is given."""
    return [text("DATES", tr("Dates of the result")), integer("STEP_DAYS", tr("Step of the result in days"), 0)]


def seed():
    """SEED, as an advanced parameter."""
    return advanced(integer("SEED", tr("Random seed"), 1))


def device():
    """DEVICE, as an advanced parameter."""
    return advanced(choice("DEVICE", tr("Device"), ("auto", "cpu", "gpu"), None, optional=True))


def resources(scheduler: bool = True) -> list:
    """MEMORY_MB, WORKERS and SCHEDULER, as advanced parameters."""
    found = [integer("MEMORY_MB", tr("Memory for pixels (MB)"), None, 64), integer("WORKERS", tr("Threads"), None, 1)]
    if scheduler:
        found.append(text("SCHEDULER", tr("Dask scheduler")))
    return [advanced(parameter) for parameter in found]


def advanced(parameter):
    """The same parameter, shown under 'Advanced'."""
    parameter.setFlags(parameter.flags() | ADVANCED)
    return parameter


def values(algorithm, parameters: dict, context) -> dict:
    """Inputs as plain values: layers become paths, dates ISO text, empty ones None.

    Called on the thread that owns the layers. Destinations are left out; see `destinations`.
    """
    found = {
        definition.name(): _value(algorithm, definition, parameters, context)
        for definition in algorithm.parameterDefinitions()
        if not definition.isDestination()
    }
    return {**found, **_own_nodata(algorithm, parameters, context)}


def destinations(algorithm, parameters: dict, context) -> dict:
    """Paths of the outputs that are wanted; tables are no files for the engine."""
    found = {}
    for definition in algorithm.destinationParameterDefinitions():
        name = definition.name()
        if isinstance(definition, QgsProcessingParameterFeatureSink):
            continue
        if isinstance(definition, (QgsProcessingParameterRasterDestination, QgsProcessingParameterVectorDestination)):
            path = algorithm.parameterAsOutputLayer(parameters, name, context)
        else:
            path = algorithm.parameterAsFileOutput(parameters, name, context)
        if path:
            found[name] = path
    return found


def layer_file(layer) -> str | None:
    """The file that a layer of polygons or a raster lies in; None when it lies in none."""
    return QgsProviderRegistry.instance().decodeUri(layer.providerType(), layer.source()).get("path") or None


def _own_nodata(algorithm, parameters, context) -> dict:
    """LAYERS_NODATA: what the layers of LAYERS say of themselves, in their order; {} where none says anything.

    Raises
    ------
    QgsProcessingException
        When a layer of another parameter, which only takes files as they are, says something.
    """
    found = {}
    for definition in algorithm.parameterDefinitions():
        if isinstance(definition, (Raster, Rasters)) and definition.name() != "REFERENCE":  # of that only the grid is taken
            said = [own_nodata(one, context) for one in texts_of(parameters.get(definition.name()))]
            if any(said) and definition.name() != algorithm.NODATA_OF:
                raise QgsProcessingException(
                    tr("{} is a layer with an additional no data value of its own, which is not in the file. Build a series of it "
                       "with 'Build time series' (phenofuse:buildtimeseries), which knows it, or take it out of the layer's "
                       "properties.").format(definition.description()))  # fmt: skip
            if any(said):
                found[f"{definition.name()}_NODATA"] = said
    return found


def _value(algorithm, definition, parameters, context):
    name, given = definition.name(), parameters.get(definition.name())
    if isinstance(definition, QgsProcessingParameterRasterLayer):
        if not isinstance(given, (str, QgsMapLayer)):
            given = algorithm.parameterAsRasterLayer(parameters, name, context)
        return address(given, context) if given else None
    if isinstance(definition, (QgsProcessingParameterMapLayer, QgsProcessingParameterVectorLayer)):
        return layer_or_raster(algorithm.parameterAsLayer(parameters, name, context), given)
    if isinstance(definition, QgsProcessingParameterFeatureSource):
        return algorithm.parameterAsSource(parameters, name, context)
    if isinstance(definition, QgsProcessingParameterMultipleLayers):
        if definition.layerType() == QgsProcessing.SourceType.TypeFile:
            return [os.path.abspath(path) for path in algorithm.parameterAsFileList(parameters, name, context) if path]
        if not all(isinstance(one, (str, QgsMapLayer)) for one in texts_of(given)):
            given = algorithm.parameterAsLayerList(parameters, name, context)
        return [address(one, context) for one in texts_of(given)]
    if isinstance(definition, QgsProcessingParameterEnum):
        if definition.allowMultiple():
            chosen = algorithm.parameterAsEnumStrings(parameters, name, context)
            return [option for option in chosen if option]  # QGIS 3.22 gives one empty name for "none chosen"
        return algorithm.parameterAsEnumString(parameters, name, context)
    if isinstance(definition, QgsProcessingParameterBoolean):
        return algorithm.parameterAsBoolean(parameters, name, context)
    if isinstance(definition, QgsProcessingParameterNumber):
        if given is None and definition.defaultValue() is None:
            return None
        if definition.dataType() == QgsProcessingParameterNumber.Type.Integer:
            return algorithm.parameterAsInt(parameters, name, context)
        return algorithm.parameterAsDouble(parameters, name, context)
    if isinstance(definition, QgsProcessingParameterExtent):
        return _extent(algorithm, parameters, name, context)
    if isinstance(definition, QgsProcessingParameterCrs):
        return algorithm.parameterAsCrs(parameters, name, context).authid() or None
    if isinstance(definition, QgsProcessingParameterDateTime):
        moment = algorithm.parameterAsDateTime(parameters, name, context)
        return moment.date().toString("yyyy-MM-dd") if moment.isValid() else None
    if isinstance(definition, QgsProcessingParameterFile):
        path = algorithm.parameterAsFile(parameters, name, context)
        return os.path.abspath(path) if path else None
    written = algorithm.parameterAsString(parameters, name, context)
    return (addresses.table(written) if name == "DATES" else written) or None


def _extent(algorithm, parameters, name, context) -> str | None:
    """A rectangle as ``west,east,south,north [EPSG:4326]``."""
    box = algorithm.parameterAsExtent(parameters, name, context)
    if box.isNull():
        return None
    system = algorithm.parameterAsExtentCrs(parameters, name, context).authid()
    if not system:
        raise QgsProcessingException(tr("The extent has no reference system. Write it as west,east,south,north [EPSG:4326]."))
    numbers = (box.xMinimum(), box.xMaximum(), box.yMinimum(), box.yMaximum())
    return ",".join(repr(number) for number in numbers) + f" [{system}]"
