"""The whole chain on the simulated sample scene, through qgis_process as a user would call it, then a project and maps.

Runs in QGIS's Python; `./dev demo` starts it. Leaves everything in demo/ (or in the folder given).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import mapping

ROOT = Path(__file__).resolve().parent.parent


def main(folder: Path) -> None:
    """Run the chain, make the project and the maps, say where everything is."""
    older = (folder / "demo.qgz").exists()  # what an older run left is no part of this one
    for name in ("scene", "series", "phenology", "reports", "maps", "experiment"):
        if older:
            shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True, exist_ok=True)
    series, phenology, reports, experiment = (folder / name for name in ("series", "phenology", "reports", "experiment"))
    scene, ndvi = folder / "scene", series / "ndvi.tif"

    run("createsamplescene", FOLDER=scene)
    run("validatecomposites", FOLDER=scene, REPORT=reports / "validation.html")
    for variable in ("NDVI", "VV", "VH"):
        run("buildtimeseries", FOLDER=scene, VARIABLE=variable, OUTPUT=series / f"{variable.lower()}.tif")
    radar = [series / "vv.tif", series / "vh.tif"]
    run(
        "describetimeseries",
        INPUT=ndvi,
        COVARIATES=radar,
        OBSERVATIONS=series / "observations.tif",
        LONGEST_GAP=series / "longest_gap.tif",
        REPORT=reports / "description.html",
    )
    run(
        "fillmogpr",
        INPUT=ndvi,
        COVARIATES=radar,
        OUTPUT=series / "ndvi_filled.tif",
        UNCERTAINTY=series / "ndvi_uncertainty.tif",
        QUALITY=series / "ndvi_quality.tif",
        REPORT=reports / "filling.html",
    )

    filled = {
        "INPUT": series / "ndvi_filled.tif",
        "UNCERTAINTY": series / "ndvi_uncertainty.tif",
        "FILL_QUALITY": series / "ndvi_quality.tif",
    }
    run(
        "phenologymetrics",
        **filled,
        **{key: phenology / f"{key.lower()}.tif" for key in ("PEAK", "END", "SEASONS", "UNCERTAINTY_DAYS", "QUALITY")},
        OUTPUT=phenology / "start.tif",
        DATES_AS="day_of_year",
    )
    # Once more as dates: days of the year make the clearer maps, the profile dock's time line needs the year.
    run(
        "phenologymetrics",
        **filled,
        OUTPUT=phenology / "start_date.tif",
        PEAK=phenology / "peak_date.tif",
        END=phenology / "end_date.tif",
    )

    run("splittimeseries", INPUT=series / "ndvi_filled.tif", FOLDER=series / "filled_by_date")

    # How good is it? Hide observations, fill again, compare with what was hidden: with radar and without.
    gaps, truth = experiment / "ndvi_with_gaps.tif", experiment / "hidden_truth.tif"
    run("simulategaps", INPUT=ndvi, OUTPUT=gaps, TRUTH=truth)
    for method, more in (("fillharmonic", {}), ("fillmogpr", {"COVARIATES": radar})):
        filled, uncertainty = experiment / f"{method}.tif", experiment / f"{method}_uncertainty.tif"
        run(method, INPUT=gaps, OUTPUT=filled, UNCERTAINTY=uncertainty, **more)
        run(
            "assessfill",
            INPUT=filled,
            TRUTH=truth,
            OBSERVED=gaps,
            UNCERTAINTY=uncertainty,
            REPORT=reports / f"assessment_{method}.html",
            CSV=reports / f"assessment_{method}.csv",
        )

    made = [*mapping.make(folder), draw_field(folder), *sorted(reports.glob("*.html")), *sorted(reports.glob("*.csv"))]
    print("\nSee:", *(f"  {path}" for path in made), sep="\n")


def draw_field(folder: Path) -> Path:
    """Draw one field's series; figures are the engine's, so its Python draws."""
    python, picture = os.environ["PHENOFUSE_ENGINE_PYTHON"], folder / "maps" / "field.png"
    subprocess.run([python, str(ROOT / "tools" / "fieldseries.py"), str(folder), str(picture)], check=True)
    return picture


def run(algorithm: str, **parameters) -> dict:
    """Run one algorithm; print how long it took and the numbers it gave."""
    arguments = [
        f"{key}={one}" for key, value in parameters.items() for one in (value if isinstance(value, list) else [value])
    ]
    start = time.monotonic()
    done = subprocess.run(
        [str(ROOT / "dev"), "process", "run", "--json", f"phenofuse:{algorithm}", "--", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{algorithm} failed:\n{done.stdout}\n{done.stderr}")
    results = json.loads(done.stdout)["results"]
    numbers = ", ".join(f"{key} {value:.4g}" for key, value in results.items() if isinstance(value, (int, float)))
    print(f"{algorithm:20} {time.monotonic() - start:5.1f} s  {numbers}", flush=True)
    return results


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "demo").absolute())
