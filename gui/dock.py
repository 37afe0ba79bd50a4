"""The profile dock: a list of series, a plot of them at the places that were clicked, and the time of the map."""
from __future__ import annotations

import os
from datetime import date

from qgis.core import Qgis, QgsApplication, QgsDateTimeRange, QgsProject, QgsSettings, QgsTemporalNavigationObject
from qgis.gui import QgsDockWidget, QgsMapCanvas
from qgis.PyQt.QtCore import QDateTime, QRectF, QSize, Qt, QTimer
from qgis.PyQt.QtGui import QIcon, QPainter, QPixmap
from qgis.PyQt.QtWidgets import (
    QFileDialog,
    QFrame,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from ..algorithms.bridge.text import tr
from . import export, telling
from .members import Member
from .places import PickTool, selected_polygons
from .plot import Plot
from .profiles import day_number, day_of
from .reading import Reader
from .session import Session
from .style import draw_swatch

PATIENCE = 150  # ms that a plot waits to be shown whole; then it says what it still waits for
SWATCH = QSize(26, 14)  # px
FOLDER = "phenofuse/profile_folder"
MOST_SELECTED = 8  # panels that fit
PICTURE_SCALE = 2  # pixels of a saved picture for each on the screen
MODES = getattr(Qgis, "TemporalNavigationMode", None) or QgsTemporalNavigationObject.NavigationMode  # moved in QGIS 3.36
FILTERS = {".png": "PNG (*.png)", ".svg": "SVG (*.svg)", ".csv": "CSV (*.csv)"}


class ProfileDock(QgsDockWidget):
    """Shows what every series of the project says of the places that are clicked on the map.

    Parameters
    ----------
    canvas : QgsMapCanvas
    project : QgsProject, optional
    reader : Reader, optional
    """

    def __init__(self, canvas: QgsMapCanvas, project: QgsProject | None = None, reader: Reader | None = None, parent=None):
        super().__init__(tr("Series profile"), parent)
        self.setObjectName("PhenofuseProfile")  # QGIS restores docks by this name
        self._canvas = canvas
        self.session = Session(project or QgsProject.instance(), canvas, reader or Reader())
        self.tool = PickTool(canvas)
        self.plot, self.list, self._status = Plot(), QListWidget(), QLabel()
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE)
        self._lay_out()
        self.tool.picked.connect(self._pick)
        self.tool.rested.connect(self.session.anticipate)
        self.tool.deleted.connect(self.session.remove_last)
        self.plot.removed.connect(self.session.remove)
        self.plot.themed.connect(self._list)
        self._patience.timeout.connect(self._draw)
        self.session.listed.connect(self._list)
        self.session.changed.connect(self._draw_when_read)
        self.list.itemChanged.connect(self._check)
        self.plot.picked.connect(self._set_time)
        self._canvas.temporalRangeChanged.connect(self._show_time)
        self.opened.connect(self.session.start)
        self.closed.connect(self._rest)
        self.toggleViewAction().triggered.connect(self._take_map)

    def release(self) -> None:
        """Undo all that reaches beyond this widget."""
        self._canvas.temporalRangeChanged.disconnect(self._show_time)
        self._rest()

    def export(self, path: str) -> None:
        """Write what is shown, as the ending of the path says.

        Raises
        ------
        OSError
            When the file cannot be written.
        """
        width, height = self.plot.width(), self.plot.height()
        kind = os.path.splitext(path)[1].lower()
        if kind == ".csv":
            export.write_csv(path, [(place.number, place.point.x(), place.point.y(), place.crs.authid(),
                                     [(self.session.name(member.key), member, one) for member, one in self.session.profiles(place)])
                                    for place in self.session.places])
        elif kind == ".svg":
            export.write_svg(path, self.plot.chart, width, height, self.windowTitle())
        else:
            export.write_png(path, self.plot.chart, PICTURE_SCALE * width, PICTURE_SCALE * height, PICTURE_SCALE)

    # The window.

    def _lay_out(self) -> None:
        bar = QToolBar()
        bar.setIconSize(QSize(18, 18))
        pick = bar.addAction(_icon("mActionIdentify"), tr("Click places on the map (Shift+click: beside the last one)"))
        pick.setCheckable(True)
        pick.triggered.connect(self._take_map)
        self.tool.setAction(pick)
        self._polygons = bar.addAction(_icon("mActionSelectPolygon"),
                                       tr("Show the polygon of the active layer that is clicked: mean and spread of its pixels"))
        self._polygons.setCheckable(True)
        self._polygons.setChecked(True)
        for icon, text, slot in (("mActionEditNodesItem", tr("Show the selected polygons of the active layer"), self._show_selected),
                                 ("mActionPinLabels", tr("Keep this place, to compare others with it"), self.session.keep),
                                 ("mActionDeleteSelected", tr("Remove all places (Delete: one; so does a right click on its panel)"),
                                  self.session.clear),
                                 ("mActionFileSave", tr("Save as PNG, SVG or CSV …"), self._save)):
            bar.addAction(_icon(icon), text).triggered.connect(lambda checked, slot=slot: slot())
        self._status.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        bar.addWidget(self._status)
        scroll = QScrollArea()
        scroll.setWidget(self.plot)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setIconSize(SWATCH)
        parts = QSplitter(Qt.Orientation.Horizontal)
        parts.addWidget(self.list)
        parts.addWidget(scroll)
        parts.setStretchFactor(1, 1)
        parts.setSizes([220, 700])
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(2, 0, 2, 2)
        column.setSpacing(0)
        column.addWidget(bar)
        column.addWidget(parts, 1)
        self.setWidget(body)

    def _list(self) -> None:
        """Fill the list of series."""
        self.list.blockSignals(True)
        self.list.clear()
        for member in self.session.members:
            item = QListWidgetItem(self._swatch(member), self.session.name(member.key))
            item.setData(Qt.ItemDataRole.UserRole, member.key)
            item.setCheckState(Qt.CheckState.Unchecked if member.key in self.session.hidden else Qt.CheckState.Checked)
            item.setToolTip("\n".join((member.description.path, *self._about(member))))
            self.list.addItem(item)
        self.list.blockSignals(False)

    def _about(self, member: Member) -> list[str]:
        """What is shown of a series, and what is missing of it."""
        if member.deviation_key:
            found = [tr("with its 95 % interval from '{}'").format(self.session.name(member.deviation_key))]
        else:
            found = [tr("as observed") if member.kind == "observed" else tr("without interval: its UNCERTAINTY is not in the project")]
        if member.quality_key:
            found.append(tr("full dots observed, hollow ones filled, by '{}'").format(self.session.name(member.quality_key)))
        elif member.kind == "filled":
            found.append(tr("without dots: its QUALITY is not in the project"))
        return found

    def _swatch(self, member: Member) -> QIcon:
        picture = QPixmap(SWATCH)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        draw_swatch(painter, QRectF(0, 0, SWATCH.width(), SWATCH.height()), self.session.style(member), self.plot.theme())
        painter.end()
        return QIcon(picture)

    def _check(self, item: QListWidgetItem) -> None:
        self.session.show(item.data(Qt.ItemDataRole.UserRole), item.checkState() == Qt.CheckState.Checked)

    def _draw_when_read(self) -> None:
        """Draw at once when all is read; else keep what is shown for a moment, so that nothing flickers."""
        if not self.session.waiting:
            self._patience.stop()
            self._draw()
        elif not self._patience.isActive():
            self._patience.start()

    def _draw(self) -> None:
        self.plot.show_chart(telling.chart(self.session, self._moment()), telling.note(self.session))
        remarks = [telling.remark(self.session, place) for place in self.session.places[-1:]]
        self._status.setText("  " + "   ".join(filter(None, [*remarks, *telling.warnings(self.session)])))
        self._status.setToolTip(self._status.text().strip())

    def _pick(self, point, keep: bool) -> None:
        self.session.pick_at(point, keep, self._canvas.currentLayer() if self._polygons.isChecked() else None)

    def _show_selected(self) -> None:
        """One panel for each selected polygon of the active layer."""
        found = selected_polygons(self._canvas.currentLayer())
        if not found:
            self._status.setText("  " + tr("select polygons of the active layer first"))
            return
        self.session.clear()
        for polygon in found[:MOST_SELECTED]:
            self.session.pick_polygon(polygon)
        if len(found) > MOST_SELECTED:
            told = tr("the first {} of {} polygons; for all run 'Sample series'").format(MOST_SELECTED, len(found))
            self._status.setText("  " + told)

    def _take_map(self, take: bool) -> None:
        if take:
            self._canvas.setMapTool(self.tool)
        else:
            self._canvas.unsetMapTool(self.tool)

    def _rest(self) -> None:
        """Leave the map and the files alone."""
        self._canvas.unsetMapTool(self.tool)
        self.session.stop()

    def _save(self) -> None:
        if not self.plot.chart.panels:
            self._status.setText("  " + tr("nothing to save: click the map first"))
            return
        folder = QgsSettings().value(FOLDER, "")
        path, chosen = QFileDialog.getSaveFileName(self, tr("Save profile"), folder, ";;".join(FILTERS.values()))
        if not path:
            return
        if os.path.splitext(path)[1].lower() not in FILTERS:
            path += next(ending for ending, text in FILTERS.items() if text == chosen)
        QgsSettings().setValue(FOLDER, os.path.dirname(path))
        try:
            self.export(path)
        except OSError as problem:
            self._status.setText("  " + tr("not saved: {}").format(problem))
        else:
            self._status.setText("  " + tr("saved as {}").format(path))

    # Time.

    def _moment(self) -> tuple | None:
        """Days of the Temporal Controller's frame; None when it is off."""
        frame = self._canvas.temporalRange()
        if not (frame.begin().isValid() and frame.end().isValid()):
            return None
        return _days(frame.begin()), _days(frame.end())

    def _show_time(self) -> None:
        self.plot.show_moment(self._moment())

    def _set_time(self, day: float) -> None:
        """Turn the Temporal Controller to a day."""
        time = self._canvas.temporalController()
        mode = time.navigationMode() if time else None
        if mode == MODES.Animated:
            time.setCurrentFrameNumber(time.findBestFrameNumberForFrameStart(_midnight(day)))
        elif mode == MODES.FixedRange:
            frame = time.temporalExtents()
            time.setTemporalExtents(QgsDateTimeRange(_midnight(day), _midnight(day).addSecs(frame.begin().secsTo(frame.end()))))
        else:
            self._status.setText("  " + tr("{}: switch the Temporal Controller on to turn the map to it").format(day_of(day)))


def _icon(name: str) -> QIcon:
    return QgsApplication.getThemeIcon(f"/{name}.svg")


def _midnight(day: float) -> QDateTime:
    return QDateTime.fromString(f"{day_of(day)}T00:00:00Z", Qt.DateFormat.ISODate)


def _days(moment: QDateTime) -> float:
    """Days since 1970-01-01 of a moment's own clock, whatever its time zone."""
    day = moment.date()
    return day_number(date(day.year(), day.month(), day.day())) + moment.time().msecsSinceStartOfDay() / 86_400_000
