"""What the lists of requirements pin: locked with hashes, looked for on every platform, and tried in every Python.

Usage: pins.py lock                              write resources/requirements/locked anew (needs the network)
       pins.py wheels                            whether every locked file is there, by platform, Python and list
       pins.py tests [PYTHON ...] [--lists ...]  make an environment with each Python, add list by list, run the tests
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = Path(os.environ.get("PHENOFUSE_DEV_HOME", ROOT / ".dev"))
os.environ["PHENOFUSE_DEV_HOME"] = str(STATE)
_plugin = importlib.util.spec_from_file_location("phenofuse", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
sys.modules["phenofuse"] = importlib.util.module_from_spec(_plugin)
sys.path.insert(0, str(Path(__file__).parent))
import runtests  # noqa: E402
from phenofuse.algorithms.bridge import environment, requirements  # noqa: E402
from phenofuse.algorithms.bridge.failures import SetupError  # noqa: E402
from phenofuse.algorithms.bridge.installer import Source  # noqa: E402

PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
PATCH = 5  # of 3.9 as QGIS 3.22 brings it; some packages leave out the first of a Python
LISTS = ("base", *requirements.EXTRAS)
UV = [sys.executable, "-m", "uv", "--quiet"]
ONLY_WHEELS = ["--only-binary", ":all:"]
# torch and what only its CUDA builds need: a list of its own, since the build is a choice.
BUILD = re.compile(r"(torch|triton|cuda-|nvidia-)")

# What packages need in turn is taken in its newest release, but where that one has left a platform: Intel's Macs here.
KEPT = "cryptography==48.0.1 ; python_full_version >= '3.9.2' and sys_platform == 'darwin' and platform_machine == 'x86_64'"

# Name: uv's name of the platform, and the lowest macOS.
PLATFORMS = {
    "Windows x86_64": ("x86_64-pc-windows-msvc", ""),
    "Linux x86_64, glibc 2.28": ("x86_64-manylinux_2_28", ""),
    "Linux aarch64, glibc 2.28": ("aarch64-manylinux_2_28", ""),
    **{f"macOS {release} arm64": ("aarch64-apple-darwin", f"{release}.0") for release in (11, 12, 13, 14)},
    **{f"macOS {release} x86_64": ("x86_64-apple-darwin", f"{release}.0") for release in (11, 12, 13, 14)},
}

# What is run after a list was added: all that the list is for, but in minutes.
TESTS = {
    "base": (
        "test_10_dates.py test_10_events.py test_10_phenology_metrics.py test_10_report.py test_10_whittaker.py "
        "test_20_createsamplescene.py test_20_fillharmonic.py test_20_fillwhittaker.py test_20_masks.py test_20_timeseries.py"
    ),
    "earthengine": "test_10_earthengine_plan.py test_20_earthengine_account.py test_20_earthengine_tasks.py",
    "cluster": "test_20_cluster.py",
    "learning": "test_10_learning_gpu.py test_10_learning_networks.py test_10_modelfile.py test_20_trainmodel.py",
    "onnx": "test_20_onnx.py",
}
NOT_TO_BE_HAD = ("no network", "not offered", "no wheel")  # of torch: its builds for processors have an index of their own


def lock() -> int:
    """Resolve all lists together, then write for each all that it needs: one line a file set, with its hashes."""
    target = requirements.LISTS / requirements.LOCKED
    target.mkdir(exist_ok=True)
    universal = ["--universal", "--python-version", PYTHONS[0], *ONLY_WHEELS, "--no-header", "--no-annotate"]
    with tempfile.TemporaryDirectory() as folder:
        kept, together = Path(folder, "kept.txt"), Path(folder, "together.txt")
        kept.write_text(KEPT, encoding="utf-8")
        uv("pip", "compile", *universal, *map(listed, LISTS), "--constraint", kept, "--output-file", together)
        for name in LISTS:
            one = Path(folder, "one.txt")
            one.unlink(missing_ok=True)
            uv("pip", "compile", *universal, "--generate-hashes", listed(name), "--constraint", together, "--output-file", one)
            entries = re.findall(r"^\S(?:.*\\\n)*.*\n", one.read_text(encoding="utf-8"), re.MULTILINE)
            if name == "learning":
                write_lock(target, "torch", [entry for entry in entries if BUILD.match(entry)])
                entries = [entry for entry in entries if not BUILD.match(entry)]
            write_lock(target, name, entries)
    return 0


def write_lock(folder: Path, name: str, entries: list[str]) -> None:
    """Write one locked list."""
    head = "# Written by './dev pins lock'; change the list itself, not this file.\n"
    (folder / f"{name}.txt").write_text(head + "".join(entries), encoding="utf-8", newline="\n")
    print(f"{name}: {len(entries)} packages, {sum(entry.count('--hash=') for entry in entries)} files")


def wheels() -> int:
    """Ask the package index for every file that would be installed; print a line per platform and Python."""
    lists = {name: [name] for name in LISTS} | {"learning": ["learning", "torch"]}
    lacking = 0
    for platform, (target, macos) in PLATFORMS.items():
        for version in PYTHONS:
            missing = {name: lacks(target, macos, version, names) for name, names in lists.items()}
            lacking += any(missing.values())
            here = [name for name, what in missing.items() if not what]
            not_here = [f"not {name} ({what})" for name, what in missing.items() if what]
            print(f"{platform:26} {version:5} {', '.join(here + not_here)}", flush=True)
    print(f"{len(PLATFORMS) * len(PYTHONS) - lacking} of {len(PLATFORMS) * len(PYTHONS)} have wheels for every list")
    return 0


def lacks(target: str, macos: str, version: str, names: list[str]) -> str:
    """The package of some locked lists that has no wheel for a platform and a Python; '' for none."""
    with tempfile.TemporaryDirectory() as folder:
        lists = [part for name in names for part in ("--requirements", requirements.locked(name))]
        answer = subprocess.run(
            [*UV, "pip", "install", "--dry-run", "--require-hashes", *ONLY_WHEELS, "--python-platform", target,
             "--python-version", f"{version}.{PATCH}", "--target", folder, *map(str, lists)],
            env={**os.environ, **({"MACOSX_DEPLOYMENT_TARGET": macos} if macos else {})},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if answer.returncode == 0:
        return ""
    said = " ".join(answer.stderr.split())
    found = re.search(r"([\w.-]+)(?:\{[^}]*\})?==\S+ has no", said)
    return found.group(1) if found else said[:300]


def tests(pythons: list[str], lists: list[str]) -> int:
    """Run the tests of each list in each Python; one at a time, and each environment is removed after its tests."""
    lines, totals = [], [0, 0, 0]
    for version in pythons:
        for name, found in tested(version, lists):
            numbers = found if isinstance(found, tuple) else (0, 0, 1)
            totals = [a + b for a, b in zip(totals, numbers)]
            lines.append(f"{version:5} {name:12} {'{} passed, {} failed, {} skipped'.format(*numbers)}"
                         + (f": {found}" if isinstance(found, str) else ""))  # fmt: skip
            print(lines[-1], flush=True)
    print("\n".join(["", *lines, "{} passed, {} failed, {} skipped".format(*totals)]))
    return 1 if totals[1] or not totals[0] else 0


def tested(version: str, lists: list[str]):
    """Make the environment of one Python, add list after list; yields each with its numbers, or with why it is skipped."""
    python = found_python(version)
    if not python:
        yield ", ".join(lists), f"no Python {version} here"
        return
    folder = STATE / "pins" / version
    try:
        for name in ["base", *(name for name in lists if name != "base")]:
            try:
                environment.set_up(folder, () if name == "base" else (name,), Source(), python, environment._Console())
            except SetupError as error:
                if name in ("learning", "onnx") and error.failure.kind in NOT_TO_BE_HAD:
                    yield name, error.failure.sentence
                    continue
                print(error, flush=True)
                yield name, (0, 1, 0)
                return
            if name not in lists:
                continue
            own = environment.python_of(folder)
            subprocess.run([str(own), "-m", "pip", "install", "--quiet", "pytest>=8,<10", "hypothesis>=6.100,<7"], check=True)
            os.environ["PHENOFUSE_ENGINE_PYTHON"] = str(own)
            files = [str(ROOT / "tests" / file) for file in TESTS[name].split()]
            yield name, tuple(runtests.run(f"pins-{version}-{name}", own, files))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def found_python(version: str) -> str:
    """A Python of a version, on the path or among pyenv's; '' for none."""
    ours = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))  # first: its shims on the path need not run
    return str(ours[-1]) if ours else shutil.which(f"python{version}") or ""


def listed(name: str) -> Path:
    """The list as people write it."""
    return requirements.LISTS / f"{name}.txt"


def uv(*arguments) -> None:
    """Run uv; it says itself what is wrong."""
    subprocess.run([*UV, *map(str, arguments)], check=True)


def main(arguments=None) -> int:
    """Run one of the three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("lock", "wheels", "tests"))
    parser.add_argument("pythons", nargs="*", default=PYTHONS, help="of tests: 3.9 ...")
    parser.add_argument("--lists", default=",".join(LISTS), help="of tests: base,earthengine,...")
    given = parser.parse_args(arguments)
    if given.what == "tests":
        return tests(list(given.pythons), given.lists.split(","))
    return {"lock": lock, "wheels": wheels}[given.what]()


if __name__ == "__main__":
    sys.exit(main())
