"""Times of NetCDF files under units and calendars, against the independent package cftime."""

from datetime import date, datetime, timedelta, timezone

import cftime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phenofuse.core.errors import DateError
from phenofuse.core.timeseries.cf import cf_date, how_counted

UNITS = {
    "microseconds": 1e-6, "milliseconds": 1e-3, "msec": 1e-3, "seconds": 1, "sec": 1, "s": 1, "minutes": 60, "min": 60,
    "hours": 3600, "hr": 3600, "h": 3600, "days": 86400, "d": 86400, "Days": 86400,
}  # fmt: skip
CALENDARS = ["standard", "gregorian", "proleptic_gregorian", "noleap", "365_day", "all_leap", "366_day", "360_day", "julian"]


def theirs(value, units, calendar):
    """The date as cftime has it; None where it is none of the years in question, or no date of the real calendar."""
    found = cftime.num2date(value, units, calendar, only_use_cftime_datetimes=True)
    try:
        day = date(found.year, found.month, found.day)
    except ValueError:
        return None
    return day if 1972 <= day.year <= 2100 else None


def ours(value, units, calendar):
    """The date as we have it; None for an error."""
    try:
        return cf_date(str(value), units, calendar)
    except DateError as problem:
        assert units in problem.text and (calendar or "no calendar") in problem.text
        return None


@settings(max_examples=600, deadline=None)
@given(
    unit=st.sampled_from(sorted(UNITS)),
    calendar=st.sampled_from(CALENDARS),
    origin=st.tuples(st.integers(1, 2030), st.integers(1, 12), st.integers(1, 28)),
    clock=st.tuples(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59)),
    zone=st.sampled_from(["", "Z", " UTC", "+07:00", " -03:30", "+0530", " +02"]),
    padded=st.booleans(),
    target=st.integers(0, 47100 * 86400),
)
def test_whole_numbers_give_the_date_that_cftime_gives(unit, calendar, origin, clock, zone, padded, target):
    """Units x calendars x origins x clocks x zones, for moments from 1972 to 2100."""
    if calendar in ("standard", "gregorian") and (1582, 10, 4) < origin < (1582, 10, 15):
        origin = (1582, 10, 15)
    day = "{:04d}-{:02d}-{:02d}" if padded else "{}-{}-{}"
    hour = " {:02d}:{:02d}:{:02d}" if padded else " {}:{}:{}"
    units = f"{unit} since {day.format(*origin)}{hour.format(*clock)}{zone}"
    first = cftime.datetime(*origin, *clock, calendar=calendar)
    start = cftime.datetime(1972, 1, 1, calendar=calendar)
    seconds = round((start - first).total_seconds()) + target
    value = round(seconds / UNITS[unit])
    if abs(value) < 2**62:
        assert ours(value, units, calendar) == theirs(value, units, calendar)


@settings(max_examples=300, deadline=None)
@given(
    moment=st.datetimes(datetime(1972, 1, 2), datetime(2100, 12, 30)),
    origin=st.datetimes(datetime(1900, 1, 1), datetime(2020, 1, 1)),
    unit=st.sampled_from(["hours", "days"]),
)
def test_decimal_numbers_give_the_day_of_their_moment(moment, origin, unit):
    """A float of days or hours falls on its day, unless it lies within a millisecond of midnight."""
    origin = origin.replace(microsecond=0)
    if timedelta(milliseconds=5) < moment - datetime(moment.year, moment.month, moment.day) < timedelta(days=1, milliseconds=-5):
        value = (moment - origin) / timedelta(**{unit: 1})
        assert cf_date(repr(value), f"{unit} since {origin:%Y-%m-%d %H:%M:%S}") == moment.date()


@settings(max_examples=200, deadline=None)
@given(moment=st.datetimes(datetime(1972, 1, 1), datetime(2100, 12, 31)), fraction=st.integers(0, 999))
def test_nanoseconds_are_exact(moment, fraction):
    """The last nanosecond of a day is of that day; a float would make it the next one."""
    since = moment.replace(tzinfo=timezone.utc) - datetime(1970, 1, 1, tzinfo=timezone.utc)
    value = (since.days * 86400 + since.seconds) * 10**9 + since.microseconds * 1000 + fraction
    assert cf_date(str(value), "nanoseconds since 1970-01-01") == moment.date()
    if value > 730 * 86400 * 10**9:
        assert cf_date(str(value)) == moment.date()


def test_the_last_nanosecond_of_a_day():
    """As a float, 1577836799999999999 is 1577836800000000000, the next day."""
    assert cf_date("1577836799999999999", "nanoseconds since 1970-01-01") == date(2019, 12, 31)
    assert cf_date("1577836800000000000", "nanoseconds since 1970-01-01") == date(2020, 1, 1)


@settings(max_examples=200, deadline=None)
@given(count=st.integers(0, 1200), part=st.sampled_from([0, 0.25, 0.5]), unit=st.sampled_from(["months", "years"]))
def test_months_are_calendar_months(count, part, unit):
    """Whole months and years as in the calendar; in the 360-day calendar also their parts, as cftime has them."""
    if unit == "years":
        count //= 12
    months = count * (12 if unit == "years" else 1)
    year, month = divmod(1975 * 12 + months, 12)
    if year <= 2100:
        assert cf_date(str(count), f"{unit} since 1975-01-01") == date(year, month + 1, 1)
    if unit == "months" and year < 2100:
        expected = theirs(30 * (count + part), "days since 1975-01-01", "360_day")
        assert ours(count + part, "months since 1975-01-01", "360_day") == expected


@pytest.mark.parametrize(
    "value, units, calendar, expected",
    [
        # xarray's default, and whoever keeps the clock of the first image (cases 02, 02b)
        ("431750", "seconds since 2020-01-04 10:54:41", "proleptic_gregorian", "2020-01-09"),
        ("7196", "minutes since 2020-01-04 10:54:00", "proleptic_gregorian", "2020-01-09"),
        ("25185", "days since 1950-01-01", "noleap", "2019-01-01"),
        ("25567", "days since 1950-01-01", "proleptic_gregorian", "2020-01-01"),
        ("300", "months since 1995-01-01", None, "2020-01-01"),
        ("300.5", "months since 1995-01-01", None, "2020-01-16"),
        ("20", "years since 2000-02-29", None, "2020-02-29"),
        ("1577836800000000000", None, None, "2020-01-01"),
        ("1577836800000000", None, None, "2020-01-01"),
        ("1577836800", None, None, "2020-01-01"),
        ("18262", None, None, "2020-01-01"),
        ("20200104", None, None, "2020-01-04"),
        ("2020-01-04T10:54:41", None, None, "2020-01-04"),
        ("20200104.75", "day as %Y%m%d.%f", "proleptic_gregorian", "2020-01-04"),
        ("2609", "weeks since 1970-01-01", None, "2020-01-02"),
        ("18261.999999999996", "days since 1970-01-01", None, "2020-01-01"),
        ("0", "seconds since 2020-01-01 03:00:00 +07:00", None, "2019-12-31"),
        ("0", "seconds since 2019-12-31T22:00:00-0300", None, "2020-01-01"),
        ("0", "hours since 20200104T000000Z", None, "2020-01-04"),
        ("1051896", "hours since 1900-1-1 0:0:0.0", "gregorian", "2020-01-01"),
        ("737426", "days since 1-1-1 00:00:0.0", None, "2020-01-01"),
        ("17707608", "hours since 0001-01-01 00:00:00", "proleptic_gregorian", "2021-01-28"),
        ("1e3", "days since 2020-01-01", None, "2022-09-27"),
    ],
)
def test_times_as_programs_write_them(value, units, calendar, expected):
    """The styles of xarray, NCEP, ERA5, CDO, numpy and hand-made files."""
    assert str(cf_date(value, units, calendar)) == expected
    if units and "month" not in units and "year" not in units and "week" not in units and "as" not in units:
        whole = units.replace("20200104T000000Z", "2020-01-04")
        assert str(theirs(float(value), whole, calendar or "standard")) == expected


@pytest.mark.parametrize("zone", ["-6:00", " -6", "-06", " -0600", " UTC-6", "-06:00"])
def test_a_zone_of_one_digit_counts(zone):
    """The zone of CF's own example is "-6:00"; cftime passes over one of a single digit without a word."""
    assert cf_date("0", f"seconds since 1992-10-08 18:15:42.5{zone}") == date(1992, 10, 9)


@pytest.mark.parametrize(
    "value, units, calendar, why",
    [
        ("5", "days since 2020-01-01", "martian", "the calendar is none of standard"),
        ("5", "days since 2020-01-01", "none", "the calendar is none of"),
        ("59", "days since 2020-01-01", "360_day", "2020-02-30, which is no date"),
        ("59", "days since 2019-01-01", "all_leap", "2019-02-29, which is no date"),
        ("5", "fortnights since 2020-01-01", None, "no unit of time"),
        ("5", "days since launch", None, "the origin 'launch' is not understood"),
        ("5", "days since 2020-13-01", None, "no date of this calendar"),
        ("5", "days since 1582-10-10", "gregorian", "the Gregorian reform left it out"),
        ("5", "days since 0000-01-01", "standard", "has no year 0"),
        ("5", "days since 2020-01-01 25:00", None, "impossible clock"),
        ("5", "days", None, "units are to be such as"),
        ("5", "days since 1850-01-01", None, "of the year 1850"),
        ("1", "months since 2020-01-31", None, "has no day 31"),
        ("nan", "days since 2020-01-01", None, "'nan' is no number"),
        ("1e400", "days since 2020-01-01", None, "gives no date"),
        ("x", "days since 2020-01-01", None, "'x' is no number"),
        ("5", None, None, "of the year 1970"),
        ("20201399", None, None, "gives no date"),
    ],
)
def test_a_time_that_is_not_understood_is_an_error_that_quotes_units_and_calendar(value, units, calendar, why):
    """The sentence names the axis, its units, its calendar, and what is wrong."""
    with pytest.raises(DateError) as caught:
        cf_date(value, units, calendar, "valid_time")
    assert why in caught.value.text and "'valid_time'" in caught.value.text and "DATES" in caught.value.remedy
    assert f"'{units}'" in caught.value.text if units else "no units" in caught.value.text
    assert f"'{calendar}'" in caught.value.text if calendar else "no calendar" in caught.value.text


@pytest.mark.parametrize(
    "value, units, calendar, said",
    [
        ("300", "months since 1995-01-01", None, "calendar months"),
        ("20", "years since 1995-01-01", None, "calendar years"),
        ("5", "days since 2020-01-01", "noleap", "dates are taken as written in it"),
        ("1577836800000000000", None, None, "nanoseconds since 1970-01-01"),
        ("5", "days since 2020-01-01", "Gregorian", ""),
        ("18262", None, None, ""),
    ],
)
def test_what_is_not_plain_is_said(value, units, calendar, said):
    """Months, calendars that are not the real one, and numbers without units."""
    assert said in how_counted(value, units, calendar) and bool(said) == bool(how_counted(value, units, calendar))
