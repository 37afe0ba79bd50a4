"""What is seen, as files: the drawing as PNG or SVG, the values as CSV."""
from __future__ import annotations

import os

from qgis.PyQt.QtCore import QRect, QSize
from qgis.PyQt.QtGui import QImage, QPainter

from ..core import tables
from . import reasons
from .chart import Drawing
from .curves import Chart
from .members import Member, Profile
from .profiles import NAN, day_of
from .style import PRINT

COLUMNS = ("place", "x", "y", "crs", "series", "variable", "units", "start", "end", "value", "standard_deviation", "reason",
           "spread", "clear_share", "pixels")


def write_png(path: str, chart: Chart, width: int, height: int, scale: float = 1.0) -> None:
    """Write a picture of `width` x `height` pixels; with a scale of 2 letters and lines are twice as large.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    image = QImage(width, height, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    painter.scale(scale, scale)
    Drawing(chart, width / scale, height / scale, PRINT, legend=True).draw(painter)
    painter.end()
    if not image.save(path, "PNG"):
        raise OSError(f"{path} cannot be written.")


def write_svg(path: str, chart: Chart, width: int, height: int, title: str) -> None:
    """Write a drawing of `width` x `height` units, whose words stay words.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    from qgis.PyQt.QtSvg import QSvgGenerator  # here: some distributions pack it apart

    with open(path, "wb"):  # the generator would fail without a word
        pass
    generator = QSvgGenerator()
    generator.setFileName(path)
    generator.setSize(QSize(width, height))
    generator.setViewBox(QRect(0, 0, width, height))
    generator.setTitle(title)
    painter = QPainter(generator)
    Drawing(chart, width, height, PRINT, legend=True).draw(painter)
    painter.end()
    if not os.path.getsize(path):
        raise OSError(f"{path} cannot be written.")


def write_csv(path: str, places: list) -> None:
    """Write a line per place, series and date; of seasons a line per date found.

    Parameters
    ----------
    places : list of (name, x, y, crs, [(label, Member, Profile)])

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    rows = ([name, x, y, crs, label, *row] for name, x, y, crs, profiles in places
            for label, member, profile in profiles for row in _rows(member, profile))
    with open(path, "w", newline="", encoding="utf-8") as file:
        file.write(tables.written([COLUMNS, *rows]))


def _rows(member: Member, profile: Profile):
    """Variable, units, start, end, value, standard deviation and reason, of polygons spread, clear share and pixels; empty: unknown."""
    description = member.description
    if member.kind == "season":
        for band, day, deviation in zip(description.bands, profile.days, profile.deviations):
            if day == day:
                yield f"{description.tag['metric']} of {band}", "date", day_of(day), "", _cell(day), _cell(deviation), "", "", "", ""
        return
    for place, (period, value, deviation) in enumerate(zip(description.periods, profile.values, profile.deviations)):
        told = description.variable, description.units, period.start, period.end or "", _cell(value)
        if profile.pixels:
            clear = profile.clear[place] if profile.clear else NAN
            yield *told, "", "", _cell(deviation), _cell(clear), profile.pixels[place]
        else:
            yield *told, _cell(deviation), reasons.name(profile, place), "", "", ""


def _cell(value: float):
    return value if value == value else ""
