"""Masks: polygons and rasters as the pixels a method works on."""
from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from phenofuse.core.errors import GridMismatchError, InputError
from phenofuse.core.timeseries import Grid, RasterFile, Window, read_mask, read_zones, zone_names
from phenofuse.core.timeseries.masks import SQUARE

CRS = rasterio.crs.CRS.from_epsg(32749).to_wkt()
GRID = Grid(CRS, (50.0, 0.0, 500000.0, 0.0, -50.0, 9000000.0), 96, 70)


def write_polygons(path, geometries) -> str:
    """A GeoJSON file of the geometries."""
    features = [{"type": "Feature", "properties": {"name": "a"}, "geometry": geometry} for geometry in geometries]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return str(path)


def write_raster(path, values, grid=GRID, nodata=None) -> str:
    """A raster mask."""
    height, width = values.shape
    with rasterio.open(path, "w", driver="GTiff", width=width, height=height, count=1, dtype=values.dtype,
                       crs=grid.crs, transform=rasterio.Affine(*grid.transform), nodata=nodata) as file:
        file.write(values, 1)
    return str(path)


def ring(points, grid=GRID) -> list:
    """A closed ring from (column, row) positions on the grid."""
    a, _, c, _, e, f = grid.transform
    return [[c + a * column, f + e * row] for column, row in [*points, points[0]]]


def rectangle(left, top, right, bottom, grid=GRID) -> list:
    """The ring of a rectangle in columns and rows."""
    return ring([(left, top), (right, top), (right, bottom), (left, bottom)], grid)


def test_a_pixel_is_inside_when_its_middle_is(tmp_path):
    """Edges at 0.4 and 0.6 of a pixel leave out and take in the pixels whose middles they pass."""
    polygon = {"type": "Polygon", "coordinates": [rectangle(10.4, 5.6, 20.6, 8.4)]}
    path = write_polygons(tmp_path / "m.geojson", [polygon])
    expected = np.zeros((70, 96), bool)
    expected[6:8, 10:21] = True
    np.testing.assert_array_equal(read_mask(path, GRID), expected)


def test_against_an_independent_test_of_each_middle(tmp_path):
    """A polygon with a hole equals matplotlib's point-in-polygon test at the middles of all pixels."""
    matplotlib_path = pytest.importorskip("matplotlib.path")
    star = [(48 + r * np.cos(t), 35 + r * np.sin(t)) for t, r in
            zip(np.linspace(0.1, 0.1 + 2 * np.pi, 15)[:-1], [33.3, 15.7] * 7)]
    hole = [(40.3, 30.2), (55.1, 31.7), (50.9, 41.3)]
    path = write_polygons(tmp_path / "m.json", [{"type": "Polygon", "coordinates": [ring(star), ring(hole)]}])
    columns, rows = np.meshgrid(np.arange(96) + 0.5, np.arange(70) + 0.5)
    middles = np.column_stack([columns.ravel(), rows.ravel()])
    expected = (matplotlib_path.Path(star).contains_points(middles)
                & ~matplotlib_path.Path(hole).contains_points(middles)).reshape(70, 96)
    assert 500 < expected.sum() < expected.size
    np.testing.assert_array_equal(read_mask(path, GRID), expected)


def test_parts_and_overlaps_are_joined(tmp_path):
    """Multipolygons, collections and overlaps cover what any part covers; points, heights and slivers do no harm."""
    first, second = rectangle(0, 0, 10, 10), rectangle(5, 5, 15, 15)
    third = [[x, y, 12.5] for x, y in rectangle(30, 30, 40, 40)]
    path = write_polygons(tmp_path / "m.geojson", [
        {"type": "MultiPolygon", "coordinates": [[first], [second]]},
        {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [0, 0]},
                                                      {"type": "Polygon", "coordinates": [third]}]},
        {"type": "LineString", "coordinates": first}, {"type": "Polygon", "coordinates": [first[:2]]},
        {"type": "Polygon", "coordinates": []}, None])
    expected = np.zeros((70, 96), bool)
    expected[0:10, 0:10] = expected[5:15, 5:15] = expected[30:40, 30:40] = True
    np.testing.assert_array_equal(read_mask(path, GRID), expected)


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A grid of several squares and a mask with edges through the middles of pixels, where rounding decides."""
    grid = Grid(CRS, (10.1, 0.0, 500000.3, 0.0, -10.1, 9000000.7), 2 * SQUARE + 77, SQUARE + 50)
    random = np.random.default_rng(3)
    places = zip(random.integers(0, 1000, 60) + 0.5, random.integers(0, 500, 60) + 0.5,
                 random.integers(5, 300, 60), random.integers(5, 200, 60))
    outlines = [ring([(x, y), (x + w, y + 0.5), (x + w, y + h), (x - 3, y + h)], grid) for x, y, w, h in places]
    path = write_polygons(tmp_path_factory.mktemp("wide") / "m.geojson",
                          [{"type": "Polygon", "coordinates": [outline]} for outline in outlines])
    return grid, path, read_mask(path, grid)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_window_is_a_cutout_of_the_whole(wide, data):
    """Whatever the tiling, a pixel is inside or it is not: windows equal the same part of the whole, bit for bit."""
    grid, path, whole = wide
    row, column = data.draw(st.integers(0, grid.height - 1)), data.draw(st.integers(0, grid.width - 1))
    rows, columns = data.draw(st.integers(1, grid.height - row)), data.draw(st.integers(1, grid.width - column))
    window = Window(row, column, rows, columns)
    np.testing.assert_array_equal(read_mask(path, grid, window), whole[window.slices])


def test_raster_inside_is_valid_and_not_zero(tmp_path):
    """Zero and the declared nodata are outside, all other values inside, also by window."""
    values = np.zeros((70, 96), "int16")
    values[10:20, 10:20], values[30:40], values[50:55] = 1, -9999, -3
    path = write_raster(tmp_path / "m.tif", values, nodata=-9999)
    expected = np.zeros((70, 96), bool)
    expected[10:20, 10:20] = expected[50:55] = True
    np.testing.assert_array_equal(read_mask(path, GRID), expected)
    window = Window(15, 5, 40, 30)
    np.testing.assert_array_equal(read_mask(path, GRID, window), expected[window.slices])


def test_nan_of_a_raster_is_outside(tmp_path):
    """A float mask whose outside is NaN needs no declared nodata."""
    values = np.full((70, 96), np.nan, "float32")
    values[:, :7] = 0.25
    inside = read_mask(write_raster(tmp_path / "m.tif", values), GRID)
    np.testing.assert_array_equal(inside, np.isfinite(values))


def test_raster_on_another_grid_is_refused_with_the_cure(tmp_path):
    """The message names the difference and the tool that mends it."""
    shifted = Grid(CRS, (50.0, 0.0, 500025.0, 0.0, -50.0, 9000000.0), 96, 70)
    path = write_raster(tmp_path / "fields.tif", np.ones((70, 96), "uint8"), shifted)
    with pytest.raises(GridMismatchError, match=r"fields.*shifted by \+0.50 columns.*gdal:warpreproject"):
        read_mask(path, GRID)


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"type": "FeatureCollection"}',
                                  '{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": '
                                  '{"type": "Polygon", "coordinates": [["a", 1, 2, 3]]}}]}'])
def test_what_is_no_geojson_is_said(tmp_path, text):
    """A damaged file is one plain sentence, not a traceback."""
    path = tmp_path / "broken.geojson"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"broken\.geojson cannot be read as GeoJSON polygons"):
        read_mask(str(path), GRID)


def test_a_missing_mask_is_said(tmp_path):
    """Neither kind of mask may be missing without a word."""
    for name in ("none.geojson", "none.tif"):
        with pytest.raises(InputError, match="none"):
            read_mask(str(tmp_path / name), GRID)


def test_polygons_elsewhere_are_said(tmp_path):
    """Degrees given for metres touch nothing: an error, not an empty result."""
    degrees = [[111, -7], [112, -7], [112, -8], [111, -7]]
    path = write_polygons(tmp_path / "m.geojson", [{"type": "Polygon", "coordinates": [degrees]}])
    with pytest.raises(InputError, match=r"No polygon.*reference system"):
        read_mask(path, GRID)


def test_a_changed_file_is_read_anew(tmp_path):
    """What was read before is not believed once the file has changed."""
    path = tmp_path / "m.geojson"
    write_polygons(path, [{"type": "Polygon", "coordinates": [rectangle(0, 0, 10, 10)]}])
    before = read_mask(str(path), GRID).sum()
    write_polygons(path, [{"type": "Polygon", "coordinates": [rectangle(0, 0, 30, 10)]}])
    assert (before, read_mask(str(path), GRID).sum()) == (100, 300)


def test_zones_are_numbered_as_their_features(tmp_path):
    """Each pixel bears the number of its feature, of overlapping ones the last; windows show the same; names are theirs."""
    path = write_polygons(tmp_path / "z.geojson", [
        {"type": "Polygon", "coordinates": [rectangle(0, 0, 20, 10)]},
        {"type": "MultiPolygon", "coordinates": [[rectangle(30, 20, 40, 30)], [rectangle(50, 40, 60, 50)]]},
        {"type": "Polygon", "coordinates": [rectangle(10, 5, 15, 30)]},
    ])
    expected = np.zeros((70, 96), int)
    expected[:10, :20] = 1
    expected[20:30, 30:40] = expected[40:50, 50:60] = 2
    expected[5:30, 10:15] = 3
    np.testing.assert_array_equal(read_zones(path, GRID), expected)
    np.testing.assert_array_equal(read_zones(path, GRID, Window(7, 9, 40, 50)), expected[7:47, 9:59])
    np.testing.assert_array_equal(read_mask(path, GRID), expected > 0)
    assert zone_names(path) == ["a", "a", "a"]


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["square", "bowtie"])
def test_19_masks_passes(shared_data, name):
    """Polygons, one that crosses itself: the pixels whose middle lies inside by the even-odd rule."""
    folder = shared_data.parent / "cases" / "files" / "19-masks"
    if not folder.is_dir():
        pytest.skip(f"no cases in {folder.parent}")
    grid = RasterFile.open(folder / "ndvi.tif").grid
    inside = read_mask(str(folder / f"{name}.geojson"), grid)
    rings = json.loads((folder / f"{name}.geojson").read_text())["features"][0]["geometry"]["coordinates"]
    rings = rings if np.ndim(rings[0][0]) == 1 else [ring for part in rings for ring in part]
    a, _, c, _, e, f = grid.transform
    for row in range(grid.height):
        for column in range(grid.width):
            x, y, crossings = a * (column + 0.5) + c, e * (row + 0.5) + f, 0
            for ring in rings:
                for (x0, y0, *_), (x1, y1, *_) in zip(ring, ring[1:]):
                    if (y0 > y) != (y1 > y):
                        crossings += x < x0 + (y - y0) * (x1 - x0) / (y1 - y0)
            if name == "square" or row not in (column, grid.width - 1 - column):  # the bow's edges run through these middles
                assert inside[row, column] == (crossings % 2 == 1), (row, column)
