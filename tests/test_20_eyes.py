"""Plausible names and folders of other products: asked for X, X comes or one sentence says what there is instead."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from heard import Heard
from phenofuse.core.errors import InputError, UnitError
from phenofuse.core.jobs import Resources, run
from phenofuse.core.timeseries import list_rasters, open_series
from phenofuse.core.timeseries.collecting import Collecting, collect_series
from rasters import write

DAYS = ["20200104", "20200109", "20200114"]
ISO = ["2020-01-04", "2020-01-09", "2020-01-14"]
RED, NIR = 500.0, 3000.0
NDVI = (NIR - RED) / (NIR + RED)


def put(path, *values, names=None, size=(12, 14), **profile):
    """Write bands of one number each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    layers = [np.full(size, value) if np.ndim(value) == 0 else value for value in values]
    return write(path, np.stack(layers), names, **{"nodata": None, **profile})


def collect(where, heard=None, subfolders=False, **options):
    """A series of a folder."""
    if subfolders:
        options["folder"] = str(where)
    return collect_series(list_rasters(where, "*", subfolders), Collecting(**options), heard or Heard())


def build(folder, output, heard=None, **parameters):
    """Run the job on a folder and open what it wrote."""
    run("buildtimeseries", {"FOLDER": str(folder), "OUTPUT": str(output), **parameters}, Resources(256, 1), heard or Heard())
    return open_series(str(output))


def days(series):
    """First days of a series."""
    return [str(period.start) for period in series.periods]


# --- folders say what their files are


@pytest.mark.parametrize("folders", [("B04", "B08", "SCL"), ("10m/B04", "10m/B08", "20m/SCL"), ("red", "nir", "scl")])
def test_a_folder_per_band(tmp_path, folders):
    """2020-01-04.tif in B04, B08 and SCL were once averaged; the folders tell them apart."""
    for folder, value in zip(folders, (RED, NIR, 4.0)):
        for day in ISO:
            put(tmp_path / folder / f"{day}.tif", value)
    np.testing.assert_allclose(collect(tmp_path, subfolders=True, index="NDVI", quality_layers="SCL").read(), NDVI, rtol=1e-6)
    assert collect(tmp_path, subfolders=True, variable=folders[0].rpartition("/")[2]).read().max() == RED
    with pytest.raises(InputError, match=r"several variables in the 9 files"):
        collect(tmp_path, subfolders=True)


def test_a_folder_per_variable(tmp_path):
    """NDVI/2020-01-04.tif beside EVI/2020-01-04.tif: by the folder's name; of LAYERS as well."""
    for folder, value in (("NDVI", 0.5), ("EVI", 0.3)):
        for day in ISO:
            put(tmp_path / folder / f"{day}.tif", value)
    series = collect(tmp_path, subfolders=True, variable="NDVI")
    assert series.variable.name == "NDVI"
    np.testing.assert_allclose(series.read(), 0.5)
    by_layers = collect_series(list_rasters(tmp_path, "*", True), Collecting(variable="EVI"), Heard())
    np.testing.assert_allclose(by_layers.read(), 0.3)


@pytest.mark.parametrize("folders", [("masked", "raw"), ("v1", "version_two"), ("T31TCJ/filled", "T31TCJ/mosaic")])
def test_folders_that_hold_the_same_dates_twice_are_refused(tmp_path, folders):
    """The same names in two folders are no tiles: the list names the folders."""
    for folder, value in zip(folders, (0.5, 0.3)):
        for day in ISO:
            put(tmp_path / folder / f"NDVI_{day}.tif", value)
    with pytest.raises(InputError, match=f"{folders[0]}/NDVI_2020-01-04.tif, {folders[1]}/NDVI_2020-01-04.tif"):
        collect(tmp_path, subfolders=True, variable="NDVI")
    last = folders[1].rpartition("/")[2]
    np.testing.assert_allclose(collect(tmp_path, subfolders=True, variable=f"{last}_NDVI").read(), 0.3)


@pytest.mark.parametrize("folders", [("T31TCJ", "T31TDJ"), ("tile_1", "tile_2"), ("R022", "R065"), ("2020", "2020/01")])
def test_folders_of_tiles_and_dates_are_one_picture(tmp_path, folders):
    """Folders that differ by tile, orbit, number or date alone hold parts of one picture."""
    for folder, value in zip(folders, (0.2, 0.6)):
        put(tmp_path / folder / "NDVI_20200104.tif", value)
    np.testing.assert_allclose(collect(tmp_path, subfolders=True).read(), 0.4, rtol=1e-6)


def test_quality_layers_in_folders_of_dates_elsewhere(tmp_path):
    """QUALITY_FOLDER is searched as FOLDER is, and its folders hold dates as well."""
    for day in ISO:
        put(tmp_path / "images" / day / "NDVI.tif", 0.5)
        put(tmp_path / "clouds" / day / "SCL.tif", 9 if day == ISO[1] else 4, dtype="uint8")
    series = collect(tmp_path / "images", subfolders=True, quality_layers="SCL", quality_folder=str(tmp_path / "clouds"))
    assert np.isfinite(series.read()).all(axis=(1, 2)).tolist() == [True, False, True]


# --- bands of an image


@pytest.mark.parametrize("other", ["T48MZT_20200104T031541_B04", "T48MYT_20200104T161541_B04"])
def test_bands_of_two_tiles_or_hours_make_no_index(tmp_path, other):
    """B08 of one tile and B04 of another are not one image, though they are alone on that day."""
    put(tmp_path / "T48MYT_20200104T031541_B08.tif", NIR)
    put(tmp_path / f"{other}.tif", RED)
    with pytest.raises(InputError, match="lack a band that NDVI is made of: 2020-01-04"):
        collect(tmp_path, index="NDVI")


def test_bands_of_two_orbits_make_no_index(tmp_path):
    """VV from the east and VH from the west are not one image."""
    for day in DAYS:
        put(tmp_path / f"S1A_IW_A_{day}T170000_VV.tif", -10.0)
        put(tmp_path / f"S1A_IW_D_{day}T053000_VH.tif", -17.0)
    with pytest.raises(InputError, match="lack a band that RVI is made of"):
        collect(tmp_path, index="RVI")


def test_every_sensor_has_its_own_near_infrared(tmp_path):
    """HLS with B8A of Sentinel-2 and B05 of Landsat: all dates come, none is dropped for the other's sake."""
    for sensor, day, band in (("S30", "004", "B8A"), ("S30", "009", "B8A"), ("L30", "012", "B05")):
        put(tmp_path / f"HLS.{sensor}.T48MYT.2020{day}T031541.v2.0.{band}.tif", NIR, dtype="int16", nodata=-9999)
        put(tmp_path / f"HLS.{sensor}.T48MYT.2020{day}T031541.v2.0.B04.tif", RED, dtype="int16", nodata=-9999)
    series = collect(tmp_path, index="NDVI")
    assert days(series) == ["2020-01-04", "2020-01-09", "2020-01-12"]
    np.testing.assert_allclose(series.read(), NDVI, rtol=1e-6)


def test_force_of_two_sensors(tmp_path):
    """Landsat has no broad near infrared; its images stay."""
    put(tmp_path / "20200104_LEVEL2_SEN2A_BOA.tif", RED, NIR, 2 * NIR, names=["RED", "BROADNIR", "NIR"])
    put(tmp_path / "20200109_LEVEL2_LND08_BOA.tif", RED, NIR, names=["RED", "NIR"])
    series = collect(tmp_path, index="NDVI")
    assert days(series) == ["2020-01-04", "2020-01-09"]
    np.testing.assert_allclose(series.read(), NDVI, rtol=1e-6)


@pytest.mark.parametrize("lost", ["B04", "B08"])
def test_an_image_that_lost_a_band_is_named_whichever_it_is(tmp_path, lost):
    """A date whose near infrared is not there was once left out without a word."""
    for day in DAYS:
        for band, value in (("B04", RED), ("B08", NIR)):
            if (day, band) != (DAYS[1], lost):
                put(tmp_path / f"S2_{day}_{band}.tif", value)
    with pytest.raises(InputError, match="2020-01-09"):
        collect(tmp_path, index="NDVI")


def test_the_sensor_may_stand_in_the_names_of_bands(tmp_path):
    """Earth Engine names bands by images: the panchromatic B8 of Landsat 8 is no near infrared."""
    names = [f"LC08_121065_{day}_{band}" for day in DAYS[:2] for band in ("B4", "B5", "B8")]
    put(tmp_path / "export.tif", *[0.05, 0.3, 0.09] * 2, names=names)
    np.testing.assert_allclose(collect(tmp_path, index="NDVI").read(), 0.25 / 0.35, rtol=1e-6)


def test_a_sensor_that_no_name_tells_is_a_guess_and_said(tmp_path):
    """B04 and B08 alone are Sentinel-2's, most likely."""
    for day in DAYS:
        put(tmp_path / f"{day}.tif", RED, NIR, names=["B04", "B08"])
    heard = Heard()
    collect(tmp_path, heard, index="NDVI")
    assert any("Sentinel-2" in text and "no name says" in text for text in heard.warnings)


@pytest.mark.parametrize(
    "name", ["S2_{day}_{band}_10m", "{band}_{day}T031541", "MOD09.A{day}.h28v09_{band}_reflectance", "{day}_{band}_band_masked"]
)
def test_colours_with_something_behind_them(tmp_path, name):
    """Resolutions, clock times and words for any band may follow a colour."""
    for day in DAYS:
        put(tmp_path / f"{name.format(day=day, band='red')}.tif", 0.05)
        put(tmp_path / f"{name.format(day=day, band='nir')}.tif", 0.3)
    np.testing.assert_allclose(collect(tmp_path, index="NDVI", date_pattern="%Y%m%d").read(), 0.25 / 0.35, rtol=1e-6)


def test_nir_and_nir08_of_one_folder(tmp_path):
    """The STAC names of Sentinel-2 have both: B08 and B8A."""
    for day in DAYS:
        folder = tmp_path / f"S2A_48MYT_{day}_0_L2A"
        for band, value in (("red", RED), ("nir", NIR), ("nir08", 2 * NIR), ("scl", 4)):
            put(folder / f"{band}.tif", value, dtype="uint16")
    np.testing.assert_allclose(collect(tmp_path, subfolders=True, index="NDVI", quality_layers="SCL").read(), NDVI, rtol=1e-6)


@pytest.mark.parametrize("variable, index", [("", "NDVI"), ("B04", ""), ("", "NDWI")])
def test_a_band_at_several_resolutions_is_taken_at_its_finest(tmp_path, variable, index):
    """A SAFE folder holds B04 at 10, 20 and 60 m."""
    for day in DAYS:
        safe = tmp_path / f"S2A_MSIL2A_{day}T031541_N0214_R118_T48MYT_{day}T052145.SAFE/GRANULE/L2A_T48MYT_A023_{day}T032012/IMG_DATA"
        for band, value, sizes in (("B03", 700, (10, 20, 60)), ("B04", RED, (10, 20, 60)), ("B08", NIR, (10,)), ("SCL", 4, (20, 60))):
            for size in sizes:
                shape = (120 // size, 240 // size)
                put(safe / f"R{size}m" / f"T48MYT_{day}T031541_{band}_{size}m.tif", value + size // 20, size=shape, pixel=size,
                    dtype="uint8" if band == "SCL" else "uint16")  # fmt: skip
    heard = Heard()
    series = collect(tmp_path, heard, subfolders=True, variable=variable, index=index, quality_layers="SCL")
    truth = {"NDVI": NDVI, "NDWI": (700 - NIR) / (700 + NIR), "": RED}[index]
    np.testing.assert_allclose(series.read(), truth, rtol=1e-6)
    assert series.grid.pixel_size[0] == 10


def test_two_tiles_of_a_day_in_one_stack(tmp_path):
    """Each tile's index is made of its own bands."""
    names, values = [], []
    for tile, red in (("T48MYT", RED), ("T48MZT", 1000.0)):
        names += [f"20200104T031541_20200104T032012_{tile}_{band}" for band in ("B4", "B8")]
        values += [red, NIR]
    put(tmp_path / "S2_stack.tif", *values, names=names)
    np.testing.assert_allclose(collect(tmp_path, index="NDVI").read(), (NDVI + 0.5) / 2, rtol=1e-6)


def test_two_slices_of_a_radar_pass(tmp_path):
    """The last words of Sentinel-1's ids tell slices apart, not kinds."""
    for last, value in (("0382C6_1A2B", -10.0), ("0382C6_9F07", -12.0)):
        put(tmp_path / f"S1A_IW_GRDH_1SDV_20200104T223456_20200104T223521_030639_{last}_VV.tif", value)
    assert collect(tmp_path, merge="max").read().max() == -10


# --- Landsat's numbers


def test_landsat_reflectances_named_by_bands(tmp_path):
    """Collection 2 has an offset, without which every index is far too low: 0.33 in place of 0.72."""
    names = [f"LC08_121065_{day}_SR_{band}" for day in DAYS[:2] for band in ("B4", "B5")]
    truth = ((18000 - 9000) * 2.75e-5) / ((18000 + 9000) * 2.75e-5 - 0.4)
    put(tmp_path / "export.tif", *[9000, 18000] * 2, names=names, dtype="uint16")
    np.testing.assert_allclose(collect(tmp_path, index="NDVI").read(), truth, rtol=1e-5)
    put(tmp_path / "export.tif", *[9000, 18000] * 2, names=names)
    with pytest.raises(UnitError, match="Landsat") as caught:
        collect(tmp_path, index="NDVI")
    assert "SCALE = 0.0000275 and OFFSET = -0.2" in caught.value.remedy
    np.testing.assert_allclose(collect(tmp_path, index="NDVI", scale=2.75e-5, offset=-0.2).read(), truth, rtol=1e-5)


def test_the_new_baseline_is_told_by_folders_and_for_some_of_the_dates(tmp_path):
    """Files in a SAFE folder do not name the baseline themselves."""
    for day, baseline in (("20211204", "N0301"), ("20220304", "N0400")):
        folder = tmp_path / f"S2A_MSIL2A_{day}T031541_{baseline}_R118_T48MYT_{day}T052145.SAFE"
        for band, value in (("B04", 1500), ("B08", 4000)):
            put(folder / f"T48MYT_{day}T031541_{band}_10m.tif", value, dtype="uint16")
    heard = Heard()
    collect(tmp_path, heard, subfolders=True, index="NDVI")
    assert any("1 of 2 images" in text and "04.00" in text for text in heard.warnings)


# --- quality layers


@pytest.mark.parametrize(
    "kind, name, cloud", [("other", "cloudmask", 1), ("QA60", "QA60", 1024), ("CLM", "CLM", 1), ("RELIABILITY", "SummaryQA", 3)]
)
def test_a_mask_that_calls_its_clear_number_nodata(tmp_path, kind, name, cloud):
    """Masks with 0 as nodata took everything away: what the rule leaves is clear."""
    for day in DAYS:
        put(tmp_path / f"NDVI_{day}.tif", 0.5)
        layer = np.zeros((12, 14))
        layer[:3] = cloud
        put(tmp_path / f"{name}_{day}.tif", layer, dtype="uint16", nodata=0)
    heard = Heard()
    rule = {"quality_rule": "cloudmask: values 1"} if kind == "other" else {}
    values = collect(tmp_path, heard, variable="NDVI", quality_layers=kind, **rule).read()
    assert np.isnan(values[:, :3]).all() and (values[:, 3:] == 0.5).all()
    assert any("0 as nodata" in text for text in heard.said)


def test_the_classes_of_sen2cor_that_are_nothing_stay_nothing(tmp_path):
    """0 of SCL is no data, and the rule says so."""
    for day in DAYS:
        put(tmp_path / f"NDVI_{day}.tif", 0.5)
        put(tmp_path / f"SCL_{day}.tif", 0, dtype="uint8", nodata=0)
    assert np.isnan(collect(tmp_path, variable="NDVI", quality_layers="SCL").read()).all()


def test_a_series_with_nothing_left_is_warned_of(tmp_path):
    """All values taken away by a rule is hardly what was meant."""
    for day in DAYS:
        put(tmp_path / f"NDVI_{day}.tif", 0.5)
        put(tmp_path / f"SCL_{day}.tif", 9, dtype="uint8")
    heard = Heard()
    build(tmp_path, tmp_path.parent / "o.tif", heard, VARIABLE="NDVI", QUALITY_LAYERS="SCL")
    assert any("100.0%" in text for text in heard.warnings)


@pytest.mark.parametrize("option", [{"quality_rule": "above 20"}, {"quality_folder": "."}, {"quality_buffer": 2}])
def test_a_rule_without_layers_is_not_passed_over(tmp_path, option):
    """QUALITY_RULE alone masked nothing, without a word."""
    put(tmp_path / "NDVI_20200104.tif", 0.5)
    with pytest.raises(InputError, match="QUALITY_LAYERS"):
        collect(tmp_path, **option)


def test_fmask_bits_that_no_sample_showed(tmp_path):
    """Few different numbers in a sample are no reason to read bits as classes: shadow (8) goes in any case."""
    for number, day in enumerate(f"2020{month:02d}04" for month in range(1, 13)):
        layer = np.zeros((12, 14))
        put(tmp_path / f"NDVI_{day}.tif", 0.5)
        put(tmp_path / f"HLS.S30_{day}_Fmask.tif", layer + (2 if number < 2 else 0), dtype="uint8")
    put(tmp_path / "NDVI_20200201.tif", 0.5)
    put(tmp_path / "HLS.S30_20200201_Fmask.tif", 8, dtype="uint8")
    for month in range(1, 13):
        put(tmp_path / f"NDVI_2020{month:02d}20.tif", 0.5)
        put(tmp_path / f"HLS.S30_2020{month:02d}20_Fmask.tif", 0, dtype="uint8")
    series = collect(tmp_path, variable="NDVI", quality_layers="FMASK")
    assert np.isnan(series.read()[days(series).index("2020-02-01")]).all()


# --- lists


def test_nameless_files_of_one_kind_are_one_entry_of_a_list(tmp_path):
    """Hundreds of dates of one kind are one line."""
    for day in DAYS:
        put(tmp_path / f"S2_{day}_NDVI.tif", 0.5)
        put(tmp_path / f"S2_{day}_CLOUD.tif", 4)
    heard = Heard()
    collect(tmp_path, heard, variable="NDVI")
    assert any("S2_20200104_CLOUD.tif and others like it, unnamed (3 files)" in text for text in heard.said)


def test_appeears_names_are_one_kind(tmp_path):
    """doy2020001 is a date."""
    for day in ("2020001", "2020017"):
        put(tmp_path / f"MOD13Q1.061__250m_16_days_NDVI_doy{day}_aid0001.tif", 6000, dtype="int16", nodata=-3000)
    heard = Heard()
    collect(tmp_path, heard)
    assert not any("kinds" in text for text in heard.warnings)


# --- orbits and units of radar


@pytest.mark.parametrize("orbit", ["RO{:03d}", "relorb_{}", "R{:03d}", "track{}", "orbit_{}"])
def test_relative_orbits_of_a_day_are_parts_of_it(tmp_path, orbit):
    """However the number of the orbit is written, it tells no kinds apart."""
    for number, value in ((76, -10.0), (3, -12.0)):
        put(tmp_path / f"S1A_20200104_{orbit.format(number)}_VV.tif", value)
    assert collect(tmp_path, merge="max").read().max() == -10


def test_directions_mixed_within_the_days_are_told(tmp_path):
    """Ascending and descending of the same day are merged, aloud."""
    for day in DAYS:
        put(tmp_path / f"S1_{day}_ASC_VV.tif", -10.0)
        put(tmp_path / f"S1_{day}_DESC_VV.tif", -14.0)
    heard = Heard()
    collect(tmp_path, heard)
    assert any("ascending and descending" in text and "ORBIT" in text for text in heard.warnings)


@pytest.mark.parametrize("orbit, kept", [("asc", "ascending"), ("DESC", "descending"), ("R003", "3")])
def test_orbits_as_names_write_them(tmp_path, orbit, kept):
    """ORBIT understands what the names say."""
    for day, name in ((DAYS[0], "ASC_RO076"), (DAYS[1], "DESC_RO003")):
        put(tmp_path / f"S1_{day}_{name}_VV.tif", -10.0)
    series = collect(tmp_path, orbit=orbit)
    assert series.count == 1
    assert series.header["orbit"] == kept


@pytest.mark.parametrize("first", [0, 2])
def test_power_and_decibels_in_one_folder_are_refused(tmp_path, first):
    """0.1 of linear power was once taken for 0.1 dB."""
    rng = np.random.default_rng(1)
    for number, day in enumerate(DAYS):
        layer = rng.normal(-10, 1, (12, 14))
        put(tmp_path / f"VV_{day}.tif", 10 ** (layer / 10) if number == first else layer)
    with pytest.raises(UnitError, match=f"VV_{DAYS[first]}.tif.*linear power"):
        collect(tmp_path)


def test_a_factor_for_files_that_need_none(tmp_path):
    """NDVI as it is beside NDVI x 10000: SCALE would bring one of them to nothing."""
    rng = np.random.default_rng(1)
    for number, day in enumerate(DAYS):
        values = rng.uniform(0.2, 0.8, (12, 14))
        put(tmp_path / f"NDVI_{day}.tif", values if number else np.round(values * 1e4), dtype="float32" if number else "int16")
    with pytest.raises(UnitError, match=r"NDVI_20200109.tif .*NDVI already"):
        collect(tmp_path, scale=1e-4)


# --- sentences


def test_an_index_of_one_band_is_refused(tmp_path):
    """BAND chooses one of the bands that an index is made of."""
    put(tmp_path / "S2_20200104.tif", RED, NIR, names=["B04", "B08"])
    with pytest.raises(InputError, match="BAND"):
        collect(tmp_path, index="NDVI", band=1)


def test_bands_of_one_name_and_no_dates(tmp_path):
    """They hold names; it is the dates that are not there."""
    put(tmp_path / "S2_20200104.tif", RED, NIR, 2 * NIR, names=["red", "nir_p25", "nir_p75"])
    with pytest.raises(InputError, match=r"2 bands of one date or of none \(nir_p25, nir_p75\)"):
        collect(tmp_path, index="NDVI")


def test_pictures_in_a_list_are_named(tmp_path):
    """'band 1, unnamed' of which file?"""
    for day in DAYS:
        put(tmp_path / f"{day}_NDVI.tif", 0.5)
        put(tmp_path / f"{day}_True_color.tif", 1, 2, 3)
    heard = Heard()
    collect(tmp_path, heard, variable="NDVI")
    assert any("20200104_True_color.tif" in text for text in heard.said)


@pytest.mark.parametrize(
    "name, pattern", [("NDVI_Jan-2020", "%b-%Y"), ("NDVI_2020-1", "%Y-%m"), ("NDVI_200104", "%y%m%d")]
)
def test_hints_for_dates_that_are_not_read(tmp_path, name, pattern):
    """The sentence names the DATE_PATTERN that reads them; where two could, both."""
    put(tmp_path / f"{name}.tif", 0.5)
    with pytest.raises(InputError, match=f"DATE_PATTERN.*{pattern}"):
        collect(tmp_path)


def test_validation_of_bands_and_of_other_indices(tmp_path):
    """Bands of a dated file have its date; what building refuses of them is said; other variables are called by their names."""
    for day in DAYS:
        put(tmp_path / "bands" / f"S2_{day}.tif", RED, NIR, names=["B04", "B08"])
        put(tmp_path / "lai" / f"LAI_{day}.tif", 0.5)
    said = {}
    for folder in ("bands", "lai"):
        heard = Heard()
        run("validatecomposites", {"FOLDER": str(tmp_path / folder)}, Resources(256, 1), heard)
        said[folder] = " ".join(heard.said)
    assert "no date" not in said["bands"] and "several variables" in said["bands"]
    assert "LAI_20200104.tif holds LAI" in said["lai"]


# --- names that hold two


@pytest.mark.parametrize("name", ["VV-VH", "VV_VH", "VV_minus_VH", "VVVH_VV_VH"])
def test_what_is_called_by_two_variables_is_neither(tmp_path, name):
    """The difference VV-VH was taken for VV."""
    for day in DAYS:
        put(tmp_path / f"S1_{day}_{name}.tif", 7.0)
    with pytest.raises(InputError, match="says that it is VV"):
        collect(tmp_path, variable="VV")
    assert collect(tmp_path, variable=name).read().max() == 7


@pytest.mark.parametrize("edge", ["Red Edge 1 (705 nm)", "red_edge", "Vegetation red edge", "rededge"])
@pytest.mark.parametrize("nir", ["Near Infrared (842 nm)", "Narrow NIR", "nir", "Broad NIR 842"])
def test_two_words_are_one_colour(tmp_path, edge, nir):
    """Red edge is not red; narrow near infrared is one name."""
    for day in DAYS:
        put(tmp_path / f"scene_{day}.tif", RED, 2000, NIR, 100, names=["Red (665 nm)", edge, nir, "Coastal Blue"])
    np.testing.assert_allclose(collect(tmp_path, index="NDVI").read(), NDVI, rtol=1e-6)
    for day in DAYS:
        put(tmp_path / f"scene_{day}.tif", 2000, NIR, names=[edge, nir])
    with pytest.raises(InputError, match="no band says that it is red"):
        collect(tmp_path, index="NDVI")
