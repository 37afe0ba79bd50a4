"""The demo's QGIS project and map pictures, made without a screen from the files that the chain left."""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsDateTimeRange,
    QgsLayoutExporter,
    QgsLayoutItemLabel,
    QgsLayoutItemLegend,
    QgsLayoutItemMap,
    QgsLayoutPoint,
    QgsLayoutSize,
    QgsLegendRenderer,
    QgsLegendStyle,
    QgsMapLayerLegendUtils,
    QgsPrintLayout,
    QgsProject,
    QgsRasterLayer,
    QgsReferencedRectangle,
    QgsUnitTypes,
)
from qgis.PyQt.QtCore import QDateTime, QSize, Qt
from qgis.PyQt.QtGui import QFont

sys.path.insert(0, str(Path(os.environ["PHENOFUSE_DEV_HOME"]) / "plugins"))
from phenofuse.algorithms.bridge import styles

BANDS_HAVE_DATES = Qgis.QGIS_VERSION_INT >= 33800
MILLIMETRES = QgsUnitTypes.LayoutUnit.LayoutMillimeters
PANEL, MARGIN, HEADING, CAPTION, LEGEND = 84, 6, 14, 8, 38  # mm
COLUMNS = 3  # of a legend with many entries, in which those of a year stand above the lower edge
DOTS_PER_INCH = 110
ANIMATED = 1  # the Temporal Controller's navigation mode, as projects hold it

# What the project shows: group, file, style, name, visible. The first is on top.
LAYERS = (
    ("Gap-free NDVI", "series/ndvi_filled.tif", "ndvi", "NDVI, gaps filled", True),
    ("Gap-free NDVI", "series/ndvi_uncertainty.tif", "uncertainty", "Standard deviation of NDVI", False),
    ("Gap-free NDVI", "series/ndvi_quality.tif", "quality", "Why each value is as it is", False),
    ("Phenology", "phenology/seasons.tif", "seasons", "Number of seasons", False),
    ("Phenology", "phenology/start.tif", "day_of_year", "Start of season", False),
    ("Phenology", "phenology/peak.tif", "day_of_year", "Peak of season", False),
    ("Phenology", "phenology/end.tif", "day_of_year", "End of season", False),
    ("Phenology", "phenology/uncertainty_days.tif", "uncertainty_days", "Standard deviation in days", False),
    ("Phenology", "phenology/quality.tif", "season_quality", "What became of each season", False),
    ("Dates of seasons", "phenology/start_date.tif", "date", "Start", False),
    ("Dates of seasons", "phenology/peak_date.tif", "date", "Peak", False),
    ("Dates of seasons", "phenology/end_date.tif", "date", "End", False),
    ("Observed", "series/ndvi.tif", "ndvi", "NDVI, observed", True),
    ("Observed", "series/observations.tif", "count", "Observations", False),
    ("Observed", "series/longest_gap.tif", "gap_days", "Longest gap in days", False),
    ("Radar", "series/vv.tif", "backscatter", "VV", False),
    ("Radar", "series/vh.tif", "backscatter", "VH", False),
    ("Truth (simulated)", "scene/truth/NDVI_truth.tif", "ndvi", "NDVI, true", False),
)


def make(folder: Path) -> list[Path]:
    """Write demo.qgz and the maps into the folder; return their paths."""
    application = QgsApplication([], True)
    application.initQgis()
    project = QgsProject.instance()
    layers = add_layers(project, folder)
    set_time(project, layers["series/ndvi.tif"])
    made = [folder / "demo.qgz"]
    if not project.write(str(made[0])):
        raise SystemExit(f"{made[0]} cannot be written: {project.error()}")
    made += draw_maps(project, layers, folder / "maps")
    project.clear()  # while QGIS still lives: a layer that outlives it crashes at exit
    return made


def add_layers(project: QgsProject, folder: Path) -> dict[str, QgsRasterLayer]:
    """Fill the project with styled layers in groups; return them by file."""
    layers = {}
    for group, file, kind, name, visible in LAYERS:
        layer = styled(str(folder / file), name, kind)
        branch = project.layerTreeRoot().findGroup(group) or project.layerTreeRoot().addGroup(group)
        project.addMapLayer(layer, False)
        node = branch.addLayer(layer)
        node.setItemVisibilityChecked(visible)
        styles.shorten_legend(node, kind)
        branch.setExpanded(visible)
        layers[file] = layer
    if not BANDS_HAVE_DATES:
        add_dated_files(project, folder / "series" / "filled_by_date")
    first = next(iter(layers.values()))
    project.setCrs(first.crs())
    project.viewSettings().setDefaultViewExtent(QgsReferencedRectangle(first.extent(), first.crs()))
    return layers


def add_dated_files(project: QgsProject, folder: Path) -> None:
    """Add one layer per date, for a QGIS whose Temporal Controller cannot see the bands of one file."""
    branch = project.layerTreeRoot().insertGroup(0, "Gap-free NDVI by date")
    branch.setExpanded(False)
    for path in sorted(folder.glob("*.tif")):
        layer = styled(str(path), path.stem.split("_", 1)[1].replace("_", "/"), "ndvi")
        project.addMapLayer(layer, False)
        branch.addLayer(layer).setExpanded(False)


def styled(path: str, name: str, kind: str) -> QgsRasterLayer:
    """Open a raster and give it one of the plugin's styles."""
    layer = QgsRasterLayer(path, name)
    if not layer.isValid():
        raise SystemExit(f"{path} is no raster")
    styles.apply(layer, kind)
    return layer


def set_time(project: QgsProject, series: QgsRasterLayer) -> None:
    """Let the Temporal Controller run from the first to the last date in steps of one period."""
    starts = [band_date(series, band) for band in range(1, series.bandCount() + 1)]
    times = project.timeSettings()
    first, last = (QDateTime.fromString(f"{day}T00:00:00Z", Qt.DateFormat.ISODate) for day in (starts[0], starts[-1]))
    step = (starts[1] - starts[0]).days
    times.setTemporalRange(QgsDateTimeRange(first, last.addDays(step)))
    times.setTimeStep(step)
    times.setTimeStepUnit(QgsUnitTypes.TemporalUnit.TemporalDays)
    for key, value in (("StartDateTime", first), ("EndDateTime", last.addDays(step))):
        project.writeEntry("TemporalControllerWidget", f"/{key}", value.toString(Qt.DateFormat.ISODate))
    project.writeEntry("TemporalControllerWidget", "/NavigationMode", ANIMATED)


def band_date(layer: QgsRasterLayer, band: int) -> date:
    """Read the first day of a band from its name, 'Band 3: 2023-11-25/2023-12-07'."""
    return date.fromisoformat(layer.bandName(band).split(": ")[-1][:10])


def draw_maps(project: QgsProject, layers: dict, folder: Path) -> list[Path]:
    """Draw what a reader wants to see first; return the pictures."""
    observed = layers["series/ndvi.tif"]
    band = half_clouded(observed)
    day = observed.bandName(band).split(": ")[-1].replace("/", " to ")
    series = [
        (file, caption)
        for file, caption in (
            ("series/ndvi.tif", "Observed (white: clouds)"),
            ("series/ndvi_filled.tif", "Gaps filled"),
            ("series/ndvi_uncertainty.tif", "Standard deviation"),
            ("scene/truth/NDVI_truth.tif", "Truth (simulated scene)"),
        )
    ]
    for file, _ in series:
        show_band(layers[file], band)
    return [
        draw(project, f"NDVI, {day}", [(layers[file], caption) for file, caption in series], folder / "filled.png"),
        draw(
            project,
            "What there was to start from",
            [
                (layers["series/observations.tif"], "Observations"),
                (layers["series/longest_gap.tif"], "Longest gap in days"),
            ],
            folder / "observations.png",
        ),
        draw(
            project,
            "Seasons of the filled series",
            [
                (layers["phenology/seasons.tif"], "Number of seasons"),
                (layers["phenology/start.tif"], "Start of the first season"),
                (layers["phenology/end.tif"], "End of the first season"),
                (layers["phenology/uncertainty_days.tif"], "Standard deviation of the start in days"),
            ],
            folder / "phenology.png",
        ),
    ]


def half_clouded(series: QgsRasterLayer) -> int:
    """Find the band that is nearest to half observed: there the filling can be seen beside the observations."""
    pixels = series.width() * series.height()

    def distance(band: int) -> float:
        block = series.dataProvider().block(band, series.extent(), series.width(), series.height())
        return abs(sum(block.isNoData(pixel) for pixel in range(pixels)) - pixels / 2)

    return min(range(1, series.bandCount() + 1), key=distance)


def show_band(layer: QgsRasterLayer, band: int) -> None:
    """Make a single-band renderer draw another band."""
    renderer = layer.renderer()
    (renderer.setInputBand if hasattr(renderer, "setInputBand") else renderer.setBand)(band)


def draw(project: QgsProject, heading: str, panels: list, path: Path) -> Path:
    """Draw layers side by side, each with its caption and legend, as a PNG."""
    layout = QgsPrintLayout(project)
    layout.initializeDefaults()
    width, height = MARGIN + len(panels) * (PANEL + MARGIN), HEADING + CAPTION + PANEL + LEGEND
    layout.pageCollection().page(0).setPageSize(QgsLayoutSize(width, height, MILLIMETRES))
    write(layout, heading, MARGIN, 4, 16)
    for number, (layer, caption) in enumerate(panels):
        left = MARGIN + number * (PANEL + MARGIN)
        write(layout, caption, left, HEADING, 11)
        item = QgsLayoutItemMap(layout)
        place(layout, item, left, HEADING + CAPTION, PANEL, PANEL)
        item.setLayers([layer])
        item.setKeepLayerSet(True)
        item.setFrameEnabled(True)
        item.setExtent(layer.extent())
        legend = QgsLayoutItemLegend(layout)
        legend.setBackgroundEnabled(False)
        legend.setStyleFont(QgsLegendStyle.Style.SymbolLabel, QFont("DejaVu Sans", 8))
        legend.setSymbolWidth(5)
        legend.setColumnCount(COLUMNS)
        legend.setSplitLayer(True)
        legend.setAutoUpdateModel(False)  # gives the legend a tree of its own, which we then may change
        legend.model().rootGroup().clear()
        entry = legend.model().rootGroup().addLayer(layer)
        QgsLegendRenderer.setNodeLegendStyle(entry, QgsLegendStyle.Style.Hidden)  # the caption has said it
        colours = range(1, len(legend.model().layerLegendNodes(entry)))  # 0 is the name of the band
        QgsMapLayerLegendUtils.setLegendNodeOrder(entry, list(colours))
        legend.model().refreshLayerLegend(entry)
        place(layout, legend, left, HEADING + CAPTION + PANEL, PANEL, LEGEND)
    if not QgsLayoutExporter(layout).renderPageToImage(0, QSize(), DOTS_PER_INCH).save(str(path)):
        raise SystemExit(f"{path} cannot be written")
    return path


def write(layout: QgsPrintLayout, text: str, left: float, top: float, points: int) -> None:
    """Put a line of text on the page."""
    label = QgsLayoutItemLabel(layout)
    label.setText(text)
    font = QFont("DejaVu Sans")
    font.setPointSize(points)
    label.setFont(font)
    place(layout, label, left, top, 4 * PANEL, 10)


def place(layout: QgsPrintLayout, item, left: float, top: float, width: float, height: float) -> None:
    """Put an item on the page; all in millimetres."""
    layout.addLayoutItem(item)
    item.attemptMove(QgsLayoutPoint(left, top, MILLIMETRES))
    item.attemptResize(QgsLayoutSize(width, height, MILLIMETRES))
