"""The report of 'Check engine': every problem with its remedy, nothing personal, and facts that never fail."""
from __future__ import annotations

import copy
import json
import sys
from pathlib import Path

import pytest
from phenofuse.algorithms.bridge import checkreport, requirements
from phenofuse.core import jobs
from phenofuse.core.environment import facts, job
from phenofuse.core.events import Silent

LOWEST = {"numpy": "2.0.2", "rasterio": "1.4.3", "torch": "2.8.0", "dask": "2024.8.0"}
QGIS = {"plugin": "0.1.0", "qgis": "3.40.6", "qt": "5.15.15", "python": "3.13.5", "system": "Linux",
        "folders": {"settings": {"path": "/home/anna/.local/share/QGIS", "free_mb": 50_000, "writable": True}}}
ENGINE = {"python": "/home/anna/engine-1/bin/python", "reason": "set up by setupengine"}
FACTS = {
    "python": {"version": "3.13.5", "path": "/home/anna/engine-1/bin/python", "bits": 64},
    "machine": {"system": "Linux", "processor": "x86_64", "cores": 4, "memory_mb": 16_000, "free_memory_mb": 9_000},
    "packages": {"numpy": "2.4.6", "rasterio": "1.4.4", "torch": "2.13.0+cpu", "dask": ""},
    "rasters": {"gdal": "3.10.3", "netcdf": True},
    "graphics": {"torch": [], "driver": [], "problem": ""},
    "compiling": {"cache": "/home/anna/cache", "cache_writable": True, "works": True, "seconds": 0.4},
    "earth_engine": {"credentials": False},
    "resources": {"memory_mb": 1024, "workers": 4, "device": "auto", "scheduler": ""},
}


def changed(**parts):
    """The facts with some parts changed: part={key: value}."""
    facts = copy.deepcopy(FACTS)
    for part, values in parts.items():
        facts[part].update(values)
    return facts


def test_sound_machine_has_no_problem():
    """A missing extra is no problem, and a local build of torch is not too old."""
    assert checkreport.problems(QGIS, ENGINE, FACTS, LOWEST) == []
    assert checkreport.text(QGIS, ENGINE, FACTS, []).startswith("Phenofuse 0.1.0: all is well\n")


@pytest.mark.parametrize(("facts", "said", "remedy"), [
    (changed(packages={"numpy": "1.24.2"}), "numpy is 1.24.2; at least 2.0.2", "phenofuse:setupengine."),
    (changed(packages={"rasterio": ""}), "no rasterio", "phenofuse:setupengine."),
    (changed(packages={"torch": "1.13.1"}), "torch is 1.13.1", "EXTRAS=learning"),
    (changed(packages={"numpy": "broken: ImportError: DLL load"}), "does not load (ImportError: DLL", "REBUILD=true"),
    (changed(compiling={"works": False, "problem": "OSError: LLVM"}), "not compile (OSError: LLVM)", "REBUILD=true"),
    (changed(compiling={"cache_writable": False}), "cannot be written", "rights"),
    (changed(machine={"memory_mb": 1500}), "1500 MB of memory", "256 MB"),
    (changed(machine={"free_memory_mb": 700}), "700 MB of memory are free", "Close other programs"),
    (changed(graphics={"driver": ["NVIDIA A, 8 GiB, 550"]}), "NVIDIA GPU", "TORCH=cuda"),
    (changed(graphics={"driver": ["NVIDIA A"], "torch": ["NVIDIA A"], "problem": "this torch holds no code for the NVIDIA A"}),
     "on the processor: this torch holds no code for the NVIDIA A.", "INDEX_URL"),
])
def test_each_problem_is_found_with_its_remedy(facts, said, remedy):
    """One thing wrong gives one problem, which names it and the one thing to do."""
    found = checkreport.problems(QGIS, ENGINE, facts, LOWEST)
    assert len(found) == 1
    assert said in found[0].text
    assert remedy in found[0].remedy
    report = checkreport.text(QGIS, ENGINE, facts, found)
    assert "1 problem\n" in report
    assert f"-> {found[0].remedy}" in report


@pytest.mark.parametrize(("state", "said"), [({"writable": False}, "cannot be written"),
                                             ({"free_mb": 12}, "Only 12 MB")])
def test_folders_of_qgis_are_judged(state, said):
    """A full or locked folder on QGIS's side is a problem even when the engine does not answer."""
    qgis = copy.deepcopy(QGIS)
    qgis["folders"]["settings"].update(state)
    found = checkreport.problems(qgis, {"problem": "No engine.", "remedy": "Run phenofuse:setupengine."}, {}, LOWEST)
    assert found[0].text == "No engine."
    assert said in found[1].text
    assert "Python          none" in checkreport.text(qgis, {"problem": "No engine."}, {}, found)


@pytest.mark.parametrize(("home", "written", "expected"), [
    ("/home/anna", "at /home/anna/.local/x", "at ~/.local/x"),
    ("/home/anna", "at /home/annabel/x", "at /home/annabel/x"),
    ("/home/anna", "on /media/anna/disk/engine", "on /media/<user>/disk/engine"),
    ("/home/anna", "anna is a word", "anna is a word"),
    (r"C:\Users\Anna Li", r"at c:\users\anna li\AppData\engine", r"at ~\AppData\engine"),
    (r"C:\Users\Anna Li", "at C:/Users/Anna Li/AppData", "at ~/AppData"),
])
def test_home_and_user_are_redacted(home, written, expected):
    """The home folder becomes ~ and the user's name vanishes from other paths, in Windows' spellings too."""
    assert checkreport.redact(written, home, home.replace("\\", "/").split("/")[-1]) == expected


def test_whole_report_is_redacted(monkeypatch):
    """No path of the report betrays who made it."""
    monkeypatch.setattr(checkreport.Path, "home", classmethod(lambda cls: Path("/home/anna")))
    report = checkreport.text(QGIS, ENGINE, FACTS, checkreport.problems(QGIS, ENGINE, FACTS, LOWEST))
    assert "anna" not in report
    assert "~/engine-1/bin/python" in report


def test_page_keeps_the_text(tmp_path):
    """The HTML page holds the very text, its signs escaped."""
    checkreport.write_page(tmp_path / "page.html", "Check engine", "a < b -> c\n  d")
    assert "<pre>a &lt; b -&gt; c\n  d</pre>" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_engine_answers_all_that_the_report_needs():
    """The job's facts of this very Python make a report without a gap; the base is sound here."""
    answer = json.loads(job.run({}, jobs.Resources(), Silent())["numbers"]["FACTS"])
    lowest = requirements.lowest_versions()
    found = checkreport.problems(QGIS, ENGINE, answer, lowest)
    assert not [problem for problem in found if "engine's" in problem.text or "compile" in problem.text]
    report = checkreport.text(QGIS, ENGINE, answer, found)
    assert f"numpy {answer['packages']['numpy']}" in report
    assert answer["python"]["path"] == sys.executable
    assert answer["machine"]["cores"] >= 1
    assert answer["machine"]["memory_mb"] > answer["machine"]["free_memory_mb"] > 0


def test_facts_survive_what_is_broken(monkeypatch, tmp_path):
    """A package that fails at import and a cache that cannot be written are told, not raised."""
    def fail(name):
        raise OSError(f"{name}.dll not found\nmore")

    monkeypatch.setattr(facts.importlib, "import_module", fail)
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert facts.packages()["numpy"] == "broken: OSError: numpy.dll not found"
    assert facts.rasters() == {"gdal": "", "netcdf": False, "problem": "OSError: rasterio.dll not found"}
    assert facts.graphics()["torch"] == []
    compiling = facts.compiling()
    assert not compiling["works"]
    assert not compiling["cache_writable"]


def test_credentials_are_only_looked_for(monkeypatch, tmp_path):
    """Whether credentials are there is told; a file that cannot even be read is enough."""
    monkeypatch.setattr(facts.Path, "home", classmethod(lambda cls: tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    assert facts.earth_engine() == {"credentials": False}
    place = tmp_path / ".config" / "earthengine"
    place.mkdir(parents=True)
    (place / "credentials").write_bytes(b"\xff\x00 no text at all")
    assert facts.earth_engine() == {"credentials": True}
