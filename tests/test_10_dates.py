"""Dates in texts, periods, and the order they must have."""

from datetime import date

import pytest
from phenofuse.core.errors import DateError
from phenofuse.core.timeseries.cf import cf_date
from phenofuse.core.timeseries.dates import Period, dates_given, iso_date, periods_between, require_increasing
from phenofuse.core.timeseries.names import period_in_name


@pytest.mark.parametrize(
    "name, expected",
    [
        ("NDVI_2023-11-01", "2023-11-01"),
        ("S2A2A_20200109_022_sampleroi_NDVI_10", "2020-01-09"),
        ("S1S2_2023-11-01_2023-11-13", "2023-11-01/2023-11-13"),
        ("S1S2_20231101_20231113", "2023-11-01/2023-11-13"),
        ("composite_2024.02.29", "2024-02-29"),
        ("MOD13Q1.A2020060.h28v09", "2020-02-29"),
        ("2023_11_01to2023_11_13_NDVI", "2023-11-01/2023-11-13"),
        # A product name: sensing time, then processing time.
        ("S2A_MSIL2A_20200109T101401_N0213_R022_T32TQQ_20200111T122100", "2020-01-09"),
        ("S1_S2_Period_01_FIXED", None),
        ("tile_20231399", None),
        ("scene_2023022912345", None),
        ("id_18991231", None),
        ("NDVI", None),
    ],
)
def test_dates_are_found_in_names(name, expected):
    """Each naming style in use gives its date or period, and numbers that are no dates give none."""
    assert str(period_in_name(name)) == str(expected)


def test_a_leap_day_exists_only_in_leap_years():
    """29 February is a date in 2024 and none in 2023."""
    assert period_in_name("x_20240229") == Period(date(2024, 2, 29))
    assert period_in_name("x_20230229") is None


@pytest.mark.parametrize(
    "value, units, expected",
    [
        ("10618", None, date(1999, 1, 27)),
        ("0", "days since 2019-01-01 00:00:00", date(2019, 1, 1)),
        ("36", "hours since 2019-01-01", date(2019, 1, 2)),
        ("1548547200", "seconds since 1970-01-01", date(2019, 1, 27)),
    ],
)
def test_cf_times(value, units, expected):
    """NetCDF times follow their CF units; without units they are days since 1970."""
    assert cf_date(value, units) == expected


def test_the_middle_of_a_period_lies_between_its_ends():
    """A half-open period of twelve days has its middle six days after the start."""
    assert Period.parse("2000-01-01/2000-01-13").middle == 10963.0
    assert Period.parse("2000-01-01").middle == 10957.0


def test_a_period_must_not_end_before_it_begins():
    """Start and end swapped are an error that says so."""
    with pytest.raises(DateError, match="ends before it begins"):
        Period.parse("2023-11-13/2023-11-01")


def test_regular_periods_join_without_gap_over_a_leap_day():
    """Periods of twelve days follow one another, over 29 February too."""
    periods = periods_between(date(2024, 2, 20), 12, 3)
    assert [str(p) for p in periods] == ["2024-02-20/2024-03-03", "2024-03-03/2024-03-15", "2024-03-15/2024-03-27"]


@pytest.mark.parametrize(
    "texts, message",
    [
        (["2024-01-01", "2024-01-01"], "bands 1 and 2 are both of 2024-01-01"),
        (["2024-01-01", "2024-01-03", "2024-01-02"], "band 3 .2024-01-02. comes after band 2"),
    ],
)
def test_dates_that_do_not_increase_are_named(texts, message):
    """The error names the first bands that offend, and the algorithm that mends it."""
    with pytest.raises(DateError, match=message) as caught:
        require_increasing([Period.parse(t) for t in texts], "x.tif")
    assert "phenofuse:buildtimeseries" in caught.value.remedy


def test_dates_from_a_list_and_from_csv(tmp_path):
    """A list, a bare column, and names beside dates (with a header line, a byte-order mark, semicolons) are read."""
    assert [str(p) for p in dates_given("2024-01-01, 2024-02-01/2024-02-11")] == [
        "2024-01-01",
        "2024-02-01/2024-02-11",
    ]
    (tmp_path / "a.csv").write_text("date\n2024-01-01\n2024-01-13\n", encoding="utf-8")
    assert [str(p) for p in dates_given(str(tmp_path / "a.csv"))] == ["2024-01-01", "2024-01-13"]
    (tmp_path / "b.csv").write_text(
        "\ufefffile;start;end\np_02.tif;2024-01-13;2024-01-25\np_01.tif;2024-01-01;2024-01-13\n", encoding="utf-8"
    )
    named = dates_given(str(tmp_path / "b.csv"))
    assert {k: str(v) for k, v in named.items()} == {
        "p_01.tif": "2024-01-01/2024-01-13",
        "p_02.tif": "2024-01-13/2024-01-25",
    }


@pytest.mark.parametrize("text", ["yesterday", "2024-13-01"])
def test_what_is_no_date_is_refused(text):
    """A word or an impossible month is an error that shows the right form."""
    with pytest.raises(DateError, match="is not a date"):
        dates_given(text)


@pytest.mark.parametrize("rows, wrong", [
    ("c.tif,2024-01-01\nb.tif,2024-02-01\nb.tif,2024-03-01\n", "row 3 names b.tif again"),
    ("c.tif,2024-01-01\n2024-02-01\nb.tif,2024-03-01\n", "row 2 names no file"),
    ("x/a.tif,2024-01-01\ny/a.tif,2024-02-01\n", "row 2 names a.tif again")])
def test_a_slip_among_names_dates_no_file_wrongly(tmp_path, rows, wrong):
    """Were all names left aside for one slip, files would get one another's dates."""
    path = tmp_path / "dates.csv"
    path.write_text(rows)
    with pytest.raises(DateError, match=wrong):
        dates_given(str(path))


def test_values_beside_dates_are_no_names(tmp_path):
    """Equal numbers beside dates tell nothing of files."""
    path = tmp_path / "dates.csv"
    path.write_text("date;value\n2024-01-01;0,5\n2024-02-01;0,5\n")
    assert [str(period) for period in dates_given(str(path))] == ["2024-01-01", "2024-02-01"]


@pytest.mark.parametrize("text, expected", [
    ("2020-01-04T23:30:00-03:00", "2020-01-05"), ("20200105T003000+0700", "2020-01-04"), ("2020-01-04T10:20:30.123Z", "2020-01-04"),
    ("2020-01-04 10:20+00:00", "2020-01-04"), ("2020-01-04T23:30", "2020-01-04")])
def test_a_time_with_a_zone_is_of_the_day_in_utc(text, expected):
    """In lists of dates as in the tags of bands, in both ways of writing."""
    assert str(Period.parse(text)) == expected
    assert str(Period.tagged({"start_time": text})) == expected


@pytest.mark.parametrize("text", ["20240101", "2024-W01-1", "2024-1-1", "2024-01-01T00:00", "２０２４-01-01", "2024-02-30", ""])
def test_an_iso_date_is_the_same_on_every_python(text):
    """What newer Pythons read beside 2024-01-01 is none."""
    with pytest.raises(ValueError):
        iso_date(text)
    assert iso_date("2024-01-01") == date(2024, 1, 1)
