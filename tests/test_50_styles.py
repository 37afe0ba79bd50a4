"""Styles: fixed ranges for all kinds of colour vision; dates on the Temporal Controller; layers dressed when loaded."""
from __future__ import annotations

import calendar
import gc
import importlib.util
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("qgis.core")
from osgeo import gdal, osr
from phenofuse.algorithms.bridge import styles
from qgis.core import (
    Qgis,
    QgsApplication,
    QgsDateTimeRange,
    QgsLayerTreeRegistryBridge,
    QgsMapLayerLegendUtils,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsPalettedRasterRenderer,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingProvider,
    QgsRasterLayer,
)
from qgis.PyQt.QtCore import QDateTime, QSize, Qt
from qgis.PyQt.QtGui import QColor, QImage, QPainter
from qgis.PyQt.QtSvg import QSvgRenderer

BANDS_HAVE_DATES = Qgis.QGIS_VERSION_INT >= 33800
PERIODS = ("2023-11-01/2023-11-13", "2023-11-13/2023-11-25", "2023-11-25/2023-12-07")
RANGES = {"ndvi": (-0.1, 0.9), "evi2": (-0.1, 0.8), "nirv": (-0.05, 0.5), "kndvi": (0, 0.7), "ppi": (0, 3),
          "wetness": (-0.6, 0.6), "rvi": (0, 1.2), "uncertainty": (0, 0.2), "count": (0, 73), "gap_days": (0, 120),
          "day_of_year": (1, 366),
          "backscatter": (-25, 0), "harmonics": (-1, 10), "smoothing": (10, 1e7), "date": (10957, 25902), "seasons": (0, 6),
          "seasons_per_year": (0, 3),
          "season_days": (0, 360), "amplitude": (0, 0.8), "value_days": (0, 90), "rate": (0, 0.02), "uncertainty_days": (0, 16)}
CLASSES = {"quality": 9, "flags": 2, "season_quality": 12, "season_type": 7, "source": 8, "winner": 11}
GROUPS = ("earthengine", "prepare", "fill", "learn", "assess", "phenology", "tools")


def write(path, values, descriptions=()) -> str:
    """A GeoTIFF by GDAL alone: (bands, rows, columns), 50 m pixels in UTM 49 South."""
    values = np.asarray(values)
    kind = gdal.GDT_Byte if values.dtype == np.uint8 else gdal.GDT_Float32
    file = gdal.GetDriverByName("GTiff").Create(str(path), values.shape[2], values.shape[1], values.shape[0], kind)
    file.SetGeoTransform((500000, 50, 0, 9000000, 0, -50))
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32749)
    file.SetProjection(crs.ExportToWkt())
    for band, layer in enumerate(values, start=1):
        file.GetRasterBand(band).WriteArray(layer)
        if descriptions:
            file.GetRasterBand(band).SetDescription(descriptions[band - 1])
    return str(path)


def ndvi(bands=3) -> np.ndarray:
    """A gradient from west to east that moves on with every band."""
    gradient = np.linspace(-0.2, 1.0, 24, dtype="float32")
    return np.stack([np.tile(np.roll(gradient, 7 * i), (10, 1)) for i in range(bands)])


@pytest.fixture()
def series(tmp_path, qgis_app) -> str:
    """A dated series of three periods."""
    return write(tmp_path / "series.tif", ndvi(), PERIODS)


@pytest.fixture(scope="module")
def generator(root):
    """The module that makes the styles."""
    spec = importlib.util.spec_from_file_location("make_styles", root / "tools" / "make_styles.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def content(renderer) -> list:
    """Range and classes of a renderer."""
    if isinstance(renderer, QgsPalettedRasterRenderer):
        return [(c.value, c.color.name(), c.label) for c in renderer.classes()]
    shader = renderer.shader().rasterShaderFunction()
    items = [(round(i.value, 6), i.color.name(), i.label) for i in shader.colorRampItemList()]
    return [renderer.classificationMin(), renderer.classificationMax(), shader.colorRampType(), shader.clip(), *items]


# The styles.


@pytest.mark.parametrize("kind", [*RANGES, *CLASSES])
def test_style_is_what_its_generator_makes(kind, series, generator):
    """A layer that loads the committed file has the generator's renderer, range, colours and labels."""
    layer = QgsRasterLayer(series)
    styles.apply(layer, kind)
    assert content(layer.renderer()) == content(generator.renderer(kind))
    if kind in RANGES:
        low, high = RANGES[kind]
        items = layer.renderer().shader().rasterShaderFunction().colorRampItemList()
        assert (items[0].value, items[-1].value) == (low, high) == tuple(content(layer.renderer())[:2])
    else:
        assert [c.value for c in layer.renderer().classes()] == list(range(CLASSES[kind]))


def test_all_styles_are_tested(root):
    """No style without its range in this file."""
    assert {path.stem for path in (root / "resources" / "styles").iterdir()} == {*RANGES, *CLASSES}


def test_quality_classes_bear_the_reason_codes(root, generator):
    """The legends of both kinds of QUALITY are the engine's tables of reason codes."""
    for kind, file in (("quality", "timeseries/quality.py"), ("season_quality", "phenology/reasons.py")):
        source = {}
        exec((root / "core" / file).read_text(encoding="utf-8"), source)
        assert [(c.value, c.label) for c in generator.renderer(kind).classes()] == list(source["NAMES"].items())


def test_dates_are_coloured_by_the_time_of_year(generator, root):
    """A date has the colour of its day of the year, whatever the year."""
    dates = [colour for _, colour, _ in generator.RAMPS["date"].stops]
    days = [colour for _, colour, _ in generator.RAMPS["day_of_year"].stops]
    assert all(dates[year:year + 12] == days[:12] for year in range(0, len(dates), 12))


def test_the_legend_of_dates_is_one_year(algorithms, tmp_path, project):
    """In the layer tree a raster of dates has twelve entries, the firsts of the months."""
    path = write(tmp_path / "start.tif", np.full((1, 4, 4), 19700.0), ["season 1"])
    context = QgsProcessingContext()
    context.setProject(project)
    context.addLayerToLoadOnCompletion(path, QgsProcessingContext.LayerDetails("Start", project, "OUTPUT"))
    styles.attach(context, path, "date", "Start", "Seasons")
    layer = project.addMapLayer(QgsRasterLayer(path, "Start"))
    context.layerToLoadOnCompletionDetails(path).postProcessor().postProcessLayer(layer, context, None)
    node = project.layerTreeRoot().findLayer(layer.id())
    shown = QgsMapLayerLegendUtils.legendNodeOrder(node)
    labels = [entry.data(Qt.ItemDataRole.DisplayRole) for entry in layer.legend().createLayerTreeModelLegendNodes(node)]
    assert len(labels) > 400 and [labels[place] for place in shown][1:] == [f"1 {name}" for name in calendar.month_name[1:]]


def test_range_never_follows_the_data(tmp_path, qgis_app):
    """Two rasters with other values look the same where they are the same: 0.5 has one colour."""
    colours = set()
    for name, rest in (("a", -0.9), ("b", 0.51)):
        values = np.full((1, 4, 4), rest, "float32")
        values[0, 1, 1] = 0.5
        layer = QgsRasterLayer(write(tmp_path / f"{name}.tif", values))
        styles.apply(layer, "ndvi")
        block = layer.renderer().block(1, layer.extent(), 4, 4)
        colours.add(QColor(block.color(1, 1)).name())
    assert colours == {"#86ccb6"}


# Machado, Oliveira and Fernandes (2009): what dichromats see of linear RGB.
VISION = {
    "usual": np.eye(3),
    "without red cones": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                                   [-0.003882, -0.048116, 1.051998]]),
    "without green cones": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                                     [-0.011820, 0.042940, 0.968881]]),
    "without blue cones": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                                    [0.004733, 0.691367, 0.303900]]),
}


def linear(colour: str) -> np.ndarray:
    """Linear RGB of #rrggbb."""
    stored = np.array([int(colour[i:i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (D65) of linear RGB, in which distance is difference for the eye (2.3 is just noticeable)."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("kind", [*RANGES, *CLASSES])
def test_colours_are_told_apart_by_every_kind_of_vision(kind, vision, generator):
    """Values three classes apart (palettes: any two) differ by 14 units or more: six times the just noticeable."""
    colours = ([c.color.name() for c in generator.renderer(kind).classes()] if kind in CLASSES
               else [colour for _, colour, _ in generator.RAMPS[kind].stops])
    cyclic, apart = kind in ("day_of_year", "date"), 1 if kind in CLASSES or kind == "backscatter" else 3
    colours = colours[:12] if cyclic else colours
    seen = [lab(VISION[vision] @ linear(colour)) for colour in colours]
    for i in range(len(seen)):
        for j in range(i + apart, len(seen)):
            if not cyclic or len(seen) - (j - i) >= apart:
                assert np.linalg.norm(seen[i] - seen[j]) > 14, (colours[i], colours[j])


# The dates.


def spans(layer) -> list:
    """What the layer's bands say of their time, as text."""
    time = layer.temporalProperties()
    per_band = BANDS_HAVE_DATES and layer.bandCount() > 1
    ranges = time.fixedRangePerBand().values() if per_band else [time.fixedTemporalRange()]
    return [f"{r.begin().toString('yyyy-MM-dd')}/{r.end().toString('yyyy-MM-dd')}" for r in ranges]


def test_periods_become_the_time_of_the_bands(series):
    """From 3.38 each band has its half-open period; before, the layer has the whole span and says what to do."""
    layer = QgsRasterLayer(series)
    hint = styles.apply(layer, "ndvi")
    assert layer.temporalProperties().isActive()
    if BANDS_HAVE_DATES:
        assert spans(layer) == list(PERIODS) and not hint
        assert not any(r.includeEnd() for r in layer.temporalProperties().fixedRangePerBand().values())
    else:
        assert spans(layer) == ["2023-11-01/2023-12-06"] and "phenofuse:splittimeseries" in hint


@pytest.mark.parametrize(("given", "expected"), [
    (["2023-11-01", "2023-11-06", "2023-11-11", "2023-12-01"],
     ["2023-11-01/2023-11-06", "2023-11-06/2023-11-11", "2023-11-11/2023-12-01", "2023-12-01/2023-12-06"]),
    (["2023-11-01/2023-11-20", "2023-11-13", "2023-11-25/2023-11-27"],
     ["2023-11-01/2023-11-13", "2023-11-13/2023-11-25", "2023-11-25/2023-11-27"]),
    (["2023-11-01/2023-11-05", "2023-11-13/2023-11-20"], ["2023-11-01/2023-11-05", "2023-11-13/2023-11-20"]),
])
def test_spans_touch_and_never_overlap(given, expected, tmp_path, qgis_app):
    """A day lasts until the next date, the last as long as the median step; a period is cut where the next begins."""
    layer = QgsRasterLayer(write(tmp_path / "s.tif", ndvi(len(given)), given))
    found = styles._ranges(layer)
    assert [f"{r.begin().toString('yyyy-MM-dd')}/{r.end().toString('yyyy-MM-dd')}" for r in found] == expected
    assert all(r.begin().timeSpec() == Qt.TimeSpec.UTC and not r.includeEnd() for r in found)


def test_one_date_is_one_fixed_span(tmp_path, qgis_app):
    """A raster of one date is dated on every version, and its span lies within that of its date."""
    layer = QgsRasterLayer(write(tmp_path / "s.tif", ndvi(1), PERIODS[:1]))
    assert styles.apply(layer, "ndvi") == ""
    time = layer.temporalProperties()
    assert time.isActive() and time.mode() == Qgis.RasterTemporalMode.FixedTemporalRange
    first_second = QDateTime.fromString("2023-11-01T00:00:00Z", Qt.DateFormat.ISODate)
    assert first_second <= time.fixedTemporalRange().begin() <= first_second.addSecs(1)
    assert time.fixedTemporalRange().end() == QDateTime.fromString("2023-11-12T23:59:59Z", Qt.DateFormat.ISODate)


@pytest.mark.parametrize("descriptions", [(), ("a", "b", "c"), ("2023-11-01", "b", "2023-11-03"),
                                          ("2023-11-03", "2023-11-02", "2023-11-04")])
def test_without_dates_there_is_no_time(descriptions, tmp_path, qgis_app):
    """Bands without dates, or with dates out of order, are styled and stay visible at all times."""
    layer = QgsRasterLayer(write(tmp_path / "s.tif", ndvi(), descriptions))
    assert styles.apply(layer, "ndvi") == "" and not layer.temporalProperties().isActive()
    assert layer.renderer().type() == "singlebandpseudocolor"


def frame(layer, begin: str, end: str) -> QImage:
    """The map of a layer in a span of time, one picture pixel per raster pixel."""
    view = QgsMapSettings()
    view.setLayers([layer])
    view.setDestinationCrs(layer.crs())
    view.setExtent(layer.extent())
    view.setOutputSize(QSize(layer.width(), layer.height()))
    view.setBackgroundColor(QColor("#ff00ff"))
    view.setIsTemporal(True)
    moments = [QDateTime.fromString(f"{day}T00:00:00Z", Qt.DateFormat.ISODate) for day in (begin, end)]
    view.setTemporalRange(QgsDateTimeRange(*moments, True, False))
    job = QgsMapRendererParallelJob(view)
    job.start()
    job.waitForFinished()
    return job.renderedImage()


def expected_colour(value: float, stops) -> tuple:
    """Colour of a value on a ramp, linear between stops, end colours beyond."""
    values = [v for v, _, _ in stops]
    parts = np.array([[int(colour[i:i + 2], 16) for i in (1, 3, 5)] for _, colour, _ in stops])
    return tuple(float(np.interp(value, values, parts[:, i])) for i in range(3))


@pytest.mark.skipif(not BANDS_HAVE_DATES, reason="bands have dates of their own from QGIS 3.38")
def test_frames_differ_as_the_data_do(series, generator):
    """Each rendered frame shows the colours of that date's values; before the first date nothing shows."""
    layer = QgsRasterLayer(series)
    styles.apply(layer, "ndvi")
    stops = generator.RAMPS["ndvi"].stops
    frames = [frame(layer, *period.split("/")) for period in PERIODS]
    for values, image in zip(ndvi(), frames):
        for row in (0, 5, 9):
            for column in range(24):
                colour = QColor(image.pixel(column, row))
                shown = colour.red(), colour.green(), colour.blue()
                assert shown == pytest.approx(expected_colour(values[row, column], stops), abs=1.5)
    assert frames[0] != frames[1] != frames[2] != frames[0]
    assert QColor(frame(layer, "2023-10-01", "2023-11-01").pixel(5, 5)).name() == "#ff00ff"


def test_frames_of_single_dates_follow_the_dates(tmp_path, qgis_app):
    """On every version, one layer per date shows in its own span only."""
    first, second = (QgsRasterLayer(write(tmp_path / f"{i}.tif", ndvi()[i:i + 1], PERIODS[i:i + 1])) for i in (0, 1))
    for layer in (first, second):
        styles.apply(layer, "ndvi")
    shows = [[QColor(frame(layer, *period.split("/")).pixel(5, 5)).name() != "#ff00ff" for period in PERIODS[:2]]
             for layer in (first, second)]
    assert shows == [[True, False], [False, True]]


# Which style, and when.


def test_every_style_that_is_named_exists(algorithms):
    """Algorithms style outputs that they have, with styles that are there; so do the variables."""
    known = {*RANGES, *CLASSES, "series", ""}
    named = {(algorithm.id(), key): kind for algorithm in algorithms
             for key, (kind, _) in algorithm.STYLES.items()}
    assert len(named) > 5 and set(named.values()) <= known and set(styles.KIND_OF_VARIABLE.values()) <= known
    outputs = {(algorithm.id(), output.name()) for algorithm in algorithms
               for output in algorithm.outputDefinitions()}
    assert set(named) <= outputs


def test_dates_are_no_colours(series):
    """Without a style of its own a series still shows one band, not dates 1 to 3 as red, green and blue."""
    layer = QgsRasterLayer(series)
    assert layer.renderer().type() == "multibandcolor"
    styles.apply(layer, "")
    assert layer.renderer().type() == "singlebandgray"


def test_an_unknown_style_is_an_error(series):
    """A misspelt kind is found at once."""
    with pytest.raises(FileNotFoundError):
        styles.apply(QgsRasterLayer(series), "ndvy")


def test_style_beside_a_file(series):
    """What is written beside a file gives a later layer of it colours and dates."""
    styles.write_beside(series, "ndvi")
    layer = QgsRasterLayer(series)
    assert layer.renderer().classificationMax() == 0.9  # as when the user opens the file
    layer.loadNamedStyle(series.replace(".tif", ".qml"))
    assert layer.temporalProperties().isActive()
    assert spans(layer) == (list(PERIODS) if BANDS_HAVE_DATES else ["2023-11-01/2023-12-06"])


def test_a_style_of_somebody_else_stays(series):
    """Ours is written anew; one that a user saved under that name is not touched."""
    style = Path(series).with_suffix(".qml")
    style.write_text("<qgis/>")
    styles.write_beside(series, "ndvi")
    assert style.read_text() == "<qgis/>"
    style.unlink()
    for kind in ("ndvi", "backscatter"):
        styles.write_beside(series, kind)
        layer = QgsRasterLayer(series)
        layer.loadNamedStyle(str(style))
        assert layer.customProperty("phenofuse/style") == kind


class Copy(QgsProcessingAlgorithm):
    """Copies its input to two outputs that are styled."""

    def name(self):
        return "copy"

    displayName = name

    def createInstance(self):
        return Copy()

    def initAlgorithm(self, configuration=None):
        self.addParameter(QgsProcessingParameterRasterLayer("INPUT", "Input"))
        self.addParameter(QgsProcessingParameterRasterDestination("OUTPUT", "The copy"))
        self.addParameter(QgsProcessingParameterRasterDestination("QUALITY", "Reasons", None, True, False))

    def processAlgorithm(self, values, context, feedback):
        found = {}
        for key, kind, name in (("OUTPUT", "ndvi", "Gap-free NDVI"), ("QUALITY", "quality", "Quality")):
            path = self.parameterAsOutputLayer(values, key, context)
            if path:
                shutil.copy(self.parameterAsRasterLayer(values, "INPUT", context).source(), path)
                order = 1 if key == "OUTPUT" else 0
                usual = self.parameterDefinition(key).description()
                styles.attach(context, path, kind, name, "Copy: series", order, usual)
                found[key] = path
        return found


class CopyProvider(QgsProcessingProvider):
    """Holds the one algorithm."""

    def id(self):
        return "stylestest"

    name = id

    def loadAlgorithms(self):
        self.addAlgorithm(Copy())


@pytest.fixture(scope="module")
def copying(qgis_processing):
    """Processing, with the copying algorithm."""
    import processing

    found = CopyProvider()
    QgsApplication.processingRegistry().addProvider(found)
    yield processing
    QgsApplication.processingRegistry().removeProvider(found)


def loaded(project) -> dict:
    """Renderers of the project's layers by name."""
    gc.collect()
    return {layer.name(): layer.renderer().type() for layer in project.mapLayers().values()}


def test_loaded_outputs_are_dressed(copying, series, project):
    """In the toolbox each output gets its name, style, dates, group and place, and the hint is given once."""
    feedback = QgsProcessingFeedback(False)
    outputs = {"OUTPUT": "TEMPORARY_OUTPUT", "QUALITY": "TEMPORARY_OUTPUT"}
    for _ in range(2):  # the second run joins the group
        copying.runAndLoadResults("stylestest:copy", {"INPUT": series, **outputs}, feedback=feedback)
        assert loaded(project) == {"Gap-free NDVI": "singlebandpseudocolor", "Quality": "paletted"}
        inside = project.layerTreeRoot().children()[0]  # the desktop puts new layers beside the current one
        project.layerTreeRegistryBridge().setLayerInsertionPoint(QgsLayerTreeRegistryBridge.InsertionPoint(inside, 0))
    assert all(layer.temporalProperties().isActive() for layer in project.mapLayers().values())
    tree = project.layerTreeRoot()
    assert [node.name() for node in tree.children()] == ["Copy: series"]
    project.layerTreeRegistryBridge().setLayerInsertionPoint(QgsLayerTreeRegistryBridge.InsertionPoint(tree, 0))
    names = [node.name() for node in tree.findLayers()]
    newer = Qgis.QGIS_VERSION_INT >= 33200  # runs stay together
    assert names == (["Gap-free NDVI", "Quality"] * 2 if newer else ["Gap-free NDVI"] * 2 + ["Quality"] * 2)
    assert feedback.textLog().count("phenofuse:splittimeseries") == (0 if BANDS_HAVE_DATES else 1)


def test_nothing_is_done_to_what_is_not_loaded(copying, series, project, tmp_path):
    """As in qgis_process: the file is made, no layer, no style, no error."""
    path = str(tmp_path / "out.tif")
    result = copying.run("stylestest:copy", {"INPUT": series, "OUTPUT": path}, is_child_algorithm=True)
    assert result["OUTPUT"] == path and not loaded(project)


def test_batch_of_three(copying, series, project, tmp_path):
    """Three runs that are loaded only when all are done: Python has not dropped any of the stylers."""
    from processing.gui.Postprocessing import handleAlgorithmResults

    algorithm = QgsApplication.processingRegistry().algorithmById("stylestest:copy")
    runs = []
    for number in range(3):
        context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
        context.setProject(project)
        output = QgsProcessingOutputLayerDefinition(str(tmp_path / f"out{number}.tif"), project)
        values = {"INPUT": series, "OUTPUT": output}
        copying.run(algorithm, values, context=context, feedback=feedback, is_child_algorithm=True)
        runs.append((algorithm, context, feedback, values))
        gc.collect()
    for algorithm, context, feedback, values in runs:
        handleAlgorithmResults(algorithm, context, feedback, parameters=values)
    renderers = [layer.renderer().type() for layer in project.mapLayers().values()]
    assert renderers == ["singlebandpseudocolor"] * 3


def test_model_keeps_the_name_its_author_gave(copying, series, project):
    """The last step of a model is styled after the whole model, under the model's name for it."""
    model = QgsProcessingModelAlgorithm("two steps", "tests")
    model.addModelParameter(QgsProcessingParameterRasterLayer("INPUT", "Input"), QgsProcessingModelParameter("INPUT"))
    source = QgsProcessingModelChildParameterSource
    steps = {"first": source.fromModelParameter("INPUT"), "second": source.fromChildOutput("first", "OUTPUT")}
    for step, given in steps.items():
        child = QgsProcessingModelChildAlgorithm("stylestest:copy")
        child.setChildId(step)
        child.addParameterSources("INPUT", [given])
        if step == "second":
            output = QgsProcessingModelOutput("final", "My NDVI")
            output.setChildId(step)
            output.setChildOutputName("OUTPUT")
            child.setModelOutputs({"My NDVI": output})
        model.addChildAlgorithm(child)
    model.updateDestinationParameters()
    key = model.destinationParameterDefinitions()[0].name()
    copying.runAndLoadResults(model, {"INPUT": series, key: "TEMPORARY_OUTPUT"})
    assert loaded(project) == {"My NDVI": "singlebandpseudocolor"}
    assert [node.name() for node in project.layerTreeRoot().children()] == ["My NDVI"]


# The icons.


def luminance(colour: str) -> float:
    """Relative luminance of the WCAG."""
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("name", ["phenofuse", *GROUPS])
def test_icon_is_readable_when_small_and_on_dark(name, root, qgis_app):
    """At 16 px a good part of the icon is inked; its colours stand out 3 : 1 (WCAG) from white and from dark grey."""
    path = root / "resources" / "icons" / f"{name}.svg"
    used = [value for element in ElementTree.parse(path).iter() for key, value in element.items()
            if key in ("fill", "stroke")]
    colours = set(used) - {"none"}
    for colour in colours:
        assert 1.05 / (luminance(colour) + 0.05) >= 3, colour
        assert (luminance(colour) + 0.05) / (luminance("#323232") + 0.05) >= 3, colour
    image = QImage(16, 16, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(str(path)).render(painter)
    painter.end()
    inked = sum(image.pixelColor(x, y).alpha() > 127 for x in range(16) for y in range(16))
    assert 40 < inked < 200


def test_no_icon_is_without_its_group(root):
    """One icon for the provider, one per group, and one each for models and profile dock; nothing else."""
    assert {path.stem for path in (root / "resources" / "icons").iterdir()} == {"phenofuse", "models", "profile", *GROUPS}
