"""What is nothing: fill values, flags, masks and factors as people really have them.

Tests that are called after a folder are of `cases/files` beside the real data; their first lines are what its README says.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp
from rasterio.warp import transform

sys.path.insert(0, str(Path(__file__).parent))
from heard import Heard
from phenofuse.core.errors import InputError, UnitError
from phenofuse.core.jobs import Resources, run
from phenofuse.core.timeseries import RasterFile, Window, list_rasters, open_series
from phenofuse.core.timeseries.collecting import Collecting, collect_series
from phenofuse.core.timeseries.nothing import nodata_in, range_in
from rasters import write

SHARED = Path(os.environ.get("PHENOFUSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
DAYS = ["20200104", "20200109", "20200114", "20200119", "20200124", "20200129"]


@pytest.fixture
def cases():
    """Give the folder of small inputs after public bug reports, or skip."""
    if not (SHARED / "cases" / "files").is_dir():
        pytest.skip(f"no cases in {SHARED}: set PHENOFUSE_SHARED to the folder that holds cases/files")
    return SHARED / "cases" / "files"


def built(where, nodata="", **options):
    """Values of a folder or a list of files, and what was said."""
    heard = Heard()
    paths = list_rasters(where) if isinstance(where, Path) and where.is_dir() else [str(p) for p in np.atleast_1d(where)]
    series = collect_series(paths, Collecting(nodata=nodata_in(nodata), **options), heard)
    return series.read(), heard


def close(values, expected, atol=2e-6):
    """Whether values are the expected ones, missing at the same places."""
    np.testing.assert_allclose(values, expected, atol=atol)


def files(folder, stored, dtype, name="NDVI", **options):
    """One file per date of (dates, rows, columns)."""
    options.setdefault("nodata", None)
    return [write(folder / f"S2_{d}_{name}.tif", layer[None], dtype=dtype, **options) for d, layer in zip(DAYS, stored)]


def field(dates=4, rows=24, columns=30, seed=0, low=0.05, high=0.9):
    """NDVI that varies from pixel to pixel and date to date, as fields do."""
    rng = np.random.default_rng(seed)
    level = np.linspace(low + 0.16, high - 0.16, dates)[:, None, None]
    return np.clip(level + rng.normal(0, 0.04, (dates, rows, columns)), low, high)


# --- the cases -------------------------------------------------------------------------------------------------------


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "scale", "number"), [
    ("05-undeclared-fill", 0.0001, "-9999"),  # -9999 becomes NDVI -0.9999, observed
    ("05c-int16min", 0.0001, "-32768"),  # refused with the advice to give SCALE = 0.0001, which was given
    ("05d-zero", 0.0001, "0"),  # rows of 0 (outside of an export) stay NDVI 0 without a word
    ("05e-zero-float", None, "0"),  # the same as float32; validatecomposites says it, buildtimeseries does not
    ("05f-float-fill", None, "-0.3"),  # a constant -0.3 (MODIS -3000 x 0.0001 by a raster calculator) in a quarter of the pixels
])  # fmt: skip
def test_05_undeclared_fill_values_are_missing_and_said(cases, name, scale, number):
    """The first three rows hold a fill value that no file declares."""
    values, heard = built(cases / name, scale=scale)
    assert np.isnan(values[:, :3]).all() and np.isfinite(values[:, 3:]).all()
    close(values[:, 3:].mean(axis=(1, 2)), [0.3, 0.4, 0.5, 0.6], 0.01)
    assert any(f"the stored number {number} is not declared" in text and "25.0%" in text for text in heard.warnings)


@pytest.mark.realdata
def test_05d_a_parameter_can_say_that_0_is_nothing(cases):
    """NODATA = 0 says it, NODATA = none that it is a measurement."""
    given_, heard = built(cases / "05d-zero", "0", scale=0.0001)
    assert np.isnan(given_[:, :3]).all() and not heard.warnings
    kept, _ = built(cases / "05d-zero", scale=0.0001, look_for_fill=False)
    assert (kept[:, :3] == 0).all()


@pytest.mark.realdata
def test_06_tiles_of_integers_without_nodata_are_missing_outside(cases):
    """0 outside their tile is averaged in: 0.15 | 0.20 instead of 0.30 | 0.40; one tile alone: NDVI 0 outside."""
    reference = RasterFile.open(cases / "06-tiles-reference" / "reference.tif").grid
    folder = cases / "06-tiles-reference" / "tiles"
    values, _ = built(folder, scale=0.0001, reference=reference)
    close(values[0], np.repeat([[0.3, 0.4]], 12, axis=0).repeat(12, axis=1))
    alone, _ = built(sorted(folder.glob("T31TCJ*")), scale=0.0001, reference=reference)
    assert np.isnan(alone[:, :, 12:]).all()
    close(alone[0, :, :12], np.full((12, 12), 0.3))


@pytest.mark.realdata
@pytest.mark.parametrize("band", [None, 1])
def test_07_the_alpha_band_masks_and_is_no_variable(cases, band):
    """The alpha band (0 in the first rows) is ignored; without BAND: 'two bands ... Give BAND'."""
    values, _ = built(cases / "07-alpha", band=band)
    assert np.isnan(values[:, :4]).all()
    close(values[:, 4:], np.broadcast_to(np.array([0.3, 0.4, 0.5])[:, None, None], (3, 8, 12)))


@pytest.mark.realdata
def test_09_force_own_scale_per_band_is_applied(cases):
    """FORCE's own Scale=10000 per band is not understood: 3000..6000, unchecked, no word."""
    path = next((cases / "09-force-tsi").glob("*.tif"))
    close(open_series(str(path)).read().mean(axis=(1, 2)), [0.3, 0.4, 0.5, 0.6])


@pytest.mark.realdata
def test_11_values_over_water_can_be_called_missing_or_clipped(cases):
    """9 % of values outside -1..1 (dark water) refuse the whole series; no parameter allows to call them missing."""
    with pytest.raises(UnitError) as caught:
        built(cases / "11-ndvi-over-water")
    assert "OUTSIDE_RANGE = missing" in caught.value.remedy and "VALID_RANGE" in caught.value.remedy
    raw = np.stack([RasterFile.open(p).values(1) for p in list_rasters(cases / "11-ndvi-over-water")])
    values, heard = built(cases / "11-ndvi-over-water", outside_range="missing")
    np.testing.assert_array_equal(values, np.where(np.abs(raw) <= 1, raw, np.nan))
    assert any("8.92% of the values cannot be NDVI" in text for text in heard.said)
    clipped, _ = built(cases / "11-ndvi-over-water", outside_range="clip")
    np.testing.assert_array_equal(clipped, np.clip(raw, -1, 1))
    narrow, _ = built(cases / "11-ndvi-over-water", outside_range="missing", valid_range=(0, 0.35))
    np.testing.assert_array_equal(narrow, np.where((raw >= 0) & (raw <= np.float32(0.35)), raw, np.nan))


@pytest.mark.realdata
def test_12_flags_of_copernicus_global_land_are_missing(cases):
    """Flags 251..254 become NDVI 0.924..0.936."""
    values, heard = built(cases / "12-cgls", variable="NDVI", dates="2020-01-01,2020-01-11,2020-01-21")
    assert np.isnan(values[:, :5]).all()
    close(values[0, 5:], np.full((7, 12), 120 * 0.004 - 0.08))
    assert any("only 0 to 250 are measurements" in text for text in heard.said)


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "scale", "offset", "words"), [
    ("13-factor-1000", 0.001, None, "SCALE = 0.001 (NDVI x 1000)"),
    ("13b-factor-100", 0.01, None, "SCALE = 0.01 (NDVI x 100)"),
    ("13d-byte-250", 0.004, -0.08, "SCALE = 0.004 and OFFSET = -0.08"),
])  # fmt: skip
def test_13_the_factor_is_told_by_the_range_and_checked(cases, name, scale, offset, words):
    """NDVI x 1000 is 'NDVI x 10000: build it with SCALE = 0.0001'; who follows gets NDVI 0.03..0.06 without a word."""
    with pytest.raises(UnitError) as caught:
        built(cases / name)
    assert "makes NDVI of" in caught.value.remedy and words in caught.value.remedy.split(";")[0]
    _, heard = built(cases / name, scale=0.0001)
    assert any(f"the factor is likely {scale:g}" in text for text in heard.warnings)
    values, heard = built(cases / name, scale=scale, offset=offset)
    assert not heard.warnings
    close(values.mean(axis=(1, 2)), [0.3, 0.4, 0.5, 0.6], 0.015)


@pytest.mark.realdata
def test_20_the_fill_value_of_modis_is_known(cases):
    """-3000 that nothing declares (the layer's additional no-data value) is ignored (minimum -0.3)."""
    values, heard = built(cases / "20-layers-of-a-project" / "MOD13Q1_20200104_NDVI.tif")
    assert np.isnan(values[:, :3]).all()
    close(values[:, 3:], np.full((1, 9, 12), 0.3))
    assert any(text.startswith("MODIS vegetation index: only -2000 to 10000") for text in heard.said)


@pytest.mark.realdata
def test_21_a_valid_range_in_units_takes_nothing_away(cases):
    """Passes: keep it so."""
    values, _ = built(cases / "21-valid-range-unpacked" / "ndvi.nc")
    close(values.mean(axis=(1, 2)), [0.3, 0.4, 0.5])


@pytest.mark.realdata
def test_22_a_border_of_exactly_0_decibels_is_missing(cases):
    """40 % of pixels exactly 0 dB (border) stay VV 0 dB, no word (validatecomposites does tell)."""
    values, heard = built(cases / "22-s1-zero-border")
    assert np.isnan(values[:, :, :8]).all() and np.isfinite(values[:, :, 8:]).all()
    assert any("the stored number 0" in text and "along the edge" in text for text in heard.warnings)


@pytest.mark.realdata
def test_25b_water_stays_data(cases):
    """Passes: keep it so."""
    values, heard = built(cases / "25b-water" / "ndvi.tif")
    with rasterio.open(cases / "25b-water" / "ndvi.tif") as src:
        np.testing.assert_array_equal(values, src.read())
    assert not heard.warnings


@pytest.mark.realdata
def test_35_a_raster_without_any_georeference_is_told(cases):
    """A raster without any georeference is '1 x 1 m', no warning."""
    _, heard = built(cases / "35-no-georeference" / "ndvi.tif", variable="NDVI")
    assert any("no georeference" in text for text in heard.warnings)


# --- further inputs of each kind -------------------------------------------------------------------------------------

FACTORS = {"int16": 10000, "int32": 10000, "float32": 1, "float64": 1, "uint8": 250, "int8": 100, "uint16": 10000}
FILLS = {
    "int16": (-32768, -9999, -3000, -999, 32767), "int32": (-2147483648, -9999, -99999), "uint8": (255,), "uint16": (65535,),
    "int8": (-128,), "float32": (-9999, -0.3, -0.9999, 9.96921e36, -3.4028235e38, -1.0), "float64": (-9999, -0.3, 1e20),
}  # fmt: skip


def at(position, shape, share, seed):
    """Where a fill value lies: (dates, rows, columns)."""
    rng = np.random.default_rng(seed)
    dates, rows, columns = shape
    found = np.zeros(shape, bool)
    if position == "rows":
        found[:, : max(1, round(share * rows))] = True
    elif position == "columns":
        found[:, :, -max(1, round(share * columns)) :] = True
    elif position == "frame":
        found[:, :2] = found[:, -2:] = found[:, :, :2] = found[:, :, -2:] = True
    elif position == "swath":  # the edge of an orbit: slanting, and elsewhere at every date
        for date in range(dates):
            found[date] = np.arange(columns)[None] + np.arange(rows)[:, None] / 3 < share * columns + 2 * date
    elif position == "field":  # all but one field, the same at all dates
        found[:] = rng.random((rows, columns)) < share
    else:  # clouds: other pixels at every date
        found[:] = rng.random(shape) < share
    return found


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([(d, f) for d, fills in FILLS.items() for f in fills]),
    st.sampled_from(["rows", "columns", "frame", "swath", "field", "clouds"]),
    st.floats(0.05, 0.6),
    st.integers(0, 10_000),
    st.booleans(),
)
def test_a_fill_value_is_missing_whatever_its_type_place_and_share(tmp_path_factory, which, position, share, seed, declares):
    """Of every type of numbers, at every place: exactly the filled pixels are missing, all others are what was stored."""
    dtype, fill = which
    folder = tmp_path_factory.mktemp("fill")
    offset = -0.08 if dtype == "uint8" else 0.0
    stored = (field(seed=seed) - offset) * FACTORS[dtype]
    stored = (stored if dtype.startswith("float") else stored.round()).astype(dtype)
    gone = at(position, stored.shape, share, seed)
    if fill == -1.0 and position == "clouds":
        return  # -1 at other pixels every date may be a clipped measurement
    stored[gone] = fill
    scale = 1 / FACTORS[dtype]
    options = {"scale": scale, "offset": offset} if declares else {}
    paths = files(folder, stored, dtype, **options)
    values, heard = built(paths, **({} if declares else {"scale": scale, "offset": offset}))
    expected = np.where(gone, np.nan, stored.astype("float64") * scale + offset)
    close(values, expected)
    assert any("is not declared as nodata" in text for text in heard.said)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["int16", "int32", "float32", "uint16", "int8", "dB"]),
    st.sampled_from(["rows", "columns", "frame", "swath", "field"]),
    st.floats(0.05, 0.6),
    st.integers(0, 10_000),
)
def test_zeros_of_a_border_or_an_outside_are_missing(tmp_path_factory, dtype, position, share, seed):
    """0 where a border or the very same pixels show that it is nothing."""
    folder = tmp_path_factory.mktemp("zero")
    if dtype == "dB":
        stored, scale, dtype, name = (-20 + 12 * field(seed=seed)).astype("float32"), 1, "float32", "VV"
    else:
        stored, scale, name = field(seed=seed, low=0.15) * FACTORS[dtype], 1 / FACTORS[dtype], "NDVI"
        stored = (stored if dtype.startswith("float") else stored.round()).astype(dtype)
    gone = at(position, stored.shape, share, seed)
    stored[gone] = 0
    values, heard = built(files(folder, stored, dtype, name), scale=scale)
    close(values, np.where(gone, np.nan, stored.astype("float64") * scale), 2e-5)
    assert any("the stored number 0" in text for text in heard.warnings)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["int16", "int32", "float32", "uint8", "int8", "float of bytes", "float of int16"]),
    st.sampled_from(["fields", "lake", "desert", "clipped", "flat dates", "forest and sea", "sea clipped at 0"]),
    st.integers(0, 10_000),
    st.integers(1, 6),
)
def test_no_measurement_is_taken_for_nothing(tmp_path_factory, dtype, scene, seed, dates):
    """Bytes repeat, lakes lie near 0, bright targets are clipped at 1: all of it stays to the last bit."""
    folder = tmp_path_factory.mktemp("data")
    ndvi = field(dates, seed=seed)
    rng = np.random.default_rng(seed)
    if scene == "lake":  # around 0 in the middle and at the edge
        ndvi[:, 8:16, :20] = rng.normal(0, 0.01, (dates, 8, 20))
    elif scene == "desert":
        ndvi = rng.normal(0.03, 0.02, ndvi.shape)
    elif scene == "clipped":
        ndvi[rng.random(ndvi.shape) < 0.02] = 1
        ndvi[rng.random(ndvi.shape) < 0.02] = -1 if dtype != "uint8" else 0
    elif scene == "flat dates":
        ndvi[:] = np.linspace(0.3, 0.6, dates)[:, None, None]
    elif scene == "forest and sea":
        coast = np.arange(30)[None] < 9 + np.arange(24)[:, None] / 2
        ndvi = np.where(coast, rng.normal(-0.25, 0.02, ndvi.shape), ndvi)
    elif scene == "sea clipped at 0":  # with bare soil that reaches down to it
        coast = np.arange(30)[None] < 9 + np.arange(24)[:, None] / 2
        ndvi = np.where(coast, 0, np.clip(rng.normal(0.1, 0.1, ndvi.shape), 0, 1))
    if dtype == "uint8":
        ndvi = np.clip(ndvi, -0.08, 0.92)
    made = {"float of bytes": 250, "float of int16": 10000}.get(dtype)
    kind = "float32" if made else dtype
    factor, offset = (1, 0.0) if kind == "float32" else (FACTORS[kind], -0.08 if kind == "uint8" else 0.0)
    stored = (ndvi - offset) * factor
    stored = np.round(stored * made) / made if made else stored if kind == "float32" else np.round(stored)
    stored = stored.astype(kind)
    values, _ = built(files(folder, stored, kind), scale=1 / factor, offset=offset)
    close(values, stored.astype("float64") / factor + offset)


@pytest.mark.parametrize("kind", ["classes", "cloud mask", "cloud probability", "mask of 0 and 255"])
def test_classes_and_probabilities_stay_as_they_are(tmp_path, kind):
    """0 is a class, a clear sky, outside of a mask: of variables that we do not know it is data."""
    rng = np.random.default_rng(4)
    stored = {
        "classes": rng.integers(0, 12, (4, 24, 30)),
        "cloud mask": np.repeat(np.arange(30)[None, None] > 12, 24, axis=1).repeat(4, axis=0).astype(int),
        "cloud probability": np.clip(rng.normal(-20, 40, (4, 24, 30)), 0, 100).round(),
        "mask of 0 and 255": 255 * (rng.random((4, 24, 30)) > 0.5),
    }[kind].astype("uint8")
    values, heard = built(files(tmp_path, stored, "uint8", "quality"))
    np.testing.assert_array_equal(values, stored)
    assert not heard.warnings


def test_zero_in_the_middle_is_kept_and_told(tmp_path):
    """Many exact zeros at changing pixels are likely nothing, but not surely: a warning names NODATA, which settles it."""
    stored = field(seed=3, low=0.15).astype("float32")
    clouds = np.random.default_rng(5).random(stored.shape) < 0.2
    clouds[:, [0, -1]] = clouds[:, :, [0, -1]] = False
    stored[clouds] = 0
    paths = files(tmp_path, stored, "float32")
    values, heard = built(paths)
    np.testing.assert_array_equal(values, stored)
    assert any("may stand for nothing" in text and "NODATA = 0 " in text for text in heard.warnings)
    values, _ = built(paths, "0")
    np.testing.assert_array_equal(values, np.where(clouds, np.nan, stored))


def test_a_fill_value_is_looked_for_in_variables_that_are_not_known(tmp_path):
    """PPI x 10000 with -32768 that no file declares, as HR-VPP has it under another name."""
    stored = (field(seed=7) * 20000).round().astype("int16")
    stored[:, 5:9, 5:20] = -32768
    values, heard = built(files(tmp_path, stored, "int16", "PPI"))
    np.testing.assert_array_equal(np.isnan(values), stored == -32768)
    assert any("the stored number -32768" in text for text in heard.warnings)


def test_an_impossible_constant_of_an_index_is_missing(tmp_path):
    """-5 or 2 in a float NDVI can be no measurement, however many."""
    for number in (-5, 2):
        stored = field(seed=abs(number)).astype("float32")
        gone = np.random.default_rng(1).random(stored.shape) < 0.4
        stored[gone] = number
        values, heard = built(files(tmp_path, stored, "float32"))
        np.testing.assert_array_equal(values, np.where(gone, np.nan, stored))
        assert any(f"{number:g} is not declared" in text for text in heard.said)


@pytest.mark.parametrize("tags", [
    {"valid_range": "0, 200", "flag_values": "251, 252"}, {"valid_min": "0", "valid_max": "200"}, {"valid_range": "{0,200}"},
])  # fmt: skip
def test_a_declared_range_holds_before_scale(tmp_path, tags):
    """What lies outside of the valid range of stored numbers is a flag."""
    stored = np.clip((field(seed=1) * 200).round(), 0, 199).astype("uint8")
    stored[:, 3:6] = 251
    stored[:, 6:9] = 220
    paths = files(tmp_path, stored, "uint8", tags=tags, scale=0.005)
    values, _ = built(paths)
    close(values, np.where(stored > 200, np.nan, stored * 0.005))


@pytest.mark.parametrize("tags", [{"_FillValue": "7777"}, {"missing_value": "7777"}, {"missing_value": "-1, 7777"}])
def test_attributes_declare_fill_values(tmp_path, tags):
    """_FillValue and missing_value that a converter left behind as text."""
    stored = (field(seed=1) * 10000).round().astype("int16")
    stored[:, 3:6] = 7777
    values, _ = built(files(tmp_path, stored, "int16", tags=tags), scale=0.0001)
    close(values, np.where(stored == 7777, np.nan, stored * 0.0001))


@pytest.mark.parametrize(("tags", "factor"), [({"scale_factor": "0.0001"}, 10000), ({"scale_factor": "10000"}, 10000),
                                              ({"scale_factor": "0.004", "add_offset": "-0.08"}, None)])  # fmt: skip
def test_factors_of_attributes_hold_where_gdal_knows_none(tmp_path, tags, factor):
    """AppEEARS writes scale_factor as text; MODIS divides by it."""
    ndvi = field(seed=2)
    stored = (ndvi * factor).round().astype("int16") if factor else ((ndvi + 0.08) / 0.004).round().astype("uint8")
    values, _ = built(files(tmp_path, stored, stored.dtype.name, tags=tags))
    close(values, stored / factor if factor else stored * 0.004 - 0.08)


@pytest.mark.parametrize(("name", "dtype", "scale", "offset", "gone"), [
    ("MOD13Q1.A20200{}.h18v04.061.2020335123456_NDVI", "int16", 1e-4, 0, -3000),
    ("VNP13A1.A20200{}.h18v04.001.2020335123456_NDVI", "int16", 1e-4, 0, -15000),
    ("HLS.S30.T31TCJ.20200{}T105441.v2.0.NDVI", "int16", 1e-4, 0, -9999),
    ("LC08_L2SP_198030_20200{}_20200823_02_T1_SR_B4", "uint16", 2.75e-5, -0.2, 0),
    ("c_gls_NDVI300_20200{}0000_GLOBE_OLCI_V2.0.1", "uint8", 0.004, -0.08, 253),
    ("PROBAV_S10_TOC_X18Y02_20200{}_333M_NDVI_V101", "uint8", 0.004, -0.08, 252),
    ("VI_20200{}T105441_S2A_T31TCJ-010m_V101_PPI", "int16", 1e-4, 0, -32768),
])  # fmt: skip
def test_products_are_known_by_name_and_type(tmp_path, name, dtype, scale, offset, gone):
    """Their flags and factors hold though no file declares them; a calculator's floats of the same name are left alone."""
    stored = ((field(1, seed=2, low=0.2)[0] - offset) / scale).round().astype(dtype)
    stored[3:5, 4:6] = gone
    path = write(tmp_path / f"{name.format('104')}.tif", stored[None], dtype=dtype, nodata=None)
    values, heard = built([path], dates="2020-01-04", date_source="given")
    close(values[0], np.where(stored == gone, np.nan, stored * scale + offset))
    floats = np.where(stored == gone, 0.5, stored * scale + offset).astype("float32")
    path = write(tmp_path / f"{name.format('109')}.tif", floats[None], nodata=None)
    np.testing.assert_array_equal(built([path], dates="2020-01-09", date_source="given")[0][0], floats)


def test_sentinel_2_says_what_its_numbers_need(tmp_path):
    """0 is nothing; scale and offset depend on the processing baseline, so they are only named."""
    stored = (field(1, seed=2) * 4000 + 1000).round().astype("uint16")
    stored[0, :3] = 0
    path = write(tmp_path / "T31TCJ_20200104T105441_B04_10m.tif", stored, dtype="uint16", nodata=None)
    values, heard = built([path])
    np.testing.assert_array_equal(values[0], np.where(stored[0] == 0, np.nan, stored[0]))
    assert any("OFFSET = -0.1" in text for text in heard.said)


def masked(path, values, how, dtype="float32"):
    """A raster whose mask lies in an alpha band, in the file, or beside it; the last three columns are masked."""
    shown = np.ones(values.shape, bool)
    shown[:, -3:] = False
    write(path, values[None], dtype=dtype, nodata=None)
    if how == "alpha":
        alpha = np.where(shown, np.iinfo(dtype).max if dtype.startswith("u") else 255, 0)
        write(path, np.stack([values, alpha]), dtype=dtype, nodata=None)
        with rasterio.open(path, "r+") as dst:
            dst.colorinterp = (ColorInterp.gray, ColorInterp.alpha)
    else:
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=how == "inside"), rasterio.open(path, "r+") as dst:
            dst.write_mask(shown)
    return str(path)


@pytest.mark.parametrize("how", ["alpha", "inside", "beside"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
@pytest.mark.parametrize("shift", [None, 0, 10, 25])
def test_masks_hold_with_and_without_a_reference(tmp_path, how, dtype, shift):
    """Masked pixels are missing, and mixed into no neighbour, on the same grid, on one shifted by whole pixels or by half a pixel."""
    stored = (field(1, 12, 14, seed=1)[0] * (1 if dtype == "float32" else 200)).astype(dtype)
    stored[:, -3:] = 1 if dtype == "float32" else 101
    path = masked(tmp_path / "S2_20200104_NDVI.tif", stored, how, dtype)
    scale = 1 if dtype == "float32" else 0.005
    expected = np.where(np.arange(14) < 11, stored * scale, np.nan)
    if shift is None:
        close(built([path], scale=scale)[0][0], expected)
        return
    other = write(tmp_path / "r.tif", np.zeros((1, 12, 14)), origin=(430000 + 50 * shift / 10 * 2, 9240000))
    values = built([path], scale=scale, reference=RasterFile.open(other).grid)[0][0]
    columns = round(shift / 5)
    assert np.isnan(values[:, 14 - columns :]).all() and np.isnan(values[:, 11 - columns : 14 - columns]).all()
    if shift != 25:
        close(values[:, : 11 - columns], expected[:, columns:11])
    assert np.nanmax(values) < 0.95


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "cubic", "average"])
def test_fill_values_are_never_resampled(tmp_path, resampling):
    """On another pixel size and reference system: no value that is none of the neighbours', and none outside the file."""
    stored = np.full((1, 40, 40), 3000, "int16")
    stored[0, 10:20, 10:20] = -9999
    stored[0, 30:, 30:] = 4321
    path = write(tmp_path / "S2_20200104_NDVI.tif", stored, dtype="int16", nodata=None)
    (x,), (y,) = transform("EPSG:32749", "EPSG:32748", [430000], [9240000])
    other = write(tmp_path / "r.tif", np.zeros((1, 34, 34)), crs="EPSG:32748", pixel=70, origin=(x - 150, y + 150))
    for nodata in ("-9999", "-9999,4321", "4000..5000,-9999"):
        values = built([path], nodata, scale=0.0001, reference=RasterFile.open(other).grid, resampling=resampling)[0]
        seen = values[np.isfinite(values)]
        lowest, highest = (0.28 if resampling == "cubic" else 0.2999), (0.3001 if "4" in nodata[2:] else 0.46)
        assert seen.size and lowest < seen.min() and seen.max() < highest
        assert np.isnan(values).any()


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "cubic", "average"])
def test_alignment_does_not_depend_on_the_tiles(tmp_path, resampling):
    """Whatever windows are read, a pixel has the same bits."""
    stored = (field(1, 300, 320, seed=5) * 10000).astype("int16")
    path = write(tmp_path / "S2_20200104_NDVI.tif", stored, dtype="int16", nodata=None)
    grid = RasterFile.open(write(tmp_path / "r.tif", np.zeros((1, 400, 380)), pixel=37, origin=(429000, 9241000))).grid
    series = collect_series([path], Collecting(scale=0.0001, reference=grid, resampling=resampling), Heard())
    whole = series.read()
    for window in (Window(0, 0, 100, 380), Window(255, 200, 3, 180), Window(77, 13, 200, 311), Window(399, 379, 1, 1)):
        part = series.read(window)
        cut = whole[:, window.row : window.row + window.rows, window.column : window.column + window.columns]
        np.testing.assert_array_equal(part, cut)


def test_four_dates_of_bytes_have_no_alpha_band(tmp_path):
    """GDAL takes the fourth of four unnamed bands of bytes for an alpha band; it is the fourth date."""
    stored = (field(4, seed=1) * 200).round().astype("uint8")
    path = write(tmp_path / "NDVI.tif", stored, dtype="uint8", nodata=None)
    values, _ = built([path], scale=0.005, dates="2020-01-04,2020-01-09,2020-01-14,2020-01-19", date_source="given")
    close(values, stored * 0.005)


@pytest.mark.parametrize(("text", "ranges"), [
    ("0", ((0, 0),)), ("0,-9999", ((0, 0), (-9999, -9999))), ("251..255", ((251, 255),)), (0, ((0, 0),)),
    (" -0.3 ; 1e20", ((-0.3, -0.3), (1e20, 1e20))),
    ("", ()), (None, ()), ("none", ()), ("-32768 .. -10001, 0", ((-32768, -10001), (0, 0))), ("0 255", ((0, 0), (255, 255))),
])  # fmt: skip
def test_nodata_is_numbers_and_ranges(text, ranges):
    """As people write them."""
    assert nodata_in(text) == ranges


@pytest.mark.parametrize("text", ["zero", "5..1", "1..2..3", "0x10", "--1"])
def test_nodata_that_is_none_is_refused(text):
    """With what it has to look like."""
    with pytest.raises(InputError, match="NODATA"):
        nodata_in(text)


def test_valid_range_is_two_numbers():
    """The low one first."""
    assert range_in("-0.2,1") == range_in("-0.2..1") == range_in("-.2 1.0") == (-0.2, 1.0) and range_in("") is None
    for text in ("1", "1,-1", "a,b", "0,1,2"):
        with pytest.raises(InputError, match="VALID_RANGE"):
            range_in(text)


def test_nodata_of_floats_is_what_was_typed(tmp_path):
    """-0.3 is the -0.3 of the file, not of a double."""
    stored = field(2, seed=1).astype("float32")
    stored[:, 5, 5] = -0.3
    values, _ = built(files(tmp_path, stored, "float32"), "-0.3")
    assert np.isnan(values[:, 5, 5]).all() and np.isnan(values).sum() == 2


@pytest.mark.parametrize(("factor", "offset", "dtype", "scale"), [
    (10000, 0, "int16", "0.0001"), (1000, 0, "int16", "0.001"), (100, 0, "int16", "0.01"), (100, 0, "int8", "0.01"),
    (250, 0.08, "uint8", "0.004"), (10000, 0, "float32", "0.0001"), (1000, 0, "uint16", "0.001"),
])  # fmt: skip
def test_build_and_validate_name_the_same_factor(tmp_path, factor, offset, dtype, scale):
    """Both by the range of the stored numbers; who follows is not doubted, who takes a tenth is."""
    stored = ((field(seed=3) + offset) * factor).round().astype(dtype)
    paths = files(tmp_path, stored, dtype)
    with pytest.raises(UnitError) as caught:
        built(paths)
    assert f"SCALE = {scale} " in caught.value.remedy.split(";")[0]
    heard = Heard()
    run("validatecomposites", {"LAYERS": paths}, Resources(), heard)
    assert any(f"SCALE = {scale} " in text.split(";")[0] for text in heard.said)
    _, heard = built(paths, scale=float(scale), offset=-offset)
    assert not heard.warnings


def test_a_factor_that_was_given_is_never_offered_again(tmp_path):
    """NDVI x 10000 with its factor, and noise beyond -1: the remedy speaks of the range."""
    stored = (field(seed=3) * 10000).round().astype("int16")
    stored[np.random.default_rng(0).random(stored.shape) < 0.05] = 14000
    stored[:, 0, 0] = 15000
    with pytest.raises(UnitError) as caught:
        built(files(tmp_path, stored, "int16"), scale=0.0001)
    assert "SCALE" not in caught.value.remedy and "OUTSIDE_RANGE" in caught.value.remedy


def test_parameters_reach_the_job(tmp_path):
    """NODATA, VALID_RANGE and OUTSIDE_RANGE of buildtimeseries."""
    stored = field(seed=3).astype("float32")
    stored[:, 5:8] = 0.77
    stored[:, 10] += 0.5
    paths = files(tmp_path, stored, "float32")
    parameters = {"LAYERS": paths, "OUTPUT": str(tmp_path / "o.tif")}
    parameters |= {"NODATA": "0.77", "VALID_RANGE": "0, 0.95", "OUTSIDE_RANGE": "clip"}
    run("buildtimeseries", parameters, Resources(), Heard())
    with rasterio.open(tmp_path / "o.tif") as src:
        got = src.read()
    expected = np.where(stored == np.float32(0.77), np.nan, np.clip(stored, 0, np.float32(0.95)))
    np.testing.assert_array_equal(got, expected)


def test_decibels_in_whole_numbers_tell_their_factor(tmp_path):
    """Backscatter x 100 as int16."""
    stored = (100 * (-20 + 12 * field(seed=2))).round().astype("int16")
    paths = files(tmp_path, stored, "int16", "VV")
    with pytest.raises(UnitError) as caught:
        built(paths)
    assert "SCALE = 0.01 (VV x 100)" in caught.value.remedy
    close(built(paths, scale=0.01)[0], stored * 0.01)


def test_several_fill_values_at_once(tmp_path):
    """An outside of 0, clouds of -9999 and the limit of the type, two of them in a few pixels only."""
    stored = (field(seed=9, low=0.1) * 10000).round().astype("int16")
    stored[:, :, :4] = 0
    stored[1, 10:12, 10:13] = -9999
    stored[2, 20, 20] = -32768
    stored[3, 5:9, 12:20] = -3000
    values, heard = built(files(tmp_path, stored, "int16"), scale=0.0001)
    close(values, np.where(np.isin(stored, [0, -9999, -32768, -3000]), np.nan, stored * 0.0001))
    assert len(heard.warnings) == 4


def test_the_edge_of_one_orbit_in_a_large_raster(tmp_path):
    """Larger than what is looked at: zeros outside of a slanting edge, at one of four dates."""
    stored = field(4, 400, 500, seed=9, low=0.1).astype("float32")
    outside = np.arange(500)[None] + np.arange(400)[:, None] / 4 < 180
    stored[2, outside] = 0
    values, _ = built(files(tmp_path, stored, "float32"))
    np.testing.assert_array_equal(values, np.where(stored == 0, np.nan, stored))


def test_tiles_of_a_mosaic_with_zeros_outside_their_orbit(tmp_path):
    """Two tiles of one day, each with zeros that the other fills: nothing is averaged with 0."""
    stored = (field(2, 20, 24, seed=1, low=0.2) * 10000).round().astype("int16")
    stored[0, :, 12:] = stored[1, :, :12] = 0
    paths = [write(tmp_path / f"T31TC{t}_20200104_NDVI.tif", layer[None], dtype="int16", nodata=None) for t, layer in zip("JK", stored)]
    values, _ = built(paths, scale=0.0001)
    close(values[0], np.where(np.arange(24) < 12, stored[0], stored[1]) * 0.0001)


def test_one_pixel_of_water_is_no_fill_value(tmp_path):
    """-0.3 in a single pixel of an index with two decimals, far from all others."""
    stored = field(3, seed=2, low=0.4).round(2).astype("float32")
    stored[1, 4, 5] = -0.3
    np.testing.assert_array_equal(built(files(tmp_path, stored, "float32"))[0], stored)


def test_what_was_made_here_is_not_looked_at(tmp_path):
    """A series of our own declares what is missing: zeros in it are results."""
    stored = field(seed=1).astype("float32")
    stored[:, :5] = 0
    header = {"variable": "NDVI", "method": "fillharmonic"}
    path = write(tmp_path / "a.tif", stored, [f"{d[:4]}-{d[4:6]}-{d[6:]}" for d in DAYS[:4]], {"PHENOFUSE": json.dumps(header)})
    heard = Heard()
    np.testing.assert_array_equal(open_series(path, events=heard).read(), stored)
    assert not heard.said


def test_a_range_has_to_be_known_for_values_outside_of_it(tmp_path):
    """OUTSIDE_RANGE without a range is said to do nothing."""
    paths = files(tmp_path, field(2, seed=1), "float32", "LAI")
    assert any("VALID_RANGE" in text for text in built(paths, outside_range="missing")[1].warnings)
    values, _ = built(paths, outside_range="missing", valid_range=(0.3, 0.5))
    assert np.nanmin(values) >= 0.3 and np.nanmax(values) <= 0.5


def test_a_factor_for_what_is_an_index_already_is_doubted(tmp_path):
    """SCALE = 0.0001 given for floats of -1 to 1."""
    _, heard = built(files(tmp_path, field(2, seed=1), "float32"), scale=0.0001)
    assert any("leave SCALE empty" in text for text in heard.warnings)
