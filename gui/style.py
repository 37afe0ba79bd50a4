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
MARKER_SIZE, SEASON_SIZE = 2.8, 4.5  # px, half of the width
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
    """Colour ('' = the ink), dash pattern and marker of a series."""

    colour: str = ""
    dash: tuple = ()
    marker: str = "circle"

    def on(self, theme: Theme) -> QColor:
        """The colour on a paper."""
        if not self.colour:
            return theme.ink
        return QColor(self.colour).lighter(LIGHTER_ON_DARK) if theme.dark else QColor(self.colour)

    def pen(self, theme: Theme, width: float) -> QPen:
        """The pen of a line."""
        drawn = pen(self.on(theme), width)
        if self.dash:
            drawn.setDashPattern(list(self.dash))
        return drawn


def style(kind: str, right: bool, number: int) -> Style:
    """The look of the series that is `number` (from 0) of its kind; the first 24 of a kind all differ."""
    if kind == "season":
        return Style(SEASON)
    if kind == "observed" and not right:
        return Style((("",) + COLOURS)[number // len(MARKERS) % (len(COLOURS) + 1)], (), MARKERS[number % len(MARKERS)])
    colours = RADAR if right else COLOURS
    return Style(colours[number % len(colours)], DASHES[number // len(colours) % len(DASHES)])


def pen(colour: QColor, width: float = 1.0) -> QPen:
    """A pen whose lines of no length are dots, so that a value alone between gaps is seen."""
    return QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)


def veil(colour: QColor, share: float = 0.22) -> QColor:
    """The colour with the paper shining through."""
    thin = QColor(colour)
    thin.setAlphaF(share)
    return thin


def draw_marker(painter: QPainter, at: QPointF, shape: str, colour: QColor, size: float = MARKER_SIZE) -> None:
    """A small filled shape."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    if shape == "circle":
        painter.drawEllipse(at, size, size)
    else:
        painter.drawPolygon(QPolygonF([at + QPointF(x * size, y * size) for x, y in SHAPES[shape]]))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def draw_swatch(painter: QPainter, area: QRectF, kind: str, style: Style, metric: str, right: bool, theme: Theme) -> None:
    """What a series looks like, for legends and lists."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    middle, colour = area.center(), style.on(theme)
    if kind == "season":
        draw_marker(painter, middle, metric, colour, SEASON_SIZE)
    elif kind == "observed" and not right:
        draw_marker(painter, middle, style.marker, colour, MARKER_SIZE + 0.5)
    else:
        if kind == "filled":
            painter.fillRect(area.adjusted(0, 2, 0, -2), veil(colour))
        painter.setPen(style.pen(theme, 1.3 if right else 2))
        painter.drawLine(QPointF(area.left(), middle.y()), QPointF(area.right(), middle.y()))
