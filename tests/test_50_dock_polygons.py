"""Polygons in the profile dock: the mean and spread of their pixels, those of the active layer that are clicked or selected."""
from __future__ import annotations

import csv
import math

import numpy as np
import pytest

pytest.importorskip("qgis.core", reason="needs QGIS")
from dockscene import (
    COLUMNS,
    LEFT,
    PIXEL,
    ROTATED,
    ROWS,
    TOP,
    by_name,
    close,
    dock_of,
    project_of,
    scene,
    values,
    wait,
    wait_described,
    write,
)
from osgeo import gdal
from phenofuse.gui.areas import FEW_PIXELS, MOST_PIXELS, lattice
from phenofuse.gui.profiles import RasterFile
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsVectorLayer,
)

FIELD = [(1.2, 2.1), (9.7, 1.4), (10.6, 8.3), (4.4, 9.9)]  # columns and rows
EDGES = list(zip(FIELD, FIELD[1:] + FIELD[:1]))
INSIDE = {(row, column) for row in range(ROWS) for column in range(COLUMNS)
          if all((b[0] - a[0]) * (row + 0.5 - a[1]) > (b[1] - a[1]) * (column + 0.5 - a[0]) for a, b in EDGES)}


@pytest.fixture(scope="module")
def paths(tmp_path_factory, qgis_app) -> dict:
    """The files of the scene."""
    return scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture
def dock(paths, qgis_app):
    """An open dock whose project holds the scene, all of it described."""
    opened = dock_of(project_of(paths))
    wait_described(opened, len(paths))
    yield opened
    opened.kept_canvas.setCurrentLayer(None)
    close(opened)


def at(column, row) -> QgsPointXY:
    """A place in the map."""
    return QgsPointXY(LEFT + column * PIXEL, TOP - row * PIXEL)


def fields(*rings, epsg=32749) -> QgsVectorLayer:
    """A layer of polygons, drawn in columns and rows."""
    layer = QgsVectorLayer(f"Polygon?crs=EPSG:{epsg}", "fields", "memory")
    move = QgsCoordinateTransform(QgsCoordinateReferenceSystem("EPSG:32749"), layer.crs(), QgsProject.instance())
    for ring in rings:
        feature, geometry = QgsFeature(), QgsGeometry.fromPolygonXY([[at(*point) for point in ring]])
        geometry.transform(move)
        feature.setGeometry(geometry)
        layer.dataProvider().addFeatures([feature])
    return layer


def bands(path) -> np.ndarray:
    """Values of the field's pixels, (bands, pixels)."""
    dataset = gdal.Open(path)
    rows, columns = zip(*sorted(INSIDE))
    return np.array([dataset.GetRasterBand(band + 1).ReadAsArray()[rows, columns] for band in range(dataset.RasterCount)], float)


def pick(dock, layer, column, row, keep=False) -> None:
    """Make a layer active and click."""
    dock.kept_canvas.setCurrentLayer(layer)
    dock.tool.picked.emit(at(column, row), keep)
    wait(lambda: not dock.session.waiting)


@pytest.mark.parametrize("epsg", [32749, 4326])
def test_a_click_on_a_polygon_shows_the_mean_of_its_pixels(dock, paths, epsg):
    """Mean and spread of the pixels whose middle lies inside, how many have a value and which share was observed; no seasons."""
    pick(dock, fields(FIELD, epsg=epsg), 6, 5)
    shown = by_name(dock)
    assert set(shown) == {"ndvi", "VV", "VH", "fillmogpr", "fillwhittaker"}
    for name in ("ndvi", "VV", "fillmogpr"):
        found = bands(paths[name])
        np.testing.assert_allclose(shown[name].values, np.nanmean(found, axis=1), atol=1e-9)
        np.testing.assert_allclose(shown[name].deviations, np.nanstd(found, axis=1), atol=1e-9)
        np.testing.assert_array_equal(shown[name].pixels, np.isfinite(found).sum(axis=1))
    codes = bands(paths["fillmogpr codes"])
    np.testing.assert_allclose(shown["fillmogpr"].clear, (codes == 1).mean(axis=1))
    curve = next(one for one in dock.plot.chart.curves if one.label == "fillmogpr")
    low, high = curve.bounds[3]
    assert high - low == pytest.approx(2 * np.nanstd(bands(paths["fillmogpr"]), axis=1)[3])
    assert dock.plot.chart.panels[0].title == "1   fields 1   mean and spread of its pixels"


def test_beside_it_or_without_it_a_pixel_is_shown(dock, paths):
    """Where no polygon was clicked, no layer of polygons is active, or its button is off."""
    layer = fields(FIELD)
    pick(dock, layer, 14.5, 10.5)
    assert dock.session.places[-1].polygon is None and "start" in by_name(dock)
    pick(dock, dock.session._project.mapLayersByName("ndvi")[0], 6.5, 5.5)
    assert dock.session.places[-1].polygon is None
    pick(dock, layer, 6.5, 5.5)
    assert dock.session.places[-1].polygon
    dock._polygons.setChecked(False)
    pick(dock, layer, 6.5, 5.5)
    assert dock.session.places[-1].polygon is None and not by_name(dock)["ndvi"].pixels


def test_a_polygon_dragged_over_is_read_once(dock):
    """While the mouse stays within it, nothing is asked again; Shift sets another place beside."""
    layer = fields(FIELD, [(11, 9), (15, 9), (15, 11.5), (11, 11.5)])
    pick(dock, layer, 6, 5)
    first = dock.session.places[-1]
    pick(dock, layer, 7, 6)
    assert dock.session.places == [first]
    pick(dock, layer, 13, 10, keep=True)
    assert [place.polygon.name for place in dock.session.places] == ["fields 1", "fields 2"]
    items = len(dock.kept_canvas.scene().items())
    dock.session.clear()
    assert len(dock.kept_canvas.scene().items()) == items - 4  # two marks and two outlines


def test_selected_polygons_are_compared(dock):
    """One panel each; of very many the first ones, and a hint where all are to be had; without a selection a sentence."""
    boxes = [[(x, y), (x + 2.9, y), (x + 2.9, y + 2.9), (x, y + 2.9)] for x in (0, 3, 6, 9) for y in (0, 3, 6)]
    layer = fields(*boxes)
    dock.kept_canvas.setCurrentLayer(layer)
    dock._show_selected()
    assert "select polygons" in dock._status.text()
    layer.selectByIds([2, 5])
    dock._show_selected()
    wait(lambda: not dock.session.waiting)
    assert [place.title for place in dock.session.places] == ["1   fields 2", "2   fields 5"]
    assert all(by_name(dock, place)["VV"].pixels[0] == 9 for place in (0, 1))
    layer.selectAll()
    dock._show_selected()
    wait(lambda: not dock.session.waiting)
    assert len(dock.session.places) == 8


def test_readings_and_csv_tell_pixels_and_shares(dock, paths, tmp_path):
    """Under the mouse the spread, how many pixels and how many of them observed; in the table columns of their own."""
    from phenofuse.gui.curves import readings

    pick(dock, fields(FIELD), 6, 5)
    panel = dock.plot.chart.panels[0]
    day = panel.curves[0].profile.days[4]
    line = next(text for text in readings(panel, day) if text.startswith("fillmogpr"))
    mean, spread, clear = (found[4] for found in (bands(paths["fillmogpr"]).mean(axis=1), bands(paths["fillmogpr"]).std(axis=1),
                                                  (bands(paths["fillmogpr codes"]) == 1).mean(axis=1)))
    assert line == f"fillmogpr: {mean:.2f} ± {spread:.2f}, {len(INSIDE)} pixels, {clear:.0%} observed"
    dock.export(str(tmp_path / "a.csv"))
    with open(tmp_path / "a.csv", newline="", encoding="utf-8-sig") as file:
        row = [one for one in csv.DictReader(file) if one["series"] == "fillmogpr"][4]
    assert float(row["value"]) == pytest.approx(mean) and float(row["spread"]) == pytest.approx(spread)
    assert float(row["clear_share"]) == pytest.approx(clear) and row["pixels"] == str(len(INSIDE)) and row["standard_deviation"] == ""


def test_outside_and_small_and_large(tmp_path, qgis_app):
    """Outside there is nothing; a plot within a pixel has its value; a large one is read by every so manieth row and column."""
    path = write(tmp_path / "ndvi.tif", values(3))
    file = RasterFile(path)

    def ring(*points):
        return [[[(at(*point).x(), at(*point).y()) for point in points]]]

    assert file.average(ring((-9, -9), (-4, -9), (-4, -5))) is None
    small = file.average(ring((3.2, 4.3), (3.6, 4.3), (3.6, 4.7), (3.2, 4.7)))
    np.testing.assert_allclose(small.means, file.sample(at(3.5, 4.5).x(), at(3.5, 4.5).y()))
    assert set(small.counts) == {1} and math.isnan(small.spreads[0])
    half = file.average(ring((3.5, 4), (4.5, 4), (4.5, 5), (3.5, 5)))  # half of two pixels
    left, right = (np.array(file.sample(at(x, 4.5).x(), at(x, 4.5).y())) for x in (3.5, 4.5))
    np.testing.assert_allclose(half.means, (left + right) / 2)
    rotated = RasterFile(write(tmp_path / "rotated.tif", values(3), transform=ROTATED))
    a, b, c, d, e, f = ROTATED[1], ROTATED[2], ROTATED[0], ROTATED[4], ROTATED[5], ROTATED[3]
    turned = rotated.average([[[(a * x + b * y + c, d * x + e * y + f) for x, y in FIELD]]])
    rows, columns = zip(*sorted(INSIDE))
    np.testing.assert_allclose(turned.means, values(3)[:, rows, columns].mean(axis=1, dtype=float), atol=1e-9)
    cut = lattice([[[(10, 10), (3010, 10), (3010, 2010), (10, 2010)]]], 5000, 5000)
    assert cut.columns * cut.rows <= MOST_PIXELS < 1.3 * cut.columns * cut.rows and all(cut.weights) and FEW_PIXELS == 10


def test_few_pixels_are_as_the_engine_has_them():
    """What both halves must share, as they cannot import one another."""
    from pathlib import Path

    source = (Path(__file__).parents[1] / "core" / "timeseries" / "places.py").read_text()
    assert f"FEW_PIXELS = {FEW_PIXELS}\n" in source
