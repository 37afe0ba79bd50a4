"""Sampling on arrays and shapes: which pixels belong to a place, weighted medians, how sure a mean of pixels that err alike is."""
from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio import Affine
from rasterio.features import rasterize

sys.path.insert(0, str(Path(__file__).parent))
from phenofuse.core.errors import InputError
from phenofuse.core.sampling.medians import medians
from phenofuse.core.sampling.moments import Values, correlation, hidden_residuals, moments, told
from phenofuse.core.timeseries import Grid, Window, pixels_of, read_places, read_zones

GRID = Grid("", (1.0, 0.0, 0.0, 0.0, -1.0, 0.0), 40, 30)
NORTH_UP = Affine(*GRID.transform)


def places(folder, *geometries, name="places.geojson"):
    """Write a GeoJSON file and read its places."""
    path = folder / name
    features = [{"type": "Feature", "properties": {"name": f"p{n}"}, "geometry": one} for n, one in enumerate(geometries)]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return read_places(str(path))


def polygon(*rings):
    """A polygon in coordinates of columns and rows; y is turned for the map."""
    return {"type": "Polygon", "coordinates": [[[x, -y] for x, y in [*ring, ring[0]]] for ring in rings]}


def image(pixels, window=GRID.window):
    """Weights as a picture of a window."""
    found = np.zeros(window.rows * window.columns)
    where, weights = pixels.within(window).placed(window)
    assert len(set(where)) == len(where)
    found[where] = weights
    return found.reshape(window.rows, window.columns)


corners = st.lists(st.tuples(st.floats(-8, 48), st.floats(-8, 38)), min_size=3, max_size=9)


@settings(max_examples=150, deadline=None)
@given(corners, st.integers(1, 12))
def test_the_pixels_of_any_polygon_are_those_that_gdal_burns(tmp_path_factory, outline, side):
    """The middles inside by the even-odd rule, as `read_zones` has them; in windows of any size the same."""
    folder = tmp_path_factory.mktemp("any")
    shape = polygon([(x + 0.123, y + 0.0571) for x, y in outline])  # no edge through many middles, where either is right
    place, = places(folder, shape)
    pixels = pixels_of(place, "", GRID)
    burnt = rasterize([shape], (GRID.height, GRID.width), transform=NORTH_UP)
    if burnt.sum() < 20:
        return
    found = image(pixels)
    # GDAL rounds crossings: where an edge runs within a hair of a middle either is right.
    assert (found != burnt).sum() <= 2 and set(np.unique(found)) <= {0, 1}
    parts = [[image(pixels, Window(top, left, min(side, 30 - top), min(side, 40 - left))) for left in range(0, 40, side)]
             for top in range(0, 30, side)]
    np.testing.assert_array_equal(np.block(parts), found)


def test_fields_and_holes_are_those_of_read_zones(tmp_path):
    """Rings with holes, several parts, neighbours that share an edge: each pixel in one of them."""
    left = polygon([(2.2, 3.1), (17.5, 2.4), (17.5, 22.5), (3.3, 25.6)], [(6.1, 7.2), (10.4, 7.7), (9.8, 14.9)])
    right = polygon([(17.5, 2.4), (36.2, 5.5), (33.3, 24.4), (17.5, 22.5)])
    found = places(tmp_path, left, right)
    zones = read_zones(str(tmp_path / "places.geojson"), GRID)
    for number, place in enumerate(found, start=1):
        np.testing.assert_array_equal(image(pixels_of(place, "", GRID)) > 0, zones == number)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(3, 6), st.floats(3, 6)), min_size=3, max_size=6))
def test_small_polygons_weigh_pixels_by_the_share_covered(tmp_path_factory, outline):
    """Of a convex hull the shares add up to its area, and each is what a fine raster of the pixel says."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        hull = ConvexHull(np.array(outline))
    except QhullError:
        return
    if hull.volume < 0.05:
        return
    shape = polygon(np.array(outline)[hull.vertices].tolist())
    place, = places(tmp_path_factory.mktemp("hull"), shape)
    found = image(pixels_of(place, "", GRID))
    if set(np.unique(found)) <= {0, 1} and found.sum() >= 10:
        return
    assert found.sum() == pytest.approx(hull.volume, rel=1e-9)
    fine = rasterize([shape], (1500, 2000), transform=NORTH_UP * Affine.scale(1 / 50)).reshape(30, 50, 40, 50).mean(axis=(1, 3))
    np.testing.assert_allclose(found, fine, atol=0.06)


def test_slivers_and_dots_are_not_lost(tmp_path):
    """A path of a tenth of a pixel across the scene, and a plot within one pixel, have the pixels that they touch."""
    sliver, plot = places(tmp_path, polygon([(1, 1), (39, 28), (39, 28.1), (1, 1.1)]),
                          polygon([(4.1, 5.1), (4.3, 5.1), (4.3, 5.3), (4.1, 5.3)]))
    assert image(pixels_of(sliver, "", GRID)).sum() == pytest.approx(3.8)
    found = pixels_of(plot, "", GRID)
    assert found.count == 1 and image(found)[5, 4] == pytest.approx(0.04)


def test_points_and_what_lies_outside(tmp_path):
    """A point's pixel is the one it lies in; on the outer edge it is outside; nothing is dropped."""
    dots = places(tmp_path, *({"type": "Point", "coordinates": [x, -y]} for x, y in ((0, 0), (39.999, 29.999), (40, 3), (-1, 2))), None,
                  {"type": "MultiPoint", "coordinates": [[1.5, -1.5], [1.6, -1.6], [2.5, -1.5], [99, 0]]})
    found = [pixels_of(one, "", GRID) for one in dots]
    assert [one.count for one in found] == [1, 1, 0, 0, 0, 2]
    assert [one.beyond for one in found] == [False, False, True, True, False, True]
    assert image(found[1])[29, 39] == 1
    away, across = places(tmp_path, polygon([(50, 2), (60, 2), (60, 9)]), polygon([(30, 2), (60, 2), (60, 9), (30, 9)]))
    assert pixels_of(away, "", GRID).count == 0
    assert pixels_of(across, "", GRID).count == 70 and pixels_of(across, "", GRID).beyond


@pytest.mark.parametrize("text", ["", "{", "[]", '{"features": 3}', '{"features": []}',
                                  '{"features": [{"type": "Feature", "geometry": {"type": "Point", "coordinates": ["a", 1]}}]}'])
def test_what_is_no_places_is_said(tmp_path, text):
    """One sentence, no crash."""
    path = tmp_path / "places.geojson"
    path.write_text(text)
    with pytest.raises(InputError):
        read_places(str(path))


def test_points_beside_polygons_are_refused(tmp_path):
    """One layer, one kind."""
    with pytest.raises(InputError, match="beside"):
        places(tmp_path, {"type": "Point", "coordinates": [1, 1]}, polygon([(0, 0), (3, 0), (3, 3)]))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.just(float("nan")), st.floats(-5, 5, width=32)), min_size=1, max_size=12))
def test_medians_are_numpys_where_all_weigh_the_same(values):
    """Missing values aside; NaN where there are none."""
    row = np.array([values], "float32")
    expected = np.nanmedian(row.astype(float)) if np.isfinite(row).any() else np.nan
    np.testing.assert_allclose(medians(row, np.ones(len(values))), [expected], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(medians(row, np.full(len(values), 0.1)), [expected], rtol=1e-12, atol=1e-12)


def test_a_weight_of_two_is_a_value_twice():
    """A weighted median is the median of repeated values."""
    rng = np.random.default_rng(3)
    values, weights = rng.normal(size=(20, 9)), rng.integers(1, 4, 9)
    np.testing.assert_allclose(medians(values, weights.astype(float)), np.median(np.repeat(values, weights, axis=1), axis=1))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.booleans())
def test_parts_add_up(seed, parts, weighted):
    """Mean, spread, shares and deviation of a place that was cut into parts are those of the whole, and plain numpy's."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0.5, 0.2, (7, 23)).astype("float32")
    values[rng.random(values.shape) < 0.3] = np.nan
    deviations = np.where(np.isfinite(values), rng.uniform(0.01, 0.2, values.shape), np.nan).astype("float32")
    codes = np.where(np.isfinite(values), rng.choice([1, 2, 3, 5], values.shape), 0).astype("uint8")
    weights = rng.uniform(0.1, 1, 23) if weighted else np.ones(23)
    days = np.arange(7) * 10.0
    whole = told(moments(Values(values, deviations, codes), weights, days, False), True)
    total = None
    for piece in np.array_split(np.arange(23), parts):
        part = moments(Values(values[:, piece], deviations[:, piece], codes[:, piece]), weights[piece], days, False)
        total = part if total is None else total + part
    for one, other in zip(told(total, True), whole):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    known = np.isfinite(values)
    for date in range(7):
        if known[date].any():
            x, w = values[date, known[date]].astype(float), weights[known[date]]
            assert whole.value[date] == pytest.approx(np.average(x, weights=w), abs=1e-12)
            if len(x) > 1:
                assert whole.spread[date] == pytest.approx(np.sqrt(np.average((x - np.average(x, weights=w))**2, weights=w)), abs=1e-9)
        assert whole.clear_share[date] == pytest.approx(weights[codes[date] == 1].sum() / weights.sum())


def test_residuals_are_those_of_a_line_as_long_as_the_gaps():
    """Without gaps the neighbours draw the line; where 40 days were filled, observations at least 20 days away do."""
    days = np.arange(12) * 10.0
    rng = np.random.default_rng(2)
    values = rng.normal(size=(2, 12))
    observed = np.ones((2, 12), bool)
    observed[1, 4:7] = False  # 40 days from date 3 to date 7
    found = hidden_residuals(values, observed, days)
    assert found[0, 5] == pytest.approx(values[0, 5] - (values[0, 4] + values[0, 6]) / 2)
    # Date 8: the last one at least 20 days before is date 6, which was not observed, so date 3 (day 30); after it date 10.
    assert found[1, 8] == pytest.approx(values[1, 8] - (values[1, 3] * 20 / 70 + values[1, 10] * 50 / 70))
    assert np.isnan(found[:, [0, -1]]).all() and np.isnan(found[1, 4:7]).all()


def simulated(rng, pixels, shared, reach, dates=60):
    """A field's truth (dates, pixels) that wanders in time, with a part in common and parts alike within `reach` pixels."""
    side = int(np.sqrt(pixels))
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    away = np.hypot(x.ravel()[:, None] - x.ravel(), y.ravel()[:, None] - y.ravel())
    root = np.linalg.cholesky((1 - shared) * np.exp(-away / max(reach, 1e-9)) + shared + 1e-9 * np.eye(side * side))
    steps = rng.normal(size=(dates, side * side)) @ root.T * 0.03
    return 0.5 + np.cumsum(steps, axis=0)


@pytest.mark.parametrize("shared, reach", [(0.0, 0.0), (0.0, 2.0), (0.0, 6.0), (0.3, 2.0), (0.9, 1.0)])
@pytest.mark.parametrize("pixels", [9, 64, 225])
def test_intervals_of_a_mean_hold_what_they_promise(shared, reach, pixels):
    """Fills by lines across gaps that all pixels share: 90 % of the true means lie within 1.645 deviations of the filled one.

    Were the pixels taken to err independently, a ninth of that and less would hold in the worst case; taken as one, all would.
    """
    rng = np.random.default_rng(int(1000 * shared + 10 * reach + pixels))
    hits, alone, asked = 0, 0, 0
    for _ in range(60):
        truth = simulated(rng, pixels, shared, reach)
        dates = len(truth)
        days = np.arange(dates) * 10.0
        clouded = rng.random(dates) < 0.5
        clouded[[0, -1]] = False
        seen = np.broadcast_to(~clouded[:, None], truth.shape)
        noisy = truth + rng.normal(0, 0.01, truth.shape)
        filled, deviation = noisy.copy(), np.full(truth.shape, 0.01)
        known = np.flatnonzero(~clouded)
        for date in np.flatnonzero(clouded):
            a, b = known[known < date][-1], known[known > date][0]
            share = (date - a) / (b - a)
            filled[date] = (1 - share) * noisy[a] + share * noisy[b]
            # A random walk's bridge, and the noise of both ends and of what a clear observation would have shown.
            deviation[date] = np.sqrt(0.03**2 * (date - a) * (b - date) / (b - a) + 0.01**2 * ((1 - share)**2 + share**2 + 1))
        code = np.where(seen, 1, 3).astype("uint8")
        part = moments(Values(filled.astype("float32"), deviation.astype("float32"), code), np.ones(truth.shape[1]), days, False)
        found = told(part, True)
        hidden = np.flatnonzero(clouded)
        error = np.abs(noisy[hidden].mean(axis=1) - found.value[hidden])
        hits += (error < 1.645 * found.deviation[hidden]).sum()
        alone += (error < 1.645 * found.deviation[hidden] * np.sqrt(1 / (1 + (truth.shape[1] - 1) * correlation(part)))).sum()
        asked += len(hidden)
    assert 0.85 < hits / asked < 0.95
    if shared >= 0.3 and pixels >= 64:
        assert alone / asked < 0.6


def test_without_codes_or_dates_the_errors_are_one():
    """What is not known is the most it can be: the weighted mean of the pixels' deviations."""
    rng = np.random.default_rng(1)
    values, deviations = rng.normal(size=(20, 5)), rng.uniform(0.1, 0.2, (20, 5))
    found = told(moments(Values(values, deviations, None), np.ones(5), np.arange(20.0), False), False)
    np.testing.assert_allclose(found.deviation, deviations.mean(axis=1))
    assert np.isnan(found.clear_share).all() and not found.kinds.any()
    short = told(moments(Values(values[:5], deviations[:5], np.ones((5, 5), "uint8")), np.ones(5), np.arange(5.0), False), True)
    np.testing.assert_allclose(short.deviation, deviations[:5].mean(axis=1))
