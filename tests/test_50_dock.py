"""The profile dock: right values at once, the last click wins, places compared, the map's time, exports, a clean end."""
from __future__ import annotations

import csv
import statistics
import threading
import time
import xml.etree.ElementTree as ElementTree
from datetime import date

import numpy as np
import pytest

pytest.importorskip("qgis.core", reason="needs QGIS")
import processing
from dockscene import (
    COLUMNS,
    LEFT,
    PERIODS,
    PIXEL,
    ROTATED,
    ROWS,
    STARTS,
    TOP,
    Interface,
    by_name,
    close,
    dock_of,
    project_of,
    reading,
    scene,
    tag,
    values,
    wait,
    wait_described,
    write,
)
from osgeo import gdal, osr
from phenofuse.gui import telling
from phenofuse.gui.dock import MODES
from phenofuse.gui.members import INTERVAL
from phenofuse.gui.profiles import RasterFile, day_number
from phenofuse.gui.reading import Reader
from phenofuse.gui.style import COLOURS
from phenofuse.plugin import PhenofusePlugin
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsDateTimeRange,
    QgsInterval,
    QgsPointXY,
    QgsProject,
    QgsTemporalNavigationObject,
    QgsUnitTypes,
)
from qgis.gui import QgsMapMouseEvent, QgsMapToolPan
from qgis.PyQt.QtCore import QDateTime, QEvent, QPoint, Qt
from qgis.PyQt.QtGui import QColor, QContextMenuEvent, QImage, QKeyEvent, QPalette
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QMenu


@pytest.fixture(scope="module")
def paths(tmp_path_factory, qgis_app) -> dict:
    """The files of the scene."""
    return scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture
def open_dock(qgis_app):
    """Opens docks for projects, or for files in one, and closes them whatever becomes of the test."""
    opened = []

    def make(project, reader=None, **more):
        opened.append(dock_of(project if isinstance(project, QgsProject) else project_of(project), reader, **more))
        return opened[-1]

    yield make
    for gate in Gate.all:
        gate.open.set()
    for dock in opened:
        close(dock)


@pytest.fixture
def dock(open_dock, paths):
    """An open dock whose project holds the scene, all of it described."""
    opened = open_dock(paths)
    wait_described(opened, len(paths))
    assert len(opened.session.members) == 8
    return opened


def point(row: int, column: int) -> QgsPointXY:
    """The centre of a pixel."""
    return QgsPointXY(LEFT + (column + 0.5) * PIXEL, TOP - (row + 0.5) * PIXEL)


def click(dock, row: int, column: int, keep: bool = False) -> None:
    """Pick a pixel and wait for all of its series."""
    dock.session.pick(point(row, column), keep)
    wait(lambda: not dock.session.waiting)


def pixel(path: str, row: int, column: int) -> np.ndarray:
    """All bands of a pixel, read the other way round: whole bands as arrays."""
    dataset = gdal.Open(path)
    return np.array([dataset.GetRasterBand(band + 1).ReadAsArray()[row, column] for band in range(dataset.RasterCount)])


class Gate:
    """A reader whose file of a name waits at a gate; `asked` counts the reads that began."""

    all: list = []

    def __init__(self, name: str):
        self.name, self.open, self.asked = name, threading.Event(), 0
        Gate.all.append(self)

    def reader(self) -> Reader:
        gate = self

        class SlowFile(RasterFile):
            def sample(self, x, y):
                if gate.name in self.path:
                    gate.asked += 1
                    assert gate.open.wait(30)
                return super().sample(x, y)

        return Reader(SlowFile)


# Values.


@pytest.mark.parametrize(("row", "column"), [(0, 0), (ROWS - 1, COLUMNS - 1), (5, 9)])
def test_a_click_shows_what_the_files_hold(dock, paths, row, column):
    """All series, deviations and season dates of the pixel, to the last bit."""
    click(dock, row, column)
    shown = by_name(dock)
    assert set(shown) == {"ndvi", "VV", "VH", "fillmogpr", "fillwhittaker", "start", "peak", "end"}
    for name in ("ndvi", "VV", "VH", "fillmogpr", "fillwhittaker"):
        np.testing.assert_array_equal(shown[name].values, pixel(paths[name], row, column))
        assert shown[name].days[0] == day_number(STARTS[0]) + 6
    for name in ("fillmogpr", "fillwhittaker"):
        np.testing.assert_array_equal(shown[name].deviations, pixel(paths[name + " sd"], row, column))
    for number, name in enumerate(("start", "peak", "end")):
        np.testing.assert_array_equal(shown[name].days, [19750.5 + 60 * number, np.nan])
        assert shown[name].deviations == (2.0 + 2 * number, 3.0 + 2 * number)


def test_the_band_is_the_95_percent_interval(dock, paths):
    """Mean and 1.96 deviations to both sides."""
    click(dock, 3, 3)
    curve = next(curve for curve in dock.plot.chart.curves if curve.label == "fillmogpr")
    mean, deviation = (pixel(paths[name], 3, 3) for name in ("fillmogpr", "fillmogpr sd"))
    np.testing.assert_allclose(curve.bounds, np.stack([mean - 1.96 * deviation, mean + 1.96 * deviation], axis=1), atol=1e-5)
    assert pytest.approx(1.96, abs=1e-4) == INTERVAL


def test_maps_in_other_coordinates_hit_the_same_pixel(tmp_path, open_dock):
    """A map in degrees over rasters in metres, upright and rotated, and in degrees; places converted by OSR."""
    metres, degrees = osr.SpatialReference(), osr.SpatialReference()
    metres.ImportFromEPSG(32749)
    degrees.ImportFromEPSG(4326)
    degrees.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    x, y, _ = osr.CoordinateTransformation(metres, degrees).TransformPoint(LEFT + 7.5 * PIXEL, TOP - 4.5 * PIXEL)
    inverse = gdal.InvGeoTransform(ROTATED)
    column, row = (int(number) for number in gdal.ApplyGeoTransform(inverse, LEFT + 7.5 * PIXEL, TOP - 4.5 * PIXEL))
    turned, geographic = values(1), values(2)
    paths = {"upright": write(tmp_path / "a.tif", values(3)), "rotated": write(tmp_path / "b.tif", turned, transform=ROTATED),
             "geographic": write(tmp_path / "c.tif", geographic, transform=(x - 0.0035, 0.001, 0, y + 0.0025, 0, -0.001), epsg=4326)}
    dock = open_dock(paths, epsg=4326)
    wait(lambda: len(dock.session.members) == 3)
    dock.session.pick(QgsPointXY(x, y))
    wait(lambda: not dock.session.waiting)
    shown = by_name(dock)
    np.testing.assert_array_equal(shown["upright"].values, values(3)[:, 4, 7])
    np.testing.assert_array_equal(shown["rotated"].values, turned[:, row, column])
    np.testing.assert_array_equal(shown["geographic"].values, geographic[:, 2, 3])
    assert f"{x:.5f}" in dock.session.places[0].title


def test_it_understands_what_the_algorithms_write(open_dock, provider, tmp_path):
    """Sample scene, series, fill and seasons of the engine itself: each finds its part and its mate."""
    def run(algorithm, **parameters):
        return processing.run(f"phenofuse:{algorithm}", {key: str(value) for key, value in parameters.items()})

    run("createsamplescene", FOLDER=tmp_path / "scene", SIZE=24, PERIODS=40)
    names = {"observed": "ndvi.tif", "VV": "vv.tif", "filled": "a.tif", "sd": "b.tif", "codes": "c.tif",
             "start": "d.tif", "peak": "e.tif", "end": "f.tif", "days": "g.tif", "seasons": "h.tif"}
    files = {name: tmp_path / file for name, file in names.items()}
    run("buildtimeseries", FOLDER=tmp_path / "scene", VARIABLE="NDVI", OUTPUT=files["observed"])
    run("buildtimeseries", FOLDER=tmp_path / "scene", VARIABLE="VV", OUTPUT=files["VV"])
    run("fillwhittaker", INPUT=files["observed"], OUTPUT=files["filled"], UNCERTAINTY=files["sd"], QUALITY=files["codes"])
    run("phenologymetrics", INPUT=files["filled"], UNCERTAINTY=files["sd"], OUTPUT=files["start"], PEAK=files["peak"],
        END=files["end"], UNCERTAINTY_DAYS=files["days"], SEASONS=files["seasons"])
    dock = open_dock({**{name: str(path) for name, path in files.items()},
                               "truth": str(tmp_path / "scene" / "truth" / "NDVI_truth.tif")})
    wait_described(dock, len(files) + 1)
    session = dock.session
    assert {(m.kind, *map(session.name, m.keys)) for m in session.members} == {
        ("observed", "observed"), ("observed", "VV"), ("filled", "filled", "sd", "codes"), ("filled", "truth"),
        ("season", "start", "days"), ("season", "peak", "days"), ("season", "end", "days")}
    assert not telling.warnings(session)


# Reading in the background.


def test_the_last_click_wins(open_dock, paths):
    """While a slow file is read for the first of three clicks, the second is dropped unread and the third is shown."""
    gate = Gate("ndvi.tif")
    dock = open_dock(paths, gate.reader())
    wait(lambda: len(dock.session.members) == 8)
    gate.open.set()
    wait(lambda: gate.asked == 1)  # the blocks that a click may need were read ahead
    gate.open.clear()
    for row in (1, 2, 3):
        dock.session.pick(point(row, row))
        wait(lambda: gate.asked == 2)
    assert len(dock.session.places) == 1
    gate.open.set()
    wait(lambda: not dock.session.waiting)
    assert gate.asked == 3
    np.testing.assert_array_equal(by_name(dock)["ndvi"].values, pixel(paths["ndvi"], 3, 3))


def test_a_slow_file_holds_up_nobody(open_dock, paths):
    """The others are drawn, the one that is awaited is named, and joins them later."""
    gate = Gate("VV.tif")
    dock = open_dock(paths, gate.reader())
    wait(lambda: len(dock.session.members) == 8)
    dock.session.pick(point(4, 4))
    wait(lambda: dock.plot.chart.panels and dock.plot.chart.panels[0].title.endswith("reading VV …"))
    assert len(dock.plot.chart.curves) == 7
    assert dock._status.text().strip() == "reading VV …"
    gate.open.set()
    wait(lambda: len(dock.plot.chart.curves) == 8)
    assert "reading" not in dock.plot.chart.panels[0].title + dock._status.text()


def test_a_layer_may_go_while_it_is_read(open_dock, paths):
    """Its answer is dropped; the others stay; its file is let go."""
    gate = Gate("VV.tif")
    project = project_of(paths)
    dock = open_dock(project, gate.reader())
    wait(lambda: len(dock.session.members) == 8)
    dock.session.pick(point(4, 4))
    wait(lambda: gate.asked)
    project.removeMapLayer(project.mapLayersByName("VV")[0])
    wait(lambda: len(dock.session.members) == 7)
    gate.open.set()
    wait(lambda: not dock.session.waiting and paths["VV"] not in reading())
    assert "VV" not in by_name(dock) and len(dock.plot.chart.curves) == 7


def test_a_project_may_close_while_the_dock_is_open(open_dock, paths):
    """Places and series go, the dock says what to do, and the next project works."""
    project = project_of(paths)
    dock = open_dock(project)
    wait(lambda: len(dock.session.members) == 8)
    click(dock, 2, 2)
    project.clear()
    wait(lambda: not dock.session.members)
    assert dock.session.places == [] and dock.plot.chart.panels == ()
    assert dock.plot.note.startswith("No time series in this project: add")
    again = project_of({"ndvi": paths["ndvi"]})
    layer = next(iter(again.mapLayers().values())).clone()
    project.addMapLayer(layer)
    wait(lambda: len(dock.session.members) == 1)
    click(dock, 2, 2)
    np.testing.assert_array_equal(by_name(dock)["ndvi"].values, pixel(paths["ndvi"], 2, 2))


def test_from_click_to_plot_in_200_ms(tmp_path, open_dock):
    """62 dates, seven rasters: what a click all over the scene costs, painting included, in the median of 15.

    Counted as time of the processor, so that a busy machine does not matter; tests/benchmarks/dock.py measures by the clock.
    """
    paths = {name: path for name, path in scene(tmp_path).items() if "codes" not in name and "whittaker" not in name}
    dock = open_dock(paths)
    wait(lambda: len(dock.session.members) == 7)
    seconds = []
    for number in range(15):
        start = time.process_time()
        click(dock, number % ROWS, number)
        dock.plot.repaint()
        seconds.append(time.process_time() - start)
        assert len(dock.plot.chart.curves) == 7
    assert statistics.median(seconds) < 0.2


# What users are told.


def test_places_without_values_say_so(tmp_path, open_dock):
    """Outside all rasters; within, but empty; unreadable; each in words, and gone with the next good place."""
    content = values(1)
    content[:, 0, 0] = np.nan
    path = write(tmp_path / "a.tif", content)
    dock = open_dock({"series": path})
    assert dock.plot.note.startswith("Looking for time series")
    wait(lambda: len(dock.session.members) == 1)
    wait(lambda: dock.plot.note.startswith("Click the map"))
    for (row, column), told in (((-5, 0), "outside of all series"), ((0, 0), "no series has a value here"), ((1, 1), "")):
        click(dock, row, column)
        assert telling.remark(dock.session, dock.session.places[0]) == told
        assert dock.plot.chart.panels[0].title.endswith(told or "EPSG:32749")
        assert dock._status.text().strip() == told
    (tmp_path / "a.tif").unlink()
    click(dock, 2, 2)
    assert "cannot be read" in dock._status.text() and "a.tif" in dock._status.text()


def test_an_empty_project_says_what_to_do(tmp_path, open_dock):
    """Without layers, and with a raster that is no series."""
    for paths in ({}, {"photo": write(tmp_path / "a.tif", values(1, shape=(3, 4, 4)), ["red", "green", "blue"])}):
        dock = open_dock(paths)
        wait(lambda dock=dock: dock.plot.note.startswith("No time series in this project: add"))
        dock.session.pick(point(0, 0))
        assert dock.plot.chart.panels == ()
        assert not dock.plot.grab().isNull()


def test_seasons_of_no_year_are_explained(tmp_path, open_dock):
    """Days of the year have no place on a time line: the dock says how to get dates."""
    header = tag("day of year", "day of year", "phenologymetrics", metric="start")
    paths = {"ndvi": write(tmp_path / "a.tif", values(1)),
             "start": write(tmp_path / "b.tif", values(1, 1, 366, shape=(2, ROWS, COLUMNS)), ["season 1", "season 2"], header)}
    dock = open_dock(paths)
    wait(lambda: telling.warnings(dock.session) and dock.session.members)
    assert "DATES_AS = days" in telling.warnings(dock.session)[0]
    click(dock, 1, 1)
    assert set(by_name(dock)) == {"ndvi"} and "DATES_AS = days" in dock._status.text()


def test_a_layer_whose_coordinates_are_corrected_is_read_anew(tmp_path, open_dock):
    """A raster that says nothing of its system is outside until the user says which it is."""
    paths = {"a": write(tmp_path / "a.tif", values(1)), "b": write(tmp_path / "b.tif", values(2), epsg=32748)}
    project = project_of(paths)
    dock = open_dock(project)
    wait(lambda: len(dock.session.members) == 2)
    click(dock, 3, 3)
    assert set(by_name(dock)) == {"a"}
    layer = project.mapLayersByName("b")[0]
    layer.setCrs(QgsCoordinateReferenceSystem.fromEpsgId(32749))
    click(dock, 3, 3)
    np.testing.assert_array_equal(by_name(dock)["b"].values, pixel(paths["b"], 3, 3))


# The list.


def test_series_can_be_left_out(open_dock, paths):
    """What is unchecked is neither shown nor read; checked again it is read for the places that are there."""
    gate = Gate("VV.tif")
    dock = open_dock(paths, gate.reader())
    wait(lambda: len(dock.session.members) == 8)
    gate.open.set()
    wait(lambda: gate.asked == 1)
    row = next(row for row in range(dock.list.count()) if dock.list.item(row).text() == "VV")
    dock.list.item(row).setCheckState(Qt.CheckState.Unchecked)
    click(dock, 1, 1)
    assert "VV" not in by_name(dock) and gate.asked == 1
    dock.list.item(row).setCheckState(Qt.CheckState.Checked)
    wait(lambda: "VV" in by_name(dock))
    np.testing.assert_array_equal(by_name(dock)["VV"].values, pixel(paths["VV"], 1, 1))


def test_the_list_follows_the_layer_tree(dock):
    """One line per series in the tree's order, deviations in the tool tip; a renamed layer is renamed here, with its colour."""
    assert [dock.list.item(row).text() for row in range(dock.list.count())] == [
        "ndvi", "VV", "VH", "fillmogpr", "fillwhittaker", "start", "peak", "end"]
    assert "from 'fillmogpr sd'" in dock.list.item(3).toolTip()
    click(dock, 0, 0)
    member = dock.session.members[3]
    look = dock.session.style(member)
    dock.session._project.mapLayer(member.key).setName("with radar")
    wait(lambda: dock.list.item(3).text() == "with radar")
    assert dock.session.style(member) == look and look.colour == COLOURS[0]


def test_ten_fills_are_told_apart(tmp_path, open_dock):
    """Ten fills of ten methods have ten looks, which stay when one of them goes; the next one takes the free look."""
    paths = {f"fill{number}": write(tmp_path / f"{number}.tif", values(number), header=tag("NDVI", method=f"fill{number}"))
             for number in range(10)}
    project = project_of(paths)
    dock = open_dock(project)
    wait(lambda: len(dock.session.members) == 10)
    click(dock, 1, 1)
    before = {dock.session.name(member.key): dock.session.style(member) for member in dock.session.members}
    assert len(set(before.values())) == 10
    project.removeMapLayer(project.mapLayersByName("fill3")[0])
    wait(lambda: len(dock.session.members) == 9)
    assert {dock.session.name(m.key): dock.session.style(m) for m in dock.session.members} == {
        name: look for name, look in before.items() if name != "fill3"}
    assert len(dock.plot.chart.curves) == 9


# Places.


def test_places_are_compared(dock, paths):
    """A click takes the place of the last one, a kept one stays; each has a panel with its own values, a number on the map."""
    click(dock, 1, 1)
    click(dock, 2, 2)
    assert len(dock.plot.chart.panels) == 1
    click(dock, 3, 3, keep=True)
    dock.session.keep()
    click(dock, 4, 4)
    click(dock, 5, 5)
    panels = dock.plot.chart.panels
    assert [panel.title[0] for panel in panels] == ["1", "2", "3"]
    for panel, at in zip(panels, (2, 3, 5)):
        shown = {curve.label: curve.profile.values for curve in panel.curves}
        np.testing.assert_array_equal(shown["ndvi"], pixel(paths["ndvi"], at, at))
        np.testing.assert_array_equal(shown["fillmogpr"], pixel(paths["fillmogpr"], at, at))
    canvas = dock.kept_canvas
    assert len(marks(canvas)) == 3
    for mark, at in zip(marks(canvas), (2, 3, 5)):
        where = canvas.mapSettings().mapToPixel().transform(point(at, at))
        assert (mark.pos().x(), mark.pos().y()) == (pytest.approx(where.x(), abs=1), pytest.approx(where.y(), abs=1))
    dock.session.clear()
    assert not marks(canvas) and not dock.plot.chart.panels


def marks(canvas) -> list:
    """The numbers on the map, in order."""
    found = [item for item in canvas.items() if type(item).__name__ == "_Mark"]
    return sorted(found, key=lambda item: item._place.number)


def test_one_place_is_removed(dock, paths):
    """By the menu of its panel, and by Delete: the panel under the mouse, on the map the last one; the others keep their numbers."""
    for at in (1, 2, 3, 4):
        click(dock, at, at, keep=True)
    dock.plot.grab()
    assert remove_by_menu(dock, 1) == "Remove place 2"
    assert [mark._place.number for mark in marks(dock.kept_canvas)] == [panel.number for panel in dock.plot.chart.panels] == [1, 3, 4]
    np.testing.assert_array_equal(by_name(dock, 1)["ndvi"].values, pixel(paths["ndvi"], 3, 3))
    dock.plot.grab()
    QTest.mouseMove(dock.plot, dock.plot.drawing().areas[0].center().toPoint())
    QTest.keyClick(dock.plot, Qt.Key.Key_Delete)
    assert [panel.title[0] for panel in dock.plot.chart.panels] == ["3", "4"]
    press_on_map(dock, Qt.Key.Key_Delete)
    assert [place.number for place in dock.session.places] == [3]
    click(dock, 5, 5)
    assert [place.number for place in dock.session.places] == [3, 4]
    press_on_map(dock, Qt.Key.Key_Backspace)
    press_on_map(dock, Qt.Key.Key_Backspace)
    assert not dock.session.places and not marks(dock.kept_canvas) and dock.plot.note.startswith("Click the map")
    QTest.keyClick(dock.plot, Qt.Key.Key_Delete)
    press_on_map(dock, Qt.Key.Key_Delete)


def remove_by_menu(dock, panel: int) -> str:
    """Right-click the title of a panel and choose the only entry; returns its words."""
    where = dock.plot.drawing().areas[panel].topLeft().toPoint() - QPoint(-5, 5)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, dock.plot.mapToGlobal(where))
    QApplication.sendEvent(dock.plot, event)
    menu, = dock.plot.findChildren(QMenu)
    entry, = menu.actions()
    entry.trigger()
    menu.close()
    return entry.text()


def press_on_map(dock, key) -> None:
    """Press a key over the map, with the tool on: QGIS deletes selected features for every one that it hears of as accepted."""
    dock.kept_canvas.setMapTool(dock.tool)
    heard = []
    dock.kept_canvas.keyPressed.connect(lambda event: heard.append(event.isAccepted()))
    QApplication.sendEvent(dock.kept_canvas, QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier))
    dock.kept_canvas.keyPressed.disconnect()
    assert not any(heard)


def test_the_map_tool_picks_drags_and_keeps(dock):
    """A press picks, a drag picks anew, Shift sets a place beside; the tool is on while its button is."""
    canvas = dock.kept_canvas
    pan = QgsMapToolPan(canvas)
    canvas.setMapTool(pan)
    dock.toggleViewAction().trigger()
    dock.toggleViewAction().trigger()
    assert canvas.mapTool() is dock.tool and dock.tool.action().isChecked()

    def mouse(kind, x, buttons=Qt.MouseButton.LeftButton, modifiers=Qt.KeyboardModifier.NoModifier):
        event = QgsMapMouseEvent(canvas, kind, QPoint(x, 120), Qt.MouseButton.LeftButton, buttons, modifiers)
        (dock.tool.canvasPressEvent if kind == QEvent.Type.MouseButtonPress else dock.tool.canvasMoveEvent)(event)
        return event.mapPoint()

    mouse(QEvent.Type.MouseButtonPress, 100)
    dragged = mouse(QEvent.Type.MouseMove, 140)
    assert [place.point for place in dock.session.places] == [dragged]
    beside = mouse(QEvent.Type.MouseButtonPress, 200, modifiers=Qt.KeyboardModifier.ShiftModifier)
    assert [place.point for place in dock.session.places] == [dragged, beside]
    mouse(QEvent.Type.MouseMove, 220, Qt.MouseButton.NoButton)
    assert len(dock.session.places) == 2
    dock.tool.action().trigger()
    assert canvas.mapTool() is not dock.tool


# Time.


def controller_of(canvas) -> QgsTemporalNavigationObject:
    """A Temporal Controller for a canvas, which lives as long."""
    controller = QgsTemporalNavigationObject(canvas)
    canvas.setTemporalController(controller)
    return controller


def test_the_line_follows_the_temporal_controller(dock):
    """Off: no line. Stepping moves it to each frame; a click in the plot turns the controller to the date."""
    controller = controller_of(dock.kept_canvas)
    click(dock, 1, 1)
    assert dock.plot.chart.moment is None
    controller.setNavigationMode(MODES.Animated)
    first, last = (QDateTime.fromString(f"{day}T00:00:00Z", Qt.DateFormat.ISODate) for day in (STARTS[0], STARTS[-1]))
    controller.setTemporalExtents(QgsDateTimeRange(first, last))
    controller.setFrameDuration(QgsInterval(12, QgsUnitTypes.TemporalUnit.TemporalDays))
    before = dock.plot.grab().toImage()
    for frame in (7, 30):
        controller.setCurrentFrameNumber(frame)
        start = day_number(STARTS[frame])
        assert dock.plot.chart.moment == (pytest.approx(start, abs=0.01), pytest.approx(start + 12, abs=0.01))
    assert dock.plot.grab().toImage() != before
    drawing = dock.plot.drawing()
    here = QPoint(int(drawing.time(day_number(STARTS[44]) + 1)), int(drawing.areas[0].center().y()))
    QTest.mouseClick(dock.plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, here)
    assert controller.currentFrameNumber() == 44
    assert dock.plot.chart.moment[0] == pytest.approx(day_number(STARTS[44]), abs=0.01)
    controller.setNavigationMode(MODES.NavigationOff)
    wait(lambda: dock.plot.chart.moment is None)
    QTest.mouseClick(dock.plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, here)
    assert "switch the Temporal Controller on" in dock._status.text()


def test_a_fixed_range_moves_to_the_click(dock):
    """In the controller's fixed range the click moves the range and keeps its length."""
    controller = controller_of(dock.kept_canvas)
    controller.setNavigationMode(MODES.FixedRange)
    begin = QDateTime.fromString("2024-01-01T00:00:00Z", Qt.DateFormat.ISODate)
    controller.setTemporalExtents(QgsDateTimeRange(begin, begin.addDays(30)))
    click(dock, 1, 1)
    dock.plot.picked.emit(float(day_number(date(2024, 6, 1))) + 0.4)
    assert controller.temporalExtents() == QgsDateTimeRange(begin.addDays(152), begin.addDays(182))


def test_the_plot_can_be_zoomed_and_moved(dock):
    """The wheel zooms about the mouse, dragging moves and sets no time, a double click shows all."""
    click(dock, 1, 1)
    whole = dock.plot.chart.span
    middle = dock.plot.drawing().areas[0].center().toPoint()
    here = dock.plot.drawing().time.value(middle.x())
    dock.plot._look(here - 100, here + 100)
    assert dock.plot.chart.span == (pytest.approx(here - 100), pytest.approx(here + 100))
    told = []
    dock.plot.picked.connect(told.append)
    QTest.mousePress(dock.plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
    drag(dock.plot, middle + QPoint(1, 1))  # a hand that trembles still clicks
    QTest.mouseRelease(dock.plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
    assert len(told) == 1 and dock.plot.chart.span[0] == pytest.approx(here - 100)
    told.clear()
    QTest.mousePress(dock.plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
    for aside in (0, 10, 40):
        drag(dock.plot, middle + QPoint(aside, 0))
    QTest.mouseRelease(dock.plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle + QPoint(40, 0))
    assert dock.plot.chart.span[0] < here - 105 and not told
    dock.plot._look(-1e6, 1e6)
    assert dock.plot.chart.span == whole
    dock.plot._look(here, here + 0.1)
    assert dock.plot.chart.span[1] - dock.plot.chart.span[0] == pytest.approx(20)
    QTest.mouseDClick(dock.plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
    assert dock.plot.chart.span == whole


def drag(widget, where: QPoint) -> None:
    """Move the mouse with its left button down (QTest moves it with none)."""
    from qgis.PyQt.QtCore import QPointF
    from qgis.PyQt.QtGui import QMouseEvent

    widget.mouseMoveEvent(QMouseEvent(QEvent.Type.MouseMove, QPointF(where), QPointF(where), Qt.MouseButton.NoButton,
                                      Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier))


# Exports.


def test_csv_holds_the_values(dock, paths, tmp_path):
    """Read back, each place and series has the numbers of its file and the dates of its bands; what is missing is empty."""
    click(dock, 1, 1)
    click(dock, 6, 8, keep=True)
    dock.export(str(tmp_path / "a.csv"))
    with open(tmp_path / "a.csv", newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    for place, (row, column) in (("1", (1, 1)), ("2", (6, 8))):
        for name in ("ndvi", "VV", "fillmogpr"):
            found = [line for line in rows if line["place"] == place and line["series"] == name]
            assert [f"{line['start']}/{line['end']}" for line in found] == PERIODS
            np.testing.assert_array_equal([number(line["value"]) for line in found], pixel(paths[name], row, column))
        spread = [number(line["standard_deviation"]) for line in rows if line["place"] == place and line["series"] == "fillmogpr"]
        np.testing.assert_array_equal(spread, pixel(paths["fillmogpr sd"], row, column))
    peak, = (line for line in rows if line["place"] == "2" and line["series"] == "peak")
    assert (peak["variable"], peak["start"], float(peak["value"])) == ("peak of season 1", "2024-03-28", 19810.5)
    assert (float(peak["x"]), float(peak["y"]), peak["crs"]) == (point(6, 8).x(), point(6, 8).y(), "EPSG:32749")


def number(cell: str) -> float:
    """A cell of the table, in the precision of the rasters."""
    return np.float32(cell) if cell else np.nan


def test_pictures_hold_the_drawing(dock, tmp_path):
    """The PNG has twice the plot's size, white paper and the colours of the series; the SVG their names as words."""
    click(dock, 1, 1)
    for name in ("a.png", "a.svg"):
        dock.export(str(tmp_path / name))
    image = QImage(str(tmp_path / "a.png"))
    assert (image.width(), image.height()) == (2 * dock.plot.width(), 2 * dock.plot.height())
    colours = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
    assert {"#ffffff", *(colour.lower() for colour in COLOURS[:2])} <= colours
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    words = {"".join(element.itertext()).strip() for element in root.iter() if element.tag.endswith("text")}
    assert {"ndvi", "VV", "VH", "fillmogpr", "fillwhittaker", "start", "peak", "end", "NDVI", "2024"} <= words
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("ending", ["png", "svg", "csv"])
def test_an_export_that_fails_says_so(dock, tmp_path, ending):
    """A folder that does not exist is an error, never silence."""
    click(dock, 1, 1)
    with pytest.raises(OSError, match="nowhere"):
        dock.export(str(tmp_path / "nowhere" / f"a.{ending}"))


def test_dark_themes_are_dark(dock):
    """The plot takes paper and ink from the palette, and so do the swatches in the list; exports stay black on white."""
    click(dock, 1, 1)
    light = dock.list.item(3).icon().pixmap(26, 14).toImage()
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.Base, QColor("#202326"))
    palette.setColor(QPalette.ColorRole.Text, QColor("#e8e8e8"))
    dock.plot.setPalette(palette)
    image = dock.plot.grab().toImage()
    assert image.pixelColor(1, 1).name() == "#202326"
    ink = [image.pixelColor(x, y).lightness() for x in range(image.width()) for y in range(image.height())]
    assert max(ink) > 200 and dock.plot.theme().dark
    assert dock.list.item(3).icon().pixmap(26, 14).toImage() != light


# The plugin.


def test_the_plugin_leaves_nothing_behind(paths, qgis_app, monkeypatch):
    """Opened, used and unloaded: no dock, button, menu entry, tool, mark, thread or signal is left."""
    project = QgsProject.instance()
    source = project_of(paths)
    for layer in source.mapLayers().values():
        project.addMapLayer(layer.clone())
    iface = Interface()
    tree = project.layerTreeRoot()

    def listeners() -> list:
        of_tree = [tree.receivers(signal) for signal in (tree.addedChildren, tree.removedChildren, tree.nameChanged)]
        return [*of_tree, project.receivers(project.cleared), iface.canvas.receivers(iface.canvas.temporalRangeChanged)]

    before = listeners()
    plugin = PhenofusePlugin(iface)
    monkeypatch.setattr(plugin, "initProcessing", lambda: None)  # the tests' provider stays
    plugin.initGui()
    dock = plugin.dock
    assert iface.bar.actions() == iface.menu.actions() == [dock.toggleViewAction()]
    assert not dock.isVisible() and not dock.session.members and not reading()
    iface.window.show()
    dock.toggleViewAction().trigger()
    wait(lambda: len(dock.session.members) == 8)
    assert iface.canvas.mapTool() is dock.tool and listeners() != before
    dock.session.pick(point(1, 1))
    wait(lambda: not dock.session.waiting)
    plugin.unload()
    wait(lambda: not reading())
    assert iface.bar.actions() == iface.menu.actions() == []
    assert iface.canvas.mapTool() is None and not marks(iface.canvas)
    assert listeners() == before
    wait(lambda: not [child for child in iface.window.children() if child.objectName() == "PhenofuseProfile"])
    project.clear()


def test_a_closed_dock_rests(dock):
    """Closed, it gives back the map, the files and the marks; opened again it works."""
    click(dock, 1, 1)
    dock.close()
    wait(lambda: not reading())
    assert not marks(dock.kept_canvas)
    dock.show()
    wait(lambda: len(dock.session.members) == 8)
    click(dock, 2, 2)
    assert len(by_name(dock)) == 8
