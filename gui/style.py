"""How series look: colours that all kinds of colour vision tell apart, then dashes and markers; on light and dark paper."""
from __future__ import annotations

from dataclasses import dataclass

from qgis.PyQt.QtCore import QPointF, QRectF, Qt
from qgis.PyQt.QtGui import QColor, QPainter, QPen, QPolygonF

# Okabe & Ito 2008, "Color Universal Design", without its black and yellow, which vanish on dark and light paper.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ((), (6, 3), (2, 2.5), (8, 3, 2, 3))  # in widths of the pen
MARKERS = ("circle", "square", "diamond", "triangle")
SHAPES = {"square": ((-1, -1), (1, -1), (1, 1), (-1, 1)), "diamond": ((0, -1.35), (1.35, 0), (0, 1.35), (-1.35, 0)),
          "triangle": ((0, -1.3), (1.2, 0.9), (-1.2, 0.9)),
          "start": ((-0.7, -1.2), (1.2, 0), (-0.7, 1.2)), "peak": ((0, -1.2), (1.2, 0.8), (-1.2, 0.8)),
          "end": ((0.7, -1.2), (-1.2, 0), (0.7, 1.2))}
RADAR = ("#7d8aa5", "#a58a6b")  # muted: radar is the background of the story
SEASON = "#5b7f3a"
MARKER_SIZE, DOT_SIZE, SEASON_SIZE = 2.8, 2.2, 4.5  # px, half of the width
LIGHTER_ON_DARK = 130  # per cent
MOMENT = "#D55E00"


@dataclass(frozen=True)
class Theme:
    """Colours of paper and ink."""

    paper: QColor
    ink: QColor

    @property
    def dark(self) -> bool:
        """Whether the paper is darker than the ink."""
        return self.paper.lightness() < self.ink.lightness()

    def faint(self, share: float) -> QColor:
        """Ink thinned with paper."""
        parts = zip(self.ink.getRgb()[:3], self.paper.getRgb()[:3])
        return QColor(*(int(share * ink + (1 - share) * paper) for ink, paper in parts))


PRINT = Theme(QColor("#ffffff"), QColor("#1f2a37"))


@dataclass(frozen=True)
class Style:
    """The look of a series.

    Parameters
    ----------
    colour : str
        '' is the ink.
    width : float
        Of its line, in pixels; 0 draws points.
    dash : tuple of float
        Pattern of the line, in widths.
    marker : str
        Shape of the points.
    band : bool
        Whether an interval belongs to the line.
    dots : bool
        Whether dots on the line tell observed values, full, from filled ones, hollow.
    """

    colour: str = ""
    width: float = 0.0
    dash: tuple = ()
    marker: str = "circle"
    band: bool = False
    dots: bool = False

    def on(self, theme: Theme) -> QColor:
        """The colour on a paper."""
        if not self.colour:
            return theme.ink
        return QColor(self.colour).lighter(LIGHTER_ON_DARK) if theme.dark else QColor(self.colour)

    def pen(self, theme: Theme) -> QPen:
        """The pen of the line."""
        drawn = pen(self.on(theme), self.width)
        if self.dash:
            drawn.setDashPattern(list(self.dash))
        return drawn


def observed(number: int) -> Style:
    """The look of the `number`-th (from 0) series of observations: points, the first ones in ink."""
    colours = ("", *COLOURS)
    return Style(colours[number // len(MARKERS) % len(colours)], marker=MARKERS[number % len(MARKERS)])


def filled(number: int, band: bool, dots: bool = False) -> Style:
    """The look of the `number`-th series without gaps: a line; 24 of them differ."""
    return Style(COLOURS[number % len(COLOURS)], 1.8, DASHES[number // len(COLOURS) % len(DASHES)], band=band, dots=dots)


def radar(number: int, band: bool) -> Style:
    """The look of the `number`-th series of radar: a thin line; 8 of them differ."""
    return Style(RADAR[number % len(RADAR)], 1.1, DASHES[number // len(RADAR) % len(DASHES)], band=band)


def season(metric: str) -> Style:
    """The look of seasons' dates."""
    return Style(SEASON, marker=metric)


def pen(colour: QColor, width: float = 1.0) -> QPen:
    """A pen whose lines of no length are dots, so that a value alone between gaps is seen."""
    return QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)


def veil(colour: QColor, share: float = 0.22) -> QColor:
    """The colour with the paper shining through."""
    thin = QColor(colour)
    thin.setAlphaF(share)
    return thin


def draw_marker(painter: QPainter, at: QPointF, shape: str, colour: QColor) -> None:
    """A small filled shape."""
    size = MARKER_SIZE if shape in MARKERS else SEASON_SIZE
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    if shape == "circle":
        painter.drawEllipse(at, size, size)
    else:
        painter.drawPolygon(QPolygonF([at + QPointF(x * size, y * size) for x, y in SHAPES[shape]]))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def draw_dots(painter: QPainter, places: list, colour: QColor, inside: QColor) -> None:
    """Mark values on a line: full, or hollow with the paper inside."""
    painter.setPen(pen(colour))
    painter.setBrush(inside)
    for at in places:
        painter.drawEllipse(at, DOT_SIZE, DOT_SIZE)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def draw_swatch(painter: QPainter, area: QRectF, style: Style, theme: Theme) -> None:
    """What a series looks like, for legends and lists."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    middle = area.center()
    if not style.width:
        draw_marker(painter, middle, style.marker, style.on(theme))
        return
    if style.band:
        painter.fillRect(area.adjusted(0, 2, 0, -2), veil(style.on(theme)))
    painter.setPen(style.pen(theme))
    painter.drawLine(QPointF(area.left(), middle.y()), QPointF(area.right(), middle.y()))
    if style.dots:
        for share, inside in ((0.25, style.on(theme)), (0.75, theme.paper)):
            draw_dots(painter, [QPointF(area.left() + share * area.width(), middle.y())], style.on(theme), inside)
