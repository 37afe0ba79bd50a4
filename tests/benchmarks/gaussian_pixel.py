"""Gaussian processes measured: time per pixel and core against GPy, likelihoods reached, and how time grows.

    python tests/benchmarks/gaussian_pixel.py [pixels for GPy] [figure.png]

GPy is the peer's solver and not a part of Phenofuse; without it, only our own times are printed. It needs a Python of
its own, with numpy before 2 and scipy before 1.13:

    python3.11 -m venv gpy && gpy/bin/pip install "numpy==1.26.4" "scipy==1.12.0" "matplotlib<3.9" "GPy==1.13.2"
    PHENOFUSE_GPY_PYTHON=gpy/bin/python python tests/benchmarks/gaussian_pixel.py 20

Both run on one thread, and processor time is counted, so that other work on the machine does not matter. GPy's times
are divided by 32 days before it sees them, which starts its length-scales (always 1) at 32 days; with days as they are,
they never move from 1 day on a 12-day grid.
"""
from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest  # noqa: F401 (links the checkout as package phenofuse)
from phenofuse.core.gaussian import pixel, shared
from phenofuse.core.gaussian.observations import gather

PEER = """
import json, sys, time, warnings
import numpy as np, GPy
warnings.filterwarnings("ignore")
content = np.load(sys.argv[1])
results = []
for number in range(content["series"].shape[0]):
    np.random.seed(number)
    times, values = [], []
    for series in content["series"][number]:
        seen = np.isfinite(series)
        times.append((content["days"][seen, None] - content["days"][0]) / 32.0)
        values.append(series[seen, None])
    start = time.process_time()
    kernel = GPy.util.multioutput.LCM(1, len(values), [GPy.kern.Matern32(1) for _ in values])
    model = GPy.models.GPCoregionalizedRegression(times, values, kernel=kernel)
    model.optimize()
    results.append((time.process_time() - start, float(-model.log_likelihood())))
print(json.dumps(results))
"""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
PIXELS = 256


def rice(pixels, dates, variables, seed=0):
    """Double-season rice every 12 days: NDVI with 55 % missing in clumps, VV and VH with speckle; (values, days)."""
    rng = np.random.default_rng(seed)
    days = 19662.0 + 12.0 * np.arange(dates)
    ndvi = np.full((pixels, dates), 0.18)
    for season in np.arange(days[0] - 60, days[-1] + 60, 182.0):
        middle, width = season + rng.normal(0, 12, (pixels, 1)), rng.uniform(24, 36, (pixels, 1))
        ndvi += rng.uniform(0.4, 0.65, (pixels, 1)) * np.exp(-0.5 * ((days - middle) / width) ** 2)
    moisture = rng.normal(0, 0.6, (pixels, dates))
    cloudy = np.cumsum(rng.normal(0, 1, (pixels, dates)), axis=1)
    cloudy -= np.median(cloudy, axis=1, keepdims=True)
    hidden = (cloudy > 0) ^ (rng.random((pixels, dates)) < 0.25)
    values = [np.where(hidden, np.nan, ndvi + rng.normal(0, 0.03, ndvi.shape)),
              -13 + 4 * ndvi + moisture + rng.normal(0, 1.0, ndvi.shape),
              -21 + 9 * ndvi + moisture + rng.normal(0, 1.0, ndvi.shape)]
    return values[:variables], [days] * variables


def spent(work):
    """Result and processor time of a second call: the first one compiles."""
    work()
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def measure(pixels, dates, variables):
    """Milliseconds per pixel of the three ways, and the fits of maximum likelihood."""
    values, days = rice(pixels, dates, variables)
    learnt = shared.learn(values, days)
    starts = pixel.learn_starts(values, days, learnt)
    observations = gather(values, days)
    _, smoothing = spent(lambda: shared.moments(values, days, days[0], learnt))
    _, shrunk = spent(lambda: pixel.moments(values, days, days[0], learnt))
    fits, likelihood = spent(lambda: pixel.fit(observations, learnt, starts))
    return [1e3 * seconds / pixels for seconds in (smoothing, shrunk, likelihood)], fits, observations


def peer(python, observations, pixels):
    """Seconds per pixel and negative log likelihoods of GPy."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "series.npz")
        np.savez(path, series=observations.series[:pixels], days=observations.days)
        done = subprocess.run([python, "-c", PEER, str(path)], capture_output=True, text=True, check=True,
                              env={**os.environ, **ONE_THREAD})
    return np.array(json.loads(done.stdout.splitlines()[-1])).T


def growth():
    """Rows of (pixels, dates, variables, milliseconds per pixel of the three ways)."""
    cases = [(64, 62, 3), (256, 62, 3), (1024, 62, 3), (256, 31, 3), (256, 124, 3), (256, 248, 3), (256, 62, 1), (256, 62, 2)]
    return [(*case, *measure(*case)[0]) for case in cases]


def draw(rows, path):
    """Milliseconds per pixel against pixels, dates and variables."""
    from matplotlib.figure import Figure

    figure = Figure((10, 3), layout="constrained")
    usual = (256, 62, 3)
    for axes, (column, name) in zip(figure.subplots(1, 3, sharey=True), enumerate(("pixels", "dates", "variables"))):
        chosen = sorted(row for row in rows if all(row[i] == usual[i] for i in range(3) if i != column))
        for way, label in enumerate(("shared", "pixel, shrunk", "pixel, maximum likelihood")):
            axes.loglog([row[column] for row in chosen], [row[3 + way] for row in chosen], "o-", label=label)
        axes.set_xlabel(name)
        axes.set_xticks([row[column] for row in chosen], [str(row[column]) for row in chosen])
        axes.minorticks_off()
    figure.axes[0].set_ylabel("ms per pixel and core")
    figure.axes[0].legend()
    figure.savefig(path, dpi=120)


def main(count=20, picture=None):
    """Print everything."""
    times, fits, observations = measure(PIXELS, 62, 3)
    print("62 dates, 3 variables, milliseconds per pixel and core:")
    for name, value in zip(("shared", "pixel, shrunk", "pixel, maximum likelihood"), times):
        print(f"  {name:28s} {value:8.3f}")
    print(f"  likelihoods and gradients per pixel (maximum likelihood): {np.median(fits.evaluations):.0f}")
    python = os.environ.get("PHENOFUSE_GPY_PYTHON")
    if python:
        seconds, likelihood = peer(python, observations, int(count))
        ratio = 1e3 * seconds.mean() / times[2]
        better = (fits.negative_log_likelihood[:len(likelihood)] <= likelihood + 1e-3).sum()
        print(f"GPy, the same model, {len(seconds)} pixels: mean {1e3 * seconds.mean():.0f} ms, "
              f"median {1e3 * np.median(seconds):.0f} ms per pixel and core; maximum likelihood here is {ratio:.0f} times "
              f"faster (by medians {1e3 * np.median(seconds) / times[2]:.0f})")
        print(f"  likelihood no worse than GPy's in {better} of {len(likelihood)} pixels")
    else:
        print("GPy: not compared (set PHENOFUSE_GPY_PYTHON; see the head of this file)")
    print("\n| pixels | dates | variables | shared | pixel, shrunk | pixel, maximum likelihood |\n|---|---|---|---|---|---|")
    rows = growth()
    for row in rows:
        print("| " + " | ".join(f"{value:g}" if i < 3 else f"{value:.3f}" for i, value in enumerate(row)) + " |")
    if picture:
        draw(rows, picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
