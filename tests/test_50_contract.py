"""The dock reads a raster as the engine does: the contract is told twice, since QGIS's Python has no rasterio."""
from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("qgis.core", reason="needs QGIS")
from phenofuse.gui import profiles

# Run by the engine's Python, which writes rasters by the contract and tells how it reads them: dates, days and the first pixel.
ENGINE = """
import json, sys
from datetime import date
from pathlib import Path
import numpy as np, rasterio
from phenofuse.core.errors import InputError
from phenofuse.core.timeseries import Grid, Header, Period, VARIABLES, open_series, periods_between, write_series
from phenofuse.core.timeseries.raw import TAG

folder = Path(sys.argv[1])
grid = Grid(rasterio.crs.CRS.from_epsg(32749).to_wkt(), (50.0, 0.0, 430000.0, 0.0, -50.0, 9240000.0), 2, 2)
periods = {"odd": periods_between(date(2023, 12, 25), 5, 8), "even": periods_between(date(2024, 2, 20), 12, 8),
           "days": tuple(Period(date(2024, 2, 25 + number)) for number in range(5)) + tuple(
               Period(date(1972 + number, 3, 1)) for number in range(60, 63))}

def write(name, values, when, header):
    write_series(str(folder / name), np.tile(np.float32(values)[:, None, None], (1, 2, 2)), grid, when, header)

def write_plain(name, descriptions, dtype="float32", nodata=None, scale=1.0, offset=0.0, **tags):
    with rasterio.open(folder / name, "w", driver="GTiff", width=2, height=2, count=len(descriptions), dtype=dtype,
                       crs="EPSG:32749", transform=rasterio.Affine(50, 0, 430000, 0, -50, 9240000), nodata=nodata) as file:
        file.write(np.arange(4 * len(descriptions), dtype=dtype).reshape(-1, 2, 2))
        file.descriptions, file.scales, file.offsets = descriptions, [scale] * file.count, [offset] * file.count
        file.update_tags(**tags)

for name, variable in VARIABLES.items():
    low, high = variable.valid_range or (-1.0, 1.0)
    edges = [low, np.nextafter(np.float32(low), np.float32(-np.inf)), high, np.nextafter(np.float32(high), np.float32(np.inf)),
             (low + high) / 2, np.nan, np.inf, -9999]
    for kind, when in periods.items():
        write(f"{name} {kind}.tif", edges, when, Header(name, variable.units, "buildtimeseries"))
    for kind, when in periods.items():
        write(f"{name} {kind}.nc", edges, when, Header(name, variable.units, "buildtimeseries"))
write_plain("named.tif", ["2023-11-01", "2023-11-13/2023-11-25", "2023-12-01/2023-12-01"])
write_plain("scaled.tif", ["2023-11-01", "2023-11-13"], "int16", 4, 0.5, -1.0)
write_plain("backwards.tif", ["2023-11-13", "2023-11-01"])
write_plain("twice.tif", ["2023-11-01", "2023-11-01"])
write_plain("undated.tif", ["red", "green"])
write_plain("foreign.tif", ["2023-11-01", "2023-11-13"], PHENOFUSE="not JSON")

def told(path):
    try:
        series = open_series(str(path), check=False)
    except InputError:  # of its dates, or of bands that are different things
        return None
    return {"periods": [[period.start.isoformat(), period.end and period.end.isoformat()] for period in series.periods],
            "days": series.days.tolist(), "values": series.read()[:, 0, 0].tolist()}

print(json.dumps({"tag": TAG, "ranges": {name: one.valid_range for name, one in VARIABLES.items() if one.valid_range},
                  "files": {path.name: told(path) for path in sorted(folder.iterdir()) if path.suffix in (".tif", ".nc")}}))
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """Give the folder of the engine's rasters, and what the engine says of the contract and of them."""
    python = os.environ.get("PHENOFUSE_ENGINE_PYTHON", "")
    if not Path(python).is_file():
        pytest.skip("PHENOFUSE_ENGINE_PYTHON names no Python: ./dev test makes one")
    folder = tmp_path_factory.mktemp("engine")
    answer = subprocess.run([python, "-c", ENGINE, str(folder)], check=False, capture_output=True, text=True, timeout=300)
    assert answer.returncode == 0, answer.stderr
    return folder, json.loads(answer.stdout)


def test_tag_and_ranges_are_the_engines(engine):
    """The dock knows the same tag, and the same physical range of every variable that has one."""
    _, told = engine
    assert profiles.TAG == told["tag"]
    assert {name: list(limits) for name, limits in profiles.RANGES.items()} == told["ranges"]


def test_dates_and_values_are_the_engines(engine):
    """Of every raster the same periods and days, none where the engine refuses its dates, and the same values to the bit."""
    folder, told = engine
    assert [name for name, own in told["files"].items() if own is None] == ["backwards.tif", "twice.tif", "undated.tif"]
    for name, own in told["files"].items():
        file = profiles.RasterFile(str(folder / name))
        periods = file.describe().periods
        assert [[one and one.isoformat() for one in period] for period in periods] == (own["periods"] if own else []), name
        if own:
            assert [period.middle for period in periods] == own["days"], name
            assert all(profiles.day_number(profiles.day_of(day)) == np.floor(day) for day in own["days"]), name
            np.testing.assert_array_equal(np.float32(file.sample(430001, 9239999)), np.float32(own["values"]), name)
