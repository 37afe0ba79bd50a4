"""Run both halves of the tests, each in its own Python, and close with one line for both.

Core tests (numbered below 50) run in the engine's Python, which has no QGIS; the others in QGIS's. Arguments go to
pytest; test files among them choose their own half.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = Path(os.environ["PHENOFUSE_DEV_HOME"])
FIRST_QGIS_TEST = 50
NO_TESTS_COLLECTED = 5  # pytest's exit status
HALVES = {"core": STATE / "engine" / "bin" / "python", "qgis": STATE / "tests" / "bin" / "python"}


def main(arguments: list[str]) -> int:
    """Run, add up, print; exit status 0 only when every test passed or said why it was skipped."""
    chosen = [text for text in arguments if half_of(text)]
    options = [text for text in arguments if text not in chosen]
    files = chosen or sorted(str(path) for path in (ROOT / "tests").glob("test_*.py"))
    totals = [0, 0, 0]
    for half, python in HALVES.items():
        own = [text for text in files if half_of(text) == half]
        if own:
            totals = [a + b for a, b in zip(totals, run(half, python, [*options, *own]))]
    passed, failed, skipped = totals
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed or not passed else 0


def half_of(text: str) -> str:
    """Name the half a test file belongs to by its number; empty when the text names no test file."""
    number = re.search(r"test_(\d\d)_\w+\.py", text)
    return "" if not number else "core" if int(number.group(1)) < FIRST_QGIS_TEST else "qgis"


def run(half: str, python: Path, arguments: list[str]) -> tuple[int, int, int]:
    """Run pytest in one Python; return the numbers passed, failed and skipped. A crash counts as a failure."""
    report = STATE / "logs" / f"tests-{half}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    print(f"--- {half} tests", flush=True)
    status = subprocess.run(
        [
            str(python),
            "-m",
            "pytest",
            "-q",
            "--tb=short",
            "--durations=5",
            "-o",
            f"cache_dir={STATE}/pytest-{half}",
            f"--junitxml={report}",
            *arguments,
        ],
        cwd=ROOT,
        check=False,
    ).returncode
    if not report.exists():
        print(f"the {half} tests ended with status {status} before they could report")
        return 0, 1, 0
    suites = ElementTree.parse(report).getroot().iter("testsuite")
    tests, failures, errors, skipped = (
        sum(column)
        for column in zip(
            *[[int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped")] for suite in suites]
        )
    )
    failed = failures + errors
    if not failed and status not in (0, NO_TESTS_COLLECTED):
        print(f"the {half} tests reported no failure but ended with status {status}")
        failed = 1
    return tests - failures - errors - skipped, failed, skipped


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
