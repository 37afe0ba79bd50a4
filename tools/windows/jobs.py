"""The jobs that are compared: one of every topic at least, on small scenes; each takes what this machine's engine has made before.

Paths are `Path`s, so that they can be told from texts where Windows needs other ones.
"""
from __future__ import annotations

import json
from pathlib import Path
from typing import Callable, NamedTuple

SMALL = {"SIZE": 48, "PERIODS": 62, "SEED": 1}  # two years of 12 days, with two seasons and more
GAPS = {"PATTERN": "transplanted", "GAP_DAYS": 60, "FRACTION": 0.2, "SEED": 1}


class Job(NamedTuple):
    """A job: its name, the others whose results it takes, and ``parameters(here, own)``.

    ``here`` holds the results of this machine by name, ``own`` is the folder for what it makes.
    """

    job: str
    needs: tuple
    parameters: Callable[[Path, Path], dict]


def _scene(here: Path) -> Path:
    return here / "createsamplescene" / "scene"


def _series(here: Path, variable: str) -> Path:
    return here / f"buildtimeseries {variable}" / f"{variable} é.tif"


def _radar(here: Path) -> list:
    return [_series(here, "VV"), _series(here, "VH")]


def _build(variable: str) -> Job:
    return Job("buildtimeseries", ("createsamplescene",), lambda here, own: {
        "FOLDER": _scene(here), "VARIABLE": variable, "OUTPUT": own / f"{variable} é.tif"})


def _fill(name: str, *needs: str, **more) -> Job:
    def parameters(here: Path, own: Path) -> dict:
        found = {"OUTPUT": own / "filled.tif", "UNCERTAINTY": own / "sd.tif", "QUALITY": own / "quality.tif"}
        own_ones = {key: value(here, own) if callable(value) else value for key, value in more.items()}
        return {"INPUT": _series(here, "NDVI"), **found, **own_ones}

    return Job(name, ("buildtimeseries NDVI", *needs), parameters)


def _own(name: str) -> Callable:
    return lambda here, own: own / name


def _merged(here: Path, own: Path) -> dict:
    fills = [here / name for name in ("fillharmonic", "fillmogpr")]
    return {"SERIES": [fill / "filled.tif" for fill in fills], "UNCERTAINTIES": [fill / "sd.tif" for fill in fills],
            "QUALITIES": [fill / "quality.tif" for fill in fills],
            **{key: own / f"{key.lower()}.tif" for key in ("OUTPUT", "UNCERTAINTY", "QUALITY", "SOURCE")}}


def _seasons(here: Path, own: Path) -> dict:
    fill = here / "fillmogpr"
    own.joinpath("fields é.geojson").write_text(json.dumps(_two_fields(_scene(here))), encoding="utf-8")
    rasters = ("OUTPUT", "PEAK", "END", "LENGTH", "AMPLITUDE", "BASE", "PEAK_VALUE", "LARGE_INTEGRAL", "SMALL_INTEGRAL", "RATE_OF_RISE",
               "RATE_OF_FALL", "SEASONS", "INTENSITY", "PLANTING", "SEASON_TYPE", "UNCERTAINTY_DAYS", "QUALITY", "EVENTS")
    return {"INPUT": fill / "filled.tif", "UNCERTAINTY": fill / "sd.tif", "FILL_QUALITY": fill / "quality.tif",
            "ZONES": own / "fields é.geojson", "ZONAL_SUMMARY": own / "fields é.csv",
            **{key: own / f"{key.lower()}.tif" for key in rasters}}


def _two_fields(scene: Path) -> dict:
    """The western and the eastern half of a scene as polygons of fields with accents in their names."""
    import rasterio

    with rasterio.open(next(scene.glob("*.tif"))) as source:
        west, south, east, north = source.bounds
    middle = (west + east) / 2
    corners = [(west, middle), (middle, east)]
    return {"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"zone": name}, "geometry": {"type": "Polygon", "coordinates": [
            [[left, south], [right, south], [right, north], [left, north], [left, south]]]}}
        for name, (left, right) in zip(("Größe", "Ђ 数"), corners)]}


# Large enough that one worker has several tiles: what is stopped between them.
LARGER = {"SIZE": 128, "PERIODS": 31, "SEED": 2}

SERIES = ("buildtimeseries NDVI", "buildtimeseries VV", "buildtimeseries VH")

JOBS = {
    "createsamplescene": Job("createsamplescene", (), lambda here, own: {**SMALL, "FOLDER": own / "scene"}),
    "validatecomposites": Job("validatecomposites", ("createsamplescene",), lambda here, own: {
        "FOLDER": _scene(here), "REPORT": own / "validation é.html"}),
    **{f"buildtimeseries {variable}": _build(variable) for variable in ("NDVI", "VV", "VH")},
    "splittimeseries": Job("splittimeseries", ("buildtimeseries NDVI",), lambda here, own: {
        "INPUT": _series(here, "NDVI"), "FOLDER": own / "by date"}),
    "describetimeseries": Job("describetimeseries", SERIES, lambda here, own: {
        "INPUT": _series(here, "NDVI"), "COVARIATES": _radar(here), "OBSERVATIONS": own / "observations.tif",
        "LONGEST_GAP": own / "gap.tif", "REPORT": own / "description é.html"}),
    "simulategaps": Job("simulategaps", ("buildtimeseries NDVI",), lambda here, own: {
        **GAPS, "INPUT": _series(here, "NDVI"), "OUTPUT": own / "gaps.tif", "TRUTH": own / "truth.tif"}),
    "fillharmonic": _fill("fillharmonic", HARMONICS=_own("harmonics.tif"), AMPLITUDE_PHASE=_own("amplitude.tif")),
    "fillwhittaker": _fill("fillwhittaker", LAMBDA=_own("lambda.tif")),
    "fillmogpr": _fill("fillmogpr", *SERIES[1:], COVARIATES=lambda here, own: _radar(here),
                       REPORT=_own("filling é.html"), FIT=_own("fit é.npz")),
    "fillhybrid": Job("fillhybrid", ("fillharmonic", "fillmogpr"), _merged),
    "assessfill": Job("assessfill", ("fillharmonic", "simulategaps"), lambda here, own: {
        "INPUT": here / "fillharmonic" / "filled.tif", "UNCERTAINTY": here / "fillharmonic" / "sd.tif",
        "TRUTH": here / "simulategaps" / "truth.tif", "OBSERVED": here / "simulategaps" / "gaps.tif", "REPORT": own / "scores é.html",
        "CSV": own / "scores é.csv"}),
    "comparemethods": Job("comparemethods", ("fillharmonic", "fillwhittaker"), lambda here, own: {
        "INPUT": _series(here, "NDVI"), "METHODS": ["linear", "whittaker", "harmonic"], "PATTERN": "block", "GAP_DAYS": 60,
        "PIXELS": 60, "SEED": 1, "REPORT": own / "comparison é.html", "CSV": own / "comparison é.csv", "WINNER": own / "winner.tif"}),
    "phenologymetrics": Job("phenologymetrics", ("fillmogpr",), _seasons),
    "larger scene": Job("createsamplescene", (), lambda here, own: {**LARGER, "FOLDER": own / "scene"}),
    "larger series": Job("buildtimeseries", ("larger scene",), lambda here, own: {
        "FOLDER": here / "larger scene" / "scene", "VARIABLE": "NDVI", "OUTPUT": own / "ndvi.tif"}),
    "larger fill": Job("fillharmonic", ("larger series",), lambda here, own: {
        "INPUT": here / "larger series" / "ndvi.tif",
        **{key: own / f"{key.lower()}.tif" for key in ("OUTPUT", "UNCERTAINTY", "QUALITY")}}),
}
# What every topic has to show: the same results there as here. The others are what these and `things` need.
COMPARED = tuple(name for name in JOBS if not name.startswith("larger") and name[-2:] not in ("VV", "VH"))
