"""Claim: a pixel's own Gaussian process, fitted by maximum likelihood, is found at least 100 times faster than by GPy.

    python tests/benchmarks/gaussian_pixel.py [--pixels 20] [--reference FILE] [--figure PICTURE] [--no-growth]

Twenty simulated pixels, and twenty of the reference cube where it lies beside the project, are fitted here and by GPy in
one run: milliseconds per pixel and core of both, how often the likelihood reached here is no worse, and how much by. Then
how the time per pixel grows with pixels, dates and variables.

GPy is the peer's solver and not a part of Phenofuse; without it, only our own times are printed. It needs a Python of
its own, with numpy before 2 and scipy before 1.13:

    python3.11 -m venv gpy && gpy/bin/pip install "numpy==1.26.4" "scipy==1.12.0" "matplotlib<3.9" "GPy==1.13.2"
    PHENOFUSE_GPY_PYTHON=gpy/bin/python python tests/benchmarks/gaussian_pixel.py 20

Both run on one thread; processor time is what counts, for other work on the machine does not lengthen it, and the wall
clock's is printed beside it. GPy's times are divided by 32 days before it sees them, which starts its length-scales
(always 1) at 32 days; with days as they are, they never move from 1 day on a 12-day grid.
"""
from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest
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
    start, wall = time.process_time(), time.perf_counter()
    kernel = GPy.util.multioutput.LCM(1, len(values), [GPy.kern.Matern32(1) for _ in values])
    model = GPy.models.GPCoregionalizedRegression(times, values, kernel=kernel)
    model.optimize()
    results.append((time.process_time() - start, time.perf_counter() - wall, float(-model.log_likelihood())))
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
    """Result, processor time and wall time of a second call: the first one compiles."""
    work()
    start, wall = time.process_time(), time.perf_counter()
    result = work()
    return result, time.process_time() - start, time.perf_counter() - wall


def measure(pixels, dates, variables):
    """Milliseconds of processor time per pixel of the three ways."""
    values, days = rice(pixels, dates, variables)
    learnt = shared.learn(values, days)
    starts = pixel.learn_starts(values, days, learnt)
    observations = gather(values, days)
    ways = (lambda: shared.moments(values, days, days[0], learnt), lambda: pixel.moments(values, days, days[0], learnt),
            lambda: pixel.fit(observations, learnt, starts))
    return [1e3 * spent(way)[1] / pixels for way in ways]


def reference(path):
    """The reference cube: NDVI with gaps, VV and VH; (values, days)."""
    content = np.load(path)
    days = content["in_time"].astype("datetime64[D]").astype(float)
    return [content[f"in_{name}"].T for name in ("NDVI", "VV", "VH")], [days] * 3


def compare(name, values, days, python, pixels):
    """Print times and likelihoods of the first pixels of a scene, fitted here and by GPy; the whole scene teaches starts."""
    learnt = shared.learn(values, days)
    starts, learning, _ = spent(lambda: pixel.learn_starts(values, days, learnt))
    observations = gather([own[:pixels] for own in values], days)
    fits, *own = spent(lambda: pixel.fit(observations, learnt, starts))
    *other, likelihood = peer(python, observations, pixels)
    excess = fits.negative_log_likelihood - likelihood
    print(f"{name}, {len(excess)} pixels, {len(days[0])} dates, {len(values)} variables; milliseconds per pixel and core:")
    for clock, here, there in zip(("processor", "wall"), own, other):
        here, there = 1e3 * here / len(excess), 1e3 * there
        print(f"  {clock + ' time':14}  GPy mean {there.mean():6.0f}, median {np.median(there):6.0f}; here {here:6.2f}; "
              f"{there.mean() / here:.0f} times faster (by GPy's median {np.median(there) / here:.0f})")
    print(f"  learning the starts, once per scene: {learning:.1f} s of processor time")
    print(f"  negative log likelihood: GPy {likelihood.sum():.3f}, here {fits.negative_log_likelihood.sum():.3f} in sum; no worse "
          f"(within 0.001) in {(excess <= 1e-3).sum()} of {len(excess)}, worst by {excess.max():.4f}, best by {-excess.min():.2f}")


def peer(python, observations, pixels):
    """Processor and wall seconds per pixel, and negative log likelihoods, of GPy."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "series.npz")
        np.savez(path, series=observations.series[:pixels], days=observations.days)
        done = subprocess.run([python, "-c", PEER, str(path)], capture_output=True, text=True, check=True,
                              env={**os.environ, **ONE_THREAD})
    return np.array(json.loads(done.stdout.splitlines()[-1])).T


def growth():
    """Rows of (pixels, dates, variables, milliseconds per pixel of the three ways)."""
    cases = [(64, 62, 3), (256, 62, 3), (1024, 62, 3), (256, 31, 3), (256, 124, 3), (256, 248, 3), (256, 62, 1), (256, 62, 2)]
    return [(*case, *measure(*case)) for case in cases]


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


def main():
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pixels", type=int, default=20)
    parser.add_argument("--reference", type=Path, default=Path(os.environ.get("PHENOFUSE_SHARED", conftest.ROOT.parent / "shared"),
                                                               "reference", "fusets_mogpr_100px_start32d.npz"))
    parser.add_argument("--figure")
    parser.add_argument("--no-growth", action="store_true")
    options = parser.parse_args()
    python = os.environ.get("PHENOFUSE_GPY_PYTHON")
    if python:
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        compare("simulated rice", *rice(PIXELS, 62, 3), python, options.pixels)
        if options.reference.exists():
            compare("reference cube", *reference(options.reference), python, options.pixels)
        else:
            print(f"reference cube: not at {options.reference}")
    else:
        print("GPy: not compared (set PHENOFUSE_GPY_PYTHON; see the head of this file)")
    if options.no_growth:
        return
    print("\nmilliseconds of processor time per pixel\n"
          "| pixels | dates | variables | shared | pixel, shrunk | pixel, maximum likelihood |\n|---|---|---|---|---|---|")
    rows = growth()
    for row in rows:
        print("| " + " | ".join(f"{value:g}" if i < 3 else f"{value:.3f}" for i, value in enumerate(row)) + " |")
    if options.figure:
        draw(rows, options.figure)


if __name__ == "__main__":
    main()
