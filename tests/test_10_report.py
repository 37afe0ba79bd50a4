"""Reports: self-contained, escaped, whole or absent, with strict JSON beside them; figures that show what they got."""
from __future__ import annotations

import base64
import io
import json
import os
import re
import threading
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.image import imread
from phenofuse.core.errors import OutputError
from phenofuse.core.outputs import numbers_of
from phenofuse.core.report import Mark, Report, figures, without_home
from phenofuse.core.report.report import VECTOR_BYTES_ALWAYS_KEPT


class Page(HTMLParser):
    """A parsed page: its text, tags with attributes, and what is left open."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def full_report(**changes):
    """Build a report with one of everything."""
    report = Report("Coverage", "NDVI, 62 dates")
    report.verdict("warning", "One pixel in five is weak.").key("VALID_PERCENT", 41.8765, "valid values", ".1f", "%")
    report.section("Dates").text("First.", "Second.")
    report.table("dates", [("Date", ""), ("Valid", ".1%"), ("State", "")],
                 [("2023-11-01", 0.4249, "fine"), ("2023-11-13", float("nan"), Mark("weak", "bad"))], "Per date.")
    report.figure(figures.lines([figures.Line("NDVI", np.arange(5.0), np.arange(5.0))], "NDVI"), "A line.")
    return report.facts(Input="ndvi.tif", GAP_DAYS=60).note("A remark.").number("series", np.array([1.0, np.nan]))


def test_page_is_whole_and_needs_nothing_else(tmp_path):
    """Every tag is closed, and no script, link or address outside the page is in it."""
    path = full_report().save(tmp_path / "report.html")
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.tags}
    sources = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert sources
    assert all(source.startswith("data:image/") for source in sources)
    assert not re.search(r"https?://", text)
    assert "prefers-color-scheme: dark" in text
    for shown in ("Coverage", "One pixel in five is weak.", "41.9", "42.5%", "–", "A remark.", "GAP DAYS"):
        assert shown in page.text


def test_json_holds_all_numbers_strictly(tmp_path):
    """The JSON beside the page has full precision, null for NaN, and nothing that strict readers refuse."""
    path = full_report().number("day", date(2023, 11, 1)).number("low", -np.inf).save(tmp_path / "report.html")

    def refuse(text):
        raise AssertionError(f"not strict JSON: {text}")

    data = json.loads(numbers_of(path).read_text(encoding="utf-8"), parse_constant=refuse)
    assert data["numbers"] == {"VALID_PERCENT": 41.8765, "series": [1.0, None], "day": "2023-11-01", "low": None}
    assert data["verdict"] == {"level": "warning", "text": "One pixel in five is weak."}
    assert data["tables"]["dates"][0] == {"Date": "2023-11-01", "Valid": 0.4249, "State": "fine"}
    assert data["tables"]["dates"][1] == {"Date": "2023-11-13", "Valid": None, "State": "weak"}
    assert data["facts"] == {"Input": "ndvi.tif", "GAP_DAYS": 60}


def test_text_is_escaped_everywhere(tmp_path):
    """Markup in any text shows as text."""
    evil = "<script>alert('x')</script>&"
    report = Report(evil, evil).verdict("bad", evil).key("A", evil, evil, unit=evil).section(evil).text(evil)
    report.table("t", [(evil, "")], [(evil,)], evil).facts(**{evil: evil}).note(evil)
    report.figure(figures.histogram([0, 1], [1], evil), evil + '"')
    page = Page(report.save(tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.text.count(evil) == 16


def test_home_folder_is_not_told(tmp_path, monkeypatch):
    """The home folder is written as ~ on the page and in the JSON; longer names that begin alike stay."""
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ann"))
    assert without_home("/home/ann/x.tif, /home/anna/y, /home/ann.") == "~/x.tif, /home/anna/y, ~."
    path = Report("At /home/ann/data").facts(Input="/home/ann/x.tif").save(tmp_path / "report.html")
    for file in (path, numbers_of(path)):
        assert "/home/ann" not in file.read_text(encoding="utf-8")


def test_failed_save_leaves_nothing(tmp_path, monkeypatch):
    """When writing fails, an older report stays as it was, no part is left behind, and the error says what to do."""
    path = Report("Old").save(tmp_path / "report.html")
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match="The disk of .* is full"):
        Report("New").save(path)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html", "report.html.json"]
    with pytest.raises(OutputError, match=r"\.html"):
        Report("New").save(tmp_path / "report.json")


def test_unknown_level_is_refused():
    """A verdict that is neither good, warning nor bad is a mistake of the caller."""
    with pytest.raises(ValueError, match="good, warning, bad"):
        Report("x").verdict("excellent", "…")


def test_vector_pictures_follow_the_scheme(tmp_path):
    """SVG figures are well-formed and draw their ink in the current colour, which turns light in the dark."""
    text = full_report().save(tmp_path / "report.html").read_text(encoding="utf-8")
    svg = base64.b64decode(re.search(r"data:image/svg\+xml;base64,([^\"]+)", text)[1]).decode("utf-8")
    ElementTree.fromstring(svg)
    assert svg.startswith("<svg ")
    assert "currentColor" in svg
    assert figures.INK not in svg.partition("</style>")[2]
    assert "prefers-color-scheme:dark" in svg


def test_heavy_pictures_become_bitmaps(tmp_path):
    """A figure whose vectors are larger than its pixels is kept as PNG."""
    rng = np.random.default_rng(1)
    figure = figures.lines([figures.Line("x", np.arange(20000.0), rng.normal(size=20000), points=True)], "x")
    text = Report("Heavy").figure(figure, "Points.").save(tmp_path / "r.html").read_text(encoding="utf-8")
    data = base64.b64decode(re.search(r"data:image/png;base64,([^\"]+)", text)[1])
    assert len(data) < 20000 * 20
    assert VECTOR_BYTES_ALWAYS_KEPT < 20000 * 20
    assert imread(io.BytesIO(data)).shape[1] > 1000


def every_figure():
    """One of each shared figure."""
    rng = np.random.default_rng(2)
    days = 19662 + 12.0 * np.arange(10)
    maps = rng.uniform(size=(2, 6, 8))
    maps[0, 0] = np.nan
    return {
        "lines": figures.lines([figures.Line("a", days, days, days - 1, days + 1)], "NDVI"),
        "coverage_bars": figures.coverage_bars(days, np.linspace(0, 100, 10), threshold=20),
        "bars": figures.bars(["a", "b"], {"x": [1, 2], "y": [2, 3]}, "n", baseline="y"),
        "histogram": figures.histogram([0, 1, 2], [3, 4], "NDVI"),
        "heat_map": figures.heat_map([[0.5, np.nan]], ["VV"], ["J", "F"], "r", (-1, 1), "RdBu"),
        "density_scatter": figures.density_scatter([0, 1, 2], [0, 1, 2], [[3, 0], [1, 5]], "x", "y"),
        "maps": figures.maps(maps, ["a", "b"], "NDVI"),
        "error_by_gap": figures.error_by_gap(["≤ 10", "> 80"], {"filled": [0.1, 0.2], "linear": [0.1, 0.3]}, "linear"),
        "reliability": figures.reliability([0.5, 0.9], {"filled": [0.3, 0.8]}),
        "all missing": figures.maps([np.full((3, 3), np.nan)], ["none"], "NDVI"),
        "no pairs": figures.density_scatter([0, 1, 2], [0, 1, 2], np.zeros((2, 2)), "x", "y"),
    }


def test_figures_are_the_same_from_many_threads():
    """Figures drawn at once by several threads equal, byte for byte, those drawn one after the other."""
    def draw(into):
        for name in ("lines", "maps"):
            figure = every_figure()[name]
            out = io.StringIO()
            figure.savefig(out, format="svg", metadata={"Date": None})
            into[name] = out.getvalue()

    alone = {}
    draw(alone)
    found = [{} for _ in range(3)]
    threads = [threading.Thread(target=draw, args=(into,)) for into in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(into == alone for into in found)


def test_figures_show_their_numbers():
    """What the axes hold is what was given: bars, lines, weak dates, baseline and ideal."""
    drawn = every_figure()
    bars = drawn["bars"].axes[0]
    assert sorted(patch.get_height() for patch in bars.patches) == [1, 2, 2, 3]
    coverage = drawn["coverage_bars"].axes[0]
    assert {text.get_text() for text in coverage.get_legend().get_texts()} == {"below 20%", "none at all"}
    by_gap = {line.get_label(): line for line in drawn["error_by_gap"].axes[0].get_lines()}
    assert by_gap["linear"].get_linestyle() == "--"
    assert list(by_gap["filled"].get_ydata()) == [0.1, 0.2]
    heat = [text.get_text() for text in drawn["heat_map"].axes[0].texts]
    assert heat == ["0.50"]
    assert drawn["reliability"].axes[0].get_xlim() == (0, 1)


def test_lines_that_agree_are_both_seen():
    """The subject of a figure lies above what it is compared with, and is thinner; points are of different shapes."""
    days = np.arange(5.0)
    names = ("this", "linear", "other")
    curves = [figures.Line(name, days, days) for name in names] + [
        figures.Line(str(number), days, days, points=True) for number in range(5)]
    pictures = (figures.lines(curves, "NDVI", baseline="linear", subject="this"),
                figures.error_by_gap(["a", "b"], {name: [0.1, 0.2] for name in names}, "linear", subject="this"))
    for picture in pictures:
        line = {one.get_label(): one for one in picture.axes[0].get_lines()}
        assert line["this"].get_zorder() > line["other"].get_zorder()
        assert line["this"].get_linewidth() < line["other"].get_linewidth()
    points = [one for one in pictures[0].axes[0].get_lines() if one.get_linestyle() == "None"]
    assert len(points) == 5 and len({one.get_marker() for one in points[:4]}) == 4


def test_a_colour_bar_says_what_lies_beyond():
    """Maps with values outside of the limits have an arrow there."""
    for low, high, extend in ((0, 1, "neither"), (0.3, 1, "min"), (0, 0.6, "max"), (0.3, 0.6, "both")):
        picture = figures.maps([np.array([[0.2, 0.7], [0.5, np.nan]])], [""], "x", (low, high))
        assert picture.axes[0].images[0].colorbar.extend == extend
