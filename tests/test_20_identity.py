"""Asked for X, the plugin takes X or says what there is instead: variables, parts of a picture, indices, masks, orbits.

Tests that are called after a folder are of `cases/files` beside the real data; their first lines are what its README says.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio

sys.path.insert(0, str(Path(__file__).parent))
from heard import Heard
from phenofuse.core.errors import DateError, InputError, UnitError
from phenofuse.core.jobs import Resources, run
from phenofuse.core.timeseries import list_rasters, open_series, open_together
from phenofuse.core.timeseries.collecting import Collecting, collect_series
from rasters import DATES, ndvi, write

SHARED = Path(os.environ.get("PHENOFUSE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
DAYS = ["20200104", "20200109", "20200114", "20200119"]


@pytest.fixture
def cases():
    """Give the folder of small inputs after public bug reports, or skip."""
    if not (SHARED / "cases" / "files").is_dir():
        pytest.skip(f"no cases in {SHARED}: set PHENOFUSE_SHARED to the folder that holds cases/files")
    return SHARED / "cases" / "files"


def collect(where, heard=None, **options):
    """A series of a folder."""
    return collect_series(list_rasters(where), Collecting(**options), heard or Heard())


def build(folder, output, heard=None, **parameters):
    """Run the job on a folder and open what it wrote."""
    heard = heard or Heard()
    run("buildtimeseries", {"FOLDER": str(folder), "OUTPUT": str(output), **parameters}, Resources(256, 1), heard)
    return open_series(str(output))


def days(series):
    """First days of a series."""
    return [str(period.start) for period in series.periods]


# --- which variable


@pytest.mark.realdata
@pytest.mark.parametrize("variable, mean", [("NDVI", 0.44773674), ("VH", -17.98968), ("VV", -12.471492)])
def test_three_variables_in_one_folder_are_not_mixed(shared_data, tmp_path, variable, mean):
    """VARIABLE=VH once gave the mean of NDVI, VH and VV."""
    heard = Heard()
    folder = shared_data / "cropmask_honduras_cube"
    values = collect(folder, heard, variable=variable).read()
    with rasterio.open(folder / f"{variable}.tif") as src:
        truth = src.read()
    np.testing.assert_allclose(values, truth, atol=1e-6)
    assert values.mean(dtype=float) == pytest.approx(mean, abs=1e-5)
    assert any("Left out" in text and "24 bands" in text for text in heard.said)


@pytest.mark.realdata
def test_several_variables_and_none_asked_for(shared_data):
    """The sentence lists them."""
    with pytest.raises(InputError, match=r"NDVI .24 bands., VH .24 bands., VV .24 bands.") as caught:
        collect(shared_data / "cropmask_honduras_cube")
    assert "VARIABLE" in caught.value.remedy


@pytest.mark.realdata
def test_masked_and_unmasked_are_not_one_series(shared_data):
    """Both are NDVI of the same dates: refused with the list, and either by its own name."""
    folder = shared_data / "gfmap_s1s2_chip"
    with pytest.raises(InputError, match=r"NDVI_masked.tif 2023-04-02, NDVI_unmasked.tif 2023-04-02"):
        collect(folder, variable="NDVI")
    for name in ("NDVI_masked", "NDVI_unmasked"):
        with rasterio.open(folder / f"{name}.tif") as src:
            np.testing.assert_array_equal(collect(folder, variable=name).read(), src.read())


@pytest.mark.realdata
def test_a_folder_without_the_variable_says_what_it_holds(shared_data):
    """NDVI alone is no VH."""
    with pytest.raises(InputError, match=r"Nothing in the 60 files says that it is VH; there is NDVI .60 files."):
        collect(shared_data / "sen2rts_field_tiffs" / "NDVI", variable="VH")


def test_own_series_in_one_folder(tmp_path):
    """Filled, uncertain, observed, radar: by their headers, and never averaged."""
    truth = {}
    for number, (name, variable, units) in enumerate(
        [
            ("ndvi", "NDVI", "1"),
            ("vv", "VV", "dB"),
            ("vh", "VH", "dB"),
            ("sd", "standard deviation", "1"),
            ("q", "quality", ""),
        ]
    ):
        truth[variable] = ndvi(seed=number) * (-20 if units == "dB" else 1)
        tags = {"PHENOFUSE": json.dumps({"variable": variable, "units": units, "method": "x"})}
        write(tmp_path / f"{name}.tif", truth[variable], DATES, tags)
    for variable, values in truth.items():
        np.testing.assert_allclose(collect(tmp_path, variable=variable).read(), values, rtol=1e-6)
    write(
        tmp_path / "ndvi_filled.tif",
        ndvi(seed=9),
        DATES,
        {"PHENOFUSE": json.dumps({"variable": "NDVI", "method": "fillmogpr"})},
    )
    with pytest.raises(InputError, match=r"ndvi.tif 2023-11-01, ndvi_filled.tif 2023-11-01"):
        collect(tmp_path, variable="NDVI")
    np.testing.assert_array_equal(collect(tmp_path, variable="ndvi_filled").read(), ndvi(seed=9))


def test_one_file_per_date_and_variable(tmp_path):
    """NDVI_20200104, VV_20200104, ...: each by its name, none without VARIABLE."""
    for number, day in enumerate(DAYS):
        write(tmp_path / f"NDVI_{day}.tif", ndvi(1, seed=number))
        write(tmp_path / f"VV_{day}.tif", -20 * ndvi(1, seed=number))
        write(tmp_path / f"VH_{day}.tif", -30 * ndvi(1, seed=number))
    assert collect(tmp_path, variable="VV").read().mean() == pytest.approx(
        -20 * collect(tmp_path, variable="NDVI").read().mean(), rel=1e-5
    )
    with pytest.raises(InputError, match="several variables"):
        collect(tmp_path)


def test_what_says_nothing_is_believed_only_where_all_say_nothing(tmp_path):
    """Nameless files are what they are asked for; beside others that say what they are, they are not."""
    for day in DAYS:
        write(tmp_path / f"{day}.tif", ndvi(1))
    assert collect(tmp_path, variable="NDVI").count == 4
    write(tmp_path / "EVI_20200104.tif", ndvi(1))
    with pytest.raises(InputError, match=r"there is 20200104.tif and others like it, unnamed .4 files., EVI .1 file."):
        collect(tmp_path, variable="NDVI")
    write(tmp_path / "NDVI_20200104.tif", ndvi(1, seed=5))
    heard = Heard()
    assert days(collect(tmp_path, heard, variable="NDVI")) == ["2020-01-04"]
    assert any("do not say what they are" in text for text in heard.said)


def test_a_word_that_no_list_knows_is_found_in_the_names(tmp_path):
    """VARIABLE may be any part of the names."""
    for name in ("soil_moisture", "soil_moisture_flag", "leaf_wetness"):
        write(tmp_path / f"{name}_20200104.tif", ndvi(1, seed=len(name)))
    np.testing.assert_array_equal(collect(tmp_path, variable="leaf wetness").read(), ndvi(1, seed=len("leaf_wetness")))
    with pytest.raises(InputError, match="soil_moisture_20200104.tif, soil_moisture_flag"):
        collect(tmp_path, variable="soil_moisture")


def test_band_by_number_still_says_what_it_is(tmp_path):
    """Band 1 that calls itself VV is not taken for NDVI."""
    write(tmp_path / "x_20200104.tif", ndvi(2), ["VV", "NDVI"])
    with pytest.raises(InputError, match="there is VV"):
        collect(tmp_path, variable="NDVI", band=1)
    np.testing.assert_array_equal(collect(tmp_path, variable="NDVI", band=2).read()[0], ndvi(2)[1])


@pytest.mark.realdata
def test_04_several_indices(cases):
    """EVI and NDWI files are not averaged into NDVI: 0.60 at the first date, not 0.10."""
    series = collect(cases / "04-several-indices", variable="NDVI")
    assert days(series) == ["2020-06-04", "2020-06-14", "2020-06-24"]
    with rasterio.open(cases / "04-several-indices" / "SENTINEL-2_MSI_20LMR_NDVI_2020-06-04.tif") as src:
        np.testing.assert_array_equal(series.read()[0], src.read(1))
    assert series.read()[0].mean() == pytest.approx(0.6, abs=0.02)


@pytest.mark.realdata
def test_08_force_boa(cases):
    """Ten spectral bands of one date are no NDVI; the sentence offers the index, and that is right."""
    with pytest.raises(InputError, match=r"there is blue .3 bands.") as caught:
        collect(cases / "08-force-boa", variable="NDVI", scale=0.0001)
    assert "INDEX = NDVI" in caught.value.remedy
    series = collect(cases / "08-force-boa", index="NDVI")
    with rasterio.open(cases / "08-force-boa" / "20180605_LEVEL2_SEN2A_BOA.tif") as src:
        bands = {name: src.read(i).astype(float) for i, name in enumerate(src.descriptions, 1)}
    expected = (bands["BROADNIR"] - bands["RED"]) / (bands["BROADNIR"] + bands["RED"])
    np.testing.assert_allclose(series.read()[0], expected, atol=1e-6)
    assert days(series) == ["2018-06-05", "2018-06-10", "2018-06-15"]


@pytest.mark.realdata
def test_09_force_tsi(cases):
    """FORCE's own Scale per band and its NDV are understood."""
    series = open_series(str(next((cases / "09-force-tsi").glob("*.tif"))))
    assert series.variable.name == "NDVI" and 0.2 < series.read().min() and series.read().max() < 0.7


@pytest.mark.realdata
def test_10_four_dimensions(cases):
    """A cube of time and band: the bands are refused with the list, and each is to be had."""
    with pytest.raises(InputError, match="stack.nc band 2, stack.nc band 4, stack.nc band 8"):
        collect(cases / "10-four-dimensions")
    series = collect(cases / "10-four-dimensions", variable="band 4")
    assert series.count == 3 and np.ptp(series.read()[0]) == 0


@pytest.mark.realdata
def test_44_bands_only(cases):
    """Red and near infrared are there: NDVI is offered, and made."""
    with pytest.raises(InputError, match="there is B02") as caught:
        collect(cases / "44-bands-only", variable="NDVI")
    assert "INDEX = NDVI" in caught.value.remedy
    series = collect(cases / "44-bands-only", index="NDVI")
    with rasterio.open(cases / "44-bands-only" / "S2_20200104.tif") as src:
        green, red, nir = (src.read(band).astype(float) for band in (2, 3, 4))
    np.testing.assert_allclose(series.read()[0], (nir - red) / (nir + red), atol=1e-6)
    np.testing.assert_allclose(
        collect(cases / "44-bands-only", index="NDWI").read()[0], (green - nir) / (green + nir), atol=1e-6
    )


def test_numbers_of_bands_are_no_names_where_the_file_has_one(tmp_path):
    """'b1' is what some programs call every first band: NDVI_20200104.tif is NDVI all the same; B4 of a nameless file is red."""
    for number, day in enumerate(DAYS):
        write(tmp_path / f"NDVI_{day}.tif", ndvi(1, seed=number), ["b1"])
    assert collect(tmp_path, variable="NDVI").count == 4 and collect(tmp_path).variable.name == "NDVI"
    stack = tmp_path / "stack"
    stack.mkdir()
    write(stack / "NDVI.tif", ndvi(3), ["b1", "b2", "b3"])
    assert days(collect(stack, dates="2023-11-01,2023-11-13,2023-11-25")) == DATES
    bands = tmp_path / "bands"
    bands.mkdir()
    write(bands / "S2_20200104.tif", ndvi(2), ["B4", "B8"])
    with pytest.raises(InputError, match="there is B04"):
        collect(bands, variable="NDVI")


# --- parts of one picture


@pytest.mark.parametrize(
    "first, second",
    [
        ("NDVI_T31TCJ_20200104", "NDVI_T31TDJ_20200104"),
        ("NDVI_20200104T105441", "NDVI_20200104T105451"),
        ("NDVI_20200104_R051", "NDVI_20200104_R094"),
        ("S2A_20200104_NDVI", "S2B_20200104_NDVI"),
        ("NDVI_20200104_a", "NDVI_20200104_b"),
        ("NDVI_20200104_1", "NDVI_20200104_2"),
        ("NDVI_h18v04_2020004", "NDVI_h18v05_2020004"),
        ("X0001_Y0002_20200104_NDVI", "X0001_Y0003_20200104_NDVI"),
        ("VV_A_20200104", "VV_D_20200104"),
        ("LC08_L2SP_198030_20200104_20200824_02_T1_NDVI", "LC08_L2SP_198031_20200104_20200824_02_T1_NDVI"),
    ],
)  # fmt: skip
def test_files_that_differ_by_tile_orbit_or_hour_are_one_picture(tmp_path, first, second):
    """Two parts of one day are merged, and it is said."""
    scale = -20 if "VV" in first else 1
    for seed, name in enumerate((first, second)):
        write(tmp_path / f"{name}.tif", scale * ndvi(1, seed=seed))
    heard = Heard()
    series = collect(tmp_path, heard)
    assert days(series) == ["2020-01-04"] and any("share a date" in text for text in heard.warnings)


@pytest.mark.parametrize(
    "first, second",
    [("NDVI_20200104", "NDVI_masked_20200104"), ("NDVI_20200104", "NDVI_max_20200104"), ("L2A_NDVI_20200104", "L1C_NDVI_20200104"),
     ("S2_NDVI_20200104", "MODIS_NDVI_20200104"), ("NDVI_20200104", "NDVI_smoothed_20200104")],
)  # fmt: skip
def test_files_that_differ_by_more_are_refused(tmp_path, first, second):
    """Masked, composites, other products of one day: the list, and no mean."""
    for name in (first, second):
        write(tmp_path / f"{name}.tif", ndvi(1))
    with pytest.raises(InputError, match=f"{first}.tif") as caught:
        collect(tmp_path, variable="NDVI")
    assert second in caught.value.text and "PATTERN" in caught.value.remedy


def test_parts_that_share_no_ground_are_tiles_whatever_their_names(tmp_path):
    """north and south lie side by side."""
    write(tmp_path / "north_NDVI_20200104.tif", ndvi(1, seed=1))
    write(tmp_path / "south_NDVI_20200104.tif", ndvi(1, seed=2), origin=(430000, 9240000 - 5 * 50))
    series = collect(tmp_path)
    np.testing.assert_array_equal(series.read()[0], np.concatenate([ndvi(1, seed=1)[0], ndvi(1, seed=2)[0]]))


def test_bands_of_one_file_at_one_date_are_refused(tmp_path):
    """Nothing tells them apart but their place."""
    tags = [{"start_time": "2020-01-04T00:00:00"}] * 2
    write(tmp_path / "x.tif", ndvi(2), None, band_tags=tags)
    with pytest.raises(InputError, match="x.tif band 1, x.tif band 2"):
        collect(tmp_path, variable="NDVI")


@pytest.mark.parametrize("how", ["mean", "first", "last", "max", "median"])
def test_merging(tmp_path, how):
    """Three parts of one day, missing here and there."""
    parts = ndvi(3)
    parts[0, 0, :3], parts[1, 0, 1], parts[:, 1, 1] = np.nan, np.nan, np.nan
    for number, part in enumerate(parts):
        write(tmp_path / f"NDVI_20200104_{number}.tif", part[None])
    values = collect(tmp_path, merge=how).read()[0]
    first = np.where(np.isfinite(parts[0]), parts[0], np.where(np.isfinite(parts[1]), parts[1], parts[2]))
    with np.errstate(all="ignore"):
        expected = {
            "mean": np.nanmean(parts.astype(float), 0),
            "first": first,
            "last": parts[2],
            "max": np.nanmax(parts, 0),
            "median": np.nanmedian(parts, 0),
        }[how]
    np.testing.assert_allclose(values, expected, rtol=1e-6)


def test_an_unknown_way_of_merging():
    """The ways are listed."""
    with pytest.raises(InputError, match="MERGE is 'sum'"):
        Collecting(merge="sum")


# --- indices of bands


def bands_of_a_day(folder, day, rng, low=200, dtype="uint16", name="T31TCJ_{day}T105441_{band}_10m"):
    """One file per band as Sentinel-2 has them; returns stored numbers."""
    made = {band: rng.integers(low, 6000, (1, 12, 14)) for band in ("B02", "B03", "B04", "B08")}
    for band, values in made.items():
        write(folder / f"{name.format(day=day, band=band)}.tif", values, dtype=dtype, nodata=0, pixel=10)
    made["B11"] = rng.integers(low, 6000, (1, 6, 7))
    write(folder / f"{name.format(day=day, band='B11')}.tif", made["B11"], dtype=dtype, nodata=0, pixel=20)
    return made


def test_indices_of_single_band_files(tmp_path):
    """Bands of an image are told by the names that they share; the 20 m band is brought onto 10 m."""
    rng = np.random.default_rng(1)
    made = [bands_of_a_day(tmp_path, day, rng) for day in DAYS]
    series = collect(tmp_path, index="NDVI")
    for values, stored in zip(series.read(), made):
        nir, red = stored["B08"][0].astype(float), stored["B04"][0].astype(float)
        np.testing.assert_allclose(values, (nir - red) / (nir + red), atol=1e-6)
    evi2 = collect(tmp_path, index="EVI2", scale=0.0001).read()[0]
    nir, red = made[0]["B08"][0] / 1e4, made[0]["B04"][0] / 1e4
    np.testing.assert_allclose(evi2, 2.5 * (nir - red) / (nir + 2.4 * red + 1), atol=1e-6)
    lswi = collect(tmp_path, index="LSWI", resampling="nearest").read()[0]
    nir, swir = made[0]["B08"][0].astype(float), np.kron(made[0]["B11"][0], np.ones((2, 2)))
    np.testing.assert_allclose(lswi, (nir - swir) / (nir + swir), atol=1e-6)


def test_an_index_of_reflectances_needs_them(tmp_path):
    """EVI2 of numbers times 10000 would be wrong without a word."""
    bands_of_a_day(tmp_path, DAYS[0], np.random.default_rng(1))
    with pytest.raises(UnitError, match="reflectances from 0 to 1") as caught:
        collect(tmp_path, index="EVI2")
    assert "SCALE" in caught.value.remedy


def test_a_missing_band_is_named(tmp_path):
    """What the index is made of, what is lacking and what there is; a date without a band by its date."""
    rng = np.random.default_rng(1)
    for day in DAYS:
        bands_of_a_day(tmp_path, day, rng)
    (tmp_path / f"T31TCJ_{DAYS[1]}T105441_B04_10m.tif").unlink()
    with pytest.raises(InputError, match="1 of 4 images lack a band that NDVI is made of: 2020-01-09"):
        collect(tmp_path, index="NDVI")
    for file in tmp_path.glob("*_B04_*"):
        file.unlink()
    with pytest.raises(InputError, match="no band says that it is red. There is B02 .4 files."):
        collect(tmp_path, index="NDVI")


def test_the_new_baseline_is_told(tmp_path):
    """1000 is added to Sentinel-2's numbers since baseline 04.00; an index of them is too low."""
    rng, heard = np.random.default_rng(1), Heard()
    bands_of_a_day(tmp_path, DAYS[0], rng, low=1200, name="S2A_MSIL2A_{day}T105441_N0500_R051_T31TCJ_{band}")
    collect(tmp_path, heard, index="NDVI")
    assert any("OFFSET = -0.1" in text for text in heard.warnings)
    heard = Heard()
    values = collect(tmp_path, heard, index="NDVI", scale=0.0001, offset=-0.1).read()
    assert not any("OFFSET" in text for text in heard.warnings)
    with rasterio.open(next(tmp_path.glob("*_B08.tif"))) as nir, rasterio.open(next(tmp_path.glob("*_B04.tif"))) as red:
        n, r = nir.read(1) / 1e4 - 0.1, red.read(1) / 1e4 - 0.1
    possible = np.isfinite(values[0])
    np.testing.assert_allclose(values[0][possible], ((n - r) / (n + r))[possible], atol=1e-4)


@pytest.mark.parametrize("linear", [False, True])
def test_radar_vegetation_index(tmp_path, linear):
    """4 VH / (VV + VH) on power, of decibels and of power alike."""
    power = {"VV": 0.05 * ndvi(3) + 0.02, "VH": 0.02 * ndvi(3, seed=1) + 0.002}
    for name, values in power.items():
        write(tmp_path / f"{name}.tif", values if linear else 10 * np.log10(values), DATES)
    expected = 4 * power["VH"] / (power["VV"] + power["VH"])
    series = collect(tmp_path, index="RVI")
    assert series.variable.name == "RVI" and series.units == "1"
    np.testing.assert_allclose(series.read(), expected, rtol=1e-5)


def test_plant_phenology_index_of_a_folder(tmp_path):
    """It needs the sun, and takes the greatest nir - red of the scene."""
    rng = np.random.default_rng(1)
    for day in DAYS:
        bands_of_a_day(tmp_path, day, rng)
    with pytest.raises(InputError, match="angle of the sun"):
        collect(tmp_path, index="PPI", scale=0.0001)
    heard = Heard()
    values = collect(tmp_path, heard, index="PPI", scale=0.0001, sun_zenith=45.0).read()
    assert np.isfinite(values).all() and values.max() > 0.5 and any("greatest nir - red" in text for text in heard.said)


def test_the_header_of_an_index_travels(tmp_path):
    """Name, units and range are those of the index, in the file and after it."""
    (tmp_path / "in").mkdir()
    rng = np.random.default_rng(1)
    for day in DAYS:
        bands_of_a_day(tmp_path / "in", day, rng)
    series = build(tmp_path / "in", tmp_path / "o.tif", INDEX="kNDVI")
    assert series.variable.name == "kNDVI" and series.variable.valid_range == (0.0, 0.765625)


# --- where it is clear


def scene(folder, rng, dates=DAYS, name="S2_{day}_{what}.tif", separate=None):
    """NDVI and SCL of some days; returns NDVI and classes."""
    values = rng.uniform(0.1, 0.9, (len(dates), 20, 22)).astype("float32")
    classes = rng.choice([4, 5, 3, 8, 9, 10, 11], values.shape, p=[0.5, 0.2, 0.05, 0.1, 0.05, 0.05, 0.05])
    (separate or folder).mkdir(exist_ok=True)
    for day, layer, scl in zip(dates, values, classes):
        write(folder / name.format(day=day, what="NDVI"), layer[None])
        write((separate or folder) / name.format(day=day, what="SCL"), scl[None], dtype="uint8", nodata=None)
    return values, classes


def test_quality_layers_beside_the_images(tmp_path):
    """What the classes call cloud is taken away, and how much each part took is said."""
    folder = tmp_path / "in"
    folder.mkdir()
    values, classes = scene(folder, np.random.default_rng(3))
    heard = Heard()
    found = build(folder, tmp_path / "o.tif", heard, VARIABLE="NDVI", QUALITY_LAYERS="SCL").read()
    gone = np.isin(classes, [0, 1, 3, 8, 9, 10, 11])
    np.testing.assert_array_equal(found, np.where(gone, np.nan, values))
    assert any(f"take {gone.sum():,} ({gone.mean():.1%}) of {gone.size:,} values" in text for text in heard.said)


def test_quality_layers_in_another_folder_and_a_rule_of_ones_own(tmp_path):
    """QUALITY_FOLDER, QUALITY_RULE and a buffer."""
    from scipy.ndimage import binary_dilation

    folder, other = tmp_path / "in", tmp_path / "scl"
    folder.mkdir()
    values, classes = scene(folder, np.random.default_rng(3), separate=other)
    found = build(
        folder,
        tmp_path / "o.tif",
        QUALITY_LAYERS="SCL",
        QUALITY_FOLDER=str(other),
        QUALITY_RULE="values 9",
        QUALITY_BUFFER=1,
    ).read()
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    gone = np.stack([binary_dilation(layer == 9, cross) for layer in classes])
    np.testing.assert_array_equal(found, np.where(gone, np.nan, values))


def test_the_buffer_does_not_depend_on_tiles(tmp_path):
    """A cloud in one tile reaches into the next."""
    rng = np.random.default_rng(5)
    (tmp_path / "in").mkdir()
    values = rng.uniform(0.1, 0.9, (1, 150, 140)).astype("float32")
    classes = np.where(rng.uniform(size=values.shape) < 0.002, 9, 4)
    write(tmp_path / "in" / "NDVI_20200104.tif", values)
    write(tmp_path / "in" / "SCL_20200104.tif", classes, dtype="uint8", nodata=None)
    series = collect(tmp_path / "in", variable="NDVI", quality_layers="SCL", quality_buffer=5)
    whole = series.read()
    from phenofuse.core.timeseries import Window

    for row in range(0, 150, 64):
        for column in range(0, 140, 64):
            window = Window(row, column, min(64, 150 - row), min(64, 140 - column))
            np.testing.assert_array_equal(series.read(window), whole[(slice(None), *window.slices)])


def test_a_date_without_its_quality_layer_is_named(tmp_path):
    """Not masked by something else, nor left as it is."""
    scene(tmp_path, np.random.default_rng(3))
    (tmp_path / f"S2_{DAYS[2]}_SCL.tif").unlink()
    with pytest.raises(DateError, match="1 of 4 images have no quality layer SCL: 2020-01-14"):
        collect(tmp_path, variable="NDVI", quality_layers="SCL")
    with pytest.raises(InputError, match=r"No quality layer FMASK .* there is NDVI .4 files., SCL .3 files."):
        collect(tmp_path, variable="NDVI", quality_layers="FMASK")


def test_a_quality_layer_of_another_pixel_size(tmp_path):
    """SCL at 20 m over NDVI at 10 m: the nearest class, no reference needed."""
    values = ndvi(1, 12, 14)
    classes = np.random.default_rng(0).choice([4, 9], (1, 6, 7))
    write(tmp_path / "T31TCJ_20200104T105441_NDVI_10m.tif", values, pixel=10)
    write(tmp_path / "T31TCJ_20200104T105441_SCL_20m.tif", classes, dtype="uint8", nodata=None, pixel=20)
    found = collect(tmp_path, variable="NDVI", quality_layers="SCL").read()
    np.testing.assert_array_equal(found[0], np.where(np.kron(classes[0], np.ones((2, 2))) == 9, np.nan, values[0]))


def test_stacks_of_bands_with_their_own_classes(tmp_path):
    """One file per date: B04, B08, SCL inside; cloud bits in Fmask; shares of s2cloudless."""
    rng = np.random.default_rng(2)
    nir, red = rng.uniform(0.2, 0.5, (2, 8, 9)), rng.uniform(0.02, 0.1, (2, 8, 9))
    clouds = rng.uniform(size=nir.shape) < 0.3
    layers = {"SCL": np.where(clouds, 9, 4), "Fmask": np.where(clouds, 0b01000010, 0b01000000), "CLP": np.where(clouds, 200, 20),
              "QA60": np.where(clouds, 1024, 0), "cs_cdf": np.where(clouds, 0.3, 0.9)}  # fmt: skip
    for number, day in enumerate(DAYS[:2]):
        bands = {"B4": red[number], "B8": nir[number], **{name: layer[number] for name, layer in layers.items()}}
        write(tmp_path / f"S2_{day}.tif", np.stack(list(bands.values())), list(bands))
    expected = np.where(clouds, np.nan, (nir - red) / (nir + red))
    for name in ("SCL", "FMASK", "CLP", "QA60", "CLOUD_SCORE"):
        np.testing.assert_allclose(collect(tmp_path, index="NDVI", quality_layers=name).read(), expected, atol=1e-6)
    found = collect(tmp_path, index="NDVI", quality_layers="other", quality_rule="QA60: bits 10").read()
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_qa60_that_was_written_empty_is_told(tmp_path):
    """Two years without a mask."""
    scene(tmp_path, np.random.default_rng(3), ("20230101", "20230106", "20240401"), "S2_{day}_{what}.tif")
    for file in tmp_path.glob("*SCL*"):
        file.rename(str(file).replace("SCL", "QA60"))
    heard = Heard()
    collect(tmp_path, heard, variable="NDVI", quality_layers="QA60")
    assert any("2 dates are not masked by it" in text for text in heard.warnings)


@pytest.mark.realdata
def test_the_classes_of_real_files(shared_data, tmp_path):
    """NDVI and SCL of sen2r in two folders: classes of 20 m over pixels of 10 m, and what is left does not dip."""
    from phenofuse.core.timeseries.looks import clouds_left

    folder = shared_data / "sen2rts_field_tiffs"
    heard = Heard()
    masked = collect(folder / "NDVI", heard, scale=0.0001, quality_layers="SCL", quality_folder=str(folder / "SCL"))
    plain = collect(folder / "NDVI", scale=0.0001)
    for number in (0, 20, 40):
        with rasterio.open(sorted((folder / "SCL").glob(f"*{plain.periods[number].start:%Y%m%d}*"))[0]) as src:
            classes, (rows, columns) = src.read(1), np.mgrid[: plain.grid.height, : plain.grid.width]
            x, y = rasterio.Affine(*plain.grid.transform) * (columns + 0.5, rows + 0.5)
            column, row = (np.floor(one).astype(int) for one in ~src.transform * (x, y))
            gone = np.isin(classes[row, column], [0, 1, 3, 8, 9, 10, 11])
        np.testing.assert_array_equal(
            masked.read(dates=[number])[0], np.where(gone, np.nan, plain.read(dates=[number])[0])
        )
    assert "clouds seem to be left in" in clouds_left(plain) and clouds_left(masked) == ""


# --- orbits


@pytest.mark.realdata
def test_43_two_orbits(cases):
    """Ascending and descending VV, 4 dB apart, in one series: told, and kept apart on request."""
    heard = Heard()
    series = collect(cases / "43-two-orbits", heard)
    assert series.count == 12
    assert any("ascending (6 dates), descending (6 dates); between them lie 4.0 dB" in text for text in heard.warnings)
    heard = Heard()
    one = collect(cases / "43-two-orbits", heard, orbit="descending")
    assert one.count == 6 and not heard.warnings and one.header["orbit"] == "descending"
    with pytest.raises(InputError, match="No raster is of the orbit 51; by names and tags there is: not said"):
        collect(cases / "43-two-orbits", orbit="51")


def test_orbits_by_a_step_in_the_values(tmp_path):
    """Names are silent; every other date is 3 dB lower, in the rhythm of the satellites."""
    rng = np.random.default_rng(0)
    start = np.datetime64("2020-01-01")
    for number in range(16):
        day = start + 12 * (number // 2) + 5 * (number % 2)
        write(tmp_path / f"VV_{str(day).replace('-', '')}.tif", rng.normal(-10 - 3 * (number % 2), 1, (1, 20, 20)))
    heard = Heard()
    collect(tmp_path, heard)
    assert any("seems to hold 2 orbits" in text and "3.0 dB" in text for text in heard.warnings)
    heard = Heard()
    for file in sorted(tmp_path.iterdir())[1::2]:
        file.unlink()
    collect(tmp_path, heard)
    assert not heard.warnings


def test_relative_orbits_by_tags_and_names(tmp_path):
    """R051 and R124 of the names."""
    for day, orbit in (("20200104", "R051"), ("20200109", "R124"), ("20200116", "R051")):
        write(tmp_path / f"S1A_IW_{orbit}_{day}_VV.tif", -20 * ndvi(1))
    assert days(collect(tmp_path, orbit="51")) == ["2020-01-04", "2020-01-16"]
    heard = Heard()
    collect(tmp_path, heard)
    assert any("2 relative orbits of the radar: 51 (2 dates), 124 (1 dates)" in text for text in heard.warnings)


# --- before a fill


def test_a_covariate_that_is_the_input_again(tmp_path):
    """The file itself, a copy of it, a copy in other units: an error in place of a radar that lowers the error by 68 %."""
    values = ndvi(6, 12, 12)
    names = [f"2023-11-{day:02d}" for day in (1, 5, 9, 13, 17, 21)]
    path = write(tmp_path / "NDVI.tif", values, names)
    copy = write(tmp_path / "VV.tif", values * 20 - 25, names)
    other = write(tmp_path / "VH.tif", -20 * ndvi(6, 12, 12, seed=4), names)
    with pytest.raises(InputError, match="INPUT and among COVARIATES"):
        open_together([path, other, path])
    with pytest.raises(InputError, match="holds the values of NDVI"):
        open_together([path, copy])
    assert len(open_together([path, other])) == 2


@pytest.mark.parametrize("job", ["fillmogpr", "comparemethods"])
def test_every_fill_with_covariates_refuses_it(tmp_path, job):
    """By the job itself."""
    path = write(tmp_path / "NDVI.tif", ndvi(6, 12, 12), [f"2023-11-{day:02d}" for day in (1, 5, 9, 13, 17, 21)])
    shutil.copy(path, tmp_path / "again.tif")
    parameters = {
        "INPUT": path,
        "COVARIATES": [str(tmp_path / "again.tif")],
        "OUTPUT": str(tmp_path / "o.tif"),
        "METHODS": ["linear"],
    }
    with pytest.raises(InputError, match="COVARIATES|holds the values"):
        run(job, parameters, Resources(256, 1), Heard())


@pytest.mark.parametrize("job", ["fillwhittaker", "fillharmonic", "fillmogpr"])
def test_classes_are_not_filled(tmp_path, job):
    """Between 4 and 9 of SCL lies nothing."""
    path = write(
        tmp_path / "SCL.tif", np.random.default_rng(0).choice([4, 9], (3, 5, 7)), DATES, dtype="uint8", nodata=0
    )
    with pytest.raises(InputError, match="holds SCL, classes or flags"):
        run(job, {"INPUT": path, "OUTPUT": str(tmp_path / "o.tif")}, Resources(256, 1), Heard())


@pytest.mark.parametrize("job", ["fillwhittaker", "fillharmonic", "fillmogpr", "describetimeseries"])
def test_clouds_left_in_are_told_by_every_fill(tmp_path, job):
    """An eighth of the values falls and recovers within days."""
    rng = np.random.default_rng(0)
    dates = [str(np.datetime64("2023-01-01") + 5 * number) for number in range(40)]
    values = np.repeat(0.6 + 0.2 * np.sin(np.arange(40) / 8)[:, None], 64, 1).reshape(40, 8, 8) + rng.normal(
        0, 0.02, (40, 8, 8)
    )
    values[rng.uniform(size=values.shape) < 0.12] = 0.05
    path = write(tmp_path / "NDVI.tif", values, dates)
    heard = Heard()
    parameters = {"INPUT": path, "OUTPUT": str(tmp_path / "o.tif"), "REPORT": str(tmp_path / "o.html")}
    if job in ("fillwhittaker", "fillharmonic"):
        del parameters["REPORT"]
    if job == "describetimeseries":
        del parameters["OUTPUT"]
    run(job, parameters, Resources(256, 1), heard)
    assert any("clouds seem to be left in" in text for text in heard.said)
    if "REPORT" in parameters:
        assert "clouds seem to be left in" in Path(parameters["REPORT"]).read_text(encoding="utf-8")


# --- from bands to a table


@pytest.mark.realdata
def test_real_bands_and_classes_give_the_masked_ndvi_of_their_makers(shared_data, tmp_path):
    """B04, B08, B11 and SCL of each date in files of their own: NDVI where SCL is 4, 5 or 6, to the last digit of float32."""
    source, folder = shared_data / "gfmap_s1s2_chip", tmp_path / "bands"
    folder.mkdir()
    for band in ("B04", "B08", "B11", "SCL"):
        with rasterio.open(source / f"{band}.tif") as src:
            for number, date in enumerate(src.descriptions, 1):
                profile = {**src.profile, "count": 1, "driver": "GTiff"}
                name = f"T31UFS_{date[:10].replace('-', '')}T105441_{band}_10m.tif"
                with rasterio.open(folder / name, "w", **profile) as out:
                    out.write(src.read(number), 1)
    series = build(folder, tmp_path / "o.tif", INDEX="NDVI", QUALITY_LAYERS="SCL", QUALITY_RULE="clear 4,5,6")
    with rasterio.open(source / "NDVI_masked.tif") as src:
        np.testing.assert_allclose(series.read(), src.read(), atol=1e-6)
    ready = build(folder, tmp_path / "r.tif", INDEX="NDVI", QUALITY_LAYERS="SCL").read()
    assert np.isfinite(ready).sum() >= np.isfinite(series.read()).sum()
