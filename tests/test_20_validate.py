"""Validation finds and names what is planted, and keeps quiet about sound data."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pytest
import rasterio
from phenofuse.core import jobs
from phenofuse.core.errors import InputError
from phenofuse.core.events import Silent
from phenofuse.core.scene import simulate
from phenofuse.core.timeseries import list_rasters
from phenofuse.core.timeseries.collecting import Collecting, collect_series
from phenofuse.core.validate import checks
from phenofuse.core.validate.collect import collect, judge
from phenofuse.core.validate.findings import KINDS
from phenofuse.core.validate.measure import measure
from rasterio.transform import Affine

AT = 4  # the period in which a fault is planted; in every set it has clear NDVI


@dataclass
class Data:
    """A set of rasters in memory, to be spoilt and written in its own shape."""

    bands: dict  # {name: (dates, rows, columns)}
    periods: list  # (start, end or None)
    crs: str
    transform: tuple
    stacked: bool  # one file per variable, or one per period
    spoil_files: tuple = ()

    def write(self, folder):
        """Write all files; `spoil_files` are functions of (name or period number, profile, arrays, names)."""
        folder.mkdir()
        if self.stacked:
            for name, values in self.bands.items():
                texts = [str(start) if end is None else f"{start}/{end}" for start, end in self.periods]
                self._file(folder / f"{name}.tif", name, values, texts)
        else:
            for number, (start, end) in enumerate(self.periods):
                values = np.stack([band[number] for band in self.bands.values()])
                self._file(
                    folder / f"S1S2_{start}_{end}{'_again' * self._seen_before(number)}.tif",
                    number,
                    values,
                    list(self.bands),
                    self.periods[number],
                )
        return folder

    def _seen_before(self, number):
        return self.periods[number] in self.periods[:number]

    def _file(self, path, which, values, texts, period=None):
        profile = {
            "driver": "GTiff",
            "height": values.shape[1],
            "width": values.shape[2],
            "dtype": "float32",
            "crs": self.crs,
            "transform": Affine(*self.transform),
            "nodata": np.nan,
        }
        for spoil in self.spoil_files:
            values, texts = spoil(which, profile, values, texts)
        with rasterio.open(path, "w", count=len(values), **profile) as out:
            out.write(values.astype(profile["dtype"]))
            for index, text in enumerate(texts, start=1):
                if text:
                    out.set_band_description(index, text)
                if period:
                    out.update_tags(index, start_time=f"{period[0]}T00:00:00", end_time=f"{period[1]}T00:00:00")


@functools.lru_cache(maxsize=1)
def simulated():
    return simulate(size=40, periods=12, seed=2, start=date(2024, 4, 1))


def sample():
    """A small sample scene, one file per period."""
    scene = simulated()
    clear = np.isfinite(scene.ndvi).mean(axis=(1, 2))
    assert clear[AT] > 0.2
    return Data(
        {"VV": scene.vv.copy(), "VH": scene.vh.copy(), "S2ndvi": scene.ndvi.copy()},
        list(zip(scene.starts, scene.ends)),
        scene.crs,
        scene.transform,
        stacked=False,
    )


def real(folder):
    """A real set of three stacks."""
    bands = {}
    for name in ("VV", "VH", "NDVI"):
        with rasterio.open(folder / f"{name}.tif") as src:
            bands[name] = src.read()
            periods = [(date.fromisoformat(text[:10]), None) for text in src.descriptions]
            crs, transform = src.crs.to_wkt(), tuple(src.transform)[:6]
    assert np.isfinite(bands["NDVI"][AT]).mean() > 0.2
    return Data(bands, periods, crs, transform, stacked=True)


@pytest.fixture(
    params=[
        "sample",
        pytest.param("worldcereal_belgium_cube", marks=pytest.mark.realdata),
        pytest.param("worldcereal_dekad_france/sites_as_pixels", marks=pytest.mark.realdata),
    ]
)
def data(request):
    """The sample scene and two real sets, in memory."""
    if request.param == "sample":
        return sample()
    return real(request.getfixturevalue("shared_data") / request.param)


def ndvi_name(data):
    return list(data.bands)[-1]


# The faults. Each spoils the data and names the kinds of problem that must be found: these and no others.


def radar_in_ndvi(data):
    """VV written into the NDVI band."""
    data.bands[ndvi_name(data)][AT] = data.bands["VV"][AT]
    return {"backscatter_in_ndvi", "copied_band"}


def radar_in_ndvi_everywhere(data):
    """VV written into the NDVI band of every period."""
    data.bands[ndvi_name(data)] = data.bands["VV"].copy()
    return {"backscatter_in_ndvi", "copied_band"}


def radar_in_ndvi_clamped(data):
    """The same clamped to [-1, 1], which passes every check of the range."""
    spoilt = np.clip(data.bands["VV"], -1, 1)
    spoilt[np.isnan(data.bands["VV"])] = np.nan
    data.bands[ndvi_name(data)] = spoilt
    finite = spoilt[np.isfinite(spoilt)]
    assert finite.min() >= -1 and finite.max() <= 1
    found = {"clamped_values"}
    layers = [layer[np.isfinite(layer)] for layer in spoilt]
    return found | ({"constant"} if any(layer.std() < 1e-5 for layer in layers) else set())


def radar_rescaled_into_ndvi(data):
    """VH scaled linearly into the NDVI range and rounded to 8 bits: an affine copy."""
    vh = data.bands["VH"][AT]
    data.bands[ndvi_name(data)][AT] = np.round(127 * (vh + 18) / 40) / 127
    return {"copied_band"}


def polarisations_swapped(data):
    """VV and VH exchanged in one period."""
    vv = data.bands["VV"][AT].copy()
    data.bands["VV"][AT], data.bands["VH"][AT] = data.bands["VH"][AT], vv
    return {"polarisations_swapped"}


def linear_power(data):
    """Linear power in place of decibels, everywhere."""
    for name in ("VV", "VH"):
        data.bands[name] = 10 ** (data.bands[name] / 10)
    return {"linear_power"}


def linear_power_once(data):
    """Linear power in one period alone."""
    data.bands["VV"][AT] = 10 ** (data.bands["VV"][AT] / 10)
    return {"linear_power"}


def empty_period(data):
    """A period in which no band has a value."""
    for values in data.bands.values():
        values[AT] = np.nan
    return {"empty_period"}


def repeated_values(data):
    """A period written a second time under the next period's dates."""
    for values in data.bands.values():
        values[AT + 1] = values[AT]
    return {"repeated_values"}


def repeated_period(data):
    """A period that occurs twice, with other values."""
    data.periods[AT + 1] = data.periods[AT]
    return {"repeated_period", "missing_period"}


def missing_period(data):
    """A period left out."""
    data.bands = {name: np.delete(values, AT, axis=0) for name, values in data.bands.items()}
    del data.periods[AT]
    return {"missing_period"}


def shifted_grid(data):
    """One file half a pixel off."""

    def spoil(which, profile, values, texts):
        if which in (AT, "NDVI"):
            a, b, c, d, e, f, *_ = profile["transform"]
            profile["transform"] = Affine(a, b, c + 0.5 * a, d, e, f)
        return values, texts

    data.spoil_files = (spoil,)
    return {"shifted_grid"}


def wrong_crs(data):
    """One file in the neighbouring zone's reference system."""

    def spoil(which, profile, values, texts):
        if which in (AT, "NDVI"):
            profile["crs"] = "EPSG:32748"
        return values, texts

    data.spoil_files = (spoil,)
    return {"wrong_crs"}


def infinite_values(data):
    """-inf, the decibels of no power at all."""
    data.bands["VH"][AT, 0, :2] = -np.inf
    return {"infinite_values"}


def never_clear(data):
    """All cloud: not one NDVI value in the whole set."""
    data.bands[ndvi_name(data)][:] = np.nan
    return {"never_valid"}


def constant_band(data):
    """A band of one value."""
    values = data.bands[ndvi_name(data)][AT]
    values[np.isfinite(values)] = 0.31
    return {"constant"}


def scale_lost(data):
    """NDVI x 10000 in one period, as whole numbers."""
    data.bands[ndvi_name(data)][AT] = np.round(1e4 * data.bands[ndvi_name(data)][AT])
    return {"integer_scale_lost"}


def scale_lost_everywhere(data):
    """NDVI x 10000 in all periods, not rounded."""
    data.bands[ndvi_name(data)] = 1e4 * data.bands[ndvi_name(data)]
    return {"integer_scale_lost"}


def order_changed(data):
    """Bands in another order: of variables where a file is a period, of dates where a file is a variable."""

    def spoil(which, profile, values, texts):
        if which in (AT, "NDVI"):
            order = [2, 0, 1, *range(3, len(texts))]
            return values[order], [texts[number] for number in order]
        return values, texts

    data.spoil_files = (spoil,)
    return {"unordered_dates"} if data.stacked else {"band_order"}


def values_rotated(data):
    """The values change places and the names stay: NDVI, VV, VH under the names VV, VH, NDVI."""
    vv, vh, ndvi = data.bands.values()
    data.bands = dict(zip(data.bands, (ndvi, vv, vh)))
    return {"backscatter_in_ndvi"}


def undeclared_fill(data):
    """-9999 where a value is missing, not declared as nodata."""
    values = data.bands["VV"][AT]
    values[:3, :5] = -9999
    return {"undeclared_nodata"}


def zeros_for_missing(data):
    """0 where a pixel is masked."""
    values = data.bands[ndvi_name(data)][AT]
    values[:6] = 0
    return {"zero_fill"}


def one_polarisation_empty(data):
    """VH without a value in a period that has VV."""
    data.bands["VH"][AT] = np.nan
    return {"missing_polarisation"}


FAULTS = [
    radar_in_ndvi,
    radar_in_ndvi_everywhere,
    radar_in_ndvi_clamped,
    radar_rescaled_into_ndvi,
    polarisations_swapped,
    linear_power,
    linear_power_once,
    empty_period,
    repeated_values,
    repeated_period,
    missing_period,
    shifted_grid,
    wrong_crs,
    infinite_values,
    never_clear,
    constant_band,
    scale_lost,
    scale_lost_everywhere,
    order_changed,
    values_rotated,
    undeclared_fill,
    zeros_for_missing,
    one_polarisation_empty,
]


def judged(paths, least_valid=0.0, names=()):
    return judge(collect([str(path) for path in paths], names, Silent()), least_valid)


def problems(found):
    return {finding.kind for finding in found if finding.is_problem}


def test_without_a_fault_nothing_is_found(data, tmp_path):
    """The same writing without a fault brings no problem: what is found below is the fault."""
    assert problems(judged(data.write(tmp_path / "set").iterdir())) == set()


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.__name__ for fault in FAULTS])
def test_each_fault_is_found_and_named(data, tmp_path, fault):
    """A fault planted in one period (or in all) is found under its own name, and under no name that isn't its."""
    expected = fault(data)
    found = judged(data.write(tmp_path / "set").iterdir())
    if fault is values_rotated:
        assert (
            expected
            <= problems(found)
            <= expected | {"ndvi_in_radar", "linear_power", "polarisations_swapped", "missing_polarisation"}
        )
        assert problems(found) & {"ndvi_in_radar", "linear_power"}
    else:
        assert problems(found) == expected
    for kind in expected:
        assert all(finding.what and KINDS[kind].remedy for finding in found if finding.kind == kind)


def test_the_period_of_a_fault_is_named(data, tmp_path):
    """The finding says in which period it is."""
    polarisations_swapped(data)
    found = [finding for finding in judged(data.write(tmp_path / "set").iterdir()) if finding.is_problem]
    assert [finding.where[:10] for finding in found] == [str(data.periods[AT][0])]


def test_an_all_cloud_period_is_a_note_unless_values_are_asked_for(data, tmp_path):
    """A period lost to clouds is no fault; with MIN_VALID_PERCENT it is one."""
    data.bands[ndvi_name(data)][AT] = np.nan
    files = list(data.write(tmp_path / "set").iterdir())
    found = judged(files)
    assert problems(found) == set()
    assert str(data.periods[AT][0]) in [finding.where[:10] for finding in found if finding.kind == "all_cloud"]
    assert problems(judged(files, least_valid=5)) == {"too_few_valid"}


@pytest.mark.realdata
@pytest.mark.parametrize(
    "name",
    [
        "worldcereal_belgium_cube",
        "worldcereal_dekad_france/sites_as_pixels",
        "fusets_spain_field",
        "gfmap_s1s2_chip",
        "treesat_fir_2020",
        "eolearn_s2_patch",
        "cropmask_honduras_cube",
        "sen2rts_field_tiffs/NDVI",
        "sen2rts_field_tiffs/SCL",
    ],
)
def test_no_false_alarm_on_real_data(shared_data, name):
    """Every clean set as it stands - empty dates, equal dates, outliers, integers, degrees - brings no problem."""
    found = judged(sorted(path for path in (shared_data / name).iterdir() if path.suffix in (".tif", ".nc")))
    expected = {"integer_scale"} if name == "sen2rts_field_tiffs/NDVI" else set()  # refused without SCALE, hence a problem
    assert problems(found) == expected


@pytest.mark.realdata
def test_notes_on_real_data_are_true(shared_data):
    """What is noted of clean sets agrees with their descriptions."""

    def notes(name, pattern="*.tif"):
        found = judged(sorted((shared_data / name).glob(pattern)))
        return {kind: sum(finding.kind == kind for finding in found) for kind in {finding.kind for finding in found}}

    assert notes("worldcereal_belgium_cube") == {"all_cloud": 2}
    assert notes("worldcereal_dekad_france/sites_as_pixels") == {"all_cloud": 2}
    assert notes("gfmap_s1s2_chip", "NDVI_masked.tif") == {"all_cloud": 10}
    assert notes("eolearn_s2_patch", "NDVI_unmasked.tif") == {"same_day": 1}
    assert notes("treesat_fir_2020", "VV_des.tif") == {"same_day": 25}
    assert notes("sen2rts_field_tiffs/NDVI")["integer_scale"] == 60


@pytest.mark.parametrize("seed", range(3))
def test_no_false_alarm_on_sample_scenes(tmp_path, seed):
    """Sample scenes of several seeds, with whole periods under cloud, bring no problem."""
    parameters = {"SIZE": 20 + 13 * seed, "PERIODS": 40, "SEED": seed, "FOLDER": str(tmp_path / "scene")}
    jobs.run("createsamplescene", parameters, jobs.Resources(), Silent())
    assert problems(judged((tmp_path / "scene").glob("*.tif"))) == set()


def test_series_of_different_extent_are_noted(tmp_path):
    """A stack that ends earlier than the others of its rhythm is noted, not blamed; other rhythms are not compared."""
    data = replace(sample(), stacked=True)
    files = list(data.write(tmp_path / "set").iterdir())
    shorter = replace(data, bands={"VV": data.bands["VV"][:-2]}, periods=data.periods[:-2]).write(
        tmp_path / "shorter"
    )
    monthly = replace(
        data,
        periods=[(date(2024 + n // 12, n % 12 + 1, 1), None) for n in range(12)],
        bands={"HH": data.bands["VV"]},  # of no known range
    )
    files = (
        [file for file in files if file.stem != "VV"]
        + list(shorter.iterdir())
        + list(monthly.write(tmp_path / "m").iterdir())
    )
    found = judged(files)
    assert problems(found) == set()
    assert [finding.where for finding in found if finding.kind == "different_extent"] == ["VV.tif"]


# Faults of files and names, on the sample scene alone.


def spoilt(tmp_path, spoil):
    data = sample()
    data.spoil_files = (spoil,)
    return data.write(tmp_path / "set")


def test_a_missing_band(tmp_path):
    """A window without a radar pass exported with NDVI alone: the seed of every reader by position going wrong."""
    found = judged(
        spoilt(
            tmp_path,
            lambda which, profile, values, texts: (values[2:], texts[2:]) if which == AT else (values, texts),
        ).iterdir()
    )
    assert "band_missing" in problems(found)


def test_unnamed_bands_are_mapped_by_the_user_and_the_mapping_is_checked(tmp_path):
    """Without names it is a problem; with BANDS it is none; with a wrong BANDS the values give it away."""
    files = list(spoilt(tmp_path, lambda which, profile, values, texts: (values, [""] * 3)).iterdir())
    assert problems(judged(files)) == {"unnamed_bands"}
    assert problems(judged(files, names=("VV", "VH", "S2ndvi"))) == set()
    assert "polarisations_swapped" in problems(judged(files, names=("VH", "VV", "S2ndvi")))
    assert "backscatter_in_ndvi" in problems(judged(files, names=("NDVI", "VH", "VV")))


def test_whole_numbers_with_a_declared_scale_are_fine(tmp_path):
    """int16 with scale in the file is sound; the same without the scale is a note, since Sentinel archives come so."""
    data, scale = sample(), 1e-4
    for path, declared in ((tmp_path / "NDVI_declared.tif", scale), (tmp_path / "NDVI_plain.tif", 1.0)):
        values = np.where(np.isfinite(data.bands["S2ndvi"]), np.round(data.bands["S2ndvi"] / scale), -32768)
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            count=len(values),
            height=40,
            width=40,
            dtype="int16",
            nodata=-32768,
            crs=data.crs,
            transform=Affine(*data.transform),
        ) as out:
            out.write(values.astype("int16"))
            out.scales = (declared,) * len(values)
            for index, (start, end) in enumerate(data.periods, start=1):
                out.set_band_description(index, f"{start}/{end}")
        found = judged([path])
        assert problems(found) == ({"integer_scale"} if declared == 1 else set())


def test_dates_that_disagree_overlap_or_are_absent(tmp_path):
    """A renamed file, periods that share a day, and a file without any date are named."""
    folder = sample().write(tmp_path / "set")
    first, second, *_ = sorted(folder.iterdir())
    first.rename(folder / "S1S2_2019-01-01_2019-01-13.tif")
    with rasterio.open(second, "r+") as file:
        for index in file.indexes:
            end = date.fromisoformat(file.tags(index)["end_time"][:10]) + timedelta(days=1)
            file.update_tags(index, end_time=f"{end}T00:00:00")
    assert problems(judged(folder.iterdir())) == {"date_conflict", "overlapping_periods"}
    with rasterio.open(
        folder / "NDVI.tif",
        "w",
        driver="GTiff",
        count=1,
        height=40,
        width=40,
        dtype="float32",
        crs=sample().crs,
        transform=Affine(*sample().transform),
    ) as file:
        file.write(np.random.RandomState(1).rand(1, 40, 40).astype("float32"))
    assert problems(judged([folder / "NDVI.tif"])) == {"no_date"}


def test_a_damaged_file_is_a_problem_among_readable_ones(tmp_path):
    """A truncated download is reported by name and the rest still judged; if nothing can be read it is an error."""
    folder = sample().write(tmp_path / "set")
    broken = sorted(folder.iterdir())[0]
    broken.write_bytes(b"not a raster")
    found = judged(sorted(folder.iterdir()))
    assert problems(found) == {"unreadable"}
    with pytest.raises(InputError, match="None of 1 files"):
        judged([broken])


def test_coordinates_in_metres_under_a_system_in_degrees(tmp_path):
    """All files wrong in the same way: degrees cannot reach 460000."""
    data = replace(sample(), crs="EPSG:4326")
    assert problems(judged(data.write(tmp_path / "set").iterdir())) == {"wrong_crs"}


def test_calibration_lost(tmp_path):
    """Decibels 20 too high are of an implausible level."""
    data = sample()
    for name in ("VV", "VH"):
        data.bands[name] = data.bands[name] + 20
    assert "implausible_level" in problems(judged(data.write(tmp_path / "set").iterdir()))


# The job.


def run(folder, **parameters):
    parameters = {"FOLDER": str(folder), "MIN_VALID_PERCENT": 0, "ON_PROBLEM": "warn", **parameters}
    return jobs.run("validatecomposites", parameters, jobs.Resources(), Silent())


def test_report_and_numbers(tmp_path):
    """The report names the problem, shows maps and layers; JSON beside it; one fault in many periods counts once."""
    data = sample()
    radar_in_ndvi_everywhere(data)
    result = run(data.write(tmp_path / "set"), REPORT=str(tmp_path / "report.html"))
    assert result["numbers"] == {"VALID": 0, "PROBLEMS": 2}
    page = (tmp_path / "report.html").read_text()
    assert KINDS["backscatter_in_ndvi"].title in page and "Maps of VV" in page and page.count("<img") == 3
    numbers = json.loads((tmp_path / "report.html.json").read_text())
    assert numbers["verdict"]["level"] == "bad" and len(numbers["tables"]["layers"]) == 36
    assert {finding["kind"] for finding in numbers["numbers"]["findings"] if finding["problem"]} == {
        "backscatter_in_ndvi",
        "copied_band",
    }


def test_on_problem(tmp_path):
    """`fail` raises, naming the problem, after the report is written; `warn` returns; a sound set is valid."""
    good = sample().write(tmp_path / "good")
    assert run(good, ON_PROBLEM="fail", REPORT=str(tmp_path / "good.html"))["numbers"] == {"VALID": 1, "PROBLEMS": 0}
    assert json.loads((tmp_path / "good.html.json").read_text())["verdict"]["level"] == "good"
    data = sample()
    linear_power(data)
    bad = data.write(tmp_path / "bad")
    with pytest.raises(InputError, match="Linear power"):
        run(bad, ON_PROBLEM="fail", REPORT=str(tmp_path / "bad.html"))
    assert (tmp_path / "bad.html").exists()
    assert run(bad)["numbers"]["VALID"] == 0


# The parts.


def test_measure_does_not_depend_on_the_strips():
    """Counts, moments, digest and sample are those of the whole array, however it is cut."""
    values = np.random.RandomState(3).normal(0, 1, (301, 203)).astype("float32")
    values[5, 7], values[200:, :9], values[40, :20], values[50, :30] = -np.inf, np.nan, 1.0, -9999
    finite = values[np.isfinite(values)].astype("float64")
    measures = [measure(np.array_split(values, parts), values.shape, (-1.0, 1.0)) for parts in (1, 3, 50, 301)]
    for one in measures:
        assert (one.finite, one.infinite, one.pixels) == (finite.size, 1, values.size)
        assert (one.low, one.high, one.at_high) == (-9999, finite.max(), 20)
        assert one.outside == ((finite < -1) | (finite > 1)).sum()
        assert one.mean == pytest.approx(finite.mean()) and one.deviation == pytest.approx(finite.std())
        assert one.digest == measures[0].digest
        np.testing.assert_array_equal(one.sample, values[::3, ::3])


@pytest.mark.parametrize(
    "days, composite, missing",
    [
        ([date(2020, month, 1) for month in (1, 2, 3, 5, 6)], True, [date(2020, 4, 1)]),
        ([date(2020, month, 15) for month in range(1, 13)], True, []),
        (
            [date(2020, 1, day) for day in (1, 11, 21)] + [date(2020, 2, 11), date(2020, 2, 21)],
            True,
            [date(2020, 2, 1)],
        ),
        (
            [date(2020, 1, 1) + timedelta(days=5 * number) for number in range(30) if number != 7],
            False,
            [date(2020, 2, 5)],
        ),
        ([date(2020, 1, 1) + timedelta(days=days) for days in (0, 2, 5, 7, 10, 20, 22)], False, []),
        ([date(year, 7, 1) for year in range(2010, 2020)], False, []),
    ],
)
def test_rhythm_of_dates(days, composite, missing):
    """Months, dekads and regular steps are recognised with what they lack; irregular and yearly dates lack nothing."""
    rhythm = checks.rhythm_of([(day, None) for day in days])
    assert (rhythm.composite, list(rhythm.missing)) == (composite, missing)


def test_every_kind_has_a_title_and_a_remedy():
    """Each finding tells what it is and what to do."""
    for name, kind in KINDS.items():
        assert kind.title and kind.remedy.endswith("."), name


CASES = "01 02 03 03d 04 05 05c 05d 07 08 09 10 11 12 13 13b 13d 15 22 30 33-names/month 33-names/dayfirst 43 44 47".split()


@pytest.mark.realdata
@pytest.mark.parametrize("case", CASES)
def test_what_building_refuses_is_a_problem_here(shared_data, tmp_path, case):
    """Of the small inputs after public bug reports: the same folder, the same weight."""
    folder = shared_data.parent / "cases" / "files"
    if not folder.is_dir():
        pytest.skip(f"no cases in {folder}")
    number, _, rest = case.partition("-")
    folder = next(folder.glob(f"{number}-*")) if "/" not in case else folder / case
    try:
        paths = list_rasters(folder)
    except InputError:
        pytest.skip("no raster lies in the folder itself")
    variable = "VV" if number in ("15", "22", "43") else "NDVI"
    try:
        collect_series(paths, Collecting(variable=variable), Silent())
        refused = False
    except InputError:
        refused = True
    said = jobs.run("validatecomposites", {"FOLDER": str(folder), "ON_PROBLEM": "warn"}, jobs.Resources(), Silent())
    assert not (refused and said["numbers"]["VALID"])
