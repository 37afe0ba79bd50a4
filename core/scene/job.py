"""The job `createsamplescene`: a simulated scene as files, the way an export would bring them."""

from __future__ import annotations

import os
import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from .. import files, tables
from ..errors import InputError, OutputError
from ..outputs import replace_together
from ..report import write_whole
from ..timeseries import Grid, Header, Period, RasterSpec, RasterWriter, write_series
from ..timeseries.writing import variable_header
from .clouds import SKY_NAMES
from .fields import CLASS_NAMES, TRIPLE
from .seasons import THRESHOLD
from .simulate import CRS_WKT, Scene, simulate

TITLE = "Phenofuse sample scene: SIMULATED, not measured"
MOST_VALUES = 300_000_000  # of one variable; with a dozen arrays of float32 and float64 in hand some 20 GB
EPOCH = date(1970, 1, 1)
BANDS = (("VV", "dB"), ("VH", "dB"), ("S2ndvi", "1"))
SIMULATED = {"SIMULATED": "yes"}


def run(parameters: dict, resources, events) -> dict:
    """Write a scene of SIZE x SIZE pixels and PERIODS periods, drawn with SEED, into FOLDER.

    One GeoTIFF per period in the folder itself; the truth in its subfolder ``truth``. The folder appears whole or
    not at all, and takes the place of an earlier sample scene but of nothing else.

    Raises
    ------
    InputError
        When a number is out of range.
    OutputError
        When the folder holds something else or cannot be written.
    """
    size, periods, seed = (int(parameters[key]) for key in ("SIZE", "PERIODS", "SEED"))
    _check_numbers(size, periods, seed)
    folder = Path(os.path.realpath(parameters["FOLDER"]))
    _require_ours(folder)
    events.info(f"Simulating {size} x {size} pixels and {periods} periods. Nothing of it was ever measured.")
    scene = simulate(size, periods, seed)
    events.progress(0.4)

    writing = files.temporary(folder)
    try:
        _write(scene, writing, {"SIZE": size, "PERIODS": periods, "SEED": seed}, events.step(0.4, 1.0))
        replace_together([(writing, folder)])
    finally:
        shutil.rmtree(writing, ignore_errors=True)
    return {"outputs": {"FOLDER": str(Path(parameters["FOLDER"]).absolute())}, "numbers": {}}


def _check_numbers(size: int, periods: int, seed: int) -> None:
    if size < 1 or periods < 1:
        raise InputError(f"SIZE is {size} and PERIODS is {periods}; both must be 1 or more.", "Raise them.")
    if not 0 <= seed < 2**32:
        raise InputError(f"SEED is {seed}; expected a whole number from 0 to 4294967295.", "Choose another SEED.")
    if size * size * periods > MOST_VALUES:
        raise InputError(
            f"{size} x {size} pixels and {periods} periods are {size * size * periods / 1e6:.0f} million values "
            f"a variable; at most {MOST_VALUES / 1e6:.0f} million fit.",
            "Lower SIZE or PERIODS.",
        )


def _write(scene: Scene, folder: Path, parameters: dict, events) -> None:
    truth = folder / "truth"
    grid = Grid(CRS_WKT, scene.transform, scene.classes.shape[1], scene.classes.shape[0])
    periods = tuple(Period(*ends) for ends in zip(scene.starts, scene.ends))
    about = {"method": "createsamplescene", "parameters": parameters, "extra": {"simulated": TITLE}}
    for number, period in enumerate(periods):
        tags = tuple({**period.tags, "units": units, **SIMULATED} for _, units in BANDS)
        spec = RasterSpec(grid, tuple(name for name, _ in BANDS), Header("", **about), band_tags=tags)
        with RasterWriter(str(folder / f"S1S2_{period.start}_{period.end}.tif"), spec) as writer:
            writer.write(np.stack([scene.vv[number], scene.vh[number], scene.ndvi[number]]))
        events.progress((number + 1) / (len(periods) + 4))
    write_series(str(truth / "NDVI_truth.tif"), scene.ndvi_truth, grid, periods, variable_header("NDVI", **about))
    write_series(str(truth / "sky.tif"), scene.sky, grid, periods, Header("sky", **about), dtype="uint8")
    _write_maps(scene, truth, grid, about)
    _write_table(scene, truth / "seasons.csv")
    (folder / "README.txt").write_text(_readme(scene, parameters), encoding="utf-8")


def _write_maps(scene: Scene, folder: Path, grid: Grid, about: dict) -> None:
    classes = RasterSpec(
        grid, ("class",), Header("class", **about), dtype="uint8", nodata=None, band_tags=(SIMULATED,)
    )
    with RasterWriter(str(folder / "classes.tif"), classes) as writer:
        writer.write(scene.classes[None])
    dates = [
        (f"{what}_{season + 1}", values[season])
        for season in range(scene.season_peak.shape[0])
        for what, values in (("start", scene.season_start), ("peak", scene.season_peak), ("end", scene.season_end))
    ]
    if not dates:
        return
    names, layers = zip(*dates)
    tags = ({"units": "days since 1970-01-01", **SIMULATED},) * len(names)
    spec = RasterSpec(grid, names, Header("date", "days since 1970-01-01", **about), band_tags=tags)
    with RasterWriter(str(folder / "seasons.tif"), spec) as writer:
        writer.write(np.stack(layers))


def _write_table(scene: Scene, path: Path) -> None:
    """One line per field and season, as dates; empty where the date lies outside the scene's."""
    crops = scene.classes <= TRIPLE
    _, first = np.unique(scene.field[crops], return_index=True)
    rows, columns = (index[first] for index in np.nonzero(crops))
    lines = [["field", "row", "column", "crops_a_year", "season", "start", "peak", "end", "simulated"]]
    for row, column in zip(rows, columns):
        for season, peak in enumerate(scene.season_peak[:, row, column]):
            if np.isfinite(peak):
                dates = map(_iso, (scene.season_start[season, row, column], peak, scene.season_end[season, row, column]))
                lines.append([scene.field[row, column], row, column, scene.classes[row, column], season + 1, *dates, "yes"])
    write_whole({path: tables.written(lines)})


def _iso(day: float) -> str:
    return (EPOCH + timedelta(days=int(np.floor(day)))).isoformat() if np.isfinite(day) else ""


def _readme(scene: Scene, parameters: dict) -> str:
    classes = "\n".join(f"    {code}  {name}" for code, name in CLASS_NAMES.items())
    sky = "\n".join(f"    {code}  {name}" for code, name in SKY_NAMES.items())
    made_with = ", ".join(f"{key} = {value}" for key, value in parameters.items())
    return f"""{TITLE}

Every number in this folder was computed; no satellite ever saw this place. It serves to learn the plugin and to
measure methods against a known truth. Do not publish results from it as observations.

What is simulated: an irrigation scheme of {scene.classes.shape[1]} x {scene.classes.shape[0]} pixels of 50 m,
placed near Demak, Java (EPSG:32749), from {scene.starts[0]} to {scene.ends[-1]} (excluded),
in {len(scene.starts)} periods.
Made by createsamplescene with {made_with}; the same numbers give the same scene.

S1S2_<start>_<end>.tif     what would have been observed in each half-open period: VV and VH (dB, one orbit, speckle
                           of 4.4 equivalent looks), S2ndvi (missing under cloud and shadow, some thin cloud left)
truth/NDVI_truth.tif       NDVI without noise, cloud and gap, at the middle of each period
truth/seasons.tif, .csv    true start, peak and end of every season, days since 1970-01-01 (the table: dates). Start
                           and end: where the noise-free NDVI passes {THRESHOLD:.0%} of the amplitude on either side.
                           Empty where there is no season, or where the date lies outside the scene's dates
truth/classes.tif          what grows where:
{classes}
truth/sky.tif              the state of the sky of every period:
{sky}
"""


def _require_ours(folder: Path) -> None:
    """Raise `OutputError` unless there is no such folder, or it is empty, or holds an earlier sample scene alone."""
    if not folder.exists():
        return
    other = [path.name for path in folder.iterdir() if not _is_ours(path)]
    ours = folder / "README.txt"
    if other or (
        any(folder.iterdir()) and not (ours.is_file() and ours.read_text("utf-8", "replace").startswith(TITLE))
    ):
        named = ", ".join(sorted(other)[:3]) or "files of unknown origin"
        raise OutputError(
            f"The folder {folder} holds other things ({named}); nothing was written.",
            "Choose a new or an empty folder.",
        )


def _is_ours(path: Path) -> bool:
    """Whether a scene writes a file of that name (QGIS may leave .aux.xml files beside rasters)."""
    if path.is_dir():
        names = {"NDVI_truth.tif", "sky.tif", "classes.tif", "seasons.tif", "seasons.csv"}
        return path.name == "truth" and all(_without_aux(p.name) in names for p in path.iterdir())
    name = _without_aux(path.name)
    return name == "README.txt" or (name.startswith("S1S2_") and name.endswith(".tif"))


def _without_aux(name: str) -> str:
    return name[: -len(".aux.xml")] if name.endswith(".aux.xml") else name
