"""Dates of small inputs after public bug reports, each under its README's words, and of their kin."""

import shutil

import numpy as np
import pytest
import rasterio
from heard import Heard
from phenofuse.core.errors import DateError, InputError
from phenofuse.core.events import Silent
from phenofuse.core.jobs import Resources, run
from phenofuse.core.timeseries import list_rasters, open_series
from phenofuse.core.timeseries.collecting import Collecting, collect_series
from phenofuse.core.validate.collect import collect
from rasters import DATES, ndvi, write


@pytest.fixture(scope="session")
def cases(shared_data):
    """The folder of the small inputs, or skip."""
    folder = shared_data.parent / "cases" / "files"
    if not folder.is_dir():
        pytest.skip(f"no small inputs in {folder}")
    return folder


def days_of(where, events=None, subfolders=False, pattern="*", **options):
    """Dates of a folder, or of a list of files, as texts."""
    paths = list_rasters(where, pattern, subfolders) if not isinstance(where, list) else where
    return [str(p) for p in collect_series(paths, Collecting(**options), events or Silent()).periods]


def january(*days):
    """Days of January 2020, and of the months after it where they are beyond 31."""
    return [str(np.datetime64("2019-12-31") + day) for day in days]


def values(path):
    """Values as rasterio alone reads them."""
    with rasterio.open(path) as src:
        return src.read()


CASES = pytest.mark.realdata


@CASES
@pytest.mark.parametrize(
    "folder, expected",
    [
        pytest.param("02-netcdf-overpass-times", january(4, 9, 14, 19, 24),
                     id="02: seconds since 2020-01-04 10:54:41 (xarray's default) are 01-09, 14, 19, 24"),
        pytest.param("02b-netcdf-minutes", january(4, 9, 14), id="02b: the same with minutes since"),
        pytest.param("03-calendar-noleap", ["2019-01-01", "2019-04-01", "2019-07-01", "2019-10-01", "2020-01-01", "2020-04-01",
                                            "2020-07-01", "2020-10-01"], id="03: calendar=noleap is not ignored"),
        pytest.param("03c-gregorian-1950", ["2020-01-01", "2020-02-01", "2020-03-01", "2020-04-01"], id="03c: days since 1950-01-01"),
        pytest.param("03d-months-since", ["2020-01-01", "2020-02-01", "2020-03-01"], id="03d: months since"),
        pytest.param("30-time-int64-ns", ["2020-01-01", "2020-01-17", "2020-02-02"], id="30: nanoseconds without units"),
        pytest.param("14b-netcdf-ascending", ["2020-01-01", "2020-02-01", "2020-03-01", "2020-04-01", "2020-05-01", "2020-06-01"],
                     id="14b: ascending"),
        pytest.param("14c-lon-0-360", ["2020-01-01", "2020-02-01", "2020-03-01", "2020-04-01", "2020-05-01", "2020-06-01"],
                     id="14c: longitudes from 0 to 360"),
        pytest.param("21-valid-range-unpacked", ["2020-01-01", "2020-01-17", "2020-02-02"], id="21: valid range, unpacked"),
        pytest.param("01-landsat-names", ["2020-01-04", "2020-01-20", "2020-02-05", "2020-02-21"],
                     id="01: acquisition_processing in Landsat product ids are single days 2020-01-04, -20, 02-05, 02-21"),
        pytest.param("15-snap-stack", ["2020-01-04", "2020-01-16", "2020-01-28", "2020-02-09"],
                     id="15: SNAP's band names (..._16Jan2020) hold dates"),
        pytest.param("33-names/14digits", january(4, 9), id="33: a clock of 14 digits"),
        pytest.param("33-names/monthname", january(4, 16), id="33: names of months"),
        pytest.param("33-names/proc", january(4, 9), id="33: acquisition and processing, see 01"),
        pytest.param("33-names/range_inclusive", ["2020-01-01/2020-01-11", "2020-01-11/2020-01-21"],
                     id="33: first and last days, see 01"),
    ],
)  # fmt: skip
def test_a_folder_has_the_right_dates(cases, folder, expected):
    """Nothing is given but the folder."""
    assert days_of(cases / folder) == expected


@CASES
@pytest.mark.parametrize("folder", ["02-netcdf-overpass-times", "03-calendar-noleap", "03d-months-since", "30-time-int64-ns"])
def test_the_cube_itself_is_a_series(cases, folder):
    """What opens a NetCDF cube directly reads the same dates as what builds from it."""
    path = str(next((cases / folder).glob("*.nc")))
    assert [str(p) for p in open_series(path).periods] == days_of([path])


@CASES
@pytest.mark.parametrize(
    "folder, said",
    [("03d-months-since", "calendar months"), ("30-time-int64-ns", "nanoseconds since 1970"), ("03-calendar-noleap", "'noleap'"),
     ("33-names/proc", "second one not at all"), ("33-names/range_inclusive", "the last day belongs")],
)  # fmt: skip
def test_what_was_made_of_it_is_said(cases, folder, said):
    """A reading that is not plain is told."""
    heard = Heard()
    days_of(cases / folder, heard)
    assert any(said in text for text in heard.said)


@CASES
def test_12_the_12_digit_date_of_a_copernicus_name_is_found(cases):
    """Without DATES."""
    assert days_of(cases / "12-cgls", variable="NDVI", scale=0.004, offset=-0.08) == january(1, 11, 21)


@CASES
def test_13_sen2agri_names_their_acquisition_with_an_a(cases):
    """The factor is another matter."""
    assert days_of(cases / "13-factor-1000", scale=0.001) == january(4, 9, 14, 19)


@CASES
@pytest.mark.parametrize(
    "folder, seen, pattern, expected",
    [
        ("dayfirst", "'04-01-2020'", "%d-%m-%Y", january(4, 9)),
        ("dayfirst_clock", "'04-01-2020'", "%d-%m-%Y-%H-%M", january(4, 9)),
        ("month", "'2020_01'", "%Y_%m", ["2020-01-01/2020-02-01", "2020-02-01/2020-03-01"]),
        ("singledigit", "'2020_1_4'", "%Y_%m_%d", january(4, 9)),
        ("yeardoy_sep", "'2020_004'", "%Y_%j", january(4, 9)),
    ],
)
def test_33_names_in_other_styles_are_clear_errors_and_date_pattern_reads_them(cases, folder, seen, pattern, expected):
    """What could be read in two ways is not; the error names the pattern that would tell."""
    with pytest.raises(DateError) as caught:
        days_of(cases / "33-names" / folder)
    assert seen in caught.value.text and pattern[:8] in caught.value.text and "DATE_PATTERN" in caught.value.remedy
    assert days_of(cases / "33-names" / folder, date_pattern=pattern) == expected


@CASES
def test_31_shards_have_the_date_of_their_names(cases):
    """Ten digits of a shard's place are no date; grids are another matter."""
    from phenofuse.core.timeseries.raw import RasterFile

    reference = RasterFile.open(str(cases / "31-gee-shards" / "reference.tif.keep")).grid
    assert days_of(cases / "31-gee-shards", reference=reference) == january(4, 9)


@CASES
def test_47_folders_are_searched_and_their_dates_read_on_request(cases, tmp_path):
    """2020-01-04/NDVI.tif."""
    folder = cases / "47-date-folders"
    with pytest.raises(InputError, match=r"its subfolders hold 2 .*2020-01-04.NDVI.tif") as caught:
        days_of(folder)
    assert "SUBFOLDERS" in caught.value.remedy
    heard = Heard()
    assert days_of(folder, heard, subfolders=True, folder=str(folder)) == january(4, 9)
    assert any("folders are taken" in text for text in heard.said)
    output = str(tmp_path / "o.tif")
    run("buildtimeseries", {"FOLDER": str(folder), "SUBFOLDERS": True, "OUTPUT": output}, Resources(), Silent())
    np.testing.assert_array_equal(values(output), np.concatenate([values(path) for path in sorted(folder.glob("*/*.tif"))]))


@CASES
def test_28_day_first_dates_of_a_csv_are_read(cases, tmp_path):
    """14/01/2020 tells how 04/01/2020 is to be read; where nothing tells, the error says how dates are to look."""
    folder = cases / "28-csv"
    assert days_of(folder, dates=str(folder / "dates.csv")) == january(4, 9, 14)
    (tmp_path / "dates.csv").write_text("file,date\nx_1.tif,04/01/2020\nx_2.tif,09/01/2020\nx_3.tif,11/01/2020\n")
    with pytest.raises(DateError, match="could be day 04 of month 01") as caught:
        days_of(folder, dates=str(tmp_path / "dates.csv"))
    assert "2023-11-01" in caught.value.remedy


@CASES
@pytest.mark.parametrize(
    "folder",
    ["04-several-indices", "05-undeclared-fill", "07-alpha", "08-force-boa", "09-force-tsi", "11-ndvi-over-water", "16-utm-boundary",
     "22-s1-zero-border", "43-two-orbits", "44-bands-only"],
)  # fmt: skip
def test_dates_in_names_that_were_right_stay(cases, folder):
    """Every file of the other folders has the date that its name, or band, holds."""
    from phenofuse.core.timeseries.names import period_in_name
    from phenofuse.core.timeseries.opening import stated_period
    from phenofuse.core.timeseries.raw import RasterFile

    for path in list_rasters(cases / folder):
        file = RasterFile.open(path)
        stated = [stated_period(file, band) for band in file.bands]
        assert period_in_name(file.name) if not any(stated) else all(stated)


# Further inputs of these kinds


def cube(path, numbers, units=None, calendar=None, name="time", values=None):
    """A raster with the tags that GDAL gives a NetCDF cube (and keeps in a GeoTIFF made of it)."""
    tags = {f"{name}#units": units} if units else {}
    tags |= {f"{name}#calendar": calendar} if calendar else {}
    layers = ndvi(len(numbers)) if values is None else values
    return write(path, layers, tags=tags, band_tags=[{f"NETCDF_DIM_{name}": str(number)} for number in numbers])


@pytest.mark.parametrize("name", ["valid_time", "Time", "t", "date", "obs_day"])
def test_a_time_axis_may_have_any_name(tmp_path, name):
    """Whose units say 'since' is time."""
    path = cube(tmp_path / "NDVI.tif", [0.5, 12.5], "days since 2020-01-04 13:00 +01:00", name=name)
    assert days_of([path]) == january(5, 17) and [str(p) for p in open_series(path).periods] == january(5, 17)


@pytest.mark.parametrize(
    "units, calendar",
    [("days since 2020-01-01", "lunar"), ("days since launch", None), ("paces since 2020-01-01", "julian")],
)
def test_a_time_axis_that_is_not_understood_is_named(tmp_path, units, calendar):
    """Also where the file's name holds a date: what the axis says is not passed over. Given dates help."""
    paths = [cube(tmp_path / "NDVI_20200104.tif", [1], units, calendar), cube(tmp_path / "NDVI.tif", [1, 2], units, calendar)]
    for path in paths:
        for read in (lambda path=path: days_of([path]), lambda path=path: open_series(path)):
            with pytest.raises(DateError) as caught:
                read()
            assert "'time'" in caught.value.text and f"'{units}'" in caught.value.text and (calendar or "") in caught.value.text
        heard = Heard()
        run("validatecomposites", {"LAYERS": [path], "REPORT": str(tmp_path / "r.html")}, Resources(), heard)
        assert any("'time'" in text and f"'{units}'" in text for text in heard.warnings)
    assert days_of(paths[:1], date_source="name") == january(4)
    assert days_of(paths[1:], dates="2020-01-04,2020-01-09") == january(4, 9)


def test_days_that_the_real_calendar_lacks_are_an_error(tmp_path):
    """30 February of a 360-day calendar."""
    with pytest.raises(DateError, match="2020-02-30, which is no date"):
        days_of([cube(tmp_path / "NDVI.tif", [0, 59], "days since 2020-01-01", "360_day")])


def test_dates_that_are_given_but_not_used_are_said(tmp_path):
    """Names tell the dates: DATES is passed over aloud, and DATE_SOURCE = given takes it."""
    paths = [write(tmp_path / f"NDVI_{day.replace('-', '')}.tif", ndvi(1)) for day in DATES]
    heard = Heard()
    assert days_of(paths, heard, dates="2020-01-01,2020-01-02,2020-01-03") == DATES
    assert any("DATES is not used" in text for text in heard.warnings)
    assert days_of(paths, dates="2020-01-01,2020-01-02,2020-01-03", date_source="given") == january(1, 2, 3)


def test_names_that_a_pattern_does_not_fit_are_listed(tmp_path):
    """None is dated another way."""
    paths = [write(tmp_path / f"NDVI_{name}.tif", ndvi(1)) for name in ("04012020", "09012020", "20200114")]
    assert days_of(paths[:2], date_pattern="%d%m%Y") == january(4, 9)
    with pytest.raises(DateError, match="1 of 3 names hold no date written as DATE_PATTERN %d%m%Y says: NDVI_20200114"):
        days_of(paths, date_pattern="%d%m%Y")


def test_a_pattern_reads_the_names_of_bands_and_folders(tmp_path):
    """A stack whose bands are named; files of one name in folders."""
    stack = write(tmp_path / "NDVI.tif", ndvi(2), ["NDVI 04.01.2020", "NDVI 09.01.2020"])
    assert days_of([stack], date_pattern="%d.%m.%Y") == january(4, 9)
    for folder in ("04012020", "09012020"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "NDVI.tif", ndvi(1))
    assert days_of(sorted(map(str, tmp_path.glob("*/NDVI.tif"))), date_pattern="%d%m%Y") == january(4, 9)


def test_subfolders_by_year_month_and_day(tmp_path):
    """2020/01/04/NDVI.tif; hidden folders are left out; a pattern holds below too."""
    for day in ("04", "09"):
        (tmp_path / "2020" / "01" / day).mkdir(parents=True)
        write(tmp_path / "2020" / "01" / day / "NDVI.tif", ndvi(1))
        write(tmp_path / "2020" / "01" / day / "SCL.tif", ndvi(1))
    (tmp_path / ".trash").mkdir()
    write(tmp_path / ".trash" / "NDVI.tif", ndvi(1))
    assert days_of(tmp_path, subfolders=True, pattern="NDVI*", folder=str(tmp_path)) == january(4, 9)
    shutil.rmtree(tmp_path / "2020" / "01" / "09")
    assert days_of(tmp_path, subfolders=True, pattern="NDVI*", folder=str(tmp_path)) == january(4)


def test_validatecomposites_looks_into_subfolders_too(tmp_path):
    """On request, with the dates of the folders; files of one name are told apart."""
    for day in ("2020-01-04", "2020-01-09", "2020-01-14"):
        (tmp_path / day).mkdir()
        write(tmp_path / day / "NDVI.tif", ndvi(1, 40, 40, seed=int(day[-2:])))
    with pytest.raises(InputError, match="its subfolders hold 3"):
        run("validatecomposites", {"FOLDER": str(tmp_path)}, Resources(), Silent())
    heard = Heard()
    asked = {"FOLDER": str(tmp_path), "SUBFOLDERS": True, "REPORT": str(tmp_path / "r.html")}
    result = run("validatecomposites", asked, Resources(), heard)
    assert result["numbers"]["VALID"] == 1, heard.said
    assert "2020-01-14" in (tmp_path / "r.html").read_text()
    layers = collect(list_rasters(tmp_path, subfolders=True), (), Silent()).layers
    assert [(layer.file, str(layer.start)) for layer in layers] == [
        (f"{day}/NDVI.tif", day) for day in ("2020-01-04", "2020-01-09", "2020-01-14")]  # fmt: skip


# The days that the mathematics uses


def dated(folder, *periods):
    """Single files of these periods, and the values of each."""
    layers = ndvi(len(periods), 12, 12, seed=3)
    paths = [write(folder / f"p_{i}.tif", layer[None], [period]) for i, (period, layer) in enumerate(zip(periods, layers))]
    return paths, layers


def test_dates_are_sorted_by_the_middle_of_their_periods(tmp_path):
    """A long period that begins first but lies later comes later, with its own values."""
    paths, layers = dated(tmp_path, "2020-01-01/2020-03-01", "2020-01-10/2020-01-20", "2020-03-10")
    series = collect_series(paths, Collecting(variable="NDVI"), Silent())
    assert [str(p) for p in series.periods] == ["2020-01-10/2020-01-20", "2020-01-01/2020-03-01", "2020-03-10"]
    np.testing.assert_array_equal(series.read(), layers[[1, 0, 2]])
    assert (np.diff(series.days) > 0).all()


def test_periods_of_one_start_and_several_ends_are_not_averaged(tmp_path):
    """A dekad and a month are two values, at their own middles; only equal periods share a place."""
    paths, layers = dated(tmp_path, "2020-01-01/2020-02-01", "2020-01-01/2020-01-11", "2020-01-01/2020-01-11")
    series = collect_series(paths, Collecting(variable="NDVI"), Silent())
    assert [str(p) for p in series.periods] == ["2020-01-01/2020-01-11", "2020-01-01/2020-02-01"]
    np.testing.assert_allclose(series.read()[0], layers[1:].mean(0), rtol=1e-6)
    np.testing.assert_array_equal(series.read()[1], layers[0])


@pytest.mark.parametrize("periods", [("2020-01-06", "2020-01-01/2020-01-11"), ("2020-01-02/2020-01-10", "2020-01-01/2020-01-11")])
def test_two_periods_with_one_middle_are_refused(tmp_path, periods):
    """In building, and when opened."""
    paths, layers = dated(tmp_path, *periods)
    with pytest.raises(DateError, match="have the same middle day"):
        collect_series(paths, Collecting(variable="NDVI"), Silent())
    with pytest.raises(DateError, match="have the same middle day"):
        open_series(write(tmp_path / "stack.tif", layers, list(periods)), "NDVI")


FILLS = {
    "fillwhittaker": {},
    "fillwhittaker linear": {"MODE": "linear"},
    "fillwhittaker savgol": {"MODE": "savgol"},
    "fillharmonic": {},
    "fillmogpr": {},
}


@pytest.mark.parametrize("fill", FILLS)
def test_overlapping_periods_are_filled_by_their_middles_or_refused(tmp_path, fill):
    """Every fill of a series of overlapping periods equals the fill of days at their middles; disorder is refused by all alike."""
    count = 24
    layers = ndvi(count, 8, 8, seed=5)
    layers[5:9, 2:6, 2:6] = np.nan
    starts = np.datetime64("2020-01-01") + np.arange(count) * 10
    lengths = np.where(np.arange(count) % 3 == 0, 18, 8)  # even: middles are days; the longer ones reach into the next
    middles = starts + lengths // 2
    overlapping = [f"{a}/{a + length}" for a, length in zip(starts, lengths)]
    run_fill = lambda name, dates: filled(tmp_path, fill, name, layers, dates)  # noqa: E731
    np.testing.assert_array_equal(run_fill("periods", overlapping), run_fill("days", [str(day) for day in middles]))
    wrong = list(overlapping)
    wrong[3] = f"{starts[3]}/{starts[3] + 120}"  # its middle lies after the next five
    with pytest.raises(DateError, match="the middle of band 5 .* does not lie after that of band 4"):
        run_fill("wrong", wrong)


def filled(folder, fill, name, layers, dates):
    """The filled values of a stack with these dates."""
    source = write(folder / f"{name}.tif", layers, dates, {"variable": "NDVI"})
    output = str(folder / f"{name} {fill}.tif")
    run(fill.split()[0], {"INPUT": source, "OUTPUT": output, **FILLS[fill]}, Resources(), Silent())
    return values(output)
