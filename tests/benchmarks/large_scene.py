"""Claim: a scene larger than the memory budget is filled within it, and `adaptive` takes under 30 us per pixel and core.

2,000 x 2,000 pixels x 62 dates (1 GB of float32) with MEMORY_MB = 512: peak of the whole engine process, wall time, and
microseconds of processor time per pixel of the whole run (starting, compiling, reading, learning, filling, writing).
`--size` makes it smaller.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest  # noqa: F401 (links the checkout as package phenofuse)
from measuring import measured, write_scene
from phenofuse.core.scene.simulate import simulate
from phenofuse.core.timeseries.writing import variable_header

COPY = 192  # side of the scene that is repeated
OUTPUTS = {"OUTPUT": "o.tif", "UNCERTAINTY": "u.tif", "QUALITY": "q.tif"}


def main() -> None:
    """Make the scene, fill it in an engine of its own, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--memory-mb", type=int, default=512)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="phenofuse-bench-") as folder:
        source = str(Path(folder, "NDVI.tif"))
        write_scene(source, variable_header("NDVI"), simulate(COPY, 62, 1).ndvi, options.size, options.size)
        parameters = {"INPUT": source, "MODEL": "adaptive", **{key: str(Path(folder, name)) for key, name in OUTPUTS.items()}}
        peak, seconds, cores = measured("fillharmonic", parameters, options.memory_mb, options.workers)
    pixels = options.size**2
    print(
        f"{options.size} x {options.size} x 62, MEMORY_MB={options.memory_mb}, {options.workers} threads: "
        f"peak {peak:.0f} MB, {seconds:.0f} s, {cores / pixels * 1e6:.1f} us of processor time per pixel"
    )


if __name__ == "__main__":
    main()
