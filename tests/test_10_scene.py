"""The simulated scene: its truth is true, and what it shows looks like what Sentinel-1 and Sentinel-2 would see."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from phenofuse.core.scene import clouds, fields, radar, seasons, simulate
from phenofuse.core.scene.chance import fractal_field, smooth_field, stream
from scipy import special

RAINY = (11, 12, 1, 2, 3)
ARRAYS = ("ndvi", "ndvi_truth", "vv", "vh", "sky", "classes", "field", "season_start", "season_peak", "season_end")


@pytest.fixture(scope="module")
def scene():
    return simulate()


@pytest.fixture(scope="module")
def daily():
    """A scene of daily periods: its NDVI truth is the noise-free curve itself, read at noon of every day."""
    return simulate(size=40, periods=744, period_days=1, seed=4)


def test_same_seed_same_scene():
    """The same seed gives the same bytes, another seed another scene."""
    first, again, other = simulate(20, 9, seed=7), simulate(20, 9, seed=7), simulate(20, 9, seed=8)
    for name in ARRAYS:
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes(), name
    for name in ("ndvi_truth", "vv", "vh", "sky", "classes"):
        assert getattr(first, name).tobytes() != getattr(other, name).tobytes(), name


def test_random_numbers_are_the_frozen_ones():
    """The streams are Mersenne Twister sequences that NumPy has frozen: the first numbers are known for good."""
    draws = stream(1, "fields")
    found = [draws.random_sample(), draws.standard_normal(), draws.gamma(4.4), float(draws.randint(0, 1000))]
    assert found == pytest.approx([0.24067553804036945, 0.4261114142303335, 8.466786560386506, 156.0], rel=1e-15)
    assert stream(1, "fields").random_sample() != stream(1, "radar").random_sample()


def test_periods_are_half_open_and_join(scene):
    """Sixty-two periods of twelve days from 2023-11-01, each beginning where the one before ends."""
    assert (scene.starts[0], scene.ends[0], scene.ends[-1]) == (
        date(2023, 11, 1),
        date(2023, 11, 13),
        date(2025, 11, 14),
    )
    assert scene.starts[1:] == scene.ends[:-1] and len(scene.starts) == 62


def test_shapes_types_and_grid(scene):
    """Arrays share one grid of 96 x 96 pixels of 50 m near Demak; missing values exist in observed NDVI alone."""
    for name in ("ndvi", "ndvi_truth", "vv", "vh"):
        values = getattr(scene, name)
        assert values.shape == (62, 96, 96) and values.dtype == np.float32
        assert np.isfinite(values).all() == (name != "ndvi")
    assert scene.crs == "EPSG:32749" and scene.transform[0] == -scene.transform[4] == 50.0
    # Demak lies at 110.64 E, 6.89 S. The central meridian of zone 49 is 111 E; a degree is 110.6 km here.
    longitude = 111 + (scene.transform[2] - 500_000) / (111_320 * 0.9996 * np.cos(np.deg2rad(6.9)))
    latitude = (scene.transform[5] - 10_000_000) / (110_574 * 0.9996)
    assert abs(longitude - 110.64) < 0.1 and abs(latitude + 6.89) < 0.1


def test_ranges(scene):
    """NDVI runs from flooded or water to a dense crop; VV and VH lie in Sentinel-1's range, VH below VV."""
    crops = scene.classes <= fields.TRIPLE
    low, high = np.percentile(scene.ndvi_truth[:, crops], (1, 99))
    assert 0.06 < low < 0.14 and 0.80 < high < 0.92
    assert np.nanmin(scene.ndvi) >= -1 and np.nanmax(scene.ndvi) <= 1
    assert np.percentile(scene.vv, 2) > -22 and np.percentile(scene.vv, 98) < -2
    assert np.percentile(scene.vh, 2) > -30 and np.percentile(scene.vh, 98) < -8
    assert 5 < np.median(scene.vv) - np.median(scene.vh) < 9
    assert (scene.vh > scene.vv).mean() < 0.05


def test_every_class_has_its_share(scene):
    """Single, double and triple cropping, ponds, trees and villages all occur, crops on most of the land."""
    share = {code: (scene.classes == code).mean() for code in fields.CLASS_NAMES}
    assert sum(share.values()) == pytest.approx(1)
    assert min(share.values()) > 0.02 and share[1] + share[2] + share[3] > 0.7


def test_neighbouring_blocks_plant_at_different_dates(scene):
    """First starts of double-cropped fields spread over more than a month, while pixels of one field agree."""
    start = scene.season_start[0]
    double = np.isfinite(start) & (scene.classes == fields.DOUBLE)
    assert np.ptp(np.percentile(start[double], (5, 95))) > 30
    for number in np.unique(scene.field[double])[:50]:
        assert np.ptp(start[double & (scene.field == number)]) == 0


def test_number_of_seasons_follows_the_class(scene):
    """Over two years a pixel of class n has about 2 n seasons with a peak, and land without crops has none."""
    count = np.isfinite(scene.season_peak).sum(axis=0)
    for crops in (1, 2, 3):
        assert np.median(count[scene.classes == crops]) == 2 * crops
    assert count[scene.classes > 3].max() == 0


def test_radar_tells_the_classes_apart(scene):
    """Ponds are dark, villages bright, trees steady, in mean linear power per class."""
    mean = {
        code: 10 * np.log10((10 ** (scene.vv[:, scene.classes == code] / 10)).mean()) for code in fields.CLASS_NAMES
    }
    assert mean[fields.POND] < -15 and mean[fields.VILLAGE] > -7
    assert all(mean[fields.POND] + 3 < mean[code] < mean[fields.VILLAGE] - 3 for code in (1, 2, 3, fields.TREES))


def test_rice_dips_at_flooding_and_vh_rises_with_the_crop():
    """Without speckle VH gains 6-10 dB from flooding to heading; VV has its maximum before VH does."""
    crops = seasons.Crops(
        np.array([[100.0]]), np.array([[97.0]]), np.array([[0.85]]), np.array([0.09]), np.array([0.17])
    )
    days = np.arange(0.0, 260.0)
    level = {name: 10 * np.log10(power[0]) for name, power in radar._field_power(crops, days).items()}
    assert level["VH"].argmin() in range(92, 112) and level["VV"].argmin() in range(92, 112)
    assert 6 < level["VH"].max() - level["VH"].min() < 10
    assert 3 < level["VV"].max() - level["VV"].min() < 9
    assert level["VV"].argmax() < level["VH"].argmax() < 197
    assert abs(level["VH"][0] - level["VH"][-1]) < 0.5


def test_speckle_has_the_equivalent_looks_of_sentinel_1():
    """Over one homogeneous class mean^2 / variance of linear power is 4.4, and the mean of dB is low by 0.51 dB."""
    size = 60
    layout = fields.Layout(
        np.full((size, size), fields.SINGLE, np.uint8), np.zeros((size, size), np.int32), np.array([1]), np.zeros(1)
    )
    crops = seasons.plant(layout, 20000.0, 20100.0, 1)
    observed = radar.backscatter(layout, crops, np.array([20300.0, 20310.0, 20320.0]), seed=3)
    for polarisation in ("VV", "VH"):
        power = 10 ** (observed[polarisation].astype(float) / 10)
        looks = power.mean(axis=(1, 2)) ** 2 / power.var(axis=(1, 2))
        assert looks.mean() == pytest.approx(radar.EQUIVALENT_LOOKS, rel=0.06)
        low = (10 * np.log10(power.mean(axis=(1, 2))) - observed[polarisation].mean(axis=(1, 2))).mean()
        expected = 10 / np.log(10) * (np.log(4.4) - special.digamma(4.4))
        assert low == pytest.approx(expected, abs=0.03) and expected == pytest.approx(0.51, abs=0.01)
    both = [observed[name] - observed[name].mean(axis=(1, 2), keepdims=True) for name in ("VV", "VH")]
    assert abs(np.corrcoef(both[0].ravel(), both[1].ravel())[0, 1]) < 0.03


def test_radar_is_informative_but_noisy(scene):
    """The median correlation of a crop pixel's observed NDVI with VH is 0.3-0.6: of use, and far from an identity."""
    crops = scene.classes <= fields.TRIPLE
    ndvi, vh = scene.ndvi[:, crops], np.where(np.isfinite(scene.ndvi[:, crops]), scene.vh[:, crops], np.nan)
    ndvi, vh = ndvi - np.nanmean(ndvi, axis=0), vh - np.nanmean(vh, axis=0)
    r = np.nanmean(ndvi * vh, axis=0) / np.sqrt(np.nanmean(ndvi**2, axis=0) * np.nanmean(vh**2, axis=0))
    assert 0.3 < np.nanmedian(r) < 0.6
    assert np.nanpercentile(r, 95) < 0.9


def test_season_dates_agree_with_the_noise_free_curve(daily):
    """Start, peak and end, read independently from the daily noise-free curve, agree with the stated ones to a day."""
    middle = (daily.starts[0] - date(1970, 1, 1)).days + 0.5
    checked = 0
    for row, column in np.argwhere(daily.classes <= fields.TRIPLE)[::29]:
        curve = daily.ndvi_truth[:, row, column]
        peaks = daily.season_peak[:, row, column]
        peaks = peaks[np.isfinite(peaks)]
        for number, peak in enumerate(peaks):
            start, end = daily.season_start[number, row, column], daily.season_end[number, row, column]
            top = int(round(peak - middle))
            before = int(peaks[number - 1] - middle) if number else top - 120
            after = int(peaks[number + 1] - middle) if number + 1 < peaks.size else top + 120
            if before < 0 or after >= curve.size:
                continue
            rise, fall = curve[max(before, top - 120) : top + 1], curve[top : min(after, top + 120) + 1]
            level = rise.min() + 0.2 * (curve[top] - rise.min())
            day = top
            while curve[day] > level:
                day -= 1
            assert abs(middle + day + 0.5 - start) < 1
            level = fall.min() + 0.2 * (curve[top] - fall.min())
            day = top
            while curve[day] > level:
                day += 1
            assert abs(middle + day - 0.5 - end) < 1
            assert curve[top] > curve[top - 25 : top + 26].max() - 1e-3
            checked += 1
    assert checked > 60


def test_dates_outside_the_scene_are_missing(scene):
    """No true date lies outside the scene's dates."""
    first, last = ((day - date(1970, 1, 1)).days for day in (scene.starts[0], scene.ends[-1]))
    for dates in (scene.season_start, scene.season_peak, scene.season_end):
        assert np.nanmin(dates) >= first and np.nanmax(dates) <= last
    whole = np.isfinite(scene.season_start) & np.isfinite(scene.season_end)
    length = (scene.season_end - scene.season_start)[whole]
    assert (scene.season_start < scene.season_peak)[whole].all() and 60 < length.min() < length.max() < 110


def test_seasons_cut_off_by_the_first_and_the_last_day():
    """A season already growing on the first day has a peak but no start; one still green on the last day no end."""
    scene = simulate(30, 8, start=date(2024, 2, 10))
    for dates in (scene.season_start, scene.season_end):
        assert 0 < np.isfinite(dates).sum() < np.isfinite(scene.season_peak).sum()


def test_clouds_take_the_rainy_season(scene):
    """Some 40-55 % of all values are left, under 30 % from November to March, over 55 % from May to October."""
    left = np.isfinite(scene.ndvi).mean(axis=(1, 2))
    month = np.array([clouds.middle_of(*period).month for period in zip(scene.starts, scene.ends)])
    assert 0.38 < left.mean() < 0.57
    assert left[np.isin(month, RAINY)].mean() < 0.30 and left[np.isin(month, (5, 6, 7, 8, 9, 10))].mean() > 0.55
    assert np.isfinite(scene.ndvi).sum(axis=0).min() >= 8


@pytest.mark.parametrize("seed", range(2, 6))
def test_cover_holds_for_other_seeds(seed):
    """The share of values left is realistic for other seeds too."""
    assert 0.36 < np.isfinite(simulate(48, 62, seed).ndvi).mean() < 0.60


def test_missing_is_exactly_cloud_and_shadow(scene):
    """NDVI is missing where the sky was cloudy or in shadow and nowhere else; all four states occur."""
    assert np.array_equal(np.isnan(scene.ndvi), scene.sky >= clouds.CLOUD)
    share = np.bincount(scene.sky.ravel(), minlength=4) / scene.sky.size
    assert (share > 0.01).all()


def test_shadows_lie_away_from_the_sun():
    """In January the sun stands south of Java and shadows fall north, in July the reverse; in the morning, west."""
    january, july = (clouds.shadow_offset(date(2024, month, 1), 1500.0) for month in (1, 7))
    assert january[0] < 0 < july[0] and january[1] < 0 and july[1] < 0
    sky = clouds.draw_sky(80, 80, [date(2024, 7, 1) + timedelta(days=12 * number) for number in range(8)], seed=5)
    cloud, shadow = sky.state == clouds.CLOUD, sky.state == clouds.SHADOW
    near = [np.mean(np.roll(cloud, (0, step), axis=(1, 2))[shadow]) for step in (-10, 10)]
    assert near[0] > near[1]


def test_thin_cloud_lowers_the_ndvi_of_vegetation(scene):
    """Under undetected thin cloud the NDVI of vegetation is low by 0.03 or more on average; clear ones are unbiased."""
    error = scene.ndvi - scene.ndvi_truth
    green = scene.ndvi_truth > 0.5
    assert error[green & (scene.sky == clouds.THIN)].mean() < -0.03
    clear = error[scene.sky == clouds.CLEAR]
    assert abs(clear.mean()) < 0.002 and clear.std() == pytest.approx(0.02, rel=0.05)


def test_smooth_fields_have_unit_variance_everywhere():
    """Mean 0 and variance 1 at every pixel, whatever the lattice; neighbours alike, distant pixels not."""
    random = np.random.RandomState(1)
    draws = np.array([fractal_field(random, (12, 30), (8.0, 2.5)) for _ in range(3000)])
    assert np.abs(draws.mean(axis=0)).max() < 0.09
    assert np.abs(draws.std(axis=0) - 1).max() < 0.06
    draws = np.array([smooth_field(random, (1, 60), 6.0)[0] for _ in range(3000)])
    assert np.mean(draws[:, 30] * draws[:, 31]) > 0.95 and abs(np.mean(draws[:, 10] * draws[:, 50])) < 0.06


@pytest.mark.parametrize("size, periods, days", [(1, 1, 12), (1, 62, 12), (3, 1, 1), (17, 5, 30), (31, 2, 365)])
def test_small_and_odd_sizes(size, periods, days):
    """One pixel, one period, odd sizes and long periods give a scene of the shape asked for."""
    scene = simulate(size, periods, period_days=days)
    for name in ("ndvi", "ndvi_truth", "vv", "vh", "sky"):
        assert getattr(scene, name).shape == (periods, size, size)
    assert scene.season_peak.shape[1:] == (size, size)
    assert np.isfinite(scene.ndvi_truth).all() and np.isfinite(scene.vv).all()


@pytest.mark.parametrize("wrong", [{"size": 0}, {"periods": 0}, {"period_days": 0}])
def test_nothing_to_simulate_is_an_error(wrong):
    """A size, a number of periods or a length below one is refused."""
    with pytest.raises(ValueError, match="1 or more"):
        simulate(**{"size": 4, "periods": 2, **wrong})
