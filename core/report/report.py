"""A report: a verdict in one sentence, the figures behind it, and how it was made.

The page is a single HTML file that needs no network and no script, follows the reader's light or
dark scheme, prints, and stays readable in the plain viewers inside QGIS (QtWebKit, QTextBrowser):
hence tables for layout, colours written out, and pictures as data. Beside ``name.html`` lies
``name.html.json`` with every number of the page in full precision.
"""
from __future__ import annotations

import base64
import contextlib
import html
import io
import json
import math
import os
import re
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

from ..files import writing
from ..outputs import numbers_of, replace_together, require_our_numbers
from .figures import INK

LEVELS = {"good": "Good", "warning": "Look closer", "bad": "Problem"}

# Vector pictures stay sharp and follow the dark scheme, so they are kept up to this size even where
# a bitmap would be smaller; beyond it (dense scatter, large maps) the smaller of the two is taken.
VECTOR_BYTES_ALWAYS_KEPT = 150_000
BITMAP_DPI = 160  # twice the 80 to 100 dots per inch of common screens
CSS_PIXELS_PER_INCH = 96  # CSS 2.1, section 4.3.2


class Mark(NamedTuple):
    """A table cell with a level of its own: good, warning or bad."""

    value: object
    level: str


class Report:
    """Collects what a job found and saves it as HTML and JSON. Calls can be chained.

    Parameters
    ----------
    title : str
        What the report is about.
    subtitle : str, optional
        One line below the title, for example the name of the series and its dates.

    Examples
    --------
    >>> report = Report("Coverage of NDVI")
    >>> _ = report.verdict("warning", "One pixel in five has a gap of more than 60 days.")
    >>> _ = report.section("Dates").table("dates", [("Date", ""), ("Valid", ".1%")], [("2023-11-01", 0.42)])
    """

    def __init__(self, title: str, subtitle: str = ""):
        self.title = title
        self.subtitle = subtitle
        self._verdict: tuple[str, str] | None = None
        self._keys: list[_Key] = []
        self._sections: list[_Section] = [_Section("", [])]
        self._facts: dict = {}
        self._notes: list[str] = []
        self._numbers: dict = {}

    def verdict(self, level: str, sentence: str) -> Report:
        """Say the outcome in one sentence; `level` is ``good``, ``warning`` or ``bad``."""
        if level not in LEVELS:
            raise ValueError(f"level is {level!r}; expected one of {', '.join(LEVELS)}")
        self._verdict = (level, sentence)
        return self

    def key(self, name: str, value, label: str, spec: str = "", unit: str = "") -> Report:
        """Add a key figure: `name` for the JSON, `label` and `unit` for people, `spec` as in ``format``."""
        self._keys.append(_Key(name, value, label, spec, unit))
        return self

    def section(self, title: str) -> Report:
        """Begin a section; what follows belongs to it."""
        self._sections.append(_Section(title, []))
        return self

    def text(self, *paragraphs: str) -> Report:
        """Add paragraphs."""
        self._sections[-1].blocks.extend(_Text(paragraph) for paragraph in paragraphs)
        return self

    def table(self, name: str, columns, rows, caption: str = "") -> Report:
        """Add a table.

        Parameters
        ----------
        name : str
            Its key in the JSON.
        columns : sequence of (label, spec)
            `spec` is a format specification such as ``.3f`` or ``,d``; '' marks a column of text.
        rows : sequence of sequences
            Values; None and NaN show as a dash. A `Mark` colours its cell.
        caption : str, optional
            One sentence above the table.
        """
        self._sections[-1].blocks.append(_Table(name, tuple(columns), [tuple(row) for row in rows], caption))
        return self

    def figure(self, figure, caption: str) -> Report:
        """Add a matplotlib figure; it is drawn now. `caption` says what it shows (also its alternative text)."""
        self._sections[-1].blocks.append(_Picture(*_picture(figure), caption))
        return self

    def number(self, name: str, value) -> Report:
        """Put a number (or a list or dict of them) into the JSON only."""
        self._numbers[name] = value
        return self

    def facts(self, **facts) -> Report:
        """Say how it was made: inputs, parameters, versions. Underscores in names show as spaces."""
        self._facts.update(facts)
        return self

    def note(self, text: str) -> Report:
        """Add a remark at the foot of the page."""
        self._notes.append(text)
        return self

    def save(self, path) -> Path:
        """Write ``path`` (HTML), and beside it its numbers; both appear whole or not at all.

        Raises
        ------
        OutputError
            When the folder cannot be written, the name ends in ``.json``, or a file that is none of ours has the name of the
            numbers.
        """
        path = Path(path)
        require_our_numbers(path)
        numbers = json.dumps({"phenofuse": "report", **_plain(self._as_dict())}, indent=1, allow_nan=False)
        write_whole({path: self._as_html(), numbers_of(path): numbers})
        return path

    def _as_dict(self) -> dict:
        level, sentence = self._verdict or (None, None)
        tables = [block for section in self._sections for block in section.blocks if isinstance(block, _Table)]
        return {
            "title": self.title,
            "subtitle": self.subtitle,
            "verdict": {"level": level, "text": sentence},
            "numbers": {**{key.name: key.value for key in self._keys}, **self._numbers},
            "tables": {table.name: table.records() for table in tables},
            "sections": [{"title": section.title, "text": [b.text for b in section.blocks if isinstance(b, _Text)],
                          "figures": [b.caption for b in section.blocks if isinstance(b, _Picture)]}
                         for section in self._sections if section.blocks],
            "facts": self._facts,
            "notes": self._notes,
        }

    def _as_html(self) -> str:
        parts = [f"<h1>{_escape(self.title)}</h1>"]
        if self.subtitle:
            parts.append(f'<p class="subtitle">{_escape(self.subtitle)}</p>')
        if self._verdict:
            level, sentence = self._verdict
            parts.append(f'<table class="verdict" width="100%" cellpadding="12"><tr><td class="{level}">'
                         f"<b>{LEVELS[level]}.</b> {_escape(sentence)}</td></tr></table>")
        if self._keys:
            cells = "".join(key.html() for key in self._keys)
            parts.append(f'<table class="keys" cellpadding="8"><tr>{cells}</tr></table>')
        for section in self._sections:
            parts.extend([f"<h2>{_escape(section.title)}</h2>"] if section.title else [])
            parts.extend(block.html() for block in section.blocks)
        if self._notes:
            parts.append("<h2>Notes</h2>" + "".join(f"<p>{_escape(note)}</p>" for note in self._notes))
        if self._facts:
            rows = "".join(f'<tr><td class="name">{_escape(name.replace("_", " "))}</td><td>{_escape(_shown(value))}'
                           "</td></tr>" for name, value in self._facts.items())
            parts.append(f'<h2>How this was made</h2><table class="facts" cellpadding="3">{rows}</table>')
        return _PAGE.format(title=_escape(self.title), light=_LIGHT, dark=_DARK, body="\n".join(parts))


def without_home(text: str) -> str:
    """The text with the user's home folder written as ``~``: reports are shared."""
    for home in {str(Path.home()), Path.home().as_posix()}:
        if len(home) > 1:
            # Not inside a longer name: /home/ann is no part of /home/anna.
            text = re.sub(re.escape(home) + r"(?![\w-]|\.\w)", "~", text, flags=re.I if os.name == "nt" else 0)
    return text


def write_whole(texts: dict) -> None:
    """Write text files (path: text), all of them or none.

    Raises
    ------
    DiskError, OutputError
        When they cannot be written; everything is as it was then.
    """
    with contextlib.ExitStack() as stack:
        moves = [(stack.enter_context(writing(path)), path) for path in texts]
        for (temporary, _), text in zip(moves, texts.values()):
            temporary.write_text(text, encoding="utf-8", errors="xmlcharrefreplace")
        replace_together(moves)


class _Section(NamedTuple):
    title: str
    blocks: list


class _Key(NamedTuple):
    name: str
    value: object
    label: str
    spec: str
    unit: str

    def html(self) -> str:
        unit = f' <span class="unit">{_escape(self.unit)}</span>' if self.unit else ""
        return (f'<td><span class="value">{_escape(_formatted(self.value, self.spec))}</span>{unit}'
                f'<br><span class="label">{_escape(self.label)}</span></td>')


class _Text(NamedTuple):
    text: str

    def html(self) -> str:
        return f"<p>{_escape(self.text)}</p>"


_DATES = re.compile(r"\d{4}-\d\d-\d\d(/\d{4}-\d\d-\d\d| \d\d:\d\d:\d\d)?")


class _Table(NamedTuple):
    name: str
    columns: tuple
    rows: list
    caption: str

    def html(self) -> str:
        head = "".join(f'<th align="{_side(spec)}">{_escape(label)}</th>' for label, spec in self.columns)
        body = "".join(f"<tr>{''.join(map(self._cell, row, self.columns))}</tr>" for row in self.rows)
        caption = f'<p class="caption">{_escape(self.caption)}</p>' if self.caption else ""
        return f'{caption}<table class="data" cellpadding="4"><tr>{head}</tr>{body}</table>'

    def records(self) -> list[dict]:
        labels = [label for label, _ in self.columns]
        return [dict(zip(labels, (c.value if isinstance(c, Mark) else c for c in row))) for row in self.rows]

    @staticmethod
    def _cell(cell, column) -> str:
        value, level = cell if isinstance(cell, Mark) else (cell, "")
        shade, text = f' class="{level}"' if level else "", _formatted(value, column[1])
        whole = " nowrap" if _DATES.fullmatch(text) else ""  # browsers would break a date at its hyphens
        return f'<td align="{_side(column[1])}"{shade}{whole}>{_escape(text)}</td>'


class _Picture(NamedTuple):
    kind: str
    data: bytes
    width: int
    height: int
    caption: str

    def html(self) -> str:
        mime = {"svg": "image/svg+xml", "png": "image/png"}[self.kind]
        data = base64.b64encode(self.data).decode()
        return (f'<p class="picture"><img class="{self.kind}" alt="{_escape(self.caption)}" width="{self.width}" '
                f'height="{self.height}" src="data:{mime};base64,{data}"></p>'
                f'<p class="caption">{_escape(self.caption)}</p>')


def _picture(figure) -> tuple[str, bytes, int, int]:
    """Kind, bytes, width and height (CSS pixels) of a figure, as SVG or PNG."""
    width, height = (round(inches * CSS_PIXELS_PER_INCH) for inches in figure.get_size_inches())
    vector = _svg(figure)
    if len(vector) > VECTOR_BYTES_ALWAYS_KEPT:
        bitmap = io.BytesIO()
        figure.savefig(bitmap, format="png", dpi=BITMAP_DPI, facecolor="white")
        if len(bitmap.getvalue()) < len(vector):
            return "png", bitmap.getvalue(), width, height
    return "svg", vector, width, height


def _svg(figure) -> bytes:
    """The figure as SVG whose ink turns light where the reader's scheme is dark."""
    out = io.StringIO()
    figure.savefig(out, format="svg", facecolor="none", metadata={"Date": None, "Creator": "Phenofuse"})
    text = out.getvalue()
    start = text.index("<svg ")
    scheme = (f"<style>:root{{color:{INK}}}@media (prefers-color-scheme:dark){{:root{{color:{_DARK_INK}}}}}"
              "@media print{:root{color:" + INK + "}}</style>")
    text = text[start:].replace(INK, "currentColor").replace("<svg ", f'<svg color="{INK}" ', 1)
    end_of_root = text.index(">") + 1
    return (text[:end_of_root] + scheme + text[end_of_root:]).encode("utf-8")


def _side(spec: str) -> str:
    """Numbers stand to the right, text to the left."""
    return "right" if spec else "left"


def _escape(text) -> str:
    return html.escape(without_home(str(text)))


def _formatted(value, spec: str) -> str:
    """A number as the specification says; a dash for what is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if not spec or isinstance(value, str):
        return _shown(value)
    return format(value, spec).replace("-", "\N{MINUS SIGN}")


def _shown(value) -> str:
    """Anything as text: lists by commas, files by their path."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_shown, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _plain(value):
    """The same as strict JSON knows it: no NaN, no numpy, no personal path."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy arrays and scalars
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    return value.isoformat() if isinstance(value, (date, datetime)) else without_home(str(value))


_DARK_INK = "#e4e7eb"

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<style>{light}</style>
<style media="screen and (prefers-color-scheme: dark)">{dark}</style>
</head><body>
{body}
</body></html>
"""

_LIGHT = """
body { font-family: "Segoe UI", "Open Sans", "Helvetica Neue", Arial, sans-serif; font-size: 15px; line-height: 1.5;
  color: #1f2933; background: #ffffff; max-width: 860px; margin: 24px auto 48px auto; padding: 0 20px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px 0; }
h2 { font-size: 19px; margin: 32px 0 8px 0; }
p { margin: 8px 0; }
.subtitle, .caption, .label, .unit, .name { color: #5a6673; }
.caption { font-size: 13px; }
table { border-collapse: collapse; }
.verdict { width: 100%; margin: 16px 0; }
.verdict td { font-size: 17px; padding: 12px 16px; }
.good { background-color: #e3f4ea; color: #14532d; }
.warning { background-color: #fdf0d5; color: #5f3c00; }
.bad { background-color: #fbe4e1; color: #7a1c14; }
.verdict .good { border-left: 5px solid #1a7f4b; }
.verdict .warning { border-left: 5px solid #d98a00; }
.verdict .bad { border-left: 5px solid #c5352b; }
.keys { margin: 12px 0; }
.keys td { padding: 6px 28px 6px 0; vertical-align: top; }
.value { font-size: 25px; font-weight: 600; }
.label { font-size: 13px; }
.data { margin: 8px 0 16px 0; font-size: 14px; }
.data th { border-bottom: 2px solid #9aa5b1; padding: 4px 12px; font-weight: 600; vertical-align: bottom; }
.data td { border-bottom: 1px solid #e4e7eb; padding: 4px 12px; }
.facts { font-size: 13px; }
.name { white-space: nowrap; }
.facts td { padding: 2px 16px 2px 0; vertical-align: top; word-break: break-word; }
.picture { margin: 12px 0 0 0; line-height: 1; }
.picture + .caption { margin: 2px 0 20px 0; }
img { max-width: 100%; height: auto; }
tr, .picture { page-break-inside: avoid; }
h2 { page-break-after: avoid; }
"""

_DARK = """
body { color: #e4e7eb; background: #16191d; }
.subtitle, .caption, .label, .unit, .name { color: #a3adb8; }
.good { background-color: #12301f; color: #b6e8c9; }
.warning { background-color: #3a2a08; color: #f5d99b; }
.bad { background-color: #3d1713; color: #f6bdb6; }
.data th { border-color: #5a6673; }
.data td { border-color: #2b3138; }
img.png { background: #ffffff; }
"""
