"""Files as people have them: addresses, formats in and out, tiles side by side, composites."""

import json
import shutil
import sqlite3
import sys
import zipfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from heard import Heard
from phenofuse.core.errors import DateError, GridMismatchError, InputError, OutputError
from phenofuse.core.events import Silent
from phenofuse.core.formats import FORMATS
from phenofuse.core.jobs import Resources, run
from phenofuse.core.registry import JOBS
from phenofuse.core.timeseries import Header, Period, RasterFile, Window, list_rasters, open_series, write_series
from phenofuse.core.timeseries.aggregate import WAYS, aggregated
from phenofuse.core.timeseries.collecting import Collecting, collect_series
from phenofuse.core.timeseries.grids import Grid
from phenofuse.core.timeseries.reducers import REDUCERS, reduced
from phenofuse.core.timeseries.storing import asked, writer
from phenofuse.core.timeseries.variables import VARIABLES, Variable
from phenofuse.core.timeseries.writing import series_spec
from rasters import DATES, ndvi, write

UTM = rasterio.crs.CRS.from_epsg(32749).to_wkt()


@pytest.fixture(scope="session")
def cases(shared_data):
    """Give the folder of the inputs after public bug reports, or skip."""
    folder = shared_data.parent / "cases" / "files"
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}")
    return folder


@pytest.fixture(scope="session")
def copied(cases, tmp_path_factory):
    """Give a copy of them that may be written beside."""
    target = tmp_path_factory.mktemp("cases") / "files"
    shutil.copytree(cases, target, copy_function=shutil.copyfile)
    return target


def build(folder, output, heard=None, **parameters):
    """Build a series of a folder or of a list, and open it."""
    where = {"LAYERS": list(map(str, folder))} if isinstance(folder, list) else {"FOLDER": str(folder)}
    run("buildtimeseries", {**where, "OUTPUT": str(output), **parameters}, Resources(256, 2), heard or Silent())
    return open_series(str(output), check=False)


def days(series) -> list:
    """Its periods as texts."""
    return [str(period) for period in series.periods]


# What is shared: the README's line is the name.


@pytest.mark.realdata
def test_14b_netcdf_ascending_passes(cases, tmp_path):
    """Rows from south to north come out from north to south, each value where it belongs."""
    series = build(cases / "14b-netcdf-ascending", tmp_path / "o.tif")
    assert series.grid.transform[4] < 0
    with rasterio.open(next((cases / "14b-netcdf-ascending").glob("*.nc"))) as src:
        np.testing.assert_array_equal(series.read()[0], src.read(1))
        assert tuple(src.transform)[:6] == pytest.approx(series.grid.transform)


@pytest.mark.realdata
def test_14c_lon_0_360_passes(cases, tmp_path):
    """Longitudes from 0 to 360 stay what the file says."""
    series = build(cases / "14c-lon-0-360", tmp_path / "o.tif")
    with rasterio.open(next((cases / "14c-lon-0-360").glob("*.nc"))) as src:
        np.testing.assert_array_equal(series.read()[0], src.read(1))
        assert series.grid.bounds == pytest.approx(tuple(src.bounds))


@pytest.mark.realdata
def test_16_utm_boundary_passes(cases, tmp_path):
    """Two UTM zones are two grids: refused, with the reference that brings them onto one."""
    with pytest.raises(GridMismatchError, match="reference system is EPSG:32632, not EPSG:32631") as caught:
        build(cases / "16-utm-boundary", tmp_path / "o.tif")
    assert "REFERENCE" in caught.value.remedy
    reference = next((cases / "16-utm-boundary").glob("*T31*"))
    series = build(cases / "16-utm-boundary", tmp_path / "o.tif", REFERENCE=str(reference))
    assert not series.grid.difference(RasterFile.open(reference).grid)


EXPECTED_18 = {
    "asc": (0.2, ["2020-01-04", "2020-01-09", "2020-01-14"]),
    "jp2": (None, ["2020-01-04", "2020-01-09", "2020-01-14"]),
    "lerc": (0.2, ["2020-01-04", "2020-01-09", "2020-01-14"]),
    "sdat": (0.2, ["2020-01-04", "2020-01-09", "2020-01-14"]),
    "zip": (0.2, ["2020-01-04", "2020-01-09", "2020-01-14"]),
    "zstd": (0.2, ["2020-01-04", "2020-01-09", "2020-01-14"]),
}


@pytest.mark.realdata
@pytest.mark.parametrize("folder", EXPECTED_18)
def test_18_formats_zip_jp2_lerc_zstd_pass_sdat_and_asc_are_rasters_for_folder(cases, tmp_path, folder):
    """Every format that GDAL reads is one for FOLDER."""
    value, expected = EXPECTED_18[folder]
    series = build(cases / "18-formats" / folder, tmp_path / "o.tif", **({"SCALE": 0.0001} if folder == "jp2" else {}))
    assert days(series) == expected
    values = series.read()
    assert np.isfinite(values).all()
    if value:
        np.testing.assert_allclose(values[0], value, atol=2e-3)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["cog.tif", "envi_ndvi", "stack.tif", "NDVI_20200104.gpkg", "/vsizip/ndvi.zip/NDVI_20200109.tif"])
def test_18_formats_cog_envi_gpkg_and_what_is_in_an_archive_pass(cases, tmp_path, name):
    """Each as LAYERS, by itself."""
    folder = cases / "18-formats"
    path = name.replace("/vsizip/", f"/vsizip/{folder}/") if name.startswith("/vsi") else str(folder / name)
    series = build([path], tmp_path / "o.tif", VARIABLE="NDVI")
    assert series.periods[0].start in (date(2020, 1, 4), date(2020, 1, 9))
    with rasterio.open(path) as src:
        np.testing.assert_array_equal(series.read()[0], src.read(1))


@pytest.mark.realdata
def test_18_formats_hdf4_names_the_reader_that_is_missing(cases, tmp_path):
    """The file, the driver, and what to do."""
    with rasterio.Env() as env:
        if "HDF4" in env.drivers():
            pytest.skip("this engine's GDAL reads HDF4")
    with pytest.raises(InputError, match="MOD13Q1.*hdf cannot be read: it is HDF4.*no reader for HDF4") as caught:
        build(cases / "18-formats" / "hdf4", tmp_path / "o.tif")
    assert "gdal:translate" in caught.value.remedy


@pytest.mark.realdata
def test_17_netcdf_in_layers(cases, tmp_path):
    """The path of a NetCDF file is an address as any other."""
    series = build([cases / "02-netcdf-overpass-times" / "s2_ndvi.nc"], tmp_path / "o.tif")
    assert series.variable.name == "NDVI" and series.count == 5


@pytest.mark.realdata
def test_23_daily_passes(cases, tmp_path):
    """A thousand bands of days come back to the bit."""
    path = cases / "23-daily" / "ndvi.tif"
    series = build([path], tmp_path / "o.tif")
    with rasterio.open(path) as src:
        assert series.count == src.count
        np.testing.assert_array_equal(series.read(), src.read())


@pytest.mark.realdata
def test_31_gee_shards_build_on_the_union_of_their_grids_without_a_reference(cases, tmp_path):
    """Four shards a date are one picture, and it is said."""
    heard = Heard()
    series = build(cases / "31-gee-shards", tmp_path / "o.tif", heard)
    assert (series.grid.height, series.grid.width, series.count) == (24, 24, 2)
    assert any("Nothing is resampled" in text for text in heard.said)
    values = series.read()
    for file in (cases / "31-gee-shards").glob("NDVI_2020-01-04-*.tif"):
        row, column = map(int, file.stem[-21:].split("-"))
        with rasterio.open(file) as src:
            np.testing.assert_array_equal(values[0, row : row + src.height, column : column + src.width], src.read(1))
    with_one = build(
        cases / "31-gee-shards", tmp_path / "r.tif", PATTERN="*.tif", REFERENCE=str(cases / "31-gee-shards" / "reference.tif.keep")
    )
    np.testing.assert_array_equal(with_one.read(), values)


@pytest.mark.realdata
def test_06_tiles_are_missing_where_they_do_not_reach(cases, tmp_path):
    """Integers without nodata, side by side: 0.30 | 0.40, with and without a reference."""
    folder = cases / "06-tiles-reference"
    for more in ({}, {"REFERENCE": str(folder / "reference.tif")}):
        values = build(folder / "tiles", tmp_path / "o.tif", SCALE=0.0001, **more).read()
        np.testing.assert_allclose(np.unique(values[0].round(4)), [0.3, 0.4], atol=1e-6)
        assert np.isfinite(values).all()


@pytest.mark.realdata
@pytest.mark.parametrize("folder", ["37-empty-dates", "37b-one-date"])
def test_37_empty_dates_and_one_date_pass(cases, tmp_path, folder):
    """Empty bands stay, and one date is a series."""
    path = cases / folder / "ndvi.tif"
    series = build([path], tmp_path / "o.tif")
    with rasterio.open(path) as src:
        assert series.count == src.count
        np.testing.assert_array_equal(series.read(), src.read())


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["x.gpkg", "x.vrt", "x.jp2", "x.img", "x", "x.tif.gz", "x.png", "x.zarr", "x.h5", "x.nc4"])
def test_48_output_extension_never_a_geotiff_under_that_name(cases, tmp_path, name):
    """What cannot be written is refused before any work, with what can."""
    with pytest.raises(OutputError, match=name) as caught:
        build(cases / "37-empty-dates", tmp_path / "folder" / name)
    assert ".tif, .tiff" in caught.value.remedy and ".nc" in caught.value.remedy
    assert not (tmp_path / "folder").exists()


@pytest.mark.realdata
def test_48_output_extension_nc_is_netcdf(cases, tmp_path):
    """The same values, dates and grid as in a GeoTIFF."""
    ours = build(cases / "39-radar-other-year", tmp_path / "x.nc", PATTERN="ndvi*")
    theirs = build(cases / "39-radar-other-year", tmp_path / "x.tif", PATTERN="ndvi*")
    assert (tmp_path / "x.nc").read_bytes()[:4] == b"CDF\x02" and RasterFile.open(tmp_path / "x.nc").driver == "netCDF"
    np.testing.assert_array_equal(ours.read(), theirs.read())
    assert ours.periods == theirs.periods and not ours.grid.difference(theirs.grid)


# What can be written.


@pytest.mark.parametrize("job", [name for name, one in JOBS.items() if one.files])
def test_every_raster_of_every_job_is_refused_under_another_suffix(job, tmp_path, monkeypatch):
    """Series may be NetCDF, maps may not, nothing may be an .img; tables and reports have their own names."""
    monkeypatch.setattr("importlib.import_module", lambda *_: pytest.fail("the topic was imported"))
    for key in JOBS[job].rasters(dict.fromkeys(JOBS[job].files, "x")):
        for suffix in (".img", "", *([] if key in JOBS[job].series else [".nc"])):
            with pytest.raises(OutputError, match=f"{key} is to be x{suffix}"):
                run(job, {key: str(tmp_path / f"x{suffix}")}, Resources(), Silent())
    assert not list(tmp_path.iterdir())


def periods(count: int, length: int = 12) -> tuple:
    """Half-open periods that follow one another."""
    first = date(2023, 11, 1)
    return tuple(Period(first + timedelta(length * i), first + timedelta(length * (i + 1))) for i in range(count))


def written(path, values, variable="NDVI", form=None, crs=UTM, when=None, pixel=10.0):
    """Write a series as FORMAT says, in two halves as tiles would."""
    grid = Grid(crs, (pixel, 0.0, 500000.0 if pixel > 1 else 11.0, 0.0, -pixel, 9000000.0 if pixel > 1 else 45.0), *values.shape[:0:-1])
    known = VARIABLES.get(variable) or Variable(variable)
    spec = series_spec(grid, when or periods(len(values)), Header(variable, known.units, "test"))
    path, spec = asked({"OUTPUT": spec}, {"OUTPUT": str(path), "FORMAT": form}, known)["OUTPUT"]
    half = grid.width // 2
    with writer(path, spec) as file:
        file.write(values[:, :, half:], Window(0, half, grid.height, grid.width - half))
        file.write(values[:, :, :half], Window(0, 0, grid.height, half))
    return path


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(("EPSG:32749", "EPSG:4326", "EPSG:3035", "EPSG:3857", "EPSG:5070", "ESRI:54008")),
    st.sampled_from(("standard", "int16")),
    st.integers(1, 5), st.integers(1, 40), st.integers(2, 40), st.integers(0, 2**32 - 1), st.booleans(),
)  # fmt: skip
def test_netcdf_comes_back_in_ours_in_gdals_and_in_xarrays_hands(tmp_path_factory, crs, form, count, rows, columns, seed, spans):
    """Values, dates, ends of periods, place and reference system: one variable with the dimensions time, y and x."""
    xarray = pytest.importorskip("xarray")
    path = tmp_path_factory.mktemp("netcdf") / "o.nc"
    values = ndvi(count, rows, columns, seed)
    values[np.random.default_rng(seed).random(values.shape) < 0.2] = np.nan
    when = periods(count) if spans else tuple(Period(p.start) for p in periods(count))
    known = rasterio.crs.CRS.from_user_input(crs)
    written(path, values, form=form, crs=known.to_wkt(), when=when, pixel=0.001 if known.is_geographic else 10.0)
    tolerance = 0 if form == "standard" else 0.00005 + 1e-7
    series = open_series(str(path))
    np.testing.assert_allclose(series.read(), values, atol=tolerance, rtol=0)
    assert series.periods == when and series.variable.name == "NDVI" and series.header["method"] == "test"
    with rasterio.open(path) as src:
        assert src.driver == "netCDF" and src.crs == known and src.transform.a > 0 > src.transform.e
    with xarray.open_dataset(path, engine="scipy", decode_coords="all") as found:
        np.testing.assert_allclose(found.NDVI.values, values, atol=tolerance, rtol=0)
        assert [str(one)[:10] for one in found.time.values] == [str(p.start) for p in when]
        assert found.NDVI.dims == ("time", *(("lat", "lon") if known.is_geographic else ("y", "x")))
        assert found.NDVI.attrs["units"] == "1" and found.attrs["Conventions"].startswith("CF-1")
        assert found.spatial_ref.attrs["crs_wkt"] and ("time_bounds" in found) == spans
        x = found[found.NDVI.dims[2]].values
        assert x[0] == pytest.approx(series.grid.transform[2] + series.grid.transform[0] / 2)


def test_reason_codes_in_netcdf_are_flags_with_meanings(tmp_path):
    """QUALITY: bytes without sign, each named."""
    xarray = pytest.importorskip("xarray")
    codes = np.arange(2 * 3 * 4, dtype="uint8").reshape(2, 3, 4) % 9
    codes[0, 0, 0] = 255
    grid = Grid(UTM, (10.0, 0.0, 500000.0, 0.0, -10.0, 9000000.0), 4, 3)
    write_series(str(tmp_path / "q.nc"), codes, grid, periods(2), Header("quality"), "uint8")
    np.testing.assert_array_equal(open_series(str(tmp_path / "q.nc"), check=False).read(), codes.astype("float32"))
    with xarray.open_dataset(tmp_path / "q.nc", engine="scipy") as found:
        np.testing.assert_array_equal(found.quality.values, codes)
        assert len(found.quality.attrs["flag_meanings"].split()) == len(found.quality.attrs["flag_values"]) == 9


@pytest.mark.parametrize("variable, step", [("NDVI", 1e-4), ("VV", 1e-2), ("RVI", 1e-3)])
@pytest.mark.parametrize("suffix", [".tif", ".nc"])
def test_int16_gives_values_to_half_a_step(tmp_path, variable, step, suffix):
    """Both ends of the range, and nothing where nothing was; half the bytes."""
    low, high = VARIABLES[variable].valid_range
    values = np.random.default_rng(0).uniform(low, high, (3, 20, 30)).astype("float32")
    values[0, 0, :3] = low, high, np.nan
    path = written(tmp_path / f"o{suffix}", values, variable, "int16")
    found = open_series(path).read()
    np.testing.assert_allclose(found, values, atol=step / 2 * 1.001, rtol=0)
    with rasterio.open(path) as src:
        assert src.dtypes[0] == "int16" and src.scales[0] == pytest.approx(step) and src.nodata == -32768
        assert (src.read(1) == -32768).sum() == 1


def test_int16_needs_to_know_the_range(tmp_path):
    """Of an unknown variable nobody knows what fits."""
    with pytest.raises(InputError, match="int16 needs to know the range.*PAR"):
        written(tmp_path / "o.tif", ndvi(), "PAR", "int16")


@pytest.mark.parametrize("form", ["cog", "cog_int16"])
@pytest.mark.parametrize("count, side", [(3, 700), (500, 40)])
def test_a_cog_is_one(tmp_path, form, count, side):
    """GDAL says so; overviews where the scene is large, dates and header as ever."""
    values = np.random.default_rng(1).uniform(0, 0.9, (count, side, side)).astype("float32")
    path = written(tmp_path / "o.tif", values, form=form)
    with rasterio.open(path) as src:
        assert src.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert bool(src.overviews(1)) == (side > 512)
    series = open_series(path)
    assert series.periods == periods(count) and series.header["method"] == "test"
    np.testing.assert_allclose(series.read(), values, atol=0 if form == "cog" else 0.0000501, rtol=0)
    assert [one.name for one in tmp_path.iterdir()] == ["o.tif"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("suffix", [".tif", ".nc"])
def test_files_are_the_same_whatever_the_tiles(tmp_path, form, suffix):
    """Every format, of building and of a fill, with little and with much memory."""
    values = ndvi(40, 150, 300)
    values[np.random.default_rng(0).random(values.shape) < 0.3] = np.nan
    names = [str(date(2023, 1, 1) + timedelta(8 * i)) for i in range(40)]
    path = write(tmp_path / "NDVI.tif", values, names)
    if form.startswith("cog") and suffix == ".nc":
        with pytest.raises(InputError, match="FORMAT is cog.*a GeoTIFF"):
            build([path], tmp_path / "x.nc", FORMAT=form)
        return
    found = []
    for place, resources in enumerate((Resources(64, 1), Resources(1024, 4))):
        folder = tmp_path / str(place)
        outputs = {key: str(folder / f"{key}{suffix}") for key in ("OUTPUT", "UNCERTAINTY", "QUALITY")}
        run("buildtimeseries", {"LAYERS": [path], "OUTPUT": str(folder / f"b{suffix}"), "FORMAT": form}, resources, Silent())
        run("fillwhittaker", {"INPUT": str(folder / f"b{suffix}"), **outputs, "FORMAT": form}, resources, Silent())
        found.append({one.name: one.read_bytes() for one in folder.iterdir()})
    assert found[0].keys() == found[1].keys() and len(found[0]) == 4
    for name in found[0]:
        assert found[0][name] == found[1][name], name
    filled = open_series(str(tmp_path / "0" / f"OUTPUT{suffix}"))
    np.testing.assert_allclose(filled.read()[~np.isnan(values)], values[~np.isnan(values)], atol=0.00005001 if "int16" in form else 0)


def test_a_name_that_no_format_has_is_an_error(tmp_path):
    """FORMAT is one of four."""
    path = write(tmp_path / "NDVI.tif", ndvi(), DATES)
    with pytest.raises(InputError, match="no FORMAT 'zarr'"):
        build([path], tmp_path / "x.tif", FORMAT="zarr")


@pytest.mark.parametrize("change, why", [({"crs": None}, "has no reference system")])
def test_netcdf_of_a_grid_that_it_cannot_tell_is_refused(tmp_path, change, why):
    """Before any work."""
    path = write(tmp_path / "NDVI.tif", ndvi(), DATES, **change)
    with pytest.raises(InputError, match=why):
        build([path], tmp_path / "x.nc")


def test_bounds_of_other_peoples_netcdf_are_periods(tmp_path):
    """Monthly means with CF bounds: the period is what the bounds say, whatever the time in between."""
    netcdf = pytest.importorskip("scipy.io").netcdf_file
    with netcdf(tmp_path / "NDVI.nc", "w", version=2) as file:
        for name, size in (("time", 3), ("nv", 2), ("lat", 4), ("lon", 5)):
            file.createDimension(name, size)
        for name, kind, where, told, values in (
            ("time", "d", ("time",), {"units": "days since 2000-01-01", "bounds": "climate_bnds"}, [7319, 7350, 7379]),
            ("climate_bnds", "d", ("time", "nv"), {}, [[7305, 7336], [7336, 7365], [7365, 7396]]),
            ("lat", "d", ("lat",), {"units": "degrees_north", "standard_name": "latitude"}, [44.0, 43.9, 43.8, 43.7]),
            ("lon", "d", ("lon",), {"units": "degrees_east", "standard_name": "longitude"}, [3.0, 3.1, 3.2, 3.3, 3.4]),
            ("NDVI", "f", ("time", "lat", "lon"), {}, ndvi(3, 4, 5)),
        ):
            variable = file.createVariable(name, kind, where)
            variable[:] = values
            for key, text in told.items():
                setattr(variable, key, text)
    series = open_series(str(tmp_path / "NDVI.nc"))
    assert days(series) == ["2020-01-01/2020-02-01", "2020-02-01/2020-03-01", "2020-03-01/2020-04-01"]


# Side by side.


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(-30, 30), st.integers(-30, 30), st.integers(1, 12), st.integers(1, 12)), min_size=2, max_size=5),
    st.sampled_from((10.0, 20.0, 0.000277777777778, 231.65635826395)),
    st.sampled_from(("float32", "int16")), st.data(),
)  # fmt: skip
def test_any_tiles_of_one_lattice_are_joined_exactly(tmp_path_factory, tiles, pixel, dtype, data):
    """Whatever their places and sizes: values where a tile lies, nothing elsewhere, in every window."""
    folder = tmp_path_factory.mktemp("tiles")
    tiles = [(0, 0, 3, 3), *tiles]
    crs, origin = ("EPSG:4326", (11.0, 45.0)) if pixel < 1 else ("EPSG:32631", (500000.0, 4900000.0))
    top, left = min(t[0] for t in tiles), min(t[1] for t in tiles)
    height, width = max(t[0] + t[2] for t in tiles) - top, max(t[1] + t[3] for t in tiles) - left
    expected = np.full((len(tiles), height, width), np.nan, "float32")
    for place, (row, column, rows, columns) in enumerate(tiles):
        stored = np.random.default_rng(place).integers(1000, 9000, (1, rows, columns))
        values = stored if dtype == "int16" else (stored / 10000).astype("float32")
        corner = origin[0] + column * pixel, origin[1] - row * pixel
        write(folder / f"NDVI_202001{place + 1:02d}.tif", values, dtype=dtype, nodata=None, crs=crs, origin=corner, pixel=pixel,
              scale=0.0001 if dtype == "int16" else None)  # fmt: skip
        expected[place, row - top : row - top + rows, column - left : column - left + columns] = stored[0] * 0.0001
    series = collect_series(list_rasters(folder), Collecting(), Silent())
    assert (series.grid.height, series.grid.width) == (height, width)
    np.testing.assert_allclose(series.read(), expected, atol=1e-7)
    row, column = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    window = Window(row, column, data.draw(st.integers(1, height - row)), data.draw(st.integers(1, width - column)))
    np.testing.assert_array_equal(series.read(window), series.read()[(slice(None), *window.slices)])


@pytest.mark.parametrize(
    "change, message",
    [
        ({"origin": (430000 + 20 * 50 + 10, 9240000)}, "shifted by"),
        ({"pixel": 50.5, "origin": (430000 + 20 * 50, 9240000)}, "pixels are"),
        ({"crs": "EPSG:32748"}, "reference system is EPSG:32748"),
    ],
)
def test_tiles_of_another_lattice_are_refused(tmp_path, change, message):
    """A fifth of a pixel aside, another pixel, another zone: nothing is brought together by itself."""
    write(tmp_path / "NDVI_20231101_a.tif", ndvi(1))
    write(tmp_path / "NDVI_20231101_b.tif", ndvi(1), **change)
    with pytest.raises(GridMismatchError, match=message):
        collect_series(list_rasters(tmp_path), Collecting(), Silent())


def test_clips_of_different_size_are_joined_and_it_is_said(tmp_path):
    """One date was clipped a row shorter: the row is missing there, and no value moves."""
    long, short = ndvi(1, 6, 7), ndvi(1, 5, 7, seed=1)
    write(tmp_path / "NDVI_20231101.tif", short)
    write(tmp_path / "NDVI_20231113.tif", long)
    heard = Heard()
    series = collect_series(list_rasters(tmp_path), Collecting(), heard)
    np.testing.assert_array_equal(series.read()[0, :5], short[0])
    np.testing.assert_array_equal(series.read()[1], long[0])
    assert np.isnan(series.read()[0, 5]).all() and any("7 x 6 pixels" in text for text in heard.said)


# Which files of a folder.


def test_a_folder_of_many_kinds(tmp_path):
    """Archives, tables, headers, parts of HDF5's names; polygons, texts and empty archives beside them are none."""
    values = ndvi(1)
    source, plain = (write(tmp_path / f"source{nodata}.tif", values, nodata=nodata) for nodata in (np.nan, -9999))
    folder = tmp_path / "many"
    folder.mkdir()
    rasterio.shutil.copy(source, folder / "NDVI_20200101", driver="ENVI")
    rasterio.shutil.copy(source, folder / "NDVI_20200102.bil", driver="EHdr")
    rasterio.shutil.copy(source, folder / "NDVI_20200103.rst", driver="RST")
    rasterio.shutil.copy(source, folder / "NDVI_20200104.sdat", driver="SAGA")
    rasterio.shutil.copy(source, folder / "NDVI_20200105.img", driver="HFA")
    with zipfile.ZipFile(folder / "january.zip", "w") as archive:
        archive.write(source, "in/NDVI_20200106.tif")
        archive.writestr("in/readme.txt", "x")
    import gzip

    (folder / "NDVI_20200107.tif.gz").write_bytes(gzip.compress(Path(source).read_bytes()))
    for name in ("NDVI_20200108", "NDVI_20200109"):
        rasterio.shutil.copy(plain, folder / "two.gpkg", driver="GPKG", RASTER_TABLE=name, APPEND_SUBDATASET="YES")
    with zipfile.ZipFile(folder / "texts.zip", "w") as archive:
        archive.writestr("readme.txt", "x")
    with sqlite3.connect(folder / "fields.gpkg") as package:
        package.execute("CREATE TABLE gpkg_contents (table_name TEXT, data_type TEXT)")
        package.execute("INSERT INTO gpkg_contents VALUES ('fields', 'features')")
    (folder / "notes.txt").write_text("x")
    (folder / "broken.gpkg").write_text("x")
    series = collect_series(list_rasters(folder), Collecting(variable="NDVI"), Silent())
    assert days(series) == [f"2020-01-{day:02d}" for day in range(1, 10)]
    for period, layer in zip(series.periods, series.read()):
        np.testing.assert_allclose(layer, values[0], atol=1e-6, err_msg=str(period))
    assert [Path(one).name for one in list_rasters(folder, "*.zip")] == ["NDVI_20200106.tif"]
    assert len(list_rasters(folder, "two*")) == 2


def test_a_folder_without_rasters_says_what_is_in_it(tmp_path):
    """So that one sees what one has chosen."""
    for name in ("a.xyz", "b.xyz", "notes.txt", "fields.gpkg"):
        (tmp_path / name).write_text("x")
    with pytest.raises(InputError, match=r"2 \.xyz, 1 \.gpkg, 1 \.txt"):
        list_rasters(tmp_path)


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.hdf", b"\x0e\x03\x13\x01" + bytes(90), "it is HDF4"),
        ("b.tif", b"PK\x05\x06" + bytes(18), "b.tif is an archive"),
        ("c.nc", b"CDF\x01" + bytes(3), "c.nc cannot be read as a raster"),
        ("d.h5", b"\x89HDF\r\n\x1a\n" + bytes(9), "d.h5 cannot be read"),
    ],
)
def test_what_cannot_be_read_is_called_what_it_is(tmp_path, name, content, message):
    """By its first bytes, not by its name."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        RasterFile.open(tmp_path / name)


def test_a_file_in_a_netcdf_of_several_variables_is_dated_by_its_own_name(tmp_path):
    """One file per date that holds NDVI and more: VARIABLE chooses the part, the file's name tells the date."""
    netcdf = pytest.importorskip("scipy.io").netcdf_file
    for day in ("20200104", "20200109"):
        with netcdf(tmp_path / f"S2_{day}.nc", "w", version=2) as file:
            file.createDimension("lat", 4)
            file.createDimension("lon", 5)
            for name, where, values in (("lat", ("lat",), [44.0, 43.9, 43.8, 43.7]), ("lon", ("lon",), [3.0, 3.1, 3.2, 3.3, 3.4])):
                variable = file.createVariable(name, "d", where)
                variable[:] = values
                variable.units = "degrees_north" if name == "lat" else "degrees_east"
            for name in ("NDVI", "cloud"):
                file.createVariable(name, "f", ("lat", "lon"))[:] = ndvi(1, 4, 5)[0]
    series = collect_series(list_rasters(tmp_path), Collecting(variable="NDVI"), Silent())
    assert days(series) == ["2020-01-04", "2020-01-09"]


def test_what_a_layer_calls_nothing_is_missing(tmp_path):
    """Ranges of stored numbers, for each layer its own, before any factor."""
    for place, day in enumerate(DATES):
        write(tmp_path / f"NDVI_{day}.tif", [[[100, 5000, 7000 + place]]], dtype="int16", nodata=None)
    own = [[[100, 100]], [], [[-1e300, 200], [7002, 7002]]]
    series = build(list_rasters(tmp_path), tmp_path / "out" / "o.tif", SCALE=0.0001, LAYERS_NODATA=own)
    found = series.read()[:, 0]
    np.testing.assert_allclose(found, [[np.nan, 0.5, 0.7], [0.01, 0.5, 0.7001], [np.nan, 0.5, np.nan]], atol=1e-6)


# Composites.


def observed(folder, days_, values, variable="NDVI"):
    """A series of single days."""
    return open_series(write(folder / f"{variable}.tif", values, [str(day) for day in days_]), variable)


def plainly(values, how, decibels):
    """The same by plain loops."""
    seen = [float(v) for v in values if np.isfinite(v)]
    if how == "count":
        return len(seen)
    if not seen:
        return np.nan
    power = [10 ** (v / 10) if decibels else v for v in seen]
    if how in ("mean", "median"):
        found = np.mean(power) if how == "mean" else np.median(power)
        return 10 * np.log10(found) if decibels else found
    return {"min": min(seen), "max": max(seen), "first": seen[0], "last": seen[-1]}[how]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 7), st.sampled_from(REDUCERS), st.booleans(), st.integers(0, 10**6))
def test_reducers_are_what_their_names_say(count, how, decibels, seed):
    """Against plain loops, with gaps, for NDVI and for decibels."""
    random = np.random.default_rng(seed)
    stack = random.uniform(-25, 5, (count, 2, 3)).astype("float32")
    stack[random.random(stack.shape) < 0.4] = np.nan
    found = reduced(stack, how, decibels)
    expected = [[plainly(stack[:, i, j], how, decibels) for j in range(3)] for i in range(2)]
    # near 0 dB a relative tolerance asks for more than the power has in float32: 10 / ln 10 of its last digit
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-6)
    assert found.dtype == np.float32


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(0, 800), min_size=1, max_size=30), st.sampled_from(("dekads", "months", "days")), st.integers(1, 40))
def test_every_date_is_in_the_one_period_that_holds_it(tmp_path_factory, offsets, stretch, length):
    """Half-open periods without a gap from the first to the last date, in leap years too; each date counts once."""
    when = [date(2019, 2, 20) + timedelta(offset) for offset in sorted(offsets)]
    series = observed(tmp_path_factory.mktemp("composites"), when, np.full((len(when), 1, 1), 0.5, "float32"))
    made = aggregated(series, stretch, "count", length, None, Silent())
    assert all(a.end == b.start for a, b in zip(made.periods, made.periods[1:]))
    assert made.read().sum() == len(when)
    for period, number in zip(made.periods, made.read()[:, 0, 0]):
        assert number == sum(period.start <= day < period.end for day in when)
        if stretch == "dekads":
            assert period.start.day in (1, 11, 21) and period.end.day in (1, 11, 21) and 8 <= (period.end - period.start).days <= 11
        elif stretch == "months":
            assert period.start.day == period.end.day == 1 and 28 <= (period.end - period.start).days <= 31
        else:
            assert (period.end - period.start).days == length
    assert made.groups[0][1] and made.groups[-1][1]


@pytest.mark.parametrize("how", WAYS)
def test_composites_are_a_series_that_fills(tmp_path, how):
    """Dekads of NDVI: one band a period, empty ones too; the fill takes it as any other series."""
    when = [date(2023, 1, 1) + timedelta(5 * i) for i in range(40) if not 12 <= i <= 18]
    values = ndvi(len(when), 20, 30)
    values[np.random.default_rng(3).random(values.shape) < 0.3] = np.nan
    heard = Heard()
    path = write(tmp_path / "NDVI.tif", values, [str(day) for day in when])
    series = build([path], tmp_path / "o.tif", heard, AGGREGATE="dekads", AGGREGATE_BY=how)
    assert any("of them hold no date" in text for text in heard.said)
    for place, period in enumerate(series.periods):
        inside = [i for i, day in enumerate(when) if period.start <= day < period.end]
        expected = [plainly(values[inside, 3, 7], how, False)]
        np.testing.assert_allclose(series.read()[place, 3, 7], expected[0], atol=1e-6)
    assert series.header["variable"] == ("observations" if how == "count" else "NDVI")
    if how == "median":
        run("fillwhittaker", {"INPUT": str(tmp_path / "o.tif"), "OUTPUT": str(tmp_path / "f.tif")}, Resources(128, 2), Silent())
        assert np.isfinite(open_series(str(tmp_path / "f.tif")).read()).all()


def test_composites_of_radar_are_means_of_power(tmp_path):
    """-10 and -20 dB are -12.6 dB on average, by mean and by median."""
    path = write(tmp_path / "VV.tif", np.full((2, 2, 2), 1) * np.array([-10.0, -20.0])[:, None, None], ["2023-01-02", "2023-01-09"])
    for how in ("mean", "median"):
        series = build([path], tmp_path / "o.tif", VARIABLE="VV", AGGREGATE="months", AGGREGATE_BY=how)
        np.testing.assert_allclose(series.read(), 10 * np.log10((0.1 + 0.01) / 2), atol=1e-5)
        assert days(series) == ["2023-01-01/2023-02-01"]


def test_start_date_begins_the_stretches_and_leaves_out_what_lies_before(tmp_path):
    """Said aloud; a START_DATE after all dates is an error, no length is one too."""
    path = write(tmp_path / "NDVI.tif", ndvi(4), ["2023-01-02", "2023-01-09", "2023-01-20", "2023-02-20"])
    heard = Heard()
    series = build([path], tmp_path / "o.tif", heard, AGGREGATE="days", AGGREGATE_DAYS=16, START_DATE="2023-01-05")
    assert days(series) == ["2023-01-05/2023-01-21", "2023-01-21/2023-02-06", "2023-02-06/2023-02-22"]
    assert heard.warnings == ["1 dates before START_DATE 2023-01-05 are left out."]
    assert np.isnan(series.read()[1]).all()
    with pytest.raises(DateError, match="lie before START_DATE"):
        build([path], tmp_path / "o.tif", AGGREGATE="days", AGGREGATE_DAYS=16, START_DATE="2024-01-05")
    with pytest.raises(InputError, match="does not say how many"):
        build([path], tmp_path / "o.tif", AGGREGATE="days")
    for change in ({"AGGREGATE": "weeks"}, {"AGGREGATE": "months", "AGGREGATE_BY": "mode"}):
        with pytest.raises(InputError, match="There is no AGGREGATE"):
            build([path], tmp_path / "o.tif", **change)


def test_composites_stay_within_a_small_budget(tmp_path):
    """Four years of days in months, with the least memory: the same bytes as with much."""
    when = [str(date(2020, 1, 1) + timedelta(i)) for i in range(400)]
    path = write(tmp_path / "NDVI.tif", ndvi(400, 64, 64), when, interleave="band")
    build([path], tmp_path / "a.tif", AGGREGATE="months")
    run("buildtimeseries", {"LAYERS": [path], "OUTPUT": str(tmp_path / "b.tif"), "AGGREGATE": "months"}, Resources(64, 4), Silent())
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    told = json.loads(RasterFile.open(tmp_path / "a.tif").tags["PHENOFUSE"])["parameters"]
    assert told == {"AGGREGATE": "months", "AGGREGATE_BY": "median"}
