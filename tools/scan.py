"""Scan a plugin zip as the QGIS plugin site does, and list what it would say.

The rules are those the site publishes: what its validator refuses, then Bandit, detect-secrets, flake8 and its own look
at the files. A critical finding blocks downloads; a warning is shown beside the plugin.

Usage: scan.py ZIP   (with a Python that has the three tools; exit status 1 when anything is critical)
"""

from __future__ import annotations

import configparser
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

LARGEST = 25_000_000  # bytes; the site's upload limit
REQUIRED = ("name", "description", "version", "qgisMinimumVersion", "author", "email", "about", "tracker", "repository")
ALSO_WANTED = (
    "homepage",
    "tags",
    "icon",
    "changelog",
    "qgisMaximumVersion",
    "experimental",
    "deprecated",
    "hasProcessingProvider",
)
FORBIDDEN_PARTS = ("__MACOSX", ".git", "__pycache__")
SUSPICIOUS = (".exe", ".dll", ".so", ".dylib", ".bat", ".sh", ".ps1", ".cmd", ".pyd")
BANDIT_CRITICAL = """
    B102 B103 B105 B106 B107 B111 B201 B202 B301 B302 B304 B305 B306 B307 B312 B321 B323 B401 B402
    B412 B413 B501 B502 B503 B505 B506 B507 B601 B602 B604 B605 B609 B610 B611 B612 B613 B615 B701
""".split()
BANDIT_SILENT = ("B109", "B404", "B410", "B411")  # rules the site keeps switched off
FLAKE8_CRITICAL = ("E901", "E902", "E999", "F821", "F823", "F831")
FLAKE8_WARNING = (
    "E101",
    "E711",
    "E712",
    "E713",
    "E714",
    "E721",
    "E722",
    "E731",
    "E741",
    "E742",
    "E743",
    "W605",
    "F402",
    "F403",
    "F404",
    "F405",
    "F811",
    "F822",
    "F901",
)


def main(package: Path) -> int:
    """Print every finding, then the counts and the size; 1 when something is critical."""
    findings = scan(package)
    for severity, tool, text in findings:
        print(f"{severity:8}  {tool:14}  {text}")
    critical = sum(severity == "critical" for severity, _, _ in findings)
    print(f"{package.name}: {package.stat().st_size:,} bytes, {critical} critical, {len(findings) - critical} warnings")
    return 1 if critical else 0


def scan(package: Path) -> list[tuple[str, str, str]]:
    """Return all findings as (severity, tool, text), the critical ones first."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(package) as archive:
        findings = [*validate(package, archive), *look_at_files(archive)]
        archive.extractall(folder)
        findings += [*run_bandit(folder), *run_secrets(folder), *run_flake8(folder)]
    return sorted(findings)


def validate(package: Path, archive: zipfile.ZipFile):
    """Yield what makes the site refuse an upload."""
    names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    top = min(tops)
    if package.stat().st_size > LARGEST:
        yield "critical", "validator", f"{package.stat().st_size:,} bytes are more than {LARGEST:,}"
    if tops != {top} or not top.isidentifier():
        yield "critical", "validator", f"one top folder named like a Python module is wanted, not {sorted(tops)}"
    for name in names:
        if (
            ".." in name
            or name.startswith("/")
            or "\\" in name
            or ".pyc" in name
            or set(FORBIDDEN_PARTS) & set(name.split("/"))
        ):
            yield "critical", "validator", f"forbidden name {name}"
    for wanted in ("__init__.py", "metadata.txt", "LICENSE"):
        if f"{top}/{wanted}" not in names:
            yield "critical", "validator", f"{wanted} is missing"
    if f"{top}/metadata.txt" in names:
        yield from validate_metadata(
            archive.read(f"{top}/metadata.txt").decode("utf-8"), {name[len(top) + 1 :] for name in names}
        )


def validate_metadata(text: str, names: set[str]):
    """Yield what is wrong in metadata.txt. Whether its links answer is only seen when it is uploaded."""
    parser = configparser.ConfigParser()
    parser.optionxform = str
    parser.read_string(text)
    general = parser["general"]
    for key in REQUIRED:
        if not general.get(key):
            yield "critical", "metadata", f"{key} is missing"
    for key in ALSO_WANTED:
        if key not in general:
            yield "warning", "metadata", f"{key} is missing"
    if not re.fullmatch(r"\d+(\.\d+)*", general.get("version", "")):
        yield "critical", "metadata", f"version {general.get('version')!r} is not digits and dots"
    if "/" in general.get("author", ""):
        yield "critical", "metadata", "author holds a slash"
    if "plugin" in general.get("name", "").lower():
        yield "critical", "metadata", "the name holds the word plugin"
    if general.get("icon", "") not in names:
        yield "critical", "metadata", f"the icon {general.get('icon')} is not in the zip"
    for key in ("tracker", "repository", "homepage"):
        if not re.match(r"https?://[^/]+", general.get(key, "")):
            yield "critical", "metadata", f"{key} is not a link"


def look_at_files(archive: zipfile.ZipFile):
    """Yield suspicious, executable, hidden and binary files."""
    for entry in archive.infolist():
        if entry.filename.lower().endswith(SUSPICIOUS):
            yield "critical", "files", f"suspicious type: {entry.filename}"
        if entry.external_attr >> 16 & 0o111:
            yield "warning", "files", f"executable: {entry.filename}"
        if Path(entry.filename).name.startswith("."):
            yield "warning", "files", f"hidden: {entry.filename}"
        if b"\0" in archive.read(entry)[:8192] and not entry.filename.endswith((".png", ".tif", ".npz", ".qm")):
            yield "warning", "files", f"binary: {entry.filename}"


def run_bandit(folder: str):
    """Yield Bandit's findings; the site ignores the severities that Bandit itself gives."""
    report = json.loads(tool(folder, "bandit", "-r", ".", "-f", "json", "--quiet", "--skip", ",".join(BANDIT_SILENT)))
    for error in report["errors"]:
        yield "critical", "bandit", f"{error['filename']} could not be read: {error['reason']}"
    for result in report["results"]:
        severity = "critical" if result["test_id"] in BANDIT_CRITICAL else "warning"
        yield (
            severity,
            "bandit",
            f"{result['test_id']} {result['filename']}:{result['line_number']} {result['issue_text']}",
        )


def run_secrets(folder: str):
    """Yield what looks like a credential; all of these are critical."""
    report = json.loads(tool(folder, "detect_secrets", "scan", "--all-files", "--exclude-files", r"metadata\.txt", "."))
    for name, results in report["results"].items():
        for result in results:
            yield "critical", "detect-secrets", f"{result['type']} {name}:{result['line_number']}"


def run_flake8(folder: str):
    """Yield flake8's findings among the codes the site looks for."""
    chosen = ",".join(FLAKE8_CRITICAL + FLAKE8_WARNING)
    for line in tool(folder, "flake8", "--isolated", "--max-line-length=120", f"--select={chosen}", ".").splitlines():
        code = line.split(": ", 1)[-1].split()[0]
        yield "critical" if code in FLAKE8_CRITICAL else "warning", "flake8", line


def tool(folder: str, module: str, *arguments: str) -> str:
    """Run one of the tools in the folder; they exit with 1 when they find something."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1) or (done.returncode and not done.stdout):
        raise SystemExit(f"{module} failed: {done.stderr[-500:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
