"""Whether a model suits a series: matched by name and unit, refused in one sentence, warned where it was never tried."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from phenofuse.core.errors import InputError
from phenofuse.core.learning import fitness
from phenofuse.core.learning.card import Calibration, Card, Input
from phenofuse.core.timeseries import Grid, Period, Series, variable_named
from phenofuse.core.timeseries.series import distinct_names
from rasterio.crs import CRS

UTM_31 = CRS.from_epsg(32631).to_wkt()
# 50.5 degrees north on the central meridian of zone 31, 3 degrees east.
GRID = Grid(UTM_31, (10.0, 0.0, 500_000.0, 0.0, -10.0, 5_594_000.0), 400, 300)


def a_series(name="NDVI", first="2023-11-01", count=31, step=12, grid=GRID, orbit="", units=None) -> Series:
    """A series of so many dates; it has no files, and nothing reads any."""
    start = np.datetime64(first)
    starts = [start + np.timedelta64(step * i, "D") for i in range(count)]
    variable = variable_named(name) if units is None else replace(variable_named(name), units=units)
    periods = tuple(Period.parse(str(day)) for day in starts)
    return Series(f"{name}.tif", variable, periods, grid, (), header={"orbit": orbit})


def a_card(series=None) -> Card:
    """A model trained on NDVI, VV and VH of one agricultural year near Lille."""
    series = series or [a_series(), a_series("VV"), a_series("VH")]
    inputs = tuple(Input(name, one.units, 0.0, 1.0, -1.0, 1.0) for name, one in zip(distinct_names(series), series))
    return Card("fusion", {}, inputs, split="blocks", training={}, calibration=Calibration((), (1.0,)),
                **fitness.setting(series))


def test_inputs_are_found_by_name_whatever_their_order():
    """Covariates come in the model's order; what it does not know is left out."""
    given = [a_series(), a_series("VH"), a_series("RVI"), a_series("VV")]
    assert [one.variable.name for one in fitness.arranged(a_card(), given)] == ["NDVI", "VV", "VH"]


def test_two_orbits_are_told_apart_by_name_or_number():
    """By the orbit where each tells its own, else by their order."""
    orbits = [a_series("VV", orbit="ascending"), a_series("VV", orbit="descending")]
    assert distinct_names([a_series(), *orbits]) == ["NDVI", "VV ascending", "VV descending"]
    assert distinct_names([a_series("VV"), a_series("VV", orbit="ascending")]) == ["VV 1", "VV 2"]
    card = a_card([a_series(), *orbits])
    assert fitness.arranged(card, [a_series(), *reversed(orbits)])[1:] == orbits


@pytest.mark.parametrize("given, said", [
    ([a_series()], "needs the covariates VV, VH; VV and VH are missing (given: none)"),
    ([a_series(), a_series("VH")], "VV is missing (given: VH)"),
    ([a_series(), a_series("VV"), a_series("RVI")], "VH is missing (given: VV, RVI)"),
    ([a_series("VV"), a_series("NDVI"), a_series("VH")], "fills NDVI, but INPUT (VV.tif) holds VV"),
    ([a_series(), a_series("VV"), a_series("VH", units="1")], "reads VH in dB, but VH.tif holds it in numbers without unit"),
])
def test_wrong_inputs_are_refused_by_name(given, said):
    """One sentence says what is missing and what was found."""
    with pytest.raises(InputError) as refused:
        fitness.arranged(a_card(), given)
    assert said in refused.value.text and refused.value.remedy


def test_the_training_series_themselves_raise_no_warning():
    """Nor do the same fields a year later."""
    same = [a_series(), a_series("VV"), a_series("VH")]
    values = [np.random.default_rng(0).uniform(-1, 1, (50, 31)) for _ in same]
    assert fitness.warnings(a_card(), same, values) == []
    assert fitness.warnings(a_card(), [a_series(first="2024-11-02")]) == []


@pytest.mark.parametrize("first, count, outside", [
    ("2024-04-01", 10, 0), ("2025-06-01", 9, 0), ("2025-03-18", 3, 0), ("2025-03-01", 3, 2), ("2025-12-01", 5, 5),
])
def test_dates_outside_the_season_are_counted(first, count, outside):
    """Of training from April to August; two weeks before and after are allowed, in any year."""
    card = a_card([a_series(first="2024-04-01", count=13)])
    found = fitness.warnings(card, [a_series(first=first, count=count)])
    assert len(found) == bool(outside)
    assert not outside or f"{outside} of {count} dates lie outside" in found[0] and "1 April to 23 August" in found[0]


def test_a_season_over_new_year_is_one_season():
    """November to March holds January and not July."""
    card = a_card([a_series(first="2023-11-01", count=13)])
    assert not fitness.warnings(card, [a_series(first="2026-01-01", count=3)])
    assert fitness.warnings(card, [a_series(first="2026-07-01", count=3)])


@pytest.mark.parametrize("grid, said", [
    (replace(GRID, transform=(10.0, 0.0, 501_000.0, 0.0, -10.0, 5_594_000.0)), ""),
    (replace(GRID, transform=(10.0, 0.0, 503_000.0, 0.0, -10.0, 5_594_000.0)), "Only 25% of the scene"),
    # 4 km wide and moved by 104 km to the east: a hundred between them.
    (replace(GRID, transform=(10.0, 0.0, 604_000.0, 0.0, -10.0, 5_594_000.0)), "lies 100 km from the area"),
    (replace(GRID, transform=(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_591_000.0)), "lies just beside the area"),
    (Grid("", GRID.transform, 400, 300), ""),
])
def test_other_places_are_told_by_their_distance(grid, said):
    """Distances in degrees agree with those on the map."""
    found = fitness.warnings(a_card(), [a_series(grid=grid)])
    assert len(found) == bool(said) and (not said or said in found[0])


def test_the_date_line_is_no_border():
    """Two scenes of Fiji, one across the line and one beside it, are neighbours and not a world apart."""
    across = Grid(CRS.from_epsg(4326).to_wkt(), (0.001, 0.0, 179.9, 0.0, -0.001, -17.0), 150, 150)
    beside = Grid(CRS.from_epsg(4326).to_wkt(), (0.001, 0.0, -180.0, 0.0, -0.001, -17.0), 150, 150)
    zone = Grid(CRS.from_epsg(32760).to_wkt(), (100.0, 0.0, 800_000.0, 0.0, -100.0, 8_118_000.0), 500, 200)
    assert zone.degrees[2] < zone.degrees[0]
    for training in (across, zone):
        found = fitness.warnings(a_card([a_series(grid=zone)]), [a_series(grid=beside)])
        assert not any("km" in one for one in found), (training, found)


def test_pixels_of_another_size_are_told_in_metres():
    """Degrees and feet are compared as metres."""
    degrees = Grid(CRS.from_epsg(4326).to_wkt(), (10 / 70_800, 0.0, 3.0, 0.0, -10 / 111_320, 50.5), 200, 200)
    assert degrees.pixel_metres == pytest.approx((10, 10), rel=0.01)
    feet = Grid(CRS.from_epsg(2263).to_wkt(), (32.8084, 0.0, 1_000_000.0, 0.0, -32.8084, 200_000.0), 100, 100)
    assert feet.pixel_metres == pytest.approx((10, 10), rel=1e-5)
    assert not fitness.warnings(a_card(), [a_series(grid=degrees)])
    coarse = replace(GRID, transform=(20.0, 0.0, 500_000.0, 0.0, -20.0, 5_594_000.0), width=200, height=150)
    assert fitness.warnings(a_card(), [a_series(grid=coarse)]) == [
        "The pixels are 20 x 20 m; the model was trained on pixels of 10 x 10 m."]


def test_other_rhythms_orbits_and_values_are_told():
    """Each warning names both sides."""
    radar = [a_series(), a_series("VV", orbit="ascending"), a_series("VH", orbit="ascending")]
    other = [a_series(count=75, step=5), *(replace(one, header={"orbit": "descending"}) for one in radar[1:])]
    values = [np.array([0.1, np.nan, 0.2]), np.array([0.0] * 9 + [3.0]), np.full(3, np.nan)]
    assert fitness.warnings(a_card(radar), other, values) == [
        "The dates are 5 days apart; the model was trained on dates 12 days apart.",
        "The radar is from the orbit descending; the model was trained on ascending.",
        "10% of the values of VV lie outside those of the training (-1 to 1 dB).",
    ]


def test_the_setting_is_that_of_the_series():
    """Dates are the middles of periods; the place is in degrees, checked by the zone's central meridian."""
    found = fitness.setting([a_series(), a_series("VV", orbit="ascending"), a_series("VH", orbit="ascending")])
    west, south, east, north = found.pop("bounds")
    assert west == pytest.approx(3.0) and 50.4 < south < north < 50.5 and east - west == pytest.approx(4 / 70.9, rel=0.01)
    assert found == {"first_date": "2023-11-01", "last_date": "2024-10-26", "dates": 31, "median_step": 12.0,
                     "orbit": "ascending", "crs": "EPSG:32631", "pixel_size": (10.0, 10.0)}
