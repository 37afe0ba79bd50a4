"""What of Phenofuse can be run on Windows without a Windows: `./dev windows` starts this in the engine's Python.

Every job runs twice on the same input, here and by a real Python for Windows under Wine, and what both made is compared.
Each thing has a deadline, so that one that hangs is one line that says so. Closes with ``N passed, N failed, N skipped``.
"""
from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path

import things
from guests import Guests
from things import THINGS, Skipped

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run the things that are asked for; exit status 0 only when none failed and one passed."""
    parser = argparse.ArgumentParser(prog="./dev windows", description=__doc__.split("\n")[0])
    parser.add_argument("things", nargs="*", help="run only these of " + ", ".join(THINGS))
    parser.add_argument("--tree", type=Path, default=ROOT, help="another checkout whose product is run, such as an older one")
    parser.add_argument("--seconds", type=float, help="a shorter deadline for everything but set-up")
    given = parser.parse_args()
    unknown = set(given.things) - set(THINGS)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(THINGS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as a shell would say it; all that runs in the Windows is ended first
    counts = {"passed": 0, "FAILED": 0, "skipped": 0}
    tree = given.tree.resolve()
    engine = "engine" if tree == ROOT else "engine-of-another-tree"
    with Guests(Path(os.environ["PHENOFUSE_DEV_HOME"], "windows"), tree, engine, given.seconds) as guests:
        for name in given.things or THINGS:
            counts[one(name, guests)] += 1
    print("{passed} passed, {FAILED} failed, {skipped} skipped".format(**counts), flush=True)
    return 1 if counts["FAILED"] or not counts["passed"] else 0


def one(name: str, guests: Guests) -> str:
    """Run one thing, print its line, and return its verdict."""
    began = time.monotonic()
    try:
        verdict, said = "passed", THINGS[name](guests)
    except Skipped as reason:
        verdict, said = "skipped", str(reason)
    except things.PROBLEMS as problem:
        verdict, said = "FAILED", str(problem)
    except Exception as problem:  # the border: a mistake in one thing is no reason not to run the others
        verdict, said = "FAILED", f"{type(problem).__name__}: {problem}".strip(": ")
    print(f"{verdict:8}{time.monotonic() - began:6.1f} s  {name:20} {said}", flush=True)
    return verdict


if __name__ == "__main__":
    sys.exit(main())
