"""How results look: a fixed style per kind of raster, and their place on the Temporal Controller's time line.

A kind is the name of a file in ``resources/styles``; its range never follows the data, so that maps and frames compare.
Processing forgets side-car styles and multi-band rasters open as false colours, hence `attach`, which styles a layer
when Processing loads it; `write_beside` is for those who open the file by themselves.
"""
from __future__ import annotations

import re
from pathlib import Path

from qgis.core import (
    Qgis,
    QgsDateTimeRange,
    QgsMapLayer,
    QgsMapLayerLegendUtils,
    QgsProcessingLayerPostProcessorInterface,
    QgsRasterLayer,
    QgsSingleBandGrayRenderer,
)
from qgis.PyQt.QtCore import QDateTime, Qt
from qgis.PyQt.QtXml import QDomDocument

from .text import tr

STYLES = Path(__file__).resolve().parents[2] / "resources" / "styles"

# Of variables whose range is known; the others are stretched by QGIS.
KIND_OF_VARIABLE = {"NDVI": "ndvi", "EVI": "evi2", "EVI2": "evi2", "NIRv": "nirv", "kNDVI": "kndvi", "PPI": "ppi", "LSWI": "wetness",
                    "NDWI": "wetness", "RVI": "rvi", "VV": "backscatter", "VH": "backscatter", "date": "date",
                    "day of year": "day_of_year"}

# Dates have the colours of their months, the same in each of many years: the legend shows those of one, below the band's name.
_ENTRIES = {"date": range(13)}
_ORDER = "phenofuse/order"
_OURS = "phenofuse/style"  # property of the styles that are written by themselves
_BANDS_HAVE_DATES = hasattr(Qgis.RasterTemporalMode, "FixedRangePerBand")  # QGIS 3.38
_DATES = re.compile(r"(\d{4}-\d\d-\d\d)(?:/(\d{4}-\d\d-\d\d))?$")


def apply(layer: QgsRasterLayer, kind: str) -> str:
    """Give a raster layer the style of its kind, and its dates.

    Returns
    -------
    str
        A hint for the log where this QGIS cannot show the dates one by one; else ''.
    """
    if kind:
        style = QDomDocument()
        style.setContent((STYLES / f"{kind}.qml").read_text(encoding="utf-8"))
        layer.importNamedStyle(style, QgsMapLayer.StyleCategory.Symbology)
    elif layer.bandCount() > 1:  # dates are no colours
        layer.setRenderer(QgsSingleBandGrayRenderer(layer.dataProvider(), 1))
        layer.setDefaultContrastEnhancement()
    hint = _set_time(layer)
    layer.triggerRepaint()
    return hint


def shorten_legend(node, kind: str) -> None:
    """Let a layer's legend in the layer tree show what tells its colours, and no repetitions."""
    if kind in _ENTRIES:
        QgsMapLayerLegendUtils.setLegendNodeOrder(node, list(_ENTRIES[kind]))


def attach(context, path: str, kind: str, name: str, group: str = "", order: int = 0, usual_name: str = "") -> None:
    """Have a result styled when Processing loads it; nothing happens when it does not.

    Parameters
    ----------
    context : QgsProcessingContext
    path : str
        The output, as its parameter gave it.
    kind : str
        Style; '' leaves the colours to QGIS.
    name : str
        Name of the layer.
    group : str
        Group in the layer tree.
    order : int
        Place within the group: the highest lies on top.
    usual_name : str
        What Processing calls this output by itself, its description. A layer called otherwise was named by the author
        of a model and keeps name and place; '' renames all.
    """
    if not context.willLoadLayerOnCompletion(path):
        return
    details = context.layerToLoadOnCompletionDetails(path)
    ours = not usual_name or details.name == usual_name
    if ours:
        details.name = name
    if ours and hasattr(details, "groupName"):  # QGIS 3.32
        details.groupName = group
        details.layerSortKey = order
        group = ""
    styler = _Styler(kind, group if ours else "", order)
    _Styler.kept.append(styler)
    details.setPostProcessor(styler)


def write_beside(path: str, kind: str) -> None:
    """Write ``<output>.qml`` beside a raster that is kept: colours, and dates where QGIS reads them from there.

    A style that somebody else made stays.
    """
    style = Path(path).with_suffix(".qml")
    if style.exists() and _OURS.encode() not in style.read_bytes():
        return
    layer = _open(path)
    apply(layer, kind)
    layer.setCustomProperty(_OURS, kind)
    layer.saveNamedStyle(str(style))


class _Styler(QgsProcessingLayerPostProcessorInterface):
    """Styles one loaded result, on the main thread, after the whole algorithm or model."""

    # QGIS holds only the C++ half: without these references Python would drop the method it is to call. A few hundred
    # bytes each, they stay for the session because nothing tells when QGIS is done with one.
    kept: list = []
    told = None  # the run that has been given the hint: once is enough for all of its layers

    def __init__(self, kind: str, group: str, order: int):
        super().__init__()
        self._kind, self._group, self._order = kind, group, order

    def postProcessLayer(self, layer, context, feedback):
        hint = apply(layer, self._kind)
        tree = context.project().layerTreeRoot()
        node = tree.findLayer(layer.id())
        if node:
            shorten_legend(node, self._kind)
        if self._group and not _user_has_group():
            _move(node, self._group, self._order, tree)
        if hint and feedback is not None and feedback is not _Styler.told:
            _Styler.told = feedback
            feedback.pushInfo(hint)


def _open(path: str) -> QgsRasterLayer:
    """A layer without QGIS's own style, whose stretch would read the whole raster."""
    options = QgsRasterLayer.LayerOptions()
    options.loadDefaultStyle = False
    return QgsRasterLayer(str(path), Path(path).stem, "gdal", options)


def _user_has_group() -> bool:
    """Whether Processing's options name a group for all results."""
    from processing.core.ProcessingConfig import ProcessingConfig  # here: styles are also used without Processing

    return bool(ProcessingConfig.getSetting(ProcessingConfig.RESULTS_GROUP_NAME))


def _move(node, group: str, order: int, tree) -> None:
    """Move a layer into a group at the top of the layer tree, the highest order first, as QGIS does since 3.32."""
    branch = tree.findGroup(group) or tree.insertGroup(0, group)
    moved = node.clone()
    moved.setCustomProperty(_ORDER, order)
    lower = [place for place, child in enumerate(branch.children())
             if child is not node and int(child.customProperty(_ORDER, -1)) <= order]
    branch.insertChildNode(lower[0] if lower else -1, moved)
    node.parent().removeChildNode(node)


def _set_time(layer: QgsRasterLayer) -> str:
    ranges = _ranges(layer)
    if not ranges:
        return ""
    time = layer.temporalProperties()
    time.setIsActive(True)
    if len(ranges) > 1 and _BANDS_HAVE_DATES:
        time.setMode(Qgis.RasterTemporalMode.FixedRangePerBand)
        time.setFixedRangePerBand(dict(enumerate(ranges, start=1)))
        return ""
    time.setMode(Qgis.RasterTemporalMode.FixedTemporalRange)
    time.setFixedTemporalRange(_closed(ranges[0].begin(), ranges[-1].end()))
    if len(ranges) == 1:
        return ""
    return tr("This QGIS cannot step through the dates of one layer (3.38 and later can); 'Split time series' "
              "(phenofuse:splittimeseries) makes one layer per date.")


def _closed(begin: QDateTime, end: QDateTime) -> QgsDateTimeRange:
    """A span that touches no other, although project files forget that an end is excluded (they keep whole seconds)
    and QGIS 3.22 forgets it of the frame it draws."""
    return QgsDateTimeRange(begin if _BANDS_HAVE_DATES else begin.addSecs(1), end.addSecs(-1))


def _ranges(layer: QgsRasterLayer) -> list:
    """When each band holds, half-open and without overlap; [] unless every band has its date.

    A period holds from its start to its end; a single day until the next date, the last one as long as the median
    step between dates (a day where there is but one date).
    """
    found = [_DATES.search(layer.bandName(band)) for band in range(1, layer.bandCount() + 1)]
    if not all(found):
        return []
    starts = [_midnight(match[1]) for match in found]
    steps = sorted(a.daysTo(b) for a, b in zip(starts, starts[1:]))
    if any(step <= 0 for step in steps):
        return []
    nexts = [*starts[1:], None]
    last = starts[-1].addDays(steps[len(steps) // 2] if steps else 1)
    ends = []
    for match, following in zip(found, nexts):
        end = _midnight(match[2]) if match[2] else following or last
        ends.append(min(end, following) if following else end)
    return [QgsDateTimeRange(start, end, True, False) for start, end in zip(starts, ends)]


def _midnight(day: str) -> QDateTime:
    return QDateTime.fromString(f"{day}T00:00:00Z", Qt.DateFormat.ISODate)
