"""What a band says that it is: names of files and bands as people and providers write them."""

from __future__ import annotations

import ast

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from phenofuse.core.earthengine.compositeplan import RADAR_INDICES
from phenofuse.core.earthengine.plan import OPTICAL
from phenofuse.core.errors import InputError
from phenofuse.core.timeseries import clear, spectral
from phenofuse.core.timeseries.identity import canonical, names_in
from phenofuse.core.timeseries.looks import dips
from phenofuse.core.timeseries.spectral import INDICES, plant_phenology_index
from phenofuse.core.timeseries.variables import VARIABLES, variable_in, variable_named


@pytest.mark.parametrize(
    "name, known",
    [
        ("S2_T31_20200104_NDVI", {"NDVI"}),
        ("SENTINEL-2_MSI_20LMR_EVI_2020-06-04", {"EVI"}),
        ("S2A2A_20200109_022_sampleroi_NDVI_10", {"NDVI"}),
        ("c_gls_NDVI300_202001010000_GLOBE_OLCI_V2.0.1", {"NDVI"}),
        ("2015-2020_001-365_HL_TSA_SEN2L_NDV_TSI", {"NDVI"}),
        ("MOD13Q1_20200104_NDVI", {"NDVI"}),
        ("S1A_IW_GRDH_20200104T170000_VV", {"VV"}),
        ("S1A__IW___A_20200104T170000_VV_gamma0-rtc_db", {"VV"}),
        ("Sigma0_VH_db_slv1_16Jan2020", {"VH"}),
        ("ndvi_uncertainty", {"NDVI uncertainty"}),
        ("NDVI_20200104_quality", {"NDVI quality"}),
        ("NDVI_cloud_masked", {"NDVI"}),
        ("VV_VH_ratio_2020", {"VV ratio", "VH ratio"}),
        ("T31TCJ_20200104T105441_B04_10m", {"B04"}),
        ("T31TCJ_20200104T105441_B8A_20m", {"B8A"}),
        ("T31TCJ_20200104T105441_SCL_20m", {"SCL"}),
        ("LC08_L2SP_198030_20200104_20200824_02_T1_SR_B4", {"B04"}),
        ("LC08_L2SP_198030_20200104_20200824_02_T1_QA_PIXEL", {"QA_PIXEL"}),
        ("HLS.S30.T31TCJ.2020004T105441.v2.0.Fmask", {"FMASK"}),
        ("S2_20200104_red", {"red"}),
        ("red_river_20200104", set()),
        ("S2_20200104_nir", {"nir"}),
        ("2020_field_7", set()),
        ("S2A_20200104_MSK_CLDPRB_20m", {"CLP"}),
        ("NDVI_EVI_stack", {"NDVI", "EVI"}),
    ],
)
def test_names_of_files(name, known):
    """Variables, bands and quality layers by the words of a name; what is about a variable is not the variable."""
    assert names_in(name, is_file=True) == known


@pytest.mark.parametrize(
    "name, known",
    [("S2ndvi", "NDVI"), ("vv", "VV"), ("B4", "B04"), ("b8a", "B8A"), ("RED", "red"), ("SW1", "swir1"), ("VI Quality", "MODIS_VI"),
     ("pixel reliability", "RELIABILITY"), ("cs_cdf", "CLOUD_SCORE"), ("knDVI", "kNDVI"), ("LAI", "LAI"), ("my band", "my band"),
     ("BROADNIR", "nir broad"), ("sur_refl_b02", "B02"), ("standard deviation", "standard deviation")],
)  # fmt: skip
def test_names_of_bands(name, known):
    """Every spelling of a band's name is one name."""
    assert canonical(name) == known


def test_a_name_that_says_more_than_the_variable_keeps_its_range():
    """NDVI_masked is NDVI; its uncertainty is not."""
    assert variable_named("NDVI_masked") == VARIABLES["NDVI"] == variable_in("x_NDVI300m_y")
    assert variable_named("NDVI uncertainty").valid_range is None and variable_in("NDVI_std") is None


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=60), st.booleans())
def test_any_text_is_read_without_a_fault(text, is_file):
    """Whatever a file is called, reading its name ends in known names."""
    assert all(isinstance(name, str) and name for name in names_in(text, is_file))


@pytest.mark.parametrize(
    "name, stem, role",
    [("B04", "T31TCJ_20200104T105441_B04_10m", "red"), ("B04", "LC08_L2SP_198030_20200104_x", "red"), ("B05", "LC09_L2SP_x", "nir"),
     ("B04", "LE07_L2SP_198030_20200104", "nir"), ("B03", "LT05_L2SP_198030_20200104", "red"), ("B05", "HLS.L30.T31TCJ.2020004", "nir"),
     ("B8A", "HLS.S30.T31TCJ.2020004", "nir narrow"), ("B01", "MOD09GA.A2020004.h18v04", "red"), ("B02", "MCD43A4_x", "nir"),
     ("B05", "S2A_x", ""), ("B11", "S2_20200104", "swir1"), ("NDVI", "x", "")],
)  # fmt: skip
def test_the_same_number_is_another_band_on_another_sensor(name, stem, role):
    """Landsat's, MODIS's and HLS's numbers are not Sentinel-2's."""
    assert spectral.role_of(frozenset((name,)), stem) == role


REFLECTANCE = st.floats(0.001, 1.0)


@given(REFLECTANCE, REFLECTANCE)
def test_indices_are_their_formulas(nir, red):
    """Against the formulas of the papers, and inside the ranges that are told of them."""
    one, two = np.array([nir]), np.array([red])
    ndvi = (nir - red) / (nir + red)
    expected = {
        "NDVI": ndvi,
        "EVI2": 2.5 * (nir - red) / (nir + 2.4 * red + 1),
        "NIRv": ndvi * nir,
        "kNDVI": np.tanh(ndvi**2),
    }
    for name, value in expected.items():
        found = float(INDICES[name].formula(one, two)[0])
        assert found == pytest.approx(value, abs=1e-12)
        low, high = VARIABLES[name].valid_range
        assert low <= found <= high
    assert float(INDICES["RVI"].formula(one, two)[0]) == pytest.approx(4 * nir / (nir + red))  # VH, VV


def test_an_index_of_nothing_is_missing():
    """Two zeros have no normalised difference."""
    assert np.isnan(spectral.normalised(np.zeros(1), np.zeros(1))).all()


def test_plant_phenology_index():
    """Bare soil is 0, it rises with the leaves, and beyond the greatest it stays there; a lower sun weighs leaves less."""
    red = np.full(4, 0.05)
    nir = red + [spectral.SOIL_DVI, 0.2, 0.4, 0.9]
    found = plant_phenology_index(nir, red, 40, 0.5)
    assert found[0] == pytest.approx(0) and (np.diff(found) > 0).all() and np.isfinite(found).all()
    cosine = np.cos(np.radians(40))
    diffuse = 0.0336 + 0.0477 / cosine
    gain = (1 + 0.5) / (1 - 0.5) / (4 * (diffuse + (1 - diffuse) * 0.5 / cosine))
    assert found[1] == pytest.approx(-gain * np.log((0.5 - 0.2) / (0.5 - 0.09)))
    assert (plant_phenology_index(nir, red, 70, 0.5)[1:] < found[1:]).all()


@pytest.mark.parametrize(
    "rule, taken",
    [("values 0,1,3,8-11", {0, 1, 3, 8, 9, 10, 11}), ("clear 4,5", set(range(16)) - {4, 5}), ("bits 1", {2, 3, 6, 7, 10, 11, 14, 15}),
     ("bits 0-1 = 2,3", {2, 3, 6, 7, 10, 11, 14, 15}),
     ("bits 1; values 0", {0, 2, 3, 6, 7, 10, 11, 14, 15}), ("above 12", {13, 14, 15}),
     ("below 2.5", {0, 1, 2}), ("3, 4", {3, 4})],
)  # fmt: skip
def test_rules_take_what_they_say(rule, taken):
    """Each number from 0 to 15 by itself."""
    layer = np.arange(16.0)[None]
    assert set(np.flatnonzero(clear.rule_of("SCL", rule).unclear(layer)[0])) == taken


@pytest.mark.parametrize(
    "rule",
    [
        "",
        ";",
        "cloud",
        "values",
        "bits -1",
        "bits 40",
        "below",
        "below 1,2",
        "values 1.5",
        "bits 0-1 = x",
        "clear 4 = 5",
    ],
)
def test_what_is_no_rule_is_refused_with_examples(rule):
    """The sentence shows how rules are written."""
    with pytest.raises(InputError, match="rule") as caught:
        clear.rule_of("SCL", rule)
    assert "values 3,8-11" in caught.value.remedy


def test_ready_rules_by_hand():
    """Bits and classes of the products' handbooks."""

    def takes(name, number):
        return bool(clear.rule_of(name, clear.READY[name]).unclear(np.array([[float(number)]]))[0, 0])

    assert [n for n in range(12) if takes("SCL", n)] == [0, 1, 3, 8, 9, 10, 11]
    assert takes("QA60", 1024) and takes("QA60", 2048) and not takes("QA60", 0)
    assert takes("FMASK", 0b10) and takes("FMASK", 0b1000) and takes("FMASK", 255) and not takes("FMASK", 0b11100000)
    assert takes("QA_PIXEL", 22280) and takes("QA_PIXEL", 1) and not takes("QA_PIXEL", 21824)  # high cloud; fill; clear
    assert takes("MODIS_VI", 0b10) and takes("MODIS_VI", 1 << 15) and not takes("MODIS_VI", 2112)
    assert takes("CLOUD_SCORE", 0.5) and not takes("CLOUD_SCORE", 0.7)


def test_the_buffer_grows_clouds_and_not_what_is_unknown():
    """A disk around a cloud; a missing value goes by itself alone."""
    layer = np.full((11, 11), 4.0)
    layer[5, 5], layer[0, 0] = 9, np.nan
    gone = clear.rule_of("SCL", clear.READY["SCL"]).unclear(layer, 2)
    rows, columns = np.mgrid[:11, :11]
    expected = (rows - 5) ** 2 + (columns - 5) ** 2 <= 4
    expected[0, 0] = True
    np.testing.assert_array_equal(gone, expected)


def test_dips_are_what_falls_and_recovers_within_days():
    """A cloud is one, a harvest and a slow season are none."""
    days = np.arange(0, 100, 5.0)
    season = 0.5 + 0.3 * np.sin(2 * np.pi * days / 365)
    cloudy, harvest = season.copy(), season.copy()
    cloudy[[4, 10, 11]] = 0.05
    harvest[10:] = 0.1
    assert dips(np.stack([season, harvest], axis=1), days)[0] == 0
    count, possible = dips(cloudy[:, None], days)
    assert count == 3 and possible == len(days) - 2


def listed_in(path: str) -> set:
    """The literal INDICES of an algorithm's file, which this Python cannot import."""
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    (found,) = [one.value for one in body if isinstance(one, ast.Assign) and one.targets[0].id == "INDICES"]
    return set(ast.literal_eval(found))


def test_dialogs_offer_the_indices_there_are():
    """One list in all places: what is built from bands, what is exported, what has a range."""
    assert listed_in("algorithms/prepare/buildtimeseries.py") == {"none", *INDICES}
    exported = {*OPTICAL, *RADAR_INDICES}
    assert listed_in("algorithms/earthengine/exportcomposites.py") == exported == {"EVI", *INDICES}
    for name in INDICES:
        assert variable_named(OPTICAL.get(name, name)).name == name


def test_what_is_too_long_for_a_name_takes_no_time():
    """A tag of a million letters is no name: its end is not looked at."""
    import time

    for text in ("A" * 10**6, "A1" * 10**6, "_" * 10**6, "NDVI" + "9" * 10**6):
        begin = time.process_time()
        names_in(text), names_in(text, True), canonical(text), variable_named(text)
        assert time.process_time() - begin < 1
