"""Claim: a period of 1,000 x 1,000 pixels takes the fewest requests that the limits allow, and requests go in parallel.

The double on 127.0.0.1 answers each request for pixels after `--latency` seconds, as a service would; what it computes
itself is small beside that. Serial and parallel differ in the number of requests in flight alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from earthengine.helpers import call, double, export
from earthengine.scenes import demak
from phenofuse.core.earthengine import download, plan
from phenofuse.core.earthengine.compositeplan import CompositePlan


def main() -> None:
    """Print requests and seconds for one large period, and seconds for many small ones, serial and parallel."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--latency", type=float, default=2.0)
    options = parser.parse_args()
    print(f"one period of {options.size} x {options.size} pixels, five bands:")
    scenes = demak(size=options.size, days=12)
    box = f"430000,{430000 + 10 * options.size},{9240000 - 10 * options.size},9240000 [EPSG:32749]"
    for side in (plan.LARGEST_TILE, 256):
        for at_once in (1, plan.IN_FLIGHT):
            requests, fewest, seconds = measured(scenes, options.latency, side, at_once, EXTENT=box, END_DATE="2023-11-13")
            print(f"  tiles of at most {side}, {at_once} at once: {requests} requests (limits allow {fewest}), {seconds:.1f} s")
    print("24 periods of 40 x 40 pixels:")
    for at_once in (1, plan.IN_FLIGHT):
        requests, _, seconds = measured(demak(days=288), options.latency, plan.LARGEST_TILE, at_once, END_DATE="2024-08-15")
        print(f"  {at_once} at once: {requests} requests, {seconds:.1f} s")


def measured(scenes, latency: float, side: int, at_once: int, **changes) -> tuple:
    """Requests for pixels, the fewest that the limits allow, and seconds of one export."""
    plan.LARGEST_TILE, download.IN_FLIGHT = side, at_once
    with tempfile.TemporaryDirectory(prefix="phenofuse-bench-") as folder, double(scenes) as found:
        found.latency = latency
        parameters = call(found, Path(folder, "out"), **changes)
        started = time.perf_counter()
        export(parameters)
        seconds = time.perf_counter() - started
        made = CompositePlan.of(parameters)
        fewest = -(-made.width * made.height * made.bytes_per_pixel // plan.LARGEST_REQUEST) * len(made.periods)
        return found.count("computePixels"), fewest, seconds


if __name__ == "__main__":
    main()
