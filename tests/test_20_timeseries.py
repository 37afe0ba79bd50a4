"""Opening and collecting rasters of every shape the contract names: dates, values, units, and what is refused."""

import json
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil

sys.path.insert(0, str(Path(__file__).parent))
from heard import Heard
from phenofuse.core.errors import DateError, GridMismatchError, InputError, OutputError, UnitError
from phenofuse.core.events import Silent
from phenofuse.core.jobs import Resources, run
from phenofuse.core.timeseries import Header, Period, Window, open_series, write_series
from phenofuse.core.timeseries.collecting import Collecting, collect_series
from phenofuse.core.timeseries.raw import RasterFile
from rasters import DATES, ndvi, write


def periods(series):
    """The series' periods as texts."""
    return [str(p) for p in series.periods]


def collect(paths, **options):
    """Collect silently."""
    return collect_series([str(p) for p in paths], Collecting(**options), Silent())


def test_our_own_raster_comes_back_to_the_bit(tmp_path):
    """Values (NaN too), periods, grid, variable and header survive writing and opening."""
    values = ndvi(rows=300, columns=270)
    values[1, 3, 4] = np.nan
    series = open_series(write(tmp_path / "a.tif", values, DATES, {"variable": "NDVI"}))
    stretches = tuple(Period.parse(f"{d}/2023-12-{i + 10}") for i, d in enumerate(DATES))
    path = str(tmp_path / "own.tif")
    write_series(
        path, series.read(), series.grid, stretches, Header("NDVI", "1", "test", {"order": 3}, ("/x/a.tif",))
    )
    again = open_series(path)
    assert again.read().tobytes() == values.tobytes()
    assert again.periods == stretches and again.variable.name == "NDVI"
    assert again.header["parents"] == ["a.tif"] and again.header["parameters"] == {"order": 3}
    assert not again.grid.difference(series.grid)
    with rasterio.open(path) as src:
        assert src.block_shapes[0] == (256, 256) and src.profile["interleave"] == "band"
        assert src.tags(1)["start_time"] == "2023-11-01T00:00:00" and src.tags(1)["end_time"] == "2023-12-10T00:00:00"
        assert src.descriptions[0] == "2023-11-01/2023-12-10" and np.isnan(src.nodata)
        assert "2023" not in json.dumps(json.loads(src.tags()["PHENOFUSE"])["variable"])
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize("how", ["start_time", "description", "described name", "netcdf", "force"])
def test_dates_are_found_in_every_place_of_a_stack(tmp_path, how):
    """Band tags, band names, NetCDF dimensions and FORCE's item all date a multi-band raster."""
    descriptions, tags, band_tags = None, {}, None
    days = [(date.fromisoformat(d) - date(1970, 1, 1)).days for d in DATES]
    if how == "start_time":
        band_tags = [{"start_time": f"{d}T10:20:30Z"} for d in DATES]
        descriptions = ["1999-01-01"] * 3  # the tag comes first
    elif how == "description":
        descriptions = DATES
    elif how == "described name":
        descriptions = [d.replace("-", "") + "_NDVI" for d in DATES]
    elif how == "netcdf":
        band_tags = [{"NETCDF_DIM_t": str(d)} for d in days]
    path = write(tmp_path / "NDVI.tif", ndvi(), descriptions, tags, band_tags)
    if how == "force":
        with rasterio.open(path, "r+") as dst:
            for i, d in enumerate(DATES, 1):
                dst.update_tags(i, ns="FORCE", Date=f"{d}T00:00:00.0Z")
    assert periods(open_series(path)) == DATES


def test_a_stack_without_dates_names_the_cure(tmp_path):
    """Tools that lose band names lead to a message that names buildtimeseries."""
    with pytest.raises(DateError, match="3 bands .first: 1, 2, 3. have no date") as caught:
        open_series(write(tmp_path / "NDVI.tif", ndvi()))
    assert "phenofuse:buildtimeseries" in caught.value.remedy


@pytest.mark.parametrize(
    "dates", [["2023-11-01", "2023-11-01", "2023-11-13"], ["2023-11-13", "2023-11-01", "2023-11-25"]]
)
def test_a_stack_whose_dates_do_not_increase_is_refused(tmp_path, dates):
    """Repeated or disordered dates are an error when a finished series is asked for."""
    with pytest.raises(DateError, match="must (differ|increase)"):
        open_series(write(tmp_path / "NDVI.tif", ndvi(), dates))


def test_building_sorts_and_averages_and_says_so(tmp_path):
    """Collecting the same stack sorts its dates, averages equal ones over what is finite, and tells both."""
    values = ndvi()
    values[0, 0, 0] = np.nan
    heard = Heard()
    path = write(tmp_path / "NDVI.tif", values, ["2023-11-13", "2023-11-13", "2023-11-01"])
    series = collect_series([path], Collecting(), heard)
    assert periods(series) == ["2023-11-01", "2023-11-13"]
    expected = np.nanmean(values[:2].astype(float), 0)
    np.testing.assert_allclose(series.read()[1], expected, rtol=1e-6)
    np.testing.assert_array_equal(series.read()[0], values[2])
    assert any("sorted" in s for s in heard.said) and any("averaged: 2023-11-13" in s for s in heard.said)


def test_equal_dates_of_radar_average_power_not_decibels(tmp_path):
    """-10 dB and -20 dB on one day give 10 log10(0.055), not -15 dB."""
    values = np.stack([np.full((2, 2), -10.0), np.full((2, 2), -20.0)])
    series = collect([write(tmp_path / "VV.tif", values, ["2023-11-01"] * 2)])
    np.testing.assert_allclose(series.read(), 10 * np.log10(0.055), rtol=1e-6)


def test_a_folder_of_single_dates_is_read_in_the_order_of_dates(tmp_path):
    """Dates come from the names, whatever the names' own order."""
    values = ndvi()
    for name, layer in zip(("b_20231101", "c_20231113", "a_20231125"), values):
        write(tmp_path / f"{name}.tif", layer[None])
    series = collect(sorted(tmp_path.iterdir()), variable="NDVI")
    assert periods(series) == DATES
    assert series.read().tobytes() == values.tobytes()


@pytest.mark.parametrize("source", ["csv", "list", "regular"])
def test_files_without_dates_take_given_ones(tmp_path, source):
    """Numbered periods (..._2 before ..._10) are dated by a CSV of names, a list in their order, or regular periods."""
    values = ndvi()
    names = ["Period_1", "Period_2", "Period_10"]
    for name, layer in zip(names, values):
        write(tmp_path / f"{name}.tif", layer[None])
    from phenofuse.core.timeseries import list_rasters

    table = tmp_path / "dates.csv"
    table.write_text("file,date\n" + "".join(f"{n}.tif,{d}\n" for n, d in zip(reversed(names), reversed(DATES))))
    options = {
        "csv": {"dates": str(table)},
        "list": {"dates": ",".join(DATES)},
        "regular": {"start_date": date(2023, 11, 1), "period_days": 12},
    }[source]
    series = collect(list_rasters(tmp_path), variable="NDVI", **options)
    assert [str(p.start) for p in series.periods] == DATES
    assert series.read().tobytes() == values.tobytes()
    if source == "regular":
        assert str(series.periods[0]) == "2023-11-01/2023-11-13"


def test_files_without_dates_are_refused_with_the_ways_to_date_them(tmp_path):
    """The error names the file and all three cures."""
    write(tmp_path / "Period_1.tif", ndvi(1))
    with pytest.raises(DateError, match="Period_1.tif") as caught:
        collect(tmp_path.iterdir(), variable="NDVI")
    assert all(word in caught.value.remedy for word in ("DATES", "START_DATE", "PERIOD_DAYS"))


def composite(folder, number, order=("VV", "VH", "S2ndvi"), named=True):
    """One file of a period with three variables; returns the values by name."""
    rng = np.random.default_rng(number)
    values = {
        "VV": rng.uniform(-15, -5, (4, 4)),
        "VH": rng.uniform(-22, -12, (4, 4)),
        "S2ndvi": rng.uniform(0, 0.9, (4, 4)),
    }
    write(
        folder / f"S1S2_202311{number:02d}.tif", np.stack([values[k] for k in order]), list(order) if named else None
    )
    return {k: v.astype("float32") for k, v in values.items()}


def test_bands_are_matched_by_name_never_by_position(tmp_path):
    """Files whose bands stand in another order give the same variable."""
    first, second = composite(tmp_path, 1), composite(tmp_path, 13, ("S2ndvi", "VH", "VV"))
    for variable, key in (("NDVI", "S2ndvi"), ("S2ndvi", "S2ndvi"), ("VV", "VV"), ("vh", "VH")):
        series = collect(sorted(tmp_path.iterdir()), variable=variable)
        assert series.read().tobytes() == np.stack([first[key], second[key]]).tobytes()
    assert series.variable.units == "dB"


def test_nameless_bands_need_to_be_mapped(tmp_path):
    """Without names nothing is guessed; BAND maps them, and the check of values finds a wrong mapping."""
    first = composite(tmp_path, 1, named=False)
    with pytest.raises(InputError, match="3 bands that hold neither dates nor variable names") as caught:
        collect(tmp_path.iterdir(), variable="NDVI")
    assert "BAND" in caught.value.remedy
    assert collect(tmp_path.iterdir(), variable="NDVI", band=3).read().tobytes() == first["S2ndvi"].tobytes()
    with pytest.raises(UnitError, match="NDVI, but 100%") as caught:
        collect(tmp_path.iterdir(), variable="NDVI", band=1)
    assert "decibels" in caught.value.remedy
    with pytest.raises(InputError, match="no band 4"):
        collect(tmp_path.iterdir(), variable="NDVI", band=4)


def test_a_variable_that_is_not_there_is_named(tmp_path):
    """The error lists what there is."""
    composite(tmp_path, 1)
    with pytest.raises(InputError, match=r"says that it is EVI; there is VV .1 band., VH .1 band., NDVI .1 band."):
        collect(tmp_path.iterdir(), variable="EVI")
    with pytest.raises(InputError, match="several variables"):
        collect(tmp_path.iterdir())


def test_integers_with_scale_offset_and_nodata(tmp_path):
    """Declared scale, offset and nodata are applied; nodata is compared before scaling."""
    stored = np.array([[[1000, -32768], [9000, 5000]]])
    path = write(tmp_path / "NDVI_20231101.tif", stored, dtype="int16", nodata=-32768, scale=0.0001, offset=-0.1)
    np.testing.assert_allclose(collect([path]).read()[0], [[0.0, np.nan], [0.8, 0.4]], atol=1e-7)


def test_a_lost_scale_is_refused_with_the_scale_to_give(tmp_path):
    """NDVI x 10000 without a declared scale is not silently taken for NDVI, nor silently scaled."""
    path = write(tmp_path / "NDVI_20231101.tif", np.full((1, 3, 3), 4200), dtype="int16", nodata=-32768)
    with pytest.raises(UnitError) as caught:
        collect([path])
    assert "SCALE = 0.0001" in caught.value.remedy
    np.testing.assert_allclose(collect([path], scale=0.0001).read(), 0.42, rtol=1e-6)


def test_infinite_impossible_and_undeclared_nodata_are_missing_never_clamped(tmp_path):
    """-inf, 1.3 and an undeclared -9999 become NaN; 1 and -1 stay."""
    values = ndvi(1, 60, 60)
    values[0, 0, :5] = [-np.inf, np.inf, 1.3, 1.0, -1.0]
    heard = Heard()
    out = open_series(write(tmp_path / "NDVI.tif", values, DATES[:1]), events=heard).read()[0]
    np.testing.assert_array_equal(out[0, :5], [np.nan, np.nan, np.nan, 1.0, -1.0])
    assert any("1.3" in s or "cannot be NDVI" in s for s in heard.said)
    values = ndvi(1, 60, 60)
    values[0, :20] = -9999
    heard = Heard()
    out = open_series(write(tmp_path / "b_NDVI.tif", values, DATES[:1], nodata=None), events=heard).read()[0]
    assert np.isnan(out[:20]).all() and np.array_equal(out[20:], values[0, 20:])
    assert any("-9999 is not declared" in s for s in heard.said)


def test_linear_power_becomes_decibels_and_is_said(tmp_path):
    """Backscatter as linear power, told by its unit or by its values, is converted aloud; zero power is missing."""
    power = np.random.default_rng(1).uniform(0.01, 0.3, (1, 6, 6)).astype("float32")
    power[0, 0, 0] = 0
    heard = Heard()
    out = open_series(write(tmp_path / "VV.tif", power, DATES[:1]), events=heard).read()
    with np.errstate(divide="ignore"):
        expected = 10 * np.log10(power)
    expected[0, 0, 0] = np.nan
    np.testing.assert_allclose(out, expected, rtol=1e-6)
    assert any("linear power" in s for s in heard.said)
    assert open_series(write(tmp_path / "a_VV.tif", power, DATES[:1], {"units": "linear"})).linear_power
    decibels = open_series(write(tmp_path / "b_VV.tif", power * 0 - 11, DATES[:1], {"units": "dB"}))
    np.testing.assert_array_equal(decibels.read(), -11)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"crs": "EPSG:32748"}, "reference system is EPSG:32748, not EPSG:32749"),
        ({"pixel": 10}, "pixels are 10 x 10, not 50 x 50"),
        ({"origin": (430025, 9240000)}, r"shifted by \+0.50 columns"),
        ({"origin": (430000, 9240075)}, r"\-1.50 rows"),
    ],
)
def test_grids_that_differ_are_refused_with_what_differs(tmp_path, change, message):
    """The error names difference and cure."""
    write(tmp_path / "NDVI_20231101.tif", ndvi(1))
    write(tmp_path / "NDVI_20231113.tif", ndvi(1), **change)
    with pytest.raises(GridMismatchError, match=message) as caught:
        collect(sorted(tmp_path.iterdir()))
    assert "REFERENCE" in caught.value.remedy


def test_another_size_is_a_difference_where_nothing_says_where_the_pixels_lie(tmp_path):
    """Rasters of different size without a reference system may lie anywhere: refused (with one, they are joined)."""
    write(tmp_path / "NDVI_20231101.tif", ndvi(1), crs=None)
    write(tmp_path / "NDVI_20231113.tif", ndvi(1, 4, 7), crs=None)
    with pytest.raises(GridMismatchError, match="has 7 x 4 pixels, not 7 x 5"):
        collect(sorted(tmp_path.iterdir()))


def test_alignment_reproduces_a_plane(tmp_path):
    """A linear field on another grid and resolution comes back right to 1e-4 on the reference's pixels."""

    def plane(origin, pixel, rows, columns):
        x = origin[0] + pixel * (np.arange(columns) + 0.5)
        y = origin[1] - pixel * (np.arange(rows) + 0.5)
        return (0.5 + (x[None, :] - 430000) / 4000 + (y[:, None] - 9240000) / 4000)[None]

    wide = write(
        tmp_path / "NDVI_20231101.tif", plane((429900, 9240100), 20, 60, 60), origin=(429900, 9240100), pixel=20
    )
    reference = write(tmp_path / "ref.tif", ndvi(1, 12, 14), origin=(430010, 9239990))
    series = collect([wide], reference=RasterFile.open(reference).grid)
    np.testing.assert_allclose(series.read()[0], plane((430010, 9239990), 50, 12, 14)[0], atol=1e-4)
    half = series.read(Window(3, 4, 5, 6))
    np.testing.assert_array_equal(half, series.read()[:, 3:8, 4:10])


def test_windows_agree_whatever_the_block_layout(tmp_path):
    """Strips, tiles and pixel interleave give the same window."""
    values = ndvi(3, 70, 90)
    layouts = [
        {},
        {"tiled": True, "blockxsize": 16, "blockysize": 32},
        {"interleave": "pixel", "compress": "deflate"},
    ]
    for i, layout in enumerate(layouts):
        series = open_series(write(tmp_path / f"{i}_NDVI.tif", values, DATES, **layout))
        np.testing.assert_array_equal(series.read(Window(13, 40, 30, 41), dates=[2, 0]), values[[2, 0], 13:43, 40:81])


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda p: p / "none.tif", "There is no file"),
        (lambda p: p, "is a folder"),
        (lambda p: _text(p / "text.tif"), "cannot be read as a raster"),
    ],
)
def test_what_cannot_be_opened_is_said_plainly(tmp_path, make, message):
    """A missing file, a folder and a text file each have their sentence."""
    with pytest.raises(InputError, match=message):
        open_series(str(make(tmp_path)))


def _text(path):
    path.write_text("no raster")
    return path


def test_a_cut_off_file_is_called_damaged(tmp_path):
    """A download that stopped half-way is an error, not zeros."""
    path = tmp_path / "NDVI.tif"
    rasterio.shutil.copy(write(tmp_path / "whole.tif", ndvi(3, 200, 200), DATES), path, driver="COG")
    path.write_bytes(path.read_bytes()[:200_000])
    with pytest.raises(InputError, match="damaged or incomplete"):
        open_series(str(path)).read()


def test_an_output_that_cannot_be_written_is_an_error(tmp_path):
    """A folder that is a file cannot hold the output."""
    (tmp_path / "file").write_text("x")
    series = open_series(write(tmp_path / "NDVI.tif", ndvi(), DATES))
    with pytest.raises(OutputError, match="cannot be written"):
        write_series(str(tmp_path / "file" / "o.tif"), series.read(), series.grid, series.periods, Header("NDVI"))


def test_split_and_build_are_inverse(tmp_path):
    """A series split into files and built again is the same to the bit, dates and all."""
    values = ndvi()
    values[0, 0] = np.nan
    source = write(
        tmp_path / "NDVI.tif", values, ["2023-11-01/2023-11-13", "2023-11-13/2023-11-25", "2023-11-25/2023-12-07"]
    )
    run("splittimeseries", {"INPUT": source, "FOLDER": str(tmp_path / "parts")}, Resources(), Silent())
    assert len(list((tmp_path / "parts").glob("NDVI_*.tif"))) == 3
    result = run(
        "buildtimeseries",
        {"FOLDER": str(tmp_path / "parts"), "OUTPUT": str(tmp_path / "b.tif")},
        Resources(),
        Silent(),
    )
    again = open_series(result["outputs"]["OUTPUT"])
    assert again.read().tobytes() == values.tobytes() and result["numbers"]["DATE_COUNT"] == 3
    assert again.periods == open_series(source).periods


def independent(path, scale=1.0, nodata=None):
    """Values and day numbers read with rasterio alone."""
    with rasterio.open(path) as src:
        values = src.read().astype(float)
        values[~np.isfinite(values)] = np.nan
        if nodata is not None:
            values[values == nodata] = np.nan
        return (values * scale).astype("float32"), [d.split("/")[0] if d else None for d in src.descriptions]


def built(folder, **parameters):
    """Build and read back with rasterio alone."""
    run("buildtimeseries", {**parameters, "OUTPUT": str(folder / "out.tif")}, Resources(), Silent())
    return independent(str(folder / "out.tif"))


@pytest.mark.realdata
@pytest.mark.parametrize(
    "name",
    [
        "fusets_spain_field/NDVI.tif",
        "worldcereal_belgium_cube/NDVI.tif",
        "worldcereal_belgium_cube/VV.tif",
        "worldcereal_belgium_cube/VH.tif",
        "gfmap_s1s2_chip/NDVI_masked.tif",
        "gfmap_s1s2_chip/VV.tif",
        "gfmap_s1s2_chip/VH.tif",
        "cropmask_honduras_cube/NDVI.tif",
        "treesat_fir_2020/NDVI_masked.tif",
    ],
)
def test_real_stacks_are_built_as_they_are(shared_data, tmp_path, name):
    """Values and dates of real stacks equal an independent read."""
    values, dates = independent(shared_data / name)
    got, days = built(tmp_path, LAYERS=[str(shared_data / name)])
    assert days == dates
    np.testing.assert_array_equal(got, values)


@pytest.mark.realdata
def test_a_real_netcdf_cube_equals_its_geotiff(shared_data, tmp_path):
    """The openEO cube of the Spanish field gives the dates and values of the GeoTIFF made of it independently."""
    field = shared_data / "fusets_spain_field"
    values, dates = independent(field / "NDVI.tif")
    got, days = built(tmp_path, LAYERS=[str(field / "raw_s2_ndvi_field.nc")], VARIABLE="NDVI")
    assert days == dates and len(days) == 33
    np.testing.assert_array_equal(got, values)


@pytest.mark.realdata
def test_a_real_folder_of_scaled_integers(shared_data, tmp_path):
    """Sixty single-date files of NDVI x 10000 give sixty dates from their names and values equal to an independent read."""
    folder = shared_data / "sen2rts_field_tiffs" / "NDVI"
    got, days = built(tmp_path, FOLDER=str(folder), SCALE=0.0001)
    files = sorted(folder.iterdir(), key=lambda p: p.name.split("_")[1])
    assert days == [f"{d[:4]}-{d[4:6]}-{d[6:]}" for d in (p.name.split("_")[1] for p in files)] and len(days) == 60
    expected = np.concatenate([independent(p, 0.0001, -32768)[0] for p in files])
    np.testing.assert_allclose(got, expected, atol=1e-7)
    assert np.array_equal(np.isnan(got), np.isnan(expected))


@pytest.mark.realdata
def test_real_radar_of_two_slices_a_day_is_averaged_in_power(shared_data, tmp_path):
    """The 86 descending images of 61 days become 61 bands, each the mean power of its images."""
    values, dates = independent(shared_data / "treesat_fir_2020" / "VV_des.tif")
    got, days = built(tmp_path, LAYERS=[str(shared_data / "treesat_fir_2020" / "VV_des.tif")])
    assert days == sorted(set(dates)) and len(days) == 61
    for day, layer in zip(days, got):
        same = values[[i for i, d in enumerate(dates) if d == day]].astype(float)
        np.testing.assert_allclose(layer, 10 * np.log10((10 ** (same / 10)).mean(0)), atol=1e-4)
