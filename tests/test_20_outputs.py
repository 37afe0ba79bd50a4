"""What holds for every job: outputs are looked at before any work, one run writes them, and a run is known by all it reads."""
from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from phenofuse.core import jobs, tiles
from phenofuse.core.errors import Cancelled, DateError, DiskError, InputError, OutputError
from phenofuse.core.events import Events, Silent
from phenofuse.core.jobs import Resources
from phenofuse.core.registry import JOBS
from rasters import write
from test_20_tiles import engine

SIDE, DATES = 130, 10  # nine tiles
DAYS = [f"2024-{1 + number // 2:02d}-{1 + 15 * (number % 2):02d}" for number in range(DATES)]
FROZEN = json.loads(Path(__file__).with_name("frozen_ids.json").read_text(encoding="utf-8"))


def cube(seed, shape=(DATES, SIDE, SIDE)):
    """A season with noise."""
    curve = 0.5 + 0.3 * np.sin(np.arange(shape[0]) / 2)[:, None, None]
    return (curve + np.random.default_rng(seed).normal(0, 0.03, shape)).astype("float32")


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """What jobs learn, and the same by another seed: of Gaussian processes, and a network where torch is."""
    folder, shape = tmp_path_factory.mktemp("learnt"), (DATES, 24, 24)
    series = {"INPUT": write(folder / "ndvi.tif", cube(1, shape), DAYS, tags={"variable": "NDVI"}),
              "COVARIATES": [write(folder / "vv.tif", -10 + cube(4, shape), DAYS, tags={"variable": "VV"})]}
    for seed, name in ((1, "learnt"), (2, "other")):
        output = {"OUTPUT": str(folder / "o.tif"), "FIT": str(folder / f"{name}.npz")}
        jobs.run("fillmogpr", {**series, **output, "SEED": seed, "DATES": DAYS[0]}, Resources(256, 2), Silent())
        if importlib.util.find_spec("torch"):
            choices = {"ARCHITECTURE": "bigru", "PRIOR": "linear", "EPOCHS": 1, "SEED": seed}
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr("phenofuse.core.learning.networks.training.PIXELS_PER_EPOCH", 128)
                jobs.run("trainmodel", {**series, **choices, "MODEL": str(folder / f"{name}.phenofuse")}, Resources(256, 2), Silent())
    return folder


@pytest.fixture
def given(tmp_path, learnt):
    """One small file of every kind that a job reads, by name."""
    folder = tmp_path / "in"
    (folder / "many").mkdir(parents=True)
    (folder / "clouds").mkdir()
    for file in (*learnt.glob("*.npz"), *learnt.glob("*.phenofuse")):
        shutil.copy(file, folder)
    ndvi, quality = cube(1), np.ones((DATES, SIDE, SIDE), "uint8")
    ndvi[2:4, ::3] = np.nan
    quality[2:4, ::3] = 2
    paths = {"ndvi": write(folder / "ndvi.tif", ndvi, DAYS, tags={"variable": "NDVI"}),
             "filled": write(folder / "filled.tif", cube(2), DAYS, tags={"variable": "NDVI"}),
             "other": write(folder / "other.tif", cube(3), DAYS, tags={"variable": "NDVI"}),
             "vv": write(folder / "vv.tif", -10 + cube(4), DAYS, tags={"variable": "VV"}),
             "spread": write(folder / "spread.tif", np.full_like(ndvi, 0.05), DAYS),
             "spread2": write(folder / "spread2.tif", np.full_like(ndvi, 0.06), DAYS),
             "quality": write(folder / "quality.tif", quality, DAYS, dtype="uint8", nodata=None),
             "quality2": write(folder / "quality2.tif", quality, DAYS, dtype="uint8", nodata=None),
             "weights": write(folder / "weights.tif", np.full_like(ndvi, 0.9), DAYS),
             "lambda": write(folder / "lambda.tif", np.full((1, SIDE, SIDE), 1e4, "float32")),
             "mask": write(folder / "mask.tif", np.ones((1, SIDE, SIDE)), dtype="uint8", nodata=None),
             "grid": write(folder / "grid.tif", np.zeros((1, SIDE, SIDE)))}
    for day in DAYS[:3]:
        write(folder / "many" / f"NDVI_{day}.tif", cube(5, (1, SIDE, SIDE)))
        classes = np.random.default_rng(6).choice([4, 9], (1, SIDE, SIDE))
        write(folder / "clouds" / f"SCL_{day}.tif", classes, dtype="uint8", nodata=None)
    dates = folder / "dates.csv"
    dates.write_text("2024-01-10\n2024-02-10\n2024-03-10\n")
    zones = folder / "zones.geojson"
    zones.write_text(_polygons(0))
    return {**paths, "dates": str(dates), "many": str(folder / "many"), "clouds": str(folder / "clouds"), "zones": str(zones),
            "fit": str(folder / "learnt.npz"), "model": str(folder / "learnt.phenofuse")}


# Parameters by job, with names of `given` for files; what is written comes to it.
FILL = {"INPUT": "ndvi", "MASK": "mask", "DATES": "dates"}
CALLS = {
    "buildtimeseries": {"FOLDER": "many", "REFERENCE": "grid"},
    "buildtimeseries of layers": {"LAYERS": ["ndvi"], "DATES": "dates", "REFERENCE": "grid"},
    "buildtimeseries of clear images": {"FOLDER": "many", "QUALITY_LAYERS": "SCL", "QUALITY_FOLDER": "clouds"},
    "simulategaps": {"INPUT": "filled", "PATTERN": "block", "GAP_DAYS": 30, "FRACTION": 0.3, "SEED": 1},
    "describetimeseries": {"INPUT": "ndvi", "COVARIATES": ["vv"]},
    "fillharmonic": FILL,
    "fillwhittaker": {**FILL, "WEIGHTS": "weights", "LAMBDA_INPUT": "lambda"},
    "fillmogpr": {**FILL, "COVARIATES": ["vv"], "APPLY": "fit"},
    "fillhybrid": {"SERIES": ["filled", "other"], "UNCERTAINTIES": ["spread", "spread2"], "QUALITIES": ["quality", "quality2"],
                   "OBSERVED": "ndvi", "RULE": "clear_share"},
    "phenologymetrics": {"INPUT": "filled", "UNCERTAINTY": "spread", "FILL_QUALITY": "quality", "MASK": "mask", "ZONES": "zones"},
    "trainmodel": {"INPUT": "ndvi", "COVARIATES": ["vv"], "MASK": "mask", "ARCHITECTURE": "bigru", "PRIOR": "linear", "EPOCHS": 1},
    "fillmodel": {**FILL, "COVARIATES": ["vv"], "MODEL": "model"},
}
# These keep no journal: they write nothing before everything is done, or have a ledger.
WITHOUT_JOURNAL = {"createsamplescene", "validatecomposites", "splittimeseries", "assessfill", "comparemethods", "describemodel",
                   "exportcomposites", "exportharmonic", "continueexport", "checkengine", "setupengine", "sampleseries"}


def call(name, given, folder, **changes):
    """The job of a row of `CALLS`, and its parameters: with outputs in a folder."""
    job = name.split()[0]
    found = {key: [given[one] for one in value] if isinstance(value, list) else given.get(value, value)
             for key, value in CALLS[name].items()}
    wanted = [key for key in JOBS[job].files if key not in found and key not in ("AMPLITUDE_PHASE", "FIT", "REPORT")]
    if found.get("RULE"):
        wanted.remove("SOURCE")
    folder.mkdir(exist_ok=True)
    endings = {"MODEL": ".phenofuse", "ZONAL_SUMMARY": ".csv"}
    return job, {**found, **{key: str(folder / f"{key}{endings.get(key, '.tif')}") for key in wanted}, **changes}


def _polygons(shift):
    west, south = 430000 + shift, 9240000 - 3000
    ring = [[west, south], [west + 2000, south], [west + 2000, south + 2000], [west, south + 2000], [west, south]]
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    return json.dumps({"type": "FeatureCollection", "features": [feature]})


class Stopping(Events):
    """Cancels once a tile was kept in a journal."""

    def __init__(self, folder):
        super().__init__(None)
        self._folder = folder

    def check(self):
        if list(self._folder.glob(".*.parts/*.npz")):
            self.cancel()
        super().check()


def known_as(job, parameters):
    """The name of the journal that a call has."""
    found = []

    def stop(journal, outputs):
        found.append(journal.folder.name)
        raise Cancelled()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tiles.Journal, "require_room", stop)
        with pytest.raises(Cancelled):
            jobs.run(job, parameters, Resources(64, 1), Silent())
    return found[0]


def changed(path):
    """Another content of the same kind and size."""
    path = Path(path)
    if path.is_dir():
        path = sorted(path.iterdir())[0]
    if path.suffix == ".csv":
        path.write_text(path.read_text().replace("-10", "-12"))
    elif path.suffix == ".geojson":
        path.write_text(_polygons(50))
    elif path.suffix == ".tif":
        with rasterio.open(path, "r+") as file:
            values = file.read()
            file.write(np.roll(values, (1, 1), axis=(-2, -1)) if len(np.unique(values)) > 1 else values + 1)
    else:  # what was learnt: by another seed
        shutil.copy(path.with_name(f"other{path.suffix}"), path)


def read_keys(name):
    """Keys of `CALLS` whose values name files."""
    texts = {"PATTERN", "QUALITY_LAYERS", "RULE", "ARCHITECTURE", "PRIOR"}
    return [key for key, value in CALLS[name].items() if isinstance(value, (str, list)) and key not in texts]


@pytest.mark.parametrize("name", CALLS)
def test_a_run_is_known_by_every_file_it_reads(name, given, tmp_path):
    """The same call finds its journal; with any other content behind any of its parameters it is another call."""
    if name in ("trainmodel", "fillmodel"):
        pytest.importorskip("torch")
    job, parameters = call(name, given, tmp_path / "out")
    keys = {known_as(job, parameters)}
    assert {known_as(job, parameters)} == keys
    for key in read_keys(name):
        for path in parameters[key] if isinstance(parameters[key], list) else [parameters[key]]:
            changed(path)
            found = known_as(job, parameters)
            assert found not in keys, f"{key} = {path} was changed, and {job} continued what it had begun before"
            keys.add(found)


def test_the_calls_name_every_file_that_an_algorithm_takes():
    """No parameter that may name a file is forgotten above, and no job."""
    kinds = {"raster", "multilayer", "layer", "vector", "file"}
    for job, told in FROZEN.items():
        if job in WITHOUT_JOURNAL or told["group"] == "models":
            continue
        called = {key for name in CALLS if name.split()[0] == job for key in CALLS[name]}
        files = {key for key, one in told["parameters"].items() if one["type"] in kinds} | ({"DATES"} & set(told["parameters"]))
        assert files <= called, job


def test_the_registry_knows_every_output():
    """What an algorithm writes, its job claims; only polygons with their table, and the report of a check, are made by QGIS."""
    for job, told in FROZEN.items():
        if job not in JOBS:
            continue
        wanted = {key for key, one in told["parameters"].items() if one["type"].endswith("Destination")}
        mine = {*JOBS[job].files, JOBS[job].folder, JOBS[job].scene} - {""}
        made_by_qgis = {"phenologymetrics": {"ZONAL_LAYER"}, "checkengine": {"REPORT"}, "exportcomposites": {"FOLDER"},
                        "exportharmonic": {"FOLDER"}}.get(job, set())
        assert mine == wanted - made_by_qgis, job


def bytes_of(folder):
    """Content of the visible files of a folder by name."""
    return {one.name: one.read_bytes() for one in folder.iterdir() if not one.name.startswith(".")}


def as_vrt(given, folder):
    """INPUT as a virtual raster of a virtual raster; the file behind both."""
    shape = f'rasterXSize="{SIDE}" rasterYSize="{SIDE}"'
    with rasterio.open(given["ndvi"]) as src:
        where = f"<SRS>EPSG:32749</SRS><GeoTransform>{', '.join(map(str, src.transform.to_gdal()))}</GeoTransform>"
    for name, source in (("inner", given["ndvi"]), ("outer", str(folder / "inner.vrt"))):
        bands = "".join(f'<VRTRasterBand dataType="Float32" band="{number}"><Description>{day}</Description>'
                        f'<NoDataValue>nan</NoDataValue><SimpleSource><SourceFilename>{source}</SourceFilename>'
                        f"<SourceBand>{number}</SourceBand></SimpleSource></VRTRasterBand>" for number, day in enumerate(DAYS, 1))
        (folder / f"{name}.vrt").write_text(f"<VRTDataset {shape}>{where}{bands}</VRTDataset>")
    return {"INPUT": str(folder / "outer.vrt"), "VARIABLE": "NDVI"}, given["ndvi"]


def as_netcdf(given, folder):
    """INPUT as a part of a NetCDF file; the file."""
    path = folder / "cube.nc"
    with rasterio.open(given["ndvi"]) as src, rasterio.Env():
        rasterio.shutil.copy(src, path, driver="netCDF", WRITE_BOTTOMUP="NO")
    with rasterio.open(path) as file:
        parts = file.subdatasets
    return {"LAYERS": parts or [f'NETCDF:"{path}":Band1'], "VARIABLE": "NDVI"}, path


@pytest.mark.parametrize("kind", ["csv", "vrt", "netcdf", "sidecar"])
def test_what_changed_between_kill_and_rerun_changes_the_result(kind, given, tmp_path):
    """A CSV of dates, the source behind virtual rasters, the file of a NetCDF part, nodata told beside: as if begun anew."""
    job, parameters = "fillwhittaker", {"INPUT": given["ndvi"], "MODE": "linear"}
    behind = given["ndvi"]
    if kind == "csv":
        parameters["DATES"], behind = given["dates"], given["dates"]
    elif kind == "vrt":
        found, behind = as_vrt(given, Path(given["ndvi"]).parent)
        parameters["INPUT"] = found["INPUT"]
    elif kind == "netcdf":
        job, (parameters, behind) = "buildtimeseries", as_netcdf(given, Path(given["ndvi"]).parent)
        parameters = {**parameters, "LAYERS": parameters["LAYERS"][:1], "DATES": DAYS[0]}

    def run(folder, resources, events=None):
        folder.mkdir(exist_ok=True)
        jobs.run(job, {**parameters, "OUTPUT": str(folder / "o.tif")}, resources, events or Silent())
        return bytes_of(folder)

    before = run(tmp_path / "before", Resources(64, 1))  # other numbers of workers cut other tiles, which would not be continued
    (tmp_path / "out").mkdir()
    with pytest.raises(Cancelled):
        run(tmp_path / "out", Resources(64, 1), Stopping(tmp_path / "out"))
    if kind == "sidecar":
        bands = "".join(f'<PAMRasterBand band="{one}"><NoDataValue>0.5</NoDataValue><Scale>0.5</Scale></PAMRasterBand>'
                        for one in range(1, DATES + 1))
        Path(behind + ".aux.xml").write_text(f"<PAMDataset>{bands}</PAMDataset>")
    elif kind == "netcdf":
        ndvi = given["ndvi"]
        changed(ndvi)
        as_netcdf(given, Path(ndvi).parent)
    else:
        changed(behind)
    again = run(tmp_path / "out", Resources(64, 1))
    assert again == run(tmp_path / "fresh", Resources(64, 1)) != before


def test_statistics_that_qgis_writes_begin_nothing_anew(given, tmp_path):
    """Looking at an input in QGIS leaves an .aux.xml of statistics beside it: the run goes on all the same."""
    job, parameters = call("fillharmonic", given, tmp_path / "out")
    key = known_as(job, parameters)
    text = '<Metadata><MDI key="STATISTICS_MEAN">0.5</MDI></Metadata>'
    Path(given["ndvi"] + ".aux.xml").write_text(f'<PAMDataset><PAMRasterBand band="1">{text}</PAMRasterBand></PAMDataset>')
    assert known_as(job, parameters) == key


def test_names_of_outputs_do_not_matter_to_the_journal(given, tmp_path):
    """A report that could not be written is asked for elsewhere: what is done stays done."""
    job, parameters = call("fillharmonic", given, tmp_path / "out")
    key = known_as(job, parameters)
    assert known_as(job, {**parameters, "QUALITY": str(tmp_path / "q.tif")}) == key
    del parameters["QUALITY"]  # its parts would hold other arrays
    assert known_as(job, parameters) != key


# What can be refused, for each job: changes to a call that is all right, and what is said.
REFUSED = {
    "fillharmonic": [{"DATES": "yesterday"}, {"MODEL": "best"}, {"MODEL": "cascade", "AMPLITUDE_PHASE": "a.tif"}],
    "fillwhittaker": [{"DATES": "yesterday"}, {"SMOOTHING": "much"}, {"ENVELOPE": 2}],
    "fillmogpr": [{"DATES": "yesterday"}, {"COVARIANCE": "best"}],
    "fillmodel": [{"DATES": "yesterday"}],
    "phenologymetrics": [{"METHOD": "best"}, {"CALENDAR": "tomorrow"}, {"UNCERTAINTY": None}],
    "trainmodel": [{"PRIOR": "best"}, {"SPLIT": "best"}, {"ARCHITECTURE": "best"}],
    "describetimeseries": [{"COVARIATES": ["vv", "vv"]}],
}


@pytest.mark.parametrize("name", [name for name in CALLS if " " not in name])
def test_what_can_be_refused_is_refused_before_any_work(name, given, tmp_path, monkeypatch):
    """Parameters, room, outputs: no sample is drawn, no tile read, and nothing is left behind."""
    if name in ("trainmodel", "fillmodel"):
        pytest.importorskip("torch")
    job, parameters = call(name, given, tmp_path / "out")
    from phenofuse.core.tiles import working
    from phenofuse.core.timeseries import sampling

    for module in [one for key, one in sys.modules.items() if key.startswith("phenofuse.core")]:
        for function in ("sample_pixels", "worked", "sample_chips", "gather"):
            if getattr(module, function, None) in (sampling.sample_pixels, working.worked):
                monkeypatch.setattr(module, function, lambda *_, **__: pytest.fail("work was begun"))
    cases = [({key: given.get(one, one) if isinstance(one, str) else one for key, one in change.items()}, InputError)
             for change in REFUSED.get(name, [])]
    for number, (change, kind) in enumerate(cases):
        change = {key: [given.get(one, one) for one in value] if isinstance(value, list) else value for key, value in change.items()}
        if "AMPLITUDE_PHASE" in change:
            change["AMPLITUDE_PHASE"] = str(tmp_path / "out" / "a.tif")
        with pytest.raises(kind):
            jobs.run(job, {**parameters, **change}, Resources(64, 1), Silent())
        assert not list((tmp_path / "out").iterdir()), f"case {number}"
    if JOBS[job].files[0] != "MODEL":
        with monkeypatch.context() as patched:
            patched.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10 * 2**10})())
            with pytest.raises(DiskError, match="MB are free"):
                jobs.run(job, parameters, Resources(64, 1), Silent())
        assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("name", JOBS)
def test_every_output_of_every_job_is_looked_at_first(name, tmp_path, monkeypatch):
    """A folder, a link, a folder that cannot be made: refused by name before the job's topic is imported."""
    monkeypatch.setattr("importlib.import_module", lambda *_: pytest.fail("the topic was imported"))
    job = JOBS[name]
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for key in job.files:
        others = {one: str(tmp_path / f"{one}.tif") for one in job.files if one != key}
        for where, match in (("folder", "is a folder"), ("link", "is a symbolic link"), ("file/x.tif", "cannot be made")):
            with pytest.raises(OutputError, match=match):
                jobs.run(name, {**others, key: str(tmp_path / where)}, Resources(), Silent())
        with pytest.raises(InputError, match="same file"):
            jobs.run(name, {"INPUT": str(tmp_path / "file"), key: str(tmp_path / "file")}, Resources(), Silent())
    for key in filter(None, (job.folder, job.scene)):
        with pytest.raises(OutputError, match="is a file"):
            jobs.run(name, {key: str(tmp_path / "file")}, Resources(), Silent())
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "folder", "link"]


def test_a_source_of_a_virtual_input_is_no_output(given, tmp_path):
    """Nor is a raster of the folder that is read."""
    found, behind = as_vrt(given, Path(given["ndvi"]).parent)
    before = Path(behind).read_bytes()
    with pytest.raises(InputError, match=r"OUTPUT is .*ndvi\.tif, and INPUT is read from it"):
        jobs.run("fillwhittaker", {"INPUT": found["INPUT"], "OUTPUT": behind}, Resources(64, 1), Silent())
    one = sorted(Path(given["many"]).iterdir())[0]
    with pytest.raises(InputError, match="is read from it"):
        jobs.run("buildtimeseries", {"FOLDER": given["many"], "OUTPUT": str(one)}, Resources(64, 1), Silent())
    assert Path(behind).read_bytes() == before


def test_nothing_is_written_that_nobody_named(given, tmp_path):
    """A user's files beside a report, a split, an export stay what they are: they are refused by name, or not touched."""
    out = tmp_path / "out"
    out.mkdir()
    for name in ("fields.json", "fields.html.json", "NDVI_2024-01-01.tif"):
        (out / name).write_text('{"type": "FeatureCollection"}')
    before = bytes_of(out)
    with pytest.raises(OutputError, match=r"fields\.html\.json, where the numbers of the report go"):
        jobs.run("describetimeseries", {"INPUT": given["ndvi"], "REPORT": str(out / "fields.html")}, Resources(64, 1), Silent())
    with pytest.raises((OutputError, InputError), match=r"NDVI_2024-01-01\.tif"):
        jobs.run("splittimeseries", {"INPUT": given["filled"], "FOLDER": str(out)}, Resources(64, 1), Silent())
    assert bytes_of(out) == before
    (out / "fields.html.json").unlink()
    for _ in range(2):  # its own numbers it does replace
        jobs.run("describetimeseries", {"INPUT": given["ndvi"], "REPORT": str(out / "fields.html")}, Resources(64, 1), Silent())
    assert (out / "fields.json").read_bytes() == before["fields.json"]
    (out / "NDVI_2024-01-01.tif").unlink()
    for _ in range(2):
        jobs.run("splittimeseries", {"INPUT": given["filled"], "FOLDER": str(out)}, Resources(64, 1), Silent())
    assert len(list(out.glob("NDVI_*.tif"))) == DATES and not list(out.glob(".*"))


def test_what_lay_beside_an_old_raster_goes_with_it(given, tmp_path):
    """Statistics, overviews and an external mask of the raster that was there before would be taken for the new one's."""
    for name in ("o.tif", "o.tif.aux.xml", "o.tif.ovr", "o.tif.msk", "o.tfw"):
        (tmp_path / name).write_text("old")
    jobs.run("fillwhittaker", {"INPUT": given["ndvi"], "MODE": "linear", "OUTPUT": str(tmp_path / "o.tif")}, Resources(64, 2), Silent())
    assert {one.name for one in tmp_path.iterdir()} == {"in", "o.tif", "o.tfw"}


def test_what_comes_after_the_tiles_is_continued_too(given, tmp_path, monkeypatch):
    """The report fails at the end: the same call works no tile again."""
    from phenofuse.core.gaussian import job, methods

    parameters = {"INPUT": given["ndvi"], "COVARIATES": [given["vv"]], "OUTPUT": str(tmp_path / "o.tif"),
                  "REPORT": str(tmp_path / "r.html")}
    with monkeypatch.context() as patched:
        patched.setattr(job.summary, "report", lambda *_: (_ for _ in ()).throw(OutputError("no report today")))
        with pytest.raises(OutputError, match="today"):
            jobs.run("fillmogpr", parameters, Resources(64, 1), Silent())
    for name in ("learn", "fill"):
        monkeypatch.setattr(methods, name, lambda *_: pytest.fail("work was done twice"))
    jobs.run("fillmogpr", parameters, Resources(64, 1), Silent())
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in", "o.tif", "r.html", "r.html.json"]


def test_a_disk_that_was_large_enough_is_so_for_the_rest(given, tmp_path, monkeypatch):
    """Parts that lie there already need no more room."""
    job, parameters = call("fillwhittaker", given, tmp_path / "out")
    size = 4 * SIDE * SIDE * 3  # of one output of three dates
    total = 2 * (2 * size + SIDE * SIDE * 3 + 4 * SIDE * SIDE)

    def free(_):
        used = sum(one.stat().st_size for one in (tmp_path / "out").rglob("*") if one.is_file())
        return type("Usage", (), {"free": total + 40_000 - used})()

    monkeypatch.setattr(shutil, "disk_usage", free)
    with pytest.raises(Cancelled):
        jobs.run(job, parameters, Resources(64, 1), Stopping(tmp_path / "out"))
    jobs.run(job, parameters, Resources(64, 1), Silent())
    assert (tmp_path / "out" / "OUTPUT.tif").exists()


def test_a_set_of_outputs_is_complete_or_the_old_one_stays(given, tmp_path, monkeypatch):
    """One output that cannot be replaced in the end: all the others are the old ones, too."""
    job, parameters = call("fillwhittaker", given, tmp_path / "out")
    jobs.run(job, parameters, Resources(64, 2), Silent())
    before = bytes_of(tmp_path / "out")
    replace = os.replace

    def replacing(source, target):
        if Path(target).name == "UNCERTAINTY.tif":
            raise PermissionError(13, "in use")
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replacing)
        with pytest.raises(OutputError, match=r"UNCERTAINTY\.tif cannot be replaced .*open in another program"):
            jobs.run(job, {**parameters, "DATES": DAYS[1]}, Resources(64, 2), Silent())
    assert bytes_of(tmp_path / "out") == before
    jobs.run(job, {**parameters, "DATES": DAYS[1]}, Resources(64, 2), Silent())
    after = bytes_of(tmp_path / "out")
    assert all(after[name] != before[name] for name in ("OUTPUT.tif", "UNCERTAINTY.tif", "QUALITY.tif"))
    assert not list((tmp_path / "out").glob(".*"))


def test_of_two_engines_at_one_output_one_works(given, tmp_path):
    """The other is told at once who does; a killed one locks nothing."""
    out = tmp_path / "out"
    out.mkdir()
    job = {"job": "fillharmonic", "parameters": {"INPUT": given["ndvi"], "OUTPUT": str(out / "o.tif")},
           "resources": {"memory_mb": 64, "workers": 1}}
    first = engine(job)
    while not (out / ".o.tif.lock").exists() and first.poll() is None:
        time.sleep(0.01)
    second = engine({**job, "parameters": {**job["parameters"], "ORDER": 1}})
    said = second.stdout.read().decode()
    assert second.wait() == 1 and f"Another run (process {first.pid} on" in said and "o.tif. " not in said.split("Another")[0]
    assert b'"result"' in first.stdout.read() and first.wait() == 0
    whole = bytes_of(out)
    assert list(whole) == ["o.tif"] and len(list(out.iterdir())) == 1
    killed = engine(job)
    while not list(out.glob(".o.tif.lock")) and killed.poll() is None:
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    assert (out / ".o.tif.lock").exists()
    third = engine(job)
    assert b'"result"' in third.stdout.read() and third.wait() == 0
    assert bytes_of(out) == whole and len(list(out.iterdir())) == 1


def test_dates_that_are_none_are_refused_first(given, tmp_path):
    """And nothing of the call is left."""
    with pytest.raises(DateError):
        jobs.run("fillmogpr", {"INPUT": given["ndvi"], "OUTPUT": str(tmp_path / "new" / "o.tif"), "DATES": "soon"}, Resources(),
                 Silent())
    assert not (tmp_path / "new").exists()


def test_the_engine_needs_little_to_refuse(tmp_path):
    """An engine says what is wrong with an output without loading numpy."""
    code = ("import sys\nfrom phenofuse.core import jobs, events\ntry:\n"
            f" jobs.run('fillmogpr', {{'OUTPUT': {str(tmp_path)!r}}}, jobs.Resources(), events.Silent())\n"
            "except Exception as problem: print(problem, 'numpy' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "is a folder" in done.stdout and done.stdout.strip().endswith("False")


@pytest.mark.parametrize("name", ["vrt://{}?bands=1,2,3", "GTIFF_DIR:1:{}", "GTIFF_RAW:{}"])
def test_gdals_own_names_are_known_by_their_files(tmp_path, name):
    """An input by such a name is never an output, and its state changes with its file."""
    from phenofuse.core.timeseries.state import state_of

    path = tmp_path / "series.tif"
    values = np.linspace(0.1, 0.8, 3 * 64, dtype="float32").reshape(3, 8, 8)
    write(path, values, DAYS[:3], tags={"variable": "NDVI"})
    given, before = name.format(path), path.read_bytes()
    state = state_of(given)
    with pytest.raises(InputError):
        jobs.run("fillwhittaker", {"INPUT": given, "OUTPUT": str(path)}, jobs.Resources(256, 1), Silent())
    assert path.read_bytes() == before
    write(path, values / 2, DAYS[:3], tags={"variable": "NDVI"})
    assert state and state_of(given) != state


@pytest.mark.parametrize("key, name", [("REPORT", "S1S2_2023-11-01_2023-11-13.tif"), ("REPORT", "export.sqlite")])
def test_a_report_replaces_nothing_but_a_report(tmp_path, key, name):
    """What is read from a folder is known to nobody before it is read: a page takes the place of a page only."""
    there = tmp_path / name
    there.write_bytes(b"somebody's")
    with pytest.raises(OutputError, match="no .html file"):
        jobs.run("validatecomposites", {"FOLDER": str(tmp_path), key: str(there)}, jobs.Resources(256, 1), Silent())
    assert there.read_bytes() == b"somebody's"
