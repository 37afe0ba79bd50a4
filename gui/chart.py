"""The drawing: panels of curves over one time axis, the same on the screen, in a PNG and in an SVG.

Drawn by QPainter alone, since neither matplotlib nor any other plotting package comes with every QGIS. Sizes are in
pixels of a logical page, so that a larger picture is the same picture. Curves are cut at the edges by arithmetic,
because SVG files made by Qt 5 know no clipping.
"""
from __future__ import annotations

from qgis.PyQt.QtCore import QLocale, QPointF, QRectF, Qt
from qgis.PyQt.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPolygonF

from .axes import Scale, date_ticks, value_ticks
from .curves import Chart, Curve, pieces, readings, value_range
from .members import INTERVAL, OBSERVED
from .profiles import day_number, day_of
from .style import DOT_SIZE, MOMENT, SEASON_SIZE, Theme, draw_dots, draw_marker, draw_swatch, pen, veil

FONT, TITLE_FONT = 11, 12  # px
GAP, TICK, SWATCH = 8, 4, 26  # px
INDEX_RANGE = (0.0, 1.0)  # shown at least, so that the scale rests while one place after another is looked at
RADAR_SHARE = 0.3  # of the height, from below, where two axes share a panel: so their curves do not cross
ROOM_OF_DOTS = 3.0  # half widths of a dot from one date to the next, at least, for hollow dots to be seen as such
FAINT, FIRM = 0.12, 0.6  # of the ink: grid, axes


class Drawing:
    """A chart laid out on a page.

    Parameters
    ----------
    chart : Chart
    width, height : float
        Of the page, in logical pixels.
    theme : Theme
    legend : bool
        Whether names are drawn above the panels.
    """

    def __init__(self, chart: Chart, width: float, height: float, theme: Theme, legend: bool = False):
        self.chart, self.theme, self.page = chart, theme, QRectF(0, 0, width, height)
        self._font, self._bold = _font(FONT), _font(TITLE_FONT, bold=True)
        self._metrics = QFontMetricsF(self._font)
        self._line = self._metrics.height()
        self._legend = self._legend_places() if legend else []
        shown = [(False, [curve for curve in chart.curves if not curve.right], INDEX_RANGE),
                 (True, [curve for curve in chart.curves if curve.right], None)]
        self._ranges = {right: value_range(curves, chart.span, least) for right, curves, least in shown if curves}
        self.areas = self._areas()
        self.time = Scale(*chart.span, self.areas[0].left(), self.areas[0].right())

    def draw(self, painter: QPainter) -> None:
        """Paint everything."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.page, self.theme.paper)
        for place in self._legend:
            self._draw_name(painter, *place)
        for panel, area in zip(self.chart.panels, self.areas):
            self._draw_axes(painter, area)
            self._draw_moment(painter, area)
            for curve in sorted(panel.curves, key=lambda curve: ("season", "filled", "observed").index(curve.kind)):
                self._draw_curve(painter, area, curve)
            painter.setFont(self._bold)
            self._text(painter, area.left(), area.top() - 5, panel.title)
        self._draw_dates(painter)

    def draw_reading(self, painter: QPainter, x: float, y: float) -> None:
        """Paint a hair line at the date next to a position, and the values of the panel there."""
        days = [day for curve in self.chart.curves if curve.kind != "season" for day in curve.profile.days]
        nearest = min(days, key=lambda day: abs(day - self.time.value(x)), default=self.time.value(x))
        if not self.chart.span[0] <= nearest <= self.chart.span[1]:
            return
        x = self.time(nearest)
        for panel, area in zip(self.chart.panels, self.areas):
            painter.setPen(pen(self.theme.faint(FIRM)))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            if area.top() <= y <= area.bottom():
                self._draw_box(painter, area, x, [day_of(nearest).isoformat(), *readings(panel, nearest)])

    # Layout.

    def _legend_places(self) -> list:
        """(curve, x, y) of every name, in rows."""
        places, x, y = [], 2.0 * GAP, float(GAP)
        for curve in {(curve.label, curve.style): curve for curve in self.chart.curves}.values():
            wide = SWATCH + 3 * GAP + self._width(curve.label)
            if x + wide > self.page.width() and places:
                x, y = 2.0 * GAP, y + self._line + 3
            places.append((curve, x, y))
            x += wide
        return places

    def _areas(self) -> list:
        """The rectangle of every panel, between the gutters of axes and titles."""
        count = max(len(self.chart.panels), 1)
        left = 2 * self._line + TICK + self._width("-0.8")
        right = 2 * self._line + TICK + self._width("-20") if True in self._ranges else 2 * GAP
        top = self._legend[-1][2] + self._line if self._legend else 0
        title = self._line + 8 if any(panel.title for panel in self.chart.panels) else GAP
        height = max((self.page.height() - top - 2 * self._line - TICK - 4) / count - title, 10.0)
        return [QRectF(left, top + number * (height + title) + title, max(self.page.width() - left - right, 10.0), height)
                for number in range(count)]

    def _scale(self, area: QRectF, right: bool) -> Scale:
        """Where two axes share a panel, the right one has its lower part; dates of seasons have a strip above."""
        top = area.top() + (2 * SEASON_SIZE + 4 if any(curve.kind == "season" for curve in self.chart.curves) else 0)
        border = area.bottom() - (RADAR_SHARE * (area.bottom() - top) if len(self._ranges) > 1 else 0)
        start, end = (area.bottom(), border) if right and border < area.bottom() else (border, top)
        return Scale(*self._ranges[right], start, end)

    def _width(self, text: str) -> float:
        return self._metrics.horizontalAdvance(text)

    # Axes.

    def _draw_axes(self, painter: QPainter, area: QRectF) -> None:
        painter.setFont(self._font)
        for right, limits in self._ranges.items():
            self._draw_values(painter, area, right, limits)
        for day in self._dates():
            painter.setPen(pen(self.theme.faint(FAINT)))
            painter.drawLine(QPointF(self.time(day_number(day)), area.top()), QPointF(self.time(day_number(day)), area.bottom()))
        painter.setPen(pen(self.theme.faint(FIRM)))
        painter.drawLine(area.bottomLeft(), area.bottomRight())

    def _draw_values(self, painter: QPainter, area: QRectF, right: bool, limits: tuple) -> None:
        """Ticks and title of one value axis; grid lines are those of the left one."""
        scale, edge = self._scale(area, right), area.right() if right else area.left()
        low, high = map(scale, limits)
        for value in value_ticks(*limits, max(3, min(8, int((low - high) / (1.4 * self._line))))):
            y, text = scale(value), f"{value:g}"
            painter.setPen(pen(self.theme.faint(FIRM if right else FAINT)))
            painter.drawLine(QPointF(edge, y), QPointF(edge + TICK if right else area.right(), y))
            x = edge + TICK + 3 if right else edge - TICK - self._width(text)
            self._text(painter, x, y + self._metrics.ascent() / 2 - 1, text)
        painter.save()
        painter.translate(self.page.right() - 5 if right else self._line, (low + high) / 2)
        painter.rotate(-90)
        title = self.chart.right if right else self.chart.left
        self._text(painter, -self._width(title) / 2, 0, title)
        painter.restore()

    def _dates(self) -> list:
        return date_ticks(*self.chart.span, max(2, int(self.areas[0].width() / 70)))

    def _draw_dates(self, painter: QPainter) -> None:
        """Months below the lowest panel, and below them the year wherever it changes."""
        bottom, year = self.areas[-1].bottom(), None
        painter.setFont(self._font)
        dates = self._dates()
        whole_months = all(day.day == 1 for day in dates)
        for day in dates:
            x = self.time(day_number(day))
            painter.setPen(pen(self.theme.faint(FIRM)))
            painter.drawLine(QPointF(x, bottom), QPointF(x, bottom + TICK))
            month = QLocale().monthName(day.month, QLocale.FormatType.ShortFormat)
            for row, text in enumerate((month if whole_months else f"{day.day} {month}", f"{day.year}" if day.year != year else "")):
                self._text(painter, x - self._width(text) / 2, bottom + TICK + (row + 1) * self._line - 2, text)
            year = day.year

    def _draw_moment(self, painter: QPainter, area: QRectF) -> None:
        """The Temporal Controller's frame: a line at its start, a veil to its end."""
        low, high = self.chart.span
        if self.chart.moment is None or self.chart.moment[1] < low or self.chart.moment[0] > high:
            return
        start, end = (self.time(min(max(day, low), high)) for day in self.chart.moment)
        painter.fillRect(QRectF(start, area.top(), end - start, area.height()), veil(QColor(MOMENT)))
        if self.chart.moment[0] >= low:
            painter.setPen(pen(QColor(MOMENT), 1.6))
            painter.drawLine(QPointF(start, area.top()), QPointF(start, area.bottom()))

    # Curves.

    def _draw_curve(self, painter: QPainter, area: QRectF, curve: Curve) -> None:
        if curve.kind == "season":
            self._draw_season(painter, area, curve)
            return
        scale, days, values = self._scale(area, curve.right), curve.profile.days, curve.profile.values
        colour = curve.style.on(self.theme)
        frame = QPolygonF(QRectF(area.left(), scale.end, area.width(), scale.start - scale.end))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(veil(colour))
        for piece in pieces(days, curve.bounds, self.chart.span):
            edge = [(day, high) for day, _, high in piece] + [(day, low) for day, low, _ in reversed(piece)]
            band = QPolygonF([QPointF(self.time(day), scale(value)) for day, value in edge])
            painter.drawPolygon(band.intersected(frame))  # wide intervals run out of the frame
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if curve.style.width:
            for piece in pieces(days, [(value,) for value in values], self.chart.span):
                painter.setPen(curve.style.pen(self.theme))
                points = [QPointF(self.time(day), scale(value)) for day, value in piece]
                painter.drawPolyline(QPolygonF(points if len(points) > 1 else 2 * points))
            if curve.style.dots:
                self._draw_dots(painter, curve, scale)
        else:
            for day, value in zip(days, values):
                if value == value and self.chart.span[0] <= day <= self.chart.span[1]:
                    draw_marker(painter, QPointF(self.time(day), scale(value)), curve.style.marker, colour)

    def _draw_dots(self, painter: QPainter, curve: Curve, scale: Scale) -> None:
        """Tell observed values from filled ones; where dates stand too close for both, observed ones only."""
        days, (low, high), colour = curve.profile.days, self.chart.span, curve.style.on(self.theme)
        full, hollow = [], []
        for day, value, code in zip(days, curve.profile.values, curve.profile.codes):
            if value == value and low <= day <= high:
                (full if code == OBSERVED else hollow).append(QPointF(self.time(day), scale(value)))
        if self.time(days[-1]) - self.time(days[0]) > ROOM_OF_DOTS * DOT_SIZE * len(days):
            draw_dots(painter, hollow, colour, self.theme.paper)
        draw_dots(painter, full, colour, colour)

    def _draw_season(self, painter: QPainter, area: QRectF, curve: Curve) -> None:
        """A mark on the upper edge for each date, a faint line down, and a bar for its 95 % interval."""
        colour, y = curve.style.on(self.theme), area.top() + SEASON_SIZE + 2
        low, high = self.chart.span
        for day, deviation in zip(curve.profile.days, curve.profile.deviations):
            if not low <= day <= high:  # nor where it is NaN
                continue
            x = self.time(day)
            painter.setPen(pen(veil(colour, 0.55)))
            painter.drawLine(QPointF(x, y), QPointF(x, area.bottom()))
            if deviation == deviation:
                ends = (min(max(day + side * INTERVAL * deviation, low), high) for side in (-1, 1))
                painter.setPen(pen(colour, 1.4))
                painter.drawLine(*(QPointF(self.time(end), y) for end in ends))
            draw_marker(painter, QPointF(x, y), curve.style.marker, colour)

    # Words.

    def _draw_name(self, painter: QPainter, curve: Curve, x: float, y: float) -> None:
        draw_swatch(painter, QRectF(x, y, SWATCH, self._line), curve.style, self.theme)
        painter.setFont(self._font)
        self._text(painter, x + SWATCH + GAP, y + self._metrics.ascent(), curve.label)

    def _draw_box(self, painter: QPainter, area: QRectF, x: float, lines: list) -> None:
        wide = max(map(self._width, lines)) + 2 * GAP
        left = x + GAP if x + GAP + wide < area.right() else max(x - GAP - wide, 0.0)
        box = QRectF(left, area.top() + 2, wide, len(lines) * self._line + 6)
        painter.setBrush(veil(self.theme.paper, 0.9))
        painter.setPen(pen(self.theme.faint(FIRM)))
        painter.drawRoundedRect(box, 3, 3)
        painter.setFont(self._font)
        for number, text in enumerate(lines):
            self._text(painter, left + GAP, box.top() + 3 + number * self._line + self._metrics.ascent(), text)

    def _text(self, painter: QPainter, x: float, y: float, text: str) -> None:
        painter.setPen(pen(self.theme.ink))
        painter.drawText(QPointF(x, y), text)


def _font(pixels: int, bold: bool = False) -> QFont:
    font = QFont()
    font.setPixelSize(pixels)
    font.setBold(bold)
    return font
