"""Which values of a filled series are observed, which filled, which missing, and why: read, told, drawn and written."""
from __future__ import annotations

import csv
import runpy

import numpy as np
import pytest

pytest.importorskip("qgis.core", reason="needs QGIS")
from dockscene import (
    DATES,
    LEFT,
    PIXEL,
    STARTS,
    TOP,
    by_name,
    close,
    dock_of,
    project_of,
    scene,
    tag,
    values,
    wait,
    wait_described,
    write,
)
from phenofuse.gui import reasons, style
from phenofuse.gui.chart import Drawing
from phenofuse.gui.curves import Chart, Curve, Panel, readings
from phenofuse.gui.members import Profile, members, profile
from phenofuse.gui.profiles import RasterFile, day_number
from qgis.core import QgsPointXY
from qgis.PyQt.QtGui import QImage, QPainter

NAN = float("nan")
HERE = QgsPointXY(LEFT + 3.5 * PIXEL, TOP - 2.5 * PIXEL)  # row 2, column 3


@pytest.fixture(scope="module")
def paths(tmp_path_factory, qgis_app) -> dict:
    """The files of the scene."""
    return scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture
def dock(paths):
    """An open dock on the scene, all of it described."""
    opened = dock_of(project_of(paths))
    wait_described(opened, len(paths))
    yield opened
    close(opened)


def pick(dock) -> dict:
    """Click a place; what it shows, by name."""
    dock.session.pick(HERE)
    wait(lambda: not dock.session.waiting)
    return by_name(dock)


def test_the_words_are_those_of_the_contract(root):
    """Every reason code of the engine has its name."""
    assert reasons.names() == runpy.run_path(str(root / "core" / "timeseries" / "quality.py"))["NAMES"]


def test_a_click_tells_codes_and_gaps(dock):
    """Each fill has the codes of its own file, and the days between the observations on both sides of every date."""
    shown = pick(dock)
    seen = np.isfinite(values(1, gaps=0.5)[:, 2, 3])
    days = np.array([day_number(start) + 6 for start in STARTS[:DATES]])
    for filled, name in ((2, "fillmogpr"), (3, "fillwhittaker")):
        np.testing.assert_array_equal(shown[name].codes, np.where(seen, 1, filled))
        for place in np.flatnonzero(~seen):
            before, after = days[:place][seen[:place]], days[place:][seen[place:]]
            nearest = min([*(days[place] - before), *(after - days[place])])
            expected = after[0] - before[-1] if len(before) and len(after) else nearest
            assert shown[name].gaps[place] == expected
    assert shown["ndvi"].codes == () and shown["start"].codes == ()


def test_codes_come_and_go_with_their_layer(dock):
    """Without its QUALITY a fill is a line, whose line in the list says what is missing."""
    assert "full dots observed, hollow ones filled, by 'fillmogpr codes'" in dock.list.item(3).toolTip()
    assert pick(dock)["fillmogpr"].codes
    project = dock.session._project
    project.removeMapLayer(project.mapLayersByName("fillmogpr codes")[0])
    wait(lambda: not by_name(dock)["fillmogpr"].codes)
    looks = {dock.session.name(member.key): dock.session.style(member).dots for member in dock.session.members}
    assert looks["fillwhittaker"] and not looks["fillmogpr"]
    assert "its QUALITY is not in the project" in dock.list.item(3).toolTip()


def test_gaps_are_told_only_on_the_dates_of_observations(tmp_path):
    """On other dates there are observations between those that the codes know of: the dock tells no gap."""
    about = {"method": "fillharmonic", "parents": ["ndvi.tif"]}
    paths = {"fill": write(tmp_path / "a.tif", values(1), header=tag("NDVI", **about)),
             "codes": write(tmp_path / "b.tif", np.ones((DATES, 2, 2), "uint8"), header=tag("quality", "", **about)),
             "VV": write(tmp_path / "c.tif", values(1), header=tag("VV", "dB"))}
    other = write(tmp_path / "d.tif", values(1, shape=(3, 2, 2)), ["2024-01-01", "2024-01-13", "2024-01-25"], tag("NDVI"))
    same = write(tmp_path / "e.tif", values(1, gaps=0.5), header=tag("NDVI"))
    samples = {"fill": (0.5,) * DATES, "codes": (1.0,) + (3.0,) * (DATES - 2) + (1.0,)}
    for ndvi, gaps in ((other, ()), (same, (0.0,) + (12.0 * (DATES - 1),) * (DATES - 2) + (0.0,))):
        described = {name: RasterFile(path).describe() for name, path in {**paths, "ndvi": ndvi}.items()}
        found = profile(members(described)[0], samples)
        assert found.codes == samples["codes"]
        assert found.gaps[1:-1] == gaps[1:-1] and len(found.gaps) == len(gaps)


def test_readings_tell_reasons():
    """Observed, filled, beyond the ends, empty, and a code of a later version; without codes nothing is added."""
    codes, gaps = (1.0, 2.0, 4.0, 5.0, 6.0, 99.0, NAN), (0.0, 36.0, 96.0, 24.0, NAN, NAN, NAN)
    found = (0.5, 0.53, NAN, 0.25, NAN, NAN, NAN)
    days = tuple(10.0 * number for number in range(7))
    curve = Curve("fill", "filled", Profile(days, found, (NAN, 0.02, *5 * (NAN,)), codes, gaps), style.filled(0, True, True))
    told = [readings(Panel("", (curve,)), day) for day in days]
    assert told == [["fill: 0.50, observed"], ["fill: 0.53 ± 0.04, filled with radar support, gap 36 days"],
                    ["fill: beyond the longest gap allowed, gap 96 days"],
                    ["fill: 0.25, before the first or after the last observation by 24 days"],
                    ["fill: too few observations"], ["fill: unknown reason 99"], []]
    bare = Curve("fill", "filled", Profile(days, found, (NAN,) * 7, codes), style.filled(0, True, True))
    assert readings(Panel("", (bare,)), 10.0) == ["fill: 0.53, filled with radar support"]


@pytest.mark.parametrize(("width", "hollow"), [(800, True), (200, False)])
def test_dots_tell_observed_from_filled(qgis_app, width, hollow):
    """Full dots where observed, hollow ones where filled, but none where these would run together, nor where no value is."""
    days, codes = tuple(10.0 * number for number in range(42)), (1.0, 3.0) * 19 + (1.0, 4.0, 4.0, 4.0)
    found = Profile(days, (0.5,) * 39 + (NAN,) * 3, (NAN,) * 42, codes)
    chart = Chart((Panel("", (Curve("fill", "filled", found, style.filled(0, False, True)),)),), span=(-10.0, 420.0))
    drawing, image = Drawing(chart, width, 200, style.PRINT), QImage(width, 200, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    drawing.draw(painter)
    painter.end()
    y = drawing._scale(drawing.areas[0], False)(0.5)

    def inked(place: int, above: float = 0.0) -> bool:
        return image.pixelColor(int(drawing.time(days[place])), int(y - above)).lightness() < 160

    assert {inked(place) for place in range(4, 36, 2)} == {True}
    assert {inked(place, 2.0) for place in range(4, 36, 2)} == {True}  # a dot is thicker than the line
    assert (inked(41), inked(41, 2.0)) == (False, False)
    assert {inked(place) for place in range(5, 36, 2)} == {not hollow}


def test_csv_tells_reasons(dock, tmp_path):
    """A word for every value of a fill that has codes, nothing for the others."""
    pick(dock)
    dock.export(str(tmp_path / "a.csv"))
    with open(tmp_path / "a.csv", newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    seen = np.isfinite(values(1, gaps=0.5)[:, 2, 3])
    for name, filled in (("fillmogpr", "filled with radar support"), ("fillwhittaker", "filled from neighbours in time")):
        assert [row["reason"] for row in rows if row["series"] == name] == [("observed" if one else filled) for one in seen]
    assert {row["reason"] for row in rows if row["series"] in ("ndvi", "VV", "start")} == {""}
