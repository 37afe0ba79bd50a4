"""What the profile dock reads: values of a pixel, which rasters are series and which belong together, ticks and curves."""
from __future__ import annotations

import json
import os
from datetime import date

import numpy as np
import pytest

pytest.importorskip("qgis.core", reason="needs QGIS")
from dockscene import COLUMNS, DATES, LEFT, PERIODS, PIXEL, ROTATED, ROWS, TOP, scene, tag, values, write
from osgeo import gdal
from phenofuse.gui import style
from phenofuse.gui.axes import Scale, date_ticks, value_ticks
from phenofuse.gui.curves import Curve, Panel, pieces, readings, value_range
from phenofuse.gui.members import Profile, members, profile
from phenofuse.gui.profiles import Period, RasterFile, ReadError, day_number, day_of

NAN = float("nan")


def centre(row: int, column: int) -> tuple:
    """The centre of a pixel of the scene."""
    return LEFT + (column + 0.5) * PIXEL, TOP - (row + 0.5) * PIXEL


# One file.


def test_samples_are_the_pixel_that_holds_the_point(tmp_path):
    """Near corners and centres of pixels all bands come back as they were written; beyond the raster nothing does."""
    written = values(1, gaps=0.3)
    file = RasterFile(write(tmp_path / "a.tif", written))
    for row, column in ((0, 0), (0, COLUMNS - 1), (ROWS - 1, 0), (ROWS - 1, COLUMNS - 1), (5, 7)):
        for aside in (-0.49, 0.0, 0.49):
            x, y = centre(row, column)
            np.testing.assert_array_equal(file.sample(x + aside * PIXEL, y + aside * PIXEL), written[:, row, column])
    for x, y in (centre(-1, 0), centre(0, -1), centre(ROWS, 0), centre(0, COLUMNS)):
        assert file.sample(x, y) is None


def test_rotated_rasters_are_read_by_their_own_axes(tmp_path):
    """The point that the six numbers of a rotated raster give for a pixel reads that pixel."""
    written = values(2)
    file = RasterFile(write(tmp_path / "a.tif", written, transform=ROTATED))
    for row, column in ((0, 0), (3, 11), (ROWS - 1, COLUMNS - 1)):
        x = ROTATED[0] + (column + 0.5) * ROTATED[1] + (row + 0.5) * ROTATED[2]
        y = ROTATED[3] + (column + 0.5) * ROTATED[4] + (row + 0.5) * ROTATED[5]
        np.testing.assert_array_equal(file.sample(x, y), written[:, row, column])


def test_missing_values_are_nan(tmp_path):
    """The declared nodata, and what NDVI cannot be; scale and offset are applied to the rest."""
    written = np.full((3, 2, 2), 0.5, "float32")
    written[0], written[1] = -9999, 1.5
    plain = write(tmp_path / "a.tif", written, PERIODS[:3], tag("NDVI"), nodata=-9999)
    np.testing.assert_array_equal(RasterFile(plain).sample(LEFT + 1, TOP - 1), [NAN, NAN, 0.5])
    file = gdal.Open(plain, gdal.GA_Update)
    for number in (1, 2, 3):
        file.GetRasterBand(number).SetScale(0.5)
        file.GetRasterBand(number).SetOffset(0.1)
    file = None
    np.testing.assert_allclose(RasterFile(plain).sample(LEFT + 1, TOP - 1), [NAN, 0.85, 0.35])


def test_a_replaced_file_is_read_anew(tmp_path):
    """After another file took the name, its values and its dates come back."""
    path = write(tmp_path / "a.tif", values(1))
    file = RasterFile(path)
    file.sample(LEFT + 1, TOP - 1)
    other = values(2, shape=(30, 5, 5))
    os.replace(write(tmp_path / "b.tif", other), path)
    np.testing.assert_array_equal(file.sample(LEFT + 1, TOP - 1), other[:, 0, 0])
    assert len(file.describe().periods) == 30


@pytest.mark.parametrize("exceptions", [True, False])
def test_an_unreadable_file_says_so(tmp_path, exceptions):
    """Missing or no raster: an error with the path, whether GDAL raises or returns None."""
    (tmp_path / "text.tif").write_text("no raster")
    before = gdal.GetUseExceptions()
    (gdal.UseExceptions if exceptions else gdal.DontUseExceptions)()
    try:
        for name in ("text.tif", "nowhere.tif"):
            with pytest.raises(ReadError, match=name):
                RasterFile(str(tmp_path / name)).describe()
    finally:
        (gdal.UseExceptions if before else gdal.DontUseExceptions)()


def test_a_pixel_that_cannot_be_read_is_an_error(tmp_path):
    """A damaged block fails as a sentence, not as values."""
    path = write(tmp_path / "a.tif", values(1))
    dataset = gdal.Open(path)  # kept: a band dies with it
    place = int(dataset.GetRasterBand(3).GetMetadataItem("BLOCK_OFFSET_0_0", "TIFF"))
    with open(path, "r+b") as file:
        file.seek(place)
        file.write(b"\xff" * 100)
    with pytest.raises(ReadError, match="a.tif"):
        RasterFile(path).sample(LEFT + 1, TOP - 1)


# What a raster is.


def test_dates_come_from_tags_or_names(tmp_path):
    """Band tags first, then names of one or two ISO dates; anything else is no date."""
    path = write(tmp_path / "a.tif", values(1, shape=(3, 2, 2)), ["2024-01-05", "2024-02-01/2024-02-11", "2024-03-01"])
    file = gdal.Open(path, gdal.GA_Update)
    file.GetRasterBand(3).SetMetadata({"start_time": "2024-04-01T00:00:00", "end_time": "2024-04-13T00:00:00"})
    file = None
    found = RasterFile(path).describe().periods
    assert found == (Period(date(2024, 1, 5)), Period(date(2024, 2, 1), date(2024, 2, 11)), Period(date(2024, 4, 1), date(2024, 4, 13)))
    middles = [date(2024, 1, 5), date(2024, 2, 6), date(2024, 4, 7)]
    assert [period.middle for period in found] == [day_number(day) for day in middles]
    assert day_of(day_number(date(2024, 2, 29))) == date(2024, 2, 29)


@pytest.mark.parametrize("names", [["red", "green"], ["2024-02-01", "2024-01-01"], ["2024-02-30", "2024-03-01"], []])
def test_what_has_no_increasing_dates_is_no_series(tmp_path, names):
    """Colours, dates out of order and impossible dates."""
    assert RasterFile(write(tmp_path / "a.tif", values(1, shape=(2, 2, 2)), names)).describe().kind == ""


def test_kinds_follow_the_tags(tmp_path):
    """Observations, fills, deviations, reasons and seasons are told apart; other codes, single dates and other metrics are none."""
    two = values(1, shape=(2, 2, 2))
    dates = PERIODS[:2]
    cases = [(two, dates, None, "observed"), (two, dates, tag("NDVI", method="buildtimeseries"), "observed"),
             (two, dates, tag("NDVI", method="fillharmonic"), "filled"),
             (two, dates, tag("NDVI", method="createsamplescene"), "filled"),
             (two, dates, tag("standard deviation", method="fillharmonic"), "deviation"),
             (np.ones((2, 2, 2), "uint8"), dates, tag("quality", method="fillharmonic"), "quality"),
             (np.ones((2, 2, 2), "uint8"), dates, tag("source", method="fillhybrid"), ""),
             (np.ones((2, 2, 2), "uint8"), ["season 1", "season 2"], tag("season quality", method="phenologymetrics"), ""),
             (two[:1], dates, tag("NDVI", method="splittimeseries"), ""),
             (two, ["season 1", "season 2"], tag("date", method="phenologymetrics", metric="peak"), "season"),
             (two, ["season 1", "season 2"], tag("date", method="phenologymetrics"), ""),
             (two, ["season 1", "season 2"], tag("day of year", method="phenologymetrics", metric="peak"), "season of no year"),
             (two, ["season 1", "season 2"], tag("season length", "days", method="phenologymetrics"), "")]
    for number, (content, names, header, kind) in enumerate(cases):
        assert RasterFile(write(tmp_path / f"{number}.tif", content, names, header)).describe().kind == kind, header


def test_foreign_radar_is_known_by_its_name(tmp_path):
    """Without a tag the channel in the file's name decides, as a word of its own."""
    names = {"S1_VV_2024.tif": "VV", "vh.tif": "VH", "savvy.tif": ""}
    for name, variable in names.items():
        assert RasterFile(write(tmp_path / name, values(1, shape=(2, 2, 2)))).describe().variable == variable


# What belongs together.


def described(paths: dict) -> dict:
    """Descriptions by name."""
    return {name: RasterFile(path).describe() for name, path in paths.items()}


def test_fills_find_their_own_deviations_and_codes(tmp_path):
    """Each fill has those of its method, each metric the deviations of the days; deviations and codes stand not alone."""
    found = members(described(scene(tmp_path)))
    assert {member.key: (member.deviation_key, member.quality_key) for member in found} == {
        "ndvi": ("", ""), "VV": ("", ""), "VH": ("", ""), "fillmogpr": ("fillmogpr sd", "fillmogpr codes"),
        "fillwhittaker": ("fillwhittaker sd", "fillwhittaker codes"), "start": ("days", ""), "peak": ("days", ""), "end": ("days", "")}


def test_runs_that_are_alike_are_told_apart_by_folder_and_name(tmp_path):
    """The same run in two folders, and twice in one folder."""
    about = {"method": "fillmogpr", "parents": ["ndvi.tif"]}
    paths = {}
    for place in ("x/dry.tif", "x/wet.tif", "y/dry.tif"):
        path = tmp_path / place
        path.parent.mkdir(exist_ok=True)
        paths[place] = write(path, values(1), header=tag("NDVI", **about))
        paths[f"sd of {place}"] = write(path.with_name(f"{path.stem}_sd.tif"), values(2), header=tag("standard deviation", **about))
        paths[f"codes of {place}"] = write(path.with_name(f"{path.stem}_codes.tif"), np.ones((DATES, 2, 2), "uint8"),
                                           header=tag("quality", "", **about))
    found = members(described(paths))
    assert {member.key: (member.deviation_key, member.quality_key) for member in found} == {
        name: (f"sd of {name}", f"codes of {name}") for name in paths if " of " not in name}


@pytest.mark.parametrize(
    "change", [{"method": "fillwhittaker"}, {"parents": ["other.tif"]}, {"parameters": {"SEED": 2}}, {"units": "dB"}])
def test_deviations_of_other_runs_are_left_alone(tmp_path, change):
    """Another method, parent, parameter or unit is another run; so is another set of dates."""
    about = {"units": "1", "method": "fillmogpr", "parents": ["ndvi.tif"], "parameters": {"SEED": 1}}
    paths = {"fill": write(tmp_path / "a.tif", values(1), header=tag("NDVI", **about)),
             "sd": write(tmp_path / "b.tif", values(1), header=tag("standard deviation", **{**about, **change})),
             "short": write(tmp_path / "c.tif", values(1, shape=(9, 2, 2)), header=tag("standard deviation", **about)),
             "short codes": write(tmp_path / "d.tif", np.ones((9, 2, 2), "uint8"), header=tag("quality", **about))}
    if "units" not in change:  # codes have none
        paths["codes"] = write(tmp_path / "e.tif", np.ones((DATES, 2, 2), "uint8"), header=tag("quality", **{**about, **change}))
    assert [(member.deviation_key, member.quality_key) for member in members(described(paths))] == [("", "")]


def test_seasons_have_the_days_of_their_own_metric(tmp_path):
    """The deviation of the peak of season 2 is band 'peak of season 2', whatever its place in the file."""
    found = {member.key: member for member in members(described(scene(tmp_path)))}
    samples = {"peak": (100.0, 200.0), "days": (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)}
    assert profile(found["peak"], samples) == Profile((100.0, 200.0), (0.0, 0.0), (3.0, 4.0))
    assert np.isnan(profile(found["end"], {"end": (100.0, 200.0)}).deviations).all()
    assert profile(found["end"], samples) is None


# Scales, ticks and curves.


@pytest.mark.parametrize(("low", "high", "most", "ticks"), [
    (-0.1, 1.0, 6, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (-22.3, -9.1, 4, [-20, -15, -10]), (0, 1, 2, [0, 0.5, 1]),
    (0, 0.003, 3, [0, 0.001, 0.002, 0.003])])
def test_values_have_round_ticks(low, high, most, ticks):
    """Steps of 1, 2 and 5."""
    np.testing.assert_allclose(value_ticks(low, high, most), ticks)


@pytest.mark.parametrize(("first", "last", "most", "ticks"), [
    ("2023-11-07", "2025-11-08", 9, [f"{y}-{m:02}-01" for y in (2024, 2025) for m in (1, 4, 7, 10)]),
    ("2024-01-05", "2024-02-20", 8, ["2024-01-11", "2024-01-21", "2024-02-01", "2024-02-11"]),
    ("2024-02-27", "2024-03-02", 8, ["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02"]),
    ("1984-03-01", "2025-03-01", 8, ["1990-01-01", "2000-01-01", "2010-01-01", "2020-01-01"])])
def test_dates_have_ticks_on_first_days(first, last, most, ticks):
    """First days of months and years, in short spans days of the month."""
    low, high = (day_number(date.fromisoformat(day)) for day in (first, last))
    assert [str(day) for day in date_ticks(low, high, most)] == ticks


@pytest.mark.parametrize("most", [1, 2, 3, 5, 8, 13])
@pytest.mark.parametrize("days", [1.5, 20, 45, 90, 200, 400, 1000, 5000, 20000])
def test_never_too_many_ticks(most, days):
    """Whatever the span, labels have room."""
    assert len(date_ticks(19000.3, 19000.3 + days, most)) <= most
    assert len(value_ticks(-0.07, -0.07 + days, most)) <= most + 1


def test_a_scale_goes_there_and_back():
    """Positions grow downwards on paper."""
    scale = Scale(-1, 1, 200, 0)
    assert (scale(-1), scale(0), scale(1)) == (200, 100, 0)
    assert scale.value(scale(0.37)) == pytest.approx(0.37)


def test_curves_are_cut_at_gaps_and_edges():
    """No line across a missing value; at the edge of the span the line's own value; a value alone remains."""
    days, rows = (0, 10, 20, 30, 40, 50), [(0.0,), (1.0,), (NAN,), (3.0,), (NAN,), (5.0,)]
    assert pieces(days, rows, (0, 50)) == [[(0, 0.0), (10, 1.0)], [(30, 3.0)], [(50, 5.0)]]
    assert pieces(days, rows, (5, 35)) == [[(5, 0.5), (10, 1.0)], [(30, 3.0)]]
    straight = [(float(day), -float(day)) for day in days]
    assert pieces(days, straight, (12, 44)) == [[(12, 12, -12), (20, 20, -20), (30, 30, -30), (40, 40, -40), (44, 44, -44)]]
    assert pieces(days, straight, (60, 70)) == []


def curve(found, deviations=None, right=False) -> Curve:
    """A filled curve with a value every ten days."""
    spreads = deviations or (NAN,) * len(found)
    days = tuple(10.0 * number for number in range(len(found)))
    return Curve("fill", "filled", Profile(days, tuple(found), tuple(spreads)), style.filled(0, True), right)


def test_the_range_holds_values_and_reasonable_intervals():
    """All values in the span, the least range, intervals up to 0.3 of it; nothing from outside the span."""
    wide = curve((0.2, 0.5, 9.0), (0.01, 5.0, 0.0))
    low, high = value_range([wide], (0, 15), (0.0, 1.0))
    assert (low, high) == (pytest.approx(-0.3 - 0.04 * 1.6), pytest.approx(1.3 + 0.04 * 1.6))
    low, high = value_range([curve((0.2, 0.5), (0.01, 0.01))], (0, 15))
    assert low == pytest.approx(0.18 - 0.04 * 0.34, abs=1e-3) and high == pytest.approx(0.52 + 0.04 * 0.34, abs=1e-3)
    assert value_range([curve((NAN,))], (0, 15)) == (pytest.approx(-0.04), pytest.approx(1.04))


def test_readings_are_those_of_the_date():
    """The value at the nearest date within half a step, with its 95 % interval; none where it is missing."""
    panel = Panel("", (curve((0.25, NAN, 0.75), (0.1, 0.1, NAN)), curve((-12.34, -13.0, -14.0), right=True)))
    assert readings(panel, 1.0) == ["fill: 0.25 ± 0.20", "fill: -12.3"]
    assert readings(panel, 10.0) == ["fill: -13.0"]
    assert readings(panel, 20.0) == ["fill: 0.75", "fill: -14.0"]
    assert readings(panel, 40.0) == []


def test_looks_differ():
    """24 fills, 28 series of observations, 8 of radar: no two look alike, and no colour vanishes on white or dark paper."""
    assert len({style.filled(number, True) for number in range(24)}) == 24
    assert len({style.observed(number) for number in range(28)}) == 28
    assert len({style.radar(number, False) for number in range(8)}) == 8
    from qgis.PyQt.QtGui import QColor

    for theme in (style.PRINT, style.Theme(QColor("#2b2b2b"), QColor("#eeeeee"))):
        for one in (style.filled(number, True) for number in range(6)):
            assert contrast(one.on(theme), theme.paper) > 1.9


def contrast(a, b) -> float:
    """The contrast of two colours by WCAG 2."""
    def luminance(colour):
        parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.getRgbF()[:3]]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("value", [None, 5, ["NDVI"], {"a": 1}])
def test_a_tag_of_other_types_is_left_out(tmp_path, value):
    """A tag whose members are of another type than they should be describes nothing, and describing it fails nowhere."""
    path = str(tmp_path / "a.tif")
    made = gdal.GetDriverByName("GTiff").Create(path, 1, 1, 1, gdal.GDT_Float32)
    made.SetMetadataItem("PHENOFUSE", json.dumps(dict.fromkeys(("variable", "units", "method", "metric", "parameters"), value)))
    made = None
    found = RasterFile(path).describe()
    assert (found.variable, found.units, found.kind) == ("", "", "") and found.origin
