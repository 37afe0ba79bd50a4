"""Phenology, second half: metrics, reasons, deviations and calendars against seasons whose truth is written down."""
from __future__ import annotations

import numpy as np
import pytest
from phenofuse.core.errors import InputError
from phenofuse.core.phenology import calendar, logistic, metrics, reasons, seasons, uncertainty
from phenofuse.core.phenology.metrics import (
    BASE,
    END,
    FALL,
    LARGE_INTEGRAL,
    LENGTH,
    PEAK,
    PEAK_VALUE,
    RISE,
    SMALL_INTEGRAL,
    START,
)
from scipy.optimize import curve_fit
from scipy.special import expit

EPOCH = np.datetime64("1970-01-01")


def day(text: str) -> float:
    """Days since 1970-01-01 of an ISO date."""
    return float((np.datetime64(text) - EPOCH).astype(int))


def dates(first: str, last: str, step: int) -> np.ndarray:
    """Days from one date to another."""
    return np.arange(day(first), day(last) + 1, step)


def double_logistic(days, before, after, top, rise_day, fall_day, rise, fall):
    """The season that most tests here are made of."""
    return before + (top - before) * expit(rise * (days - rise_day)) - (top - after) * expit(fall * (days - fall_day))


def crossings(values, days, share):
    """Start and end of a season on a dense curve, read off by numpy alone."""
    peak = int(np.argmax(values))
    sides = []
    for side in (slice(peak, None, -1), slice(peak, None)):
        part, at = values[side], days[side]
        valley = int(np.argmin(part))
        level = part[valley] + share * (part[0] - part[valley])
        sides.append(np.interp(level, part[valley::-1], at[valley::-1]))
    return sides


def find(values, days, **options):
    """Seasons of one series: (metrics, reasons, count) without the pixel axis."""
    found = seasons.find(np.atleast_2d(values), days, seasons.Options(**options))
    return found.metrics[0].astype(float), found.reason[0], found.count[0]


def years_of_wheat(days, peaks, width=30.0):
    """Bell-shaped seasons about their peaks, from 0.2 to 0.8."""
    return 0.2 + 0.6 * sum(np.exp(-0.5 * ((days - day(peak)) / width) ** 2) for peak in peaks)


# One season, measured.


def test_a_triangle_is_measured_exactly():
    """Straight flanks, daily dates: every metric is plain geometry."""
    days = np.arange(0.0, 201.0)
    values = np.interp(days, [0, 50, 100, 150, 200], [0.2, 0.2, 0.7, 0.3, 0.3])
    found, reason, count = find(values, days, smoothing_days=0, threshold=0.2)
    season = found[0]
    assert count == 1 and reason[0] == reasons.COMPLETE and np.isnan(found[1:]).all()
    assert season[PEAK] == pytest.approx(100, abs=0.2) and season[PEAK_VALUE] == pytest.approx(0.7, abs=1e-3)
    assert season[START] == pytest.approx(60, abs=0.05) and season[END] == pytest.approx(140, abs=0.05)
    assert season[LENGTH] == pytest.approx(80, abs=0.1) and season[BASE] == pytest.approx(0.25, abs=1e-3)
    assert season[metrics.AMPLITUDE_OF_SEASON] == pytest.approx(0.45, abs=1e-3)
    area = 40 * (0.3 + 0.7) / 2 + 40 * (0.7 + 0.38) / 2
    assert season[LARGE_INTEGRAL] == pytest.approx(area, abs=0.05)
    assert season[SMALL_INTEGRAL] == pytest.approx(area - 0.25 * 80, abs=0.1)
    assert season[RISE] == pytest.approx(0.01, rel=0.01) and season[FALL] == pytest.approx(0.008, rel=0.01)


@pytest.mark.parametrize("step, within", [(5, 0.7), (10, 1.5), (12, 1.5), (16, 2.5)])
@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_dates_lie_between_those_of_the_series(step, within, share):
    """From dates 5 to 16 days apart, start, peak and end come back to a fraction of the step, wherever the season lies."""
    dense = np.arange(0, 240.01, 0.05)
    for shift in np.linspace(0, step, 5):
        truth = 0.15, 0.25, 0.85, 80 + shift, 160 + shift, 0.11, 0.09
        days = np.arange(0.0, 241, step)
        found, _, count = find(double_logistic(days, *truth), days, threshold=share)
        curve = double_logistic(dense, *truth)
        assert count == 1
        np.testing.assert_allclose(found[0, [START, END]], crossings(curve, dense, share), atol=within)
        assert abs(found[0, PEAK] - dense[curve.argmax()]) < within


def test_integrals_are_in_value_days_whatever_the_step():
    """The same season sampled every 4 and every 12 days has the same integrals, lengths and rates."""
    both = []
    for step in (4, 12):
        days = np.arange(0.0, 241, step)
        both.append(find(double_logistic(days, 0.15, 0.15, 0.8, 80, 160, 0.1, 0.1), days, smoothing_days=0)[0][0])
    np.testing.assert_allclose(both[0][[LENGTH, LARGE_INTEGRAL, SMALL_INTEGRAL, RISE, FALL]],
                               both[1][[LENGTH, LARGE_INTEGRAL, SMALL_INTEGRAL, RISE, FALL]], rtol=0.03)


def test_the_first_derivative_finds_the_middles_of_rise_and_fall():
    """A logistic changes fastest in its middle."""
    days = np.arange(0.0, 241, 8)
    found, _, _ = find(double_logistic(days, 0.1, 0.2, 0.8, 77, 163, 0.12, 0.1), days, method="derivative")
    np.testing.assert_allclose(found[0, [START, END]], [77, 163], atol=1.0)


def test_an_absolute_threshold_is_a_value():
    """Start and end where the curve passes 0.4; where it never falls so low, no date and a reason."""
    dense, days = np.arange(0, 240.01, 0.05), np.arange(0.0, 241, 8)
    shape = (0.1, 0.2, 0.8, 77, 163, 0.12, 0.1)
    curve = double_logistic(dense, *shape)
    found, _, _ = find(double_logistic(days, *shape), days, method="absolute", threshold=0.4)
    above = dense[curve > 0.4]
    np.testing.assert_allclose(found[0, [START, END]], [above[0], above[-1]], atol=1.0)
    days = dates("2020-01-01", "2022-12-31", 10)
    found, reason, count = find(years_of_wheat(days, ["2020-07-01", "2021-07-01", "2022-07-01"]), days,
                                method="absolute", threshold=0.1)
    assert count == 3 and np.isnan(found[:3, START]).all() and reason[1] == reasons.NEVER_CROSSED


@pytest.mark.parametrize("seed", range(5))
def test_the_double_logistic_is_scipys(seed):
    """The parameters are those of scipy's least squares on the same noisy values."""
    chance = np.random.default_rng(seed)
    truth = np.array([0.15, 0.25, 0.85, 80, 160, 0.11, 0.09])
    days = np.arange(0.0, 241, 10)
    values = double_logistic(days, *truth) + 0.02 * chance.standard_normal(len(days))
    expected, _ = curve_fit(double_logistic, days, values, truth)
    start = truth * 1.1
    start[5:] = np.log(start[5:])
    fitted = start.copy()
    assert logistic.fit(values, days, 0, len(days) - 1, fitted, logistic.MOST_STEPS)
    fitted[5:] = np.exp(fitted[5:])
    np.testing.assert_allclose(fitted, expected, rtol=2e-3)


def test_the_fitted_curve_gives_the_dates_of_the_truth_and_says_where_it_does_not_fit():
    """With noise the fit's dates are within days of truth; three humps in one season are measured on the curve, code 11."""
    chance = np.random.default_rng(0)
    dense, days = np.arange(0, 240.01, 0.05), np.arange(0.0, 241, 6)
    shape = (0.15, 0.25, 0.85, 80, 160, 0.11, 0.09)
    values = double_logistic(days, *shape) + 0.03 * chance.standard_normal(len(days))
    found, reason, _ = find(values, days, method="logistic")
    assert reason[0] == reasons.COMPLETE
    np.testing.assert_allclose(found[0, [START, END]], crossings(double_logistic(dense, *shape), dense, 0.2), atol=3)
    spikes = np.interp(days, [0, 30, 33, 36, 100, 120, 126, 132, 200, 206, 212, 240],
                       [0.1, 0.1, 0.9, 0.2, 0.2, 0.2, 0.9, 0.2, 0.2, 0.9, 0.1, 0.1])
    found, reason, count = find(spikes, days, method="logistic", least_share=0.95, smoothing_days=0)
    plain, _, _ = find(spikes, days, least_share=0.95, smoothing_days=0)
    assert count == 1 and reason[0] == reasons.FIT_FAILED
    np.testing.assert_array_equal(found, plain)


# Which seasons there are.


@pytest.mark.parametrize("first, last, peaks", [
    ("2019-06-01", "2021-06-01", ["2020-01-05", "2021-01-05"]),                     # southern summer, across New Year
    ("2023-11-01", "2025-11-01", ["2024-02-29", "2024-07-10", "2025-02-28", "2025-07-12"]),  # two a year, leap day
    ("2022-01-01", "2022-12-31", ["2022-06-20"]),                                   # a single one
])
def test_seasons_lie_on_absolute_dates(first, last, peaks):
    """Any number of seasons, at their true dates, whatever the year."""
    days = dates(first, last, 10)
    found, reason, count = find(years_of_wheat(days, peaks, 22.0), days, max_seasons=8)
    assert count == len(peaks)
    assert (reason[:len(peaks)] == reasons.COMPLETE).all() and (reason[len(peaks):] == reasons.NO_MORE).all()
    np.testing.assert_allclose(found[:len(peaks), PEAK], [day(peak) for peak in peaks], atol=1.5)
    half = 22.0 * np.sqrt(2 * np.log(5))  # a bell falls to a fifth there
    np.testing.assert_allclose(found[:len(peaks), START], [day(peak) - half for peak in peaks], atol=2.5)
    np.testing.assert_allclose(found[:len(peaks), LENGTH], 2 * half, atol=4)


def test_a_leap_day_makes_a_season_one_day_longer():
    """From 1 February to 1 April there are 60 days in 2024 and 59 in 2023."""
    lengths = []
    for year in (2023, 2024):
        edges = [day(f"{year}-01-01"), day(f"{year}-01-31"), day(f"{year}-02-02"), day(f"{year}-03-31"), day(f"{year}-04-02"),
                 day(f"{year}-05-01")]
        days = np.arange(edges[0], edges[-1] + 1)
        lengths.append(find(np.interp(days, edges, [0.1, 0.1, 0.9, 0.91, 0.1, 0.1]), days, smoothing_days=0,
                            method="absolute", threshold=0.5)[0][0, LENGTH])
    np.testing.assert_allclose(lengths, [59, 60], atol=0.3)


@pytest.mark.parametrize("level, swing", [(0.82, 0.05), (-0.1, 0.03), (0.12, 0.04), (0.5, 0.0)])
def test_evergreen_water_and_bare_soil_have_no_season(level, swing):
    """Little change, with noise, is no season: count 0, no metric is a number, and the reason is said."""
    days = dates("2022-01-01", "2023-12-31", 8)
    noise = 0.02 * (swing > 0) * np.random.default_rng(0).standard_normal(len(days))
    values = level + swing * np.cos(2 * np.pi * days / 365.25) + noise
    found, reason, count = find(values, days)
    assert count == 0 and np.isnan(found).all() and (reason == reasons.FLAT).all()


@pytest.mark.parametrize("first, last, code, missing", [
    ("2022-05-10", "2022-12-31", reasons.CUT_AT_START, [START]),
    ("2022-01-01", "2022-07-25", reasons.CUT_AT_END, [END]),
    ("2022-06-05", "2022-07-20", reasons.CUT_AT_BOTH, [START, END]),
])
def test_a_season_cut_by_an_end_of_the_series_lacks_that_date_only(first, last, code, missing):
    """What cannot be known is no number; the peak is still there."""
    days = dates(first, last, 5)
    values = years_of_wheat(days, ["2022-06-28"], 40.0)
    found, reason, count = find(values, days, least_amplitude=0.05, threshold=0.1)
    assert count == 1 and reason[0] == code
    assert np.isnan(found[0, missing]).all() and np.isnan(found[0, [LENGTH, LARGE_INTEGRAL, SMALL_INTEGRAL]]).all()
    assert found[0, PEAK] == pytest.approx(day("2022-06-28"), abs=1)
    assert np.isfinite(found[0, [k for k in (START, END) if k not in missing]]).all()


def test_gaps_and_few_observations_withhold_a_season_and_say_so():
    """A season seen only before and after its peak is withheld where a limit asks for it; it still counts."""
    days = dates("2021-01-01", "2022-12-31", 10)
    values = years_of_wheat(days, ["2021-06-28", "2022-06-28"])[None]
    observed = np.abs(days - day("2022-06-28"))[None] > 35
    for limit, code in (({"max_gap_days": 60}, reasons.LONG_GAP), ({"least_observations": 5}, reasons.TOO_FEW_OBSERVATIONS)):
        found = seasons.find(values, days, seasons.Options(**limit), observed)
        assert list(found.reason[0, :3]) == [reasons.COMPLETE, code, reasons.NO_MORE] and found.count[0] == 2
        assert np.isfinite(found.metrics[0, 0]).all() and np.isnan(found.metrics[0, 1]).all()
    assert (seasons.find(values, days, seasons.Options(), observed).reason[0, :2] == reasons.COMPLETE).all()


def test_without_values_there_is_a_reason_and_no_count():
    """No value: no data. Four values: too few dates."""
    days = np.arange(0, 400, 10.0)
    values = np.full((2, len(days)), np.nan)
    values[1, :4] = [0.1, 0.5, 0.7, 0.2]
    found = seasons.find(values, days, seasons.Options())
    assert np.isnan(found.count).all() and np.isnan(found.metrics).all()
    assert (found.reason[0] == reasons.NO_DATA).all() and (found.reason[1] == reasons.TOO_FEW_DATES).all()


def test_missing_dates_are_as_if_they_were_not_there_and_pixels_do_not_matter_to_each_other():
    """A pixel gives the same bits alone, in a batch, and with its missing dates taken out."""
    chance = np.random.default_rng(4)
    days = dates("2021-01-01", "2022-12-31", 7)
    values = years_of_wheat(days, ["2021-06-28", "2022-06-28"]) + 0.03 * chance.standard_normal((6, len(days)))
    values[2:4][chance.random((2, len(days))) < 0.4] = np.nan
    together = seasons.find(values, days, seasons.Options())
    for pixel, series in enumerate(values):
        seen = np.isfinite(series)
        alone = seasons.find(series[seen][None], days[seen], seasons.Options())
        np.testing.assert_array_equal(alone.metrics[0], together.metrics[pixel])


def test_a_first_season_without_its_rise_has_deviations_of_its_own():
    """A series that begins at a peak: no start and no deviation of it; that of the end as in the whole series."""
    days = dates("2022-01-01", "2022-12-31", 8)
    values = years_of_wheat(days, ["2022-06-28"])[None]
    cut = days > day("2022-06-12")
    told = []
    for part in (np.ones(len(days), bool), cut):
        draws = uncertainty.draw(days[part], 1, 400)
        spread = np.full((1, part.sum()), 0.03)
        told.append(seasons.find(values[:, part], days[part], seasons.Options(least_amplitude=0.05), None, spread, draws))
    assert told[1].count[0] == 1 and told[1].reason[0, 0] == reasons.CUT_AT_START and np.isnan(told[1].deviation[0, 0, 0])
    assert told[1].deviation[0, 0, 2] == pytest.approx(told[0].deviation[0, 0, 2], rel=0.25)


def test_more_seasons_than_kept_are_counted():
    """Four seasons, two bands: the first two, and a count of four."""
    days = dates("2023-11-01", "2025-11-01", 10)
    found, reason, count = find(years_of_wheat(days, ["2024-02-20", "2024-07-10", "2025-02-28", "2025-07-12"], 22), days, max_seasons=2)
    assert count == 4 and len(found) == 2 and (reason == reasons.COMPLETE).all()


# How sure the dates are.


def test_draws_are_as_wide_as_stated_errors_are_and_fade_over_time():
    """Correlation exp(-days / 22) between dates of the process, a fifth wider than stated; noise of one, without any."""
    days = np.array([0, 5, 12, 24, 60.0])
    draws = uncertainty.draw(days, 1, 40_000)
    np.testing.assert_allclose(np.cov(draws.process.T), 1.2**2 * np.exp(-np.abs(days[:, None] - days) / 22), atol=0.045)
    np.testing.assert_allclose(np.cov(draws.noise.T), np.eye(5), atol=0.03)
    assert np.array_equal(uncertainty.draw(days, 1).process, uncertainty.draw(days, 1).process)


@pytest.mark.parametrize("method", ["absolute", "logistic"])
def test_deviations_are_those_of_seasons_drawn_anew(method):
    """The deviation told of one series is the spread of the dates of many, each with noise of its own."""
    chance = np.random.default_rng(2)
    days = np.arange(0.0, 241, 8)
    truth = double_logistic(days, 0.15, 0.2, 0.85, 80, 160, 0.1, 0.08)
    many = truth + 0.03 * chance.standard_normal((400, len(days)))
    options = seasons.Options(method=method, threshold=0.45 if method == "absolute" else 0.3)
    found = seasons.find(many, days, options, None, np.full(many.shape, 0.03), uncertainty.draw(days, 1, 200))
    spread = found.metrics[:, 0, [START, END]].std(axis=0)
    told = np.sqrt(np.median(found.deviation[:, 0, [0, 2]], axis=0) ** 2 - (seasons.SHARE_OF_STEP * 8) ** 2)
    np.testing.assert_allclose(told, spread, rtol=0.25)


def test_deviations_grow_with_the_fills_and_are_nothing_without_them():
    """Twice the standard deviation, about twice the days; none given, none told."""
    days = dates("2022-01-01", "2022-12-31", 10)
    values = years_of_wheat(days, ["2022-06-28"])[None]
    draws = uncertainty.draw(days, 1)
    observed = np.zeros(values.shape, bool)
    observed[:, ::8] = True
    told = []
    for spread in (0.04, 0.08):
        deviations = np.where(observed, 0.01, spread)
        told.append(seasons.find(values, days, seasons.Options(), observed, deviations, draws).deviation[0, 0])
    assert (told[0] > 1).all() and (told[1] > 1.4 * told[0])[[0, 2]].all()
    assert np.isnan(seasons.find(values, days, seasons.Options()).deviation).all()


# Times of year.


def test_calendars_name_the_window_of_any_year():
    """Java's three plantings, across New Year and on leap day; days outside all windows are 0, no date stays none."""
    java = calendar.parse("java")
    assert java.names == ("wet season", "first dry season", "second dry season")
    days = [day(text) for text in ("2023-10-01", "2023-12-31", "2024-01-01", "2024-02-29", "2023-03-01", "2024-06-30", "2024-07-01")]
    assert list(java.types(np.array([*days, np.nan]))[:-1]) == [1, 1, 1, 1, 2, 2, 3] and np.isnan(java.types(np.array([np.nan]))).all()
    own = calendar.parse("winter crop 10-01/02-28; 04-15/06-30")
    assert own.names == ("winter crop", "window 2")
    assert list(own.types(np.array([day("2021-02-28"), day("2021-03-01"), day("2021-04-15")]))) == [1, 0, 2]


@pytest.mark.parametrize("text, words", [("rice", "no window"), ("a 01-01/06-30, b 06-30/12-31", "overlaps"),
                                         ("a 02-30/06-30", "does not exist"), ("a 13-01/06-30", "does not exist")])
def test_a_calendar_that_is_none_is_refused(text, words):
    """Each mistake is named."""
    with pytest.raises(InputError, match=words):
        calendar.parse(text)


def test_day_of_year_counts_from_one():
    """1 January is 1, 31 December of a leap year 366; fractions stay."""
    found = calendar.day_of_year(np.array([day("2024-01-01"), day("2024-12-31") + 0.5, day("2023-12-31"), np.nan]))
    np.testing.assert_array_equal(found, np.array([1, 366.5, 365, np.nan], np.float32))
