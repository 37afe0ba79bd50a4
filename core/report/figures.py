"""The figures that reports share, in one style: thin axes, one ink, colours that colour-blind readers tell apart.

Every function returns a new matplotlib ``Figure`` and touches no global state, so that threads
may draw at once. Dates are days since 1970-01-01, which is also matplotlib's own epoch.
"""
from __future__ import annotations

from itertools import cycle
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap, LogNorm, to_rgba
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, NullFormatter, PercentFormatter, StrMethodFormatter

# The same figure gives the same bytes, whatever a matplotlibrc of the user or of the current folder says.
matplotlib.rcParams.update({**matplotlib.rcParamsDefault, "svg.hashsalt": "phenofuse"})

INK = "#1f2a37"  # text and axes; the report turns it light in dark schemes, so nothing else may use it
MISSING = (0.6, 0.65, 0.7, 0.35)
# Okabe & Ito 2008, "Color Universal Design", without its black and yellow, which vanish on dark and light paper.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
BASELINE = "#8a94a0"

# Viridis without its darkest quarter, which would vanish on dark paper.
_BRIGHT = ListedColormap(matplotlib.colormaps["viridis"](np.linspace(0.25, 1, 192)))

WIDTH = 8.4  # inches: the text width of the page
FONT = 9.5
THIN, WIDE = 1.5, 2.8  # points: a thin line on a wide one leaves both to be seen
MARKERS = "oDs^"
TALLEST_MAP = 3.2
# Matplotlib's words for a colour bar, by whether values lie below it and above it.
_ENDS = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}


class Line(NamedTuple):
    """A curve: `x` (days), `y`, and optionally the bounds of its interval; `points` draws markers only."""

    label: str
    x: np.ndarray
    y: np.ndarray
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None
    points: bool = False


def lines(curves, y_label: str, x_label: str = "", dates: bool = True, height: float = 3.0, baseline: str = "",
          subject: str = "") -> Figure:
    """Curves over time (or over `x_label` where `dates` is false), with interval ribbons; the `baseline` is grey.

    Other lines lie below that of the `subject` and are wider, so that neither hides the other where they agree.
    """
    figure, axes = _new(height)
    colours, markers = iter(_colours()), cycle(MARKERS)
    for curve in curves:
        colour = BASELINE if curve.label == baseline else next(colours)
        if curve.lower is not None:
            axes.fill_between(curve.x, curve.lower, curve.upper, color=colour, alpha=0.22, linewidth=0)
        style = {"linestyle": "none", "marker": next(markers), "markersize": 3.8, "zorder": 4} if curve.points else _line(
            curve.label, baseline, subject)
        axes.plot(curve.x, curve.y, color=colour, label=curve.label, **style)
    if dates:
        _date_axis(axes)
    elif all(np.all(curve.x == np.rint(curve.x)) for curve in curves):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(ylabel=y_label, xlabel=x_label)
    _legend(axes, len(curves))
    return figure


def coverage_bars(days, percent, y_label: str = "Valid values", threshold: float | None = None,
                  height: float = 2.4) -> Figure:
    """One bar per date, 0 to 100%; bars below `threshold` stand out, and so do dates with nothing at all."""
    days, percent = np.asarray(days, float), np.asarray(percent, float)
    figure, axes = _new(height)
    width = 0.8 * np.median(np.diff(days)) if len(days) > 1 else 5.0
    weak = percent < threshold if threshold is not None else np.zeros(len(days), bool)
    axes.bar(days[~weak], percent[~weak], width=width, color=COLOURS[0])
    if weak.any():
        axes.bar(days[weak], percent[weak], width=width, color=COLOURS[3], label=f"below {threshold:g}%")
    empty = percent <= 0
    if empty.any():
        axes.plot(days[empty], np.full(empty.sum(), 2.0), "x", color=COLOURS[3], markersize=5, label="none at all")
    axes.set(ylabel=y_label, ylim=(0, 100))
    axes.yaxis.set_major_formatter(PercentFormatter())
    _date_axis(axes)
    _legend(axes, int(weak.any()) + int(empty.any()), fewest=1)
    return figure


def bars(labels, groups: dict, y_label: str, x_label: str = "", height: float = 2.8,
         baseline: str = "") -> Figure:
    """Grouped bars: for each label one bar per group (name -> values); the `baseline` is grey."""
    figure, axes = _new(height)
    position, width, colours = np.arange(len(labels)), 0.8 / len(groups), iter(_colours())
    for number, (name, values) in enumerate(groups.items()):
        values = np.asarray(values, float)
        colour = BASELINE if name == baseline else next(colours)
        x = position + (number - (len(groups) - 1) / 2) * width
        axes.bar(x, values, width=0.92 * width, color=colour, label=name)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set(ylabel=y_label, xlabel=x_label, xlim=(-0.6, len(labels) - 0.4))
    axes.set_xticks(position, labels)
    _legend(axes, len(groups))
    return figure


def histogram(edges, counts, x_label: str, y_label: str = "Share of values", height: float = 2.4) -> Figure:
    """Bars between `edges`, as a share of all counts."""
    edges, counts = np.asarray(edges, float), np.asarray(counts, float)
    figure, axes = _new(height)
    axes.stairs(100 * counts / max(counts.sum(), 1), edges, fill=True, color=COLOURS[0])
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}%"))
    axes.set(xlabel=x_label, ylabel=y_label, xlim=(edges[0], edges[-1]))
    return figure


def heat_map(values, row_labels, column_labels, label: str, limits=None, colours: str = "viridis",
             spec: str = ".2f", height: float | None = None) -> Figure:
    """A table as colours with its numbers written in (rows, columns); NaN stays empty."""
    values = np.asarray(values, float)
    figure, axes = _new(height or 0.9 + 0.34 * len(row_labels))
    axes.grid(visible=False)
    image = axes.imshow(np.ma.masked_invalid(values), aspect="auto", cmap=colours, **_limits(limits))
    axes.set_xticks(range(len(column_labels)), column_labels)
    axes.set_yticks(range(len(row_labels)), row_labels)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            red, green, blue, _ = image.cmap(image.norm(value))
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5  # luma, ITU-R BT.601
            axes.text(column, row, format(value, spec).replace("-", "\N{MINUS SIGN}"), ha="center", va="center",
                      fontsize=FONT - 1.5, color="#ffffff" if dark else "#111111")
    _colour_bar(figure, image, axes, label)
    return figure


def density_scatter(x_edges, y_edges, counts, x_label: str, y_label: str, height: float = 4.2) -> Figure:
    """A scatter plot of any number of pairs: counts (x, y) on a logarithmic scale, with the line of equality."""
    counts = np.asarray(counts, float)
    figure, axes = _new(height, width=height * 1.3)
    full_x, full_y = (np.flatnonzero(counts.sum(axis=axis)) for axis in (1, 0))
    image = axes.pcolormesh(x_edges, y_edges, np.ma.masked_equal(counts.T, 0), cmap=_BRIGHT, rasterized=True,
                            norm=LogNorm(1, max(counts.max(initial=1), 2)))
    if len(full_x) and len(full_y):
        low = min(x_edges[full_x[0]], y_edges[full_y[0]])
        high = max(x_edges[full_x[-1] + 1], y_edges[full_y[-1] + 1])
        axes.plot((low, high), (low, high), color=INK, linewidth=1, linestyle="--")
        axes.set(xlim=(low, high), ylim=(low, high))
    axes.set(xlabel=x_label, ylabel=y_label, aspect="equal")
    _colour_bar(figure, image, axes, "Number of values")
    return figure


def maps(arrays, titles, label: str, limits=None, colours: str = "viridis", columns: int = 4) -> Figure:
    """Small maps (rows, columns) side by side on one colour scale; missing pixels are grey.

    Where values lie beyond the `limits` (low, high), the colour bar ends in an arrow.
    """
    arrays = [np.asarray(array, float) for array in arrays]
    columns = min(columns, len(arrays))
    rows = -(-len(arrays) // columns)
    shape = min(max(array.shape[0] / array.shape[1] for array in arrays), 10.0)
    size = min((WIDTH - 1.2) / max(columns, 2), TALLEST_MAP / shape)
    figure = _blank(1.2 + size * columns, rows * (size * max(shape, 0.1) + 0.35) + 0.1)
    grid = figure.subplots(rows, columns, squeeze=False)
    low, high = _common_limits(arrays)
    limits = limits or (low, high)
    palette = matplotlib.colormaps[colours].with_extremes(bad=MISSING)
    image = None
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, array, title in zip(grid.flat, arrays, titles):
        image = axes.imshow(np.ma.masked_invalid(array), cmap=palette, interpolation="nearest", **_limits(limits))
        axes.set_title(title, fontsize=FONT - 0.5, color=INK)
    _colour_bar(figure, image, list(grid.flat), label, _ENDS[low < limits[0], high > limits[1]])
    return figure


def class_map(codes, labels: dict, undecided: int, height: float = 3.4) -> Figure:
    """A map of classes (rows, columns) with a legend of those that occur; code 0 is grey.

    Parameters
    ----------
    codes : (rows, columns) int
    labels : dict of int to str
        Of each code.
    undecided : int
        The code that is drawn in the baseline's colour.
    """
    codes = np.asarray(codes)
    used = [code for code in labels if (codes == code).any()]
    figure = _blank(WIDTH, height)
    axes = figure.subplots()
    axes.set_axis_off()
    palette = {code: MISSING if code == 0 else COLOURS[(code - 1) % len(COLOURS)] for code in labels}
    palette[undecided] = BASELINE
    picture = np.zeros((*codes.shape, 4))
    for code in used:
        picture[codes == code] = to_rgba(palette[code])
    axes.imshow(picture, interpolation="nearest")
    axes.legend(handles=[Patch(color=palette[code], label=labels[code]) for code in used], loc="center left",
                bbox_to_anchor=(1.02, 0.5), frameon=False, labelcolor=INK, fontsize=FONT - 0.5)
    return figure


def error_by_gap(labels, errors: dict, baseline: str, y_label: str = "RMSE", height: float = 2.9,
                 intervals: dict | None = None, subject: str = "") -> Figure:
    """Error by gap length, one line per method; the `baseline` is grey and dashed, the `subject` as in `lines`.

    Parameters
    ----------
    labels : sequence of str
        Classes of gap length.
    errors : dict of str to sequence
        Error of each method per class.
    intervals : dict of str to (lower, upper), optional
        Bounds of the errors.
    """
    figure, axes = _new(height)
    x, colours = np.arange(len(labels)), iter(_colours())
    for name, values in errors.items():
        colour = BASELINE if name == baseline else next(colours)
        axes.plot(x, values, color=colour, marker="o", label=name, **_line(name, baseline, subject))
        if intervals and name in intervals:
            axes.fill_between(x, *intervals[name], color=colour, alpha=0.2, linewidth=0)
    largest = np.nanmax([np.nanmax(values) for values in errors.values()])
    axes.set(ylabel=y_label, xlabel="Gap length (days)", xlim=(-0.4, len(labels) - 0.6), ylim=(0, 1.08 * largest))
    axes.set_xticks(x, labels)
    _legend(axes, len(errors))
    return figure


def reliability(nominal, observed: dict, height: float = 3.6) -> Figure:
    """Share of true values inside the intervals (name -> shares) against the share promised, with the ideal line."""
    figure, axes = _new(height, width=height * 1.15)
    axes.plot((0, 1), (0, 1), color=INK, linewidth=1, linestyle="--")
    for (name, shares), colour in zip(observed.items(), _colours()):
        axes.plot(nominal, shares, color=colour, marker="o", markersize=5, linewidth=1.8, label=name)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    lowest = 0.4 if min(map(min, observed.values()), default=1.0) >= 0.4 else 0.0
    axes.set(xlabel="Promised share inside", ylabel="Observed share inside", xlim=(lowest, 1), ylim=(lowest, 1),
             aspect="equal")
    _legend(axes, len(observed))
    return figure


def _blank(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _new(height: float, width: float = WIDTH):
    """A figure and its axes in the house style."""
    figure = _blank(width, height)
    axes = figure.subplots()
    axes.set_facecolor("none")
    axes.set_axisbelow(True)
    axes.grid(color=INK, alpha=0.13, linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    _ink(axes)
    return figure, axes


def _ink(axes) -> None:
    axes.tick_params(colors=INK, labelsize=FONT - 0.5)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=INK, fontsize=FONT)


def _line(label: str, baseline: str, subject: str) -> dict:
    """How the line of a method is drawn; see `lines`."""
    below = subject and label not in (subject, baseline)
    return {"linestyle": "--" if label == baseline else "-", "linewidth": WIDE if below else THIN,
            "markersize": 7 if below else 5, "zorder": 3 if label == subject else 2}


def _colours():
    return (COLOURS[i % len(COLOURS)] for i in range(1000))


def _date_axis(axes) -> None:
    locator = AutoDateLocator(minticks=4, maxticks=9)
    axes.xaxis_date()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.xaxis.get_offset_text().set(color=INK, fontsize=FONT - 0.5)


def _legend(axes, entries: int, fewest: int = 2) -> None:
    """Above the axes, so that it never hides a value; none where there are too few entries to tell apart."""
    if entries >= fewest:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=min(entries, 5), frameon=False, labelcolor=INK,
                    fontsize=FONT - 0.5, borderaxespad=0.2, handlelength=1.6)


def _colour_bar(figure, image, axes, label: str, extend: str = "neither") -> None:
    bar = figure.colorbar(image, ax=axes, fraction=0.05, pad=0.02, extend=extend)
    bar.set_label(label)
    bar.outline.set_visible(False)
    if isinstance(image.norm, LogNorm):
        bar.ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        bar.ax.yaxis.set_minor_formatter(NullFormatter())
    else:
        bar.locator = MaxNLocator(5)
        bar.update_ticks()
    _ink(bar.ax)
    bar.ax.tick_params(which="minor", colors=INK)


def _limits(limits) -> dict:
    return {} if limits is None else {"vmin": limits[0], "vmax": limits[1]}


def _common_limits(arrays):
    values = np.concatenate([array[np.isfinite(array)].ravel() for array in arrays])
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
