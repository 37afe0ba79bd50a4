"""The zip for the plugin site: what it holds, that it is reproducible, that the site's scan finds nothing critical."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import phenofuse.core.version
import pytest

STATE = Path(os.environ.get("PHENOFUSE_DEV_HOME", Path(__file__).resolve().parent.parent / ".dev"))
TOOLS_PYTHON = STATE / "tools" / "bin" / "python"


@pytest.fixture(scope="module")
def package(root, tmp_path_factory) -> Path:
    """Make the zip."""
    folder = tmp_path_factory.mktemp("package")
    done = subprocess.run(
        [sys.executable, str(root / "tools" / "package.py"), str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return next(folder.glob("phenofuse-*.zip"))


@pytest.fixture(scope="module")
def scan(root):
    """Give a function that scans a zip with the site's tools and returns exit status and output."""
    if not TOOLS_PYTHON.exists():
        pytest.skip("the site's tools are not installed here: ./dev test or ./dev package installs them")

    def run(package: Path) -> tuple[int, str]:
        done = subprocess.run(
            [str(TOOLS_PYTHON), str(root / "tools" / "scan.py"), str(package)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.stderr, done.stderr
        return done.returncode, done.stdout

    return run


def test_the_zip_holds_the_plugin_and_nothing_else(package):
    """One folder `phenofuse`, with what QGIS needs and without tests, tools, state or compiled files."""
    names = zipfile.ZipFile(package).namelist()
    rooms = {name.split("/")[1] for name in names if name.count("/") > 1}
    assert {name.split("/")[0] for name in names} == {"phenofuse"}
    assert {"algorithms", "core", "resources"} <= rooms <= {"algorithms", "core", "gui", "resources"}
    assert not [name for name in names if "__pycache__" in name or "/." in name]


def test_the_zip_is_reproducible(package, root, tmp_path):
    """Made from a copy of the checkout with other file times, the zip has the same bytes."""
    ignore = shutil.ignore_patterns(".git", ".dev", "__pycache__", "demo", "dist")
    copy = tmp_path / "another name"
    shutil.copytree(root, copy, ignore=ignore, copy_function=shutil.copyfile)
    subprocess.run(
        [sys.executable, str(copy / "tools" / "package.py"), str(tmp_path / "out")], check=True, capture_output=True
    )
    assert next((tmp_path / "out").glob("*.zip")).read_bytes() == package.read_bytes()


def test_the_scan_finds_nothing_critical(package, scan):
    """Bandit, detect-secrets, flake8, the look at the files and the validator's rules: no critical finding."""
    status, output = scan(package)
    assert status == 0, output
    assert re.search(r"\b0 critical\b", output)


FAULTS = [  # the file, what it holds, what the scan must say of it
    ("core/orbit.py", "orbit_" + "pass = 'ASCENDING'\n", "B105"),
    ("core/shell.py", "import subprocess\nsubprocess.run('ls', shell=" + "True)\n", "B602"),
    ("core/load.py", "import pic" + "kle\npic" + "kle.loads(b'')\n", "B301"),
    ("core/name.py", "x = undefined\n", "F821"),
    ("core/syntax.py", "def f(:\n", "E999"),
    ("resources/key.txt", "-----BEGIN RSA PRIVATE" + " KEY-----\n", "Private Key"),
    ("resources/run.sh", "true\n", "suspicious type"),
    ("core/__pycache__/a.pyc", "", "forbidden name"),
]


@pytest.fixture(scope="module")
def scan_of_faults(package, scan, tmp_path_factory) -> tuple[int, str]:
    """Scan a zip into which all the faults were planted."""
    faulty = tmp_path_factory.mktemp("faulty") / "faulty.zip"
    shutil.copy(package, faulty)
    with zipfile.ZipFile(faulty, "a") as archive:
        for name, text, _ in FAULTS:
            archive.writestr(f"phenofuse/{name}", text)
    return scan(faulty)


@pytest.mark.parametrize(("name", "finding"), [(name, finding) for name, _, finding in FAULTS])
def test_the_scan_sees_what_the_site_would_block(scan_of_faults, name, finding):
    """Each planted fault is found in its file and is critical, so that a clean scan means something."""
    status, output = scan_of_faults
    assert status == 1
    assert any(line.startswith("critical") and finding in line and name in line for line in output.splitlines()), output


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ("tracker=nowhere", "tracker is not a link"),
        ("version=0.1-beta", "digits and dots"),
        ("author=A/B", "slash"),
        ("about=", "about is missing"),
        ("icon=resources/none.svg", "not in the zip"),
    ],
)
def test_the_scan_reads_metadata_as_the_site_does(root, line, finding):
    """A spoilt line of metadata.txt is found and named."""
    spec = importlib.util.spec_from_file_location("scan", root / "tools" / "scan.py")
    scanner = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scanner)
    text = (root / "metadata.txt").read_text(encoding="utf-8")
    key = line.split("=")[0]
    spoilt = re.sub(rf"^{key}=.*(\n\t.*)*$", line, text, flags=re.MULTILINE)
    icon = re.search(r"^icon=(.*)$", text, re.MULTILINE).group(1)
    assert not [text for severity, _, text in scanner.validate_metadata(text, {icon}) if severity == "critical"]
    assert finding in " ".join(found for _, _, found in scanner.validate_metadata(spoilt, {icon}))


def test_versions_agree(root):
    """metadata.txt, the changelog and the engine name the same version."""
    version = re.search(r"^version=(.*)$", (root / "metadata.txt").read_text(encoding="utf-8"), re.MULTILINE).group(1)
    assert f"## {version}" in (root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert version == phenofuse.core.version.version()
