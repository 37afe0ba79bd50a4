"""Dates in names: products, styles, sets of names, and DATE_PATTERN."""

from datetime import date, timedelta
from string import ascii_letters

import pytest
from heard import Heard
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from phenofuse.core.errors import DateError
from phenofuse.core.timeseries.dates import Period
from phenofuse.core.timeseries.names import DatePattern, dates_in_names, folders_of, hint, period_in_name, settled

DAYS = st.dates(date(1972, 1, 1), date(2100, 12, 31))
WORDS = st.text(ascii_letters, max_size=5)


@pytest.mark.parametrize(
    "name, expected",
    [
        # acquisition and processing
        ("LC08_L2SP_198030_20200104_20200824_02_T1_NDVI", "2020-01-04"),
        ("LC09_L1TP_118065_20230104_20230315_02_T1", "2023-01-04"),
        ("LE07_L2SP_198030_20000104_20200918_02_T1_SR_B4", "2000-01-04"),
        ("LT05_L1TP_198030_19900104_20170215_01_T1", "1990-01-04"),
        ("LO08_L1TP_198030_20200104_20200113_01_T1", "2020-01-04"),
        ("LC08_CU_003010_20200104_20200210_02_SR", "2020-01-04"),
        ("LC081980302020010401T1-SC20200824123456", "2020-01-04"),
        ("LC81980302020004LGN00", "2020-01-04"),
        ("LT51980301990004MTI00", "1990-01-04"),
        ("LC08_198030_20200104", "2020-01-04"),
        ("S2A_MSIL2A_20200104T105441_N0213_R051_T31TCJ_20200104T121212", "2020-01-04"),
        ("S2A_OPER_PRD_MSIL1C_PDMC_20160106T183036_R051_V20160104T105441_20160104T105441", "2016-01-04"),
        ("SENTINEL2A_20200104-105441-123_L2A_T31TCJ_C_V2-2_FRE_B4", "2020-01-04"),
        ("S1A_IW_GRDH_1SDV_20200104T170000_20200104T170025_030639_0382C5_1A2B", "2020-01-04"),
        ("S3A_OL_2_LFR____20200104T100000_20200104T100300_20200105T120000_0179", "2020-01-04"),
        ("HLS.S30.T31TCJ.2020004T105441.v2.0", "2020-01-04"),
        ("HLS.L30.T31TCJ.2020366T105441.v2.0.B04", "2020-12-31"),
        ("MOD13Q1.A2020001.h18v04.006.2020020123456", "2020-01-01"),
        ("MYD13Q1.A2020009.h18v04.061.2020335123456", "2020-01-09"),
        ("VNP13A1.A2020001.h18v04.001.2020020123456", "2020-01-01"),
        ("20210101_MOD13Q1.A2020001.h18v04.006", "2020-01-01"),
        ("MOD13Q1.061__250m_16_days_NDVI_doy2020001_aid0001", "2020-01-01"),
        ("S2AGRI_L3B_A20200104T105441_T31TCJ_NDVI", "2020-01-04"),
        ("S2AGRI_L3B_PRD_S2_20200210T123456_A20200104T105441", "2020-01-04"),
        ("S2AGRI_L3A_PRD_S2_20170906T145524_V20170701_20170731", "2017-07-01"),
        ("20180605_LEVEL2_SEN2A_BOA", "2018-06-05"),
        ("2015-2020_001-365_HL_TSA_SEN2L_NDV_TSI", None),
        ("SENTINEL-2_MSI_20LMR_NDVI_2020-06-04", "2020-06-04"),
        ("Sigma0_VV_db_slv1_16Jan2020", "2020-01-16"),
        ("c_gls_NDVI300_202001010000_GLOBE_OLCI_V2.0.1", "2020-01-01"),
        ("S2_20200104105441_NDVI", "2020-01-04"),
        ("20200104_105441_1004_3B_AnalyticMS", "2020-01-04"),
        ("AVHRR-Land_v005_AVH13C1_NOAA-19_20200104_c20200210", "2020-01-04"),
        ("2020-01-04-00:00_2020-01-04-23:59_Sentinel-2_L2A_NDVI", "2020-01-04"),
        ("openEO_2020-01-04Z", "2020-01-04"),
        ("NDVI_2020-01-04-0000000000-0000000012", "2020-01-04"),
        # written dates before runs of digits
        ("20210305_NDVI_2020-01-04", "2020-01-04"),
        ("tile_19850101_4 Jan 2020", "2020-01-04"),
        ("NDVI_04Jan2020", "2020-01-04"),
        ("NDVI_4-January-2020", "2020-01-04"),
        ("NDVI_2020Jan04", "2020-01-04"),
        ("NDVI_2020-Jan-04", "2020-01-04"),
        ("NDVI Jan 4, 2020", "2020-01-04"),
        ("NDVI_04MAY2020", "2020-05-04"),
        ("NDVI_2020-1-4", "2020-01-04"),
        ("NDVI_16-01-2020", "2020-01-16"),
        ("NDVI_01-16-2020", "2020-01-16"),
        # periods
        ("S1S2_20231101_20231113", "2023-11-01/2023-11-13"),
        ("NDVI_2023-11-01_to_2023-11-13", "2023-11-01/2023-11-13"),
        # what could be read in two ways, or is none
        ("NDVI_04-01-2020", None),
        ("NDVI_04-01-2020-10-54", None),
        ("NDVI_04-01-2020-10-15", None),
        ("NDVI_2020_01", None),
        ("NDVI_2020_1_4", None),
        ("NDVI_2020_004", None),
        ("NDVI_04012020", None),
        ("NDVI_2020366123", None),
        ("NDVI_2019366", None),
        ("NDVI_202001042500", None),
        ("orbit_198030_2020", None),
        ("NDVI_31Feb2020", None),
    ],
)
def test_products_and_styles(name, expected):
    """Each names the day of its acquisition, or nothing for certain."""
    assert str(period_in_name(name)) == str(expected)


@pytest.mark.parametrize(
    "name, pattern",
    [
        ("NDVI_04-01-2020", "%d-%m-%Y"), ("NDVI_04-01-2020-10-54", "%d-%m-%Y"), ("NDVI_2020_01", "%Y_%m"), ("NDVI_202001", "%Y%m"),
        ("NDVI_2020_1_4", "%Y_%m_%d"), ("NDVI_2020_004", "%Y_%j"), ("NDVI_04012020", "%d%m%Y"), ("Period_12", ""),
        ("2015-2020_001-365_HL_TSA_SEN2L_NDV_TSI", ""),
    ],
)  # fmt: skip
def test_the_pattern_that_would_tell_is_named(name, pattern):
    """The error offers the DATE_PATTERN that reads the name, and it does."""
    assert bool(pattern) == bool(hint(name)) and hint(name).endswith(pattern)
    if pattern:
        assert DatePattern(pattern).period_in(name)


@settings(max_examples=400, deadline=None)
@given(day=DAYS, style=st.sampled_from(["%Y-%m-%d", "%Y_%m_%d", "%Y.%m.%d", "%Y%m%d", "%Y%j", "%d%b%Y", "%d %B %Y", "%Y%b%d",
                                        "%Y%m%d%H%M", "%Y%m%d%H%M%S", "%Y%m%dT%H%M%S", "%Y/%m/%d"]),
       before=WORDS, after=WORDS)  # fmt: skip
def test_a_date_is_found_in_any_place(day, style, before, after):
    """Whatever words stand around it."""
    name = f"{before}_{day:{style}}_{after}"
    assert period_in_name(name) == Period(day)


@settings(max_examples=400, deadline=None)
@given(text=st.text("0123456789-_./T AJanMarV", max_size=30))
def test_no_name_is_an_error(text):
    """Whatever a name holds, it is a possible date, a period, or nothing."""
    found = period_in_name(text)
    assert found is None or (1972 <= found.start.year <= 2100 and (found.end is None or found.end > found.start))
    hint(text)


@settings(max_examples=300, deadline=None)
@given(day=DAYS, pattern=st.sampled_from(["%d%m%Y", "%Y%j", "%d.%m.%Y", "%m-%d-%Y", "%Y_%j", "x%Y%m%dy", "%d%b%Y", "%d_%B_%Y", "%j%Y",
                                          "%H%M_%d%m%Y", "%m%d%Y"]),
       before=WORDS, after=WORDS)  # fmt: skip
def test_a_pattern_reads_what_strftime_wrote(day, pattern, before, after):
    """DATE_PATTERN is the inverse of strftime."""
    written = day.strftime(pattern)
    assert DatePattern(pattern).period_in(f"{before}_{written}_{after}") == Period(day)


@pytest.mark.parametrize(
    "pattern, name, expected",
    [
        ("%Y_%m", "NDVI_2020_12", "2020-12-01/2021-01-01"),
        ("%Y", "NDVI_2020_x", "2020-01-01/2021-01-01"),
        ("%b%Y", "NDVI_Feb2020", "2020-02-01/2020-03-01"),
        ("%d%m%y", "NDVI_040120", "2020-01-04"),
        ("%d.%m.%Y", "NDVI_4.1.2020", "2020-01-04"),
        ("S2A_%Y%m%d", "S2A_20200104_20200208_NDVI", "2020-01-04"),
        ("%Y%m%d_%%", "20200104_%", "2020-01-04"),
        ("%d%m%Y", "NDVI_104012020", None),
        ("%d%m%Y", "NDVI_31022020", None),
        ("%Y%j", "NDVI_2019366", None),
        ("%Y.%m", "NDVI_2020x01", None),
    ],
)
def test_patterns(pattern, name, expected):
    """Months, years, two digits, words around; never a part of a longer number, never a day that does not exist."""
    assert str(DatePattern(pattern).period_in(name)) == str(expected)


@pytest.mark.parametrize("pattern, wrong", [("%d%m", "it is to hold a year"), ("", "it is to hold"), ("%Q%Y", "%Q is not known"),
                                            ("%Y%m%d_%Y", "each once"), ("%Y%m%j", "it is to hold"), ("%Y%", "% is not known"),
                                            ("2020", "it is to hold a year"), ("%Y%m%b%d", "each once")])  # fmt: skip
def test_what_is_no_pattern_is_refused(pattern, wrong):
    """The error shows how one looks."""
    with pytest.raises(DateError) as caught:
        DatePattern(pattern)
    assert wrong in caught.value.text and "%d%m%Y" in caught.value.remedy


def test_a_pattern_that_fits_twice_is_refused():
    """Which of two dates is meant is not guessed."""
    with pytest.raises(DateError, match="several dates written as %Y%m%d: 20200104, 20200208"):
        DatePattern("%Y%m%d").period_in("S2A_20200104_20200208")
    assert DatePattern("%Y%m%d").period_in("20200104/20200104_x") == Period(date(2020, 1, 4))


# Sets of names


def periods(*texts):
    """Periods of texts."""
    return [Period.parse(text) for text in texts]


def test_real_periods_stay():
    """Periods that follow one another, leave gaps, or overlap by less than a few steps are periods."""
    for texts in (
        ("2023-11-01/2023-11-13", "2023-11-13/2023-11-25", "2023-11-25/2023-12-07"),
        ("2023-11-01/2023-11-13", "2024-02-01/2024-02-13"),
        ("2023-01-01/2023-07-01", "2023-07-01/2023-07-13", "2023-07-13/2023-07-25"),
        ("2020-01-01/2020-01-17", "2020-01-09/2020-01-25", "2020-01-17/2020-02-02", "2020-01-25/2020-02-10"),
        ("2023-11-01/2023-11-13",),
    ):
        heard = Heard()
        assert settled(periods(*texts), heard) == periods(*texts) and not heard.said


def test_processing_dates_are_no_ends():
    """Periods of which each overlaps all others, or that are longer than a few steps, count by their start, aloud."""
    for texts in (
        ("2020-01-04/2020-02-08", "2020-01-09/2020-02-08"),
        ("2020-01-04/2020-08-24", "2020-01-20/2020-08-23", "2020-02-05/2020-08-23", "2020-08-25/2020-09-25"),
        ("2020-01-04/2020-02-08", "2020-01-09", "2020-01-14"),
        ("2020-01-04/2020-01-05", "2020-01-09/2020-03-01", "2020-01-14/2020-03-01", "2020-01-19/2020-03-01"),
    ):
        heard = Heard()
        assert settled(periods(*texts), heard) == [Period(p.start) for p in periods(*texts)]
        assert "the first date counts as the day" in heard.warnings[0]


def test_last_days_belong_to_their_periods():
    """Where the next period starts a day after the last day, ends are last days (20200101_20200110, 20200111_20200120)."""
    heard = Heard()
    found = settled(periods("2020-01-01/2020-01-10", "2020-01-11/2020-01-20", "2020-01-21/2020-01-31"), heard)
    assert found == periods("2020-01-01/2020-01-11", "2020-01-11/2020-01-21", "2020-01-21/2020-02-01")
    assert "the last day belongs" in heard.warnings[0]


def test_one_long_period_among_others_is_refused():
    """A slip, or another product: not guessed."""
    with pytest.raises(DateError, match="2020-01-11/2020-12-31, which overlaps others"):
        settled(periods("2020-01-01/2020-01-11", "2020-01-11/2020-12-31", "2020-01-21/2020-01-31", "2020-01-31/2020-02-10",
                        "2020-02-10/2020-02-20", "2020-02-20/2020-03-01"))  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(start=DAYS, steps=st.lists(st.integers(1, 40), min_size=1, max_size=30), lag=st.integers(1, 400))
def test_whatever_the_set_no_two_periods_swallow_one_another(start, steps, lag):
    """Acquisition and processing, at any step and lag: days, or periods whose middles increase as their starts do."""
    starts = [start]
    for step in steps:
        starts.append(starts[-1] + timedelta(days=step))
    assume(starts[-1].year < 2099)
    found = settled([Period(day, day + timedelta(days=lag)) for day in starts])
    assert [p.start for p in found] == starts
    middles = [p.middle for p in found]
    assert middles == sorted(set(middles))
    ends = {p.end for p in found}
    assert ends == {None} or None not in ends


def test_the_set_tells_whether_the_day_comes_first():
    """14-01-2020 among them tells how 04-01-2020 is to be read; without it none is read."""
    names = ["NDVI_04-01-2020", "NDVI_09-01-2020", "NDVI_14-01-2020"]
    assert dates_in_names(names, [""] * 3) == periods("2020-01-04", "2020-01-09", "2020-01-14")
    assert dates_in_names(names[:2], [""] * 2) == [None, None]
    american = ["NDVI_01-04-2020", "NDVI_01-14-2020"]
    assert dates_in_names(american, [""] * 2) == periods("2020-01-04", "2020-01-14")
    assert dates_in_names([*names, *american], [""] * 5)[0] is None  # both ways in one set


def test_folders_are_read_where_no_file_name_tells():
    """2020-01-04/NDVI, 2020/01/04/NDVI; a date in one file's name and folders are left alone."""
    heard = Heard()
    paths = ["/x/2020/01/04/NDVI.tif", "/x/2020/01/09/NDVI.tif"]
    folders = folders_of(paths, "/x")
    assert folders == ["2020/01/04", "2020/01/09"]
    assert dates_in_names(["NDVI", "NDVI"], folders, heard) == periods("2020-01-04", "2020-01-09")
    assert "those of their folders" in heard.said[0]
    assert dates_in_names(["NDVI_20200301", "NDVI"], folders) == [*periods("2020-03-01"), None]
    assert folders_of(["/x/2020-01-04/NDVI.tif"]) == [""]
    assert folders_of(["/x/2020-01-04/NDVI.tif"], "/x") == ["2020-01-04"]
