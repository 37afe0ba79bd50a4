"""'Set up engine' and 'Check engine' in QGIS: they need no engine, and say plainly what there is."""
from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

pytest.importorskip("qgis.core", reason="needs QGIS")
import processing
from phenofuse.algorithms.bridge import environment, places, settings
from qgis.core import QgsNetworkAccessManager, QgsProcessingException, QgsProcessingFeedback
from qgis.PyQt.QtNetwork import QNetworkProxy
from wheels import write_list, write_wheel


class Heard(QgsProcessingFeedback):
    """Keeps the log; cancels once a message holds certain words."""

    def __init__(self, cancel_at=None):
        super().__init__(False)
        self.lines, self._cancel_at = [], cancel_at

    def pushInfo(self, text):
        self.lines.append(text)
        if self._cancel_at and self._cancel_at in text:
            self.cancel()

    def pushWarning(self, text):
        self.lines.append(text)


@pytest.fixture
def tiny(provider, tmp_path, monkeypatch):
    """Give a folder of one small wheel, and a product that needs nothing else; the settings folder is empty."""
    wheels, lists = tmp_path / "wheels", tmp_path / "lists"
    wheels.mkdir()
    write_wheel(wheels, "tinybase", "1.0", {"tinybase.py": "VALUE = 1\n"})
    write_list(tmp_path, "base", "tinybase", "1.0")
    monkeypatch.setattr(environment, "set_up", functools.partial(environment.set_up, lists=lists))
    monkeypatch.setattr(settings, "home", lambda: tmp_path / "profile")
    monkeypatch.setattr(places, "shared", lambda: tmp_path / "home")
    monkeypatch.setattr(settings, "engine_python", lambda: "")
    return wheels


def test_setupengine_makes_the_environment(tiny, tmp_path):
    """From the toolbox, offline: sizes are said first, the environment is where it is looked for, with a report."""
    feedback = Heard()
    result = processing.run("phenofuse:setupengine", {"WHEELS": str(tiny), "REPORT": str(tmp_path / "report.html")},
                            feedback=feedback)
    assert "2 MB on disk" in feedback.lines[0]
    assert result["ENGINE_PYTHON"] == environment.find_engine("", tmp_path / "home").python
    assert result["SIZE_MB"] > 1
    assert result["SECONDS"] > 0
    assert "tinybase 1.0" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_setupengine_elsewhere_becomes_the_option(tiny, tmp_path, monkeypatch):
    """With FOLDER on another disk the option Engine Python points there afterwards."""
    chosen = {}
    monkeypatch.setattr("phenofuse.algorithms.tools.setupengine.ProcessingConfig.setSettingValue", chosen.__setitem__)
    (tmp_path / "disk").mkdir()
    result = processing.run("phenofuse:setupengine", {"WHEELS": str(tiny), "FOLDER": str(tmp_path / "disk")})
    assert chosen == {settings.ENGINE_PYTHON: result["ENGINE_PYTHON"]}
    assert Path(result["ENGINE_PYTHON"]).is_relative_to(tmp_path / "disk")


def test_setupengine_says_when_an_option_hides_it(tiny, monkeypatch):
    """When the option names another Python, which is used instead, that is said aloud."""
    monkeypatch.setattr(settings, "engine_python", lambda: "/opt/other/python")
    feedback = Heard()
    processing.run("phenofuse:setupengine", {"WHEELS": str(tiny)}, feedback=feedback)
    assert any("/opt/other/python" in line and "instead" in line for line in feedback.lines)


def test_setupengine_fails_with_a_sentence(tiny, tmp_path):
    """An expected failure is one sentence and a remedy, never a traceback."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(QgsProcessingException, match=r"holds no wheel files.*pip download"):
        processing.run("phenofuse:setupengine", {"WHEELS": str(tmp_path / "empty")}, feedback=Heard())


def test_setupengine_fails_in_the_words_of_the_dialog(tiny, tmp_path):
    """What to do names a parameter as the dialog shows it, and as the command line calls it."""
    (tmp_path / "home" / "engine-1").mkdir(parents=True)
    (tmp_path / "home" / "engine-1" / "letter.txt").touch()
    with pytest.raises(QgsProcessingException, match=r"Give 'Another folder for the environment' \(FOLDER\) an empty or a new folder"):
        processing.run("phenofuse:setupengine", {"WHEELS": str(tiny)}, feedback=Heard())


def test_setupengine_without_an_extra_is_used_all_the_same(tiny, tmp_path, monkeypatch):
    """An extra that cannot be installed is an error that says so; the option points to the engine that works without it."""
    chosen = {}
    monkeypatch.setattr("phenofuse.algorithms.tools.setupengine.ProcessingConfig.setSettingValue", chosen.__setitem__)
    write_list(tmp_path, "cluster", "tinydask", "2.0")
    (tmp_path / "disk").mkdir()
    with pytest.raises(QgsProcessingException, match=r"The base works\. The extra cluster could not be installed: .*tinydask==2\.0"):
        processing.run("phenofuse:setupengine", {"WHEELS": str(tiny), "FOLDER": str(tmp_path / "disk"), "EXTRAS": ["cluster"]},
                       feedback=Heard())
    assert chosen == {settings.ENGINE_PYTHON: str(environment.python_of(tmp_path / "disk"))}


def test_engine_of_an_earlier_version_is_used_where_it_is(tiny, tmp_path):
    """An engine that lies in the profile's settings folder is found and kept there, while there is none for all profiles."""
    old = environment.managed_folder(tmp_path / "profile")
    processing.run("phenofuse:setupengine", {"WHEELS": str(tiny)}, feedback=Heard())
    assert settings.engines() == tmp_path / "home"
    old.parent.mkdir(parents=True)
    environment.managed_folder(tmp_path / "home").rename(old)
    assert settings.engines() == tmp_path / "profile"
    assert Path(environment.find_engine("", settings.engines()).python).is_relative_to(old)


def test_setupengine_can_be_cancelled(tiny, tmp_path):
    """Cancel in the dialog stops it; no engine is there then, and the same call continues."""
    with pytest.raises(QgsProcessingException, match="continues where it stopped"):
        processing.run("phenofuse:setupengine", {"WHEELS": str(tiny)}, feedback=Heard(cancel_at="Made an environment"))
    assert environment.installed(environment.managed_folder(tmp_path / "home")) == {}
    assert processing.run("phenofuse:setupengine", {"WHEELS": str(tiny)}, feedback=Heard())["SIZE_MB"] > 1


def test_setupengine_uses_the_proxy_of_qgis(provider):
    """The proxy of QGIS's network options is taken over; without one there is none."""
    from phenofuse.algorithms.tools.setupengine import _proxy_of_qgis

    manager = QgsNetworkAccessManager.instance()
    before = manager.fallbackProxy()
    excluded = manager.excludeList()
    try:
        manager.setFallbackProxyAndExcludes(
            QNetworkProxy(QNetworkProxy.ProxyType.HttpProxy, "proxy.example", 3128, "anna", "k@y"), excluded, [])
        assert _proxy_of_qgis() == "http://anna:k%40y@proxy.example:3128"
        manager.setFallbackProxyAndExcludes(QNetworkProxy(QNetworkProxy.ProxyType.NoProxy), excluded, [])
        assert _proxy_of_qgis() == ""
    finally:
        manager.setFallbackProxyAndExcludes(before, excluded, [])


def test_checkengine_without_an_engine(provider, tmp_path, monkeypatch):
    """Without any engine the check does not fail: the missing engine is the first problem, with its remedy."""
    monkeypatch.setattr(settings, "home", lambda: tmp_path)
    monkeypatch.setattr(places, "shared", lambda: tmp_path / "home")
    monkeypatch.setattr(settings, "engine_python", lambda: str(tmp_path / "no-python"))
    result = processing.run("phenofuse:checkengine", {"REPORT": str(tmp_path / "check.html")}, feedback=Heard())
    assert result["PROBLEMS"] >= 1
    assert "1. The setting Engine Python names" in result["TEXT"]
    assert "there is no such file" in (tmp_path / "check.html").read_text(encoding="utf-8")


def test_checkengine_tells_of_both_sides(provider):
    """With the engine of the tests: versions of both sides, in the log too, and nothing personal."""
    feedback = Heard()
    text = processing.run("phenofuse:checkengine", {}, feedback=feedback)["TEXT"]
    assert re.search(r"QGIS +3\.\d+", text)
    assert re.search(r"Packages +numpy \d", text)
    assert re.search(r"GDAL +\d", text)
    assert "Numba" in text
    assert any("Packages" in line for line in feedback.lines)
    home = str(Path.home())
    assert len(home) < 2 or home + "/" not in text
