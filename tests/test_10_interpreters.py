"""Finding the Python to make an environment from, on simulated layouts of the three systems."""
from __future__ import annotations

import sys
from pathlib import Path

import pytest
from phenofuse.algorithms.bridge import interpreters, processes
from phenofuse.algorithms.bridge.interpreters import Layout


def tree(folder, *files):
    """Make files (with some content) below a folder."""
    for name in files:
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")


def found(layout, folder):
    """The candidates, relative to the folder of the simulated tree."""
    return [str(path.relative_to(folder)) for path in interpreters.candidates(layout)]


def test_windows_osgeo4w(tmp_path):
    """Under OSGeo4W it is apps/Python312/python.exe, never QGIS's own exe; the newest where there are several."""
    tree(tmp_path, "OSGeo4W/bin/qgis-ltr-bin.exe", "OSGeo4W/apps/Python39/python.exe",
         "OSGeo4W/apps/Python312/python.exe")
    root = tmp_path / "OSGeo4W"
    layout = Layout("Windows", (3, 12), root / "apps" / "Python312", root / "bin" / "qgis-ltr-bin.exe")
    assert found(layout, root) == ["apps/Python312/python.exe", "apps/Python39/python.exe"]


def test_windows_python_that_runs_only_inside_qgis_comes_last(tmp_path):
    """Where sys.executable is bin/python3.exe, as OSGeo4W sets it since July 2026, the real one is asked first."""
    tree(tmp_path, "OSGeo4W/bin/python3.exe", "OSGeo4W/bin/python.exe", "OSGeo4W/apps/Python312/python.exe")
    root = tmp_path / "OSGeo4W"
    layout = Layout("Windows", (3, 12), root / "apps" / "Python312", root / "bin" / "python3.exe")
    assert found(layout, root) == ["apps/Python312/python.exe", "bin/python3.exe", "bin/python.exe"]


def test_windows_prefix_that_does_not_exist(tmp_path):
    """A wrong sys.base_prefix (PYTHONHOME set by a batch file) still finds Python beside QGIS's exe."""
    tree(tmp_path, "QGIS 3.40/bin/qgis-bin.exe", "QGIS 3.40/apps/Python312/python.exe")
    root = tmp_path / "QGIS 3.40"
    layout = Layout("Windows", (3, 12), Path("/nowhere"), root / "bin" / "qgis-bin.exe")
    assert found(layout, root) == ["apps/Python312/python.exe"]


def test_windows_store_stub_is_skipped(tmp_path):
    """The Store's placeholder (of no size, or in WindowsApps) is no Python; one from python.org is."""
    tree(tmp_path, "Microsoft/WindowsApps/python.exe", "Programs/Python/Python311/python.exe", "bin/qgis.exe")
    (tmp_path / "bin" / "python.exe").touch()
    layout = Layout("Windows", (3, 12), Path("/nowhere"), tmp_path / "bin" / "qgis.exe",
                    shared=(tmp_path / "Programs" / "Python",),
                    search_path=(tmp_path / "Microsoft" / "WindowsApps", tmp_path / "bin"))
    assert found(layout, tmp_path) == ["Programs/Python/Python311/python.exe"]


@pytest.mark.parametrize("place", ["MacOS/bin/python3", "MacOS/bin/python3.9", "MacOS/python3.12",
                                   "Frameworks/Python.framework/Versions/3.12/bin/python3.12",
                                   "Frameworks/bin/python3.12", "Resources/python/bin/python3"])
def test_macos_bundles(tmp_path, place):
    """In the application bundle Python is found in every place that builds have put it."""
    tree(tmp_path, "QGIS.app/Contents/MacOS/QGIS", f"QGIS.app/Contents/{place}")
    contents = tmp_path / "QGIS.app" / "Contents"
    version = (3, 9) if "3.9" in place else (3, 12)
    layout = Layout("Darwin", version, Path("/nowhere"), contents / "MacOS" / "QGIS")
    assert found(layout, contents) == [place]


def test_macos_falls_back_to_homebrew(tmp_path):
    """Pythons outside the bundle come after those inside."""
    tree(tmp_path, "QGIS.app/Contents/MacOS/QGIS", "QGIS.app/Contents/MacOS/bin/python3", "homebrew/bin/python3.12")
    layout = Layout("Darwin", (3, 9), Path("/nowhere"), tmp_path / "QGIS.app/Contents/MacOS/QGIS",
                    shared=(tmp_path / "homebrew" / "bin",))
    assert found(layout, tmp_path) == ["QGIS.app/Contents/MacOS/bin/python3", "homebrew/bin/python3.12"]


def test_macos_never_the_stub_that_asks_for_developer_tools():
    """Apple's /usr/bin/python3 opens a window without the developer tools; it is not in the list of places."""
    layout = Layout("Darwin", sys.version_info[:2], Path("/nowhere"), Path("/nowhere/QGIS"))
    assert not any(str(path).startswith("/usr/bin") for path in interpreters.candidates(layout))


def test_linux_distribution(tmp_path):
    """On Linux the Python of the same minor version in QGIS's prefix comes first; QGIS itself is never one."""
    tree(tmp_path, "usr/bin/qgis", "usr/bin/python3", "usr/bin/python3.11", "usr/local/bin/python3")
    layout = Layout("Linux", (3, 11), tmp_path / "usr", tmp_path / "usr" / "bin" / "qgis",
                    shared=(tmp_path / "usr/bin", tmp_path / "usr/local/bin"))
    assert found(layout, tmp_path) == ["usr/bin/python3.11", "usr/bin/python3", "usr/local/bin/python3"]


def test_linux_conda_prefix(tmp_path):
    """QGIS from conda uses the Python of its own prefix before the system's."""
    tree(tmp_path, "conda/bin/python3.12", "usr/bin/python3")
    layout = Layout("Linux", (3, 12), tmp_path / "conda", tmp_path / "conda/bin/qgis", shared=(tmp_path / "usr/bin",))
    assert found(layout, tmp_path) == ["conda/bin/python3.12", "usr/bin/python3"]


def test_here_finds_a_usable_python():
    """On this very system at least one candidate runs, and is not refused."""
    probed = [interpreters.probe(path, processes.run) for path in interpreters.candidates(interpreters.here())]
    assert any(not one.problem for one in probed)


def script(tmp_path, body):
    """An executable that stands in for a Python."""
    path = tmp_path / "python3"
    path.write_text("#!/bin/sh\n" + body + "\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def answer(version="[3, 11, 2]", bits=64, venv="true", ensurepip="true", pip="true"):
    """What a stand-in says of itself."""
    return (f'echo \'{{"version": {version}, "bits": {bits}, "venv": {venv}, "ensurepip": {ensurepip}, '
            f'"pip": {pip}}}\'')


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
@pytest.mark.parametrize(("body", "problem"), [
    (answer(), ""),
    (answer(version="[3, 9, 5]"), ""),
    (answer(version="[3, 8, 10]"), "it is Python 3.8.10; 3.9 to 3.14 are needed"),
    (answer(version="[3, 15, 0]"), "it is Python 3.15.0; 3.9 to 3.14 are needed"),
    (answer(bits=32), "it is a 32-bit Python 3.11.2; the packages exist for 64 bits only"),
    (answer(venv="false"), "Python 3.11.2 has no venv module"),
    (answer(ensurepip="false"), ""),                 # its own pip can stand in
    (answer(ensurepip="false", pip="false"), "Python 3.11.2 has neither ensurepip nor pip"),
    ("exit 9", "it does not run"),
    ("echo 'Python was not found; run without arguments to install from the Microsoft Store'", "it does not run"),
])
def test_probe_judges(tmp_path, body, problem):
    """A candidate is judged by what it says of itself when it is run."""
    assert interpreters.probe(script(tmp_path, body), processes.run).problem == problem


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
def test_probe_does_not_wait_for_ever(tmp_path, monkeypatch):
    """A candidate that hangs (a window that nobody sees) is given up."""
    monkeypatch.setattr(interpreters, "SECONDS_TO_ANSWER", 0.3)
    assert interpreters.probe(script(tmp_path, "sleep 60"), processes.run).problem == "it does not run"


def test_probe_of_what_cannot_be_started(tmp_path):
    """A file that the system refuses to start is told, not raised."""
    (tmp_path / "python3").write_text("no program", encoding="utf-8")
    assert interpreters.probe(tmp_path / "python3", processes.run).problem == "it does not run"
