"""Fill values that no file declares: found once for a whole series, in a sample of its stored numbers.

A number is *surely* nothing when it cannot be a measurement: it is one that programs write for nothing and lies apart from
all others, or far more values are exactly equal to it than to any other and its place gives it away (a border, or the very
same pixels at all dates). What is only likely is told, with the word that settles it (NODATA). Integers repeat by nature:
nothing follows from repetition alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .grids import Grid, sample_windows
from .raw import read_stored
from .variables import VARIABLES, Variable

# What programs write for "nothing" without declaring it, beside the limits of the integer types: rows of nines, and
# the fill values of MODIS (-3000; see products), THEIA's MAJA (-10000) and NetCDF (NC_FILL_FLOAT).
NINES = (-99.0, -999.0, -9999.0, -99999.0, -999999.0)
WRITTEN = (*NINES, -3000.0, -10000.0)
# In floats also the limits of other types, and fill values of indices that went through a calculator with a scale.
SCALED = tuple(number * scale for number in (-9999.0, -3000.0, -32768.0) for scale in (0.1, 0.01, 0.001, 0.0001))
WRITTEN_IN_FLOATS = (*WRITTEN, *SCALED, -32768.0, -32767.0, 32767.0, 65535.0, -2147483648.0, 2147483647.0)
ROUNDING = 1e-6  # of such a multiplication, relative
LARGEST_MEASURED = 1e19  # -3.4e38, 9.97e36, 1e20
MOST_SOURCES = 48  # that are looked at, of tiles
FEWEST = 9  # pixels: a 3 x 3 corner
SMALLEST_SHARE = 0.01  # of the values, from which an unknown number that repeats is looked at
CLIFF = 20  # times as often as the next: no histogram of measurements does that
LEDGE = 3  # times as often as the numbers near it: enough at the edge of the raster, or at the same pixels at all dates
MOST_NUMBERS = 4  # that stand on such a cliff; more are classes
APART = 0.05  # of the range of all other values: the distance around a fill value that holds none of them
FAR = 0.5  # of that range, beyond all other values: there a single pixel is enough
ROOM = 4  # the same of a limit of an integer type, in steps: what is stored in bytes reaches up to 250
MOST_NEAR = 0.02  # of as many values as the fill value has, within that distance: noise
MOST_ELSEWHERE = 0.05  # of a number's pixels that are neither border nor always the same
# Classes repeat, and 0 is one of them: a raster needs more numbers than these to be judged by what repeats, unless 0 is
# looked for in a variable that we know.
FEWEST_NUMBERS, LARGEST_CLASS = 13, 20


@dataclass(frozen=True)
class Sampled:
    """Stored numbers of one band in the sample windows of its grid.

    Parameters
    ----------
    raw, seen : ndarray, (windows, rows, columns)
        Numbers, and True where nothing declares them to be none.
    grid : Grid
        Layers of one grid show the same pixels.
    """

    raw: np.ndarray
    seen: np.ndarray
    grid: Grid


@dataclass(frozen=True)
class Fill:
    """A stored number that stands for nothing: surely, or only likely."""

    number: float
    sure: bool
    why: str
    share: float


def settled(series, events=None):
    """The series with the fill values that a sample shows to be nothing, in all of its bands; what was found is said.

    Rasters that were made here declare what is missing, and are not looked at.
    """
    if (series.header or {}).get("method"):
        return series
    found = {}
    is_computed = any(len(part.measured) > 1 for part in series.sources[0])
    variable = Variable("reflectance or power") if is_computed else series.variable
    for key, layers in _samples(series).items():
        dtype, scale, offset = key
        fills = find(layers, scale, offset, variable)
        for fill in fills:
            _say(events, series, fill)
        found[key] = tuple((fill.number, fill.number) for fill in fills if fill.sure)
    if not any(found.values()):
        return series
    sources = tuple(tuple(part.without(lambda band: found.get(_kind(band), ())) for part in group) for group in series.sources)
    return replace(series, sources=sources)


def find(layers: list, scale: float, offset: float, variable: Variable) -> list[Fill]:
    """The stored numbers in a sample that stand for nothing.

    Parameters
    ----------
    layers : list of Sampled
        Of one type of numbers, at different dates or places.
    scale, offset : float
        Which make values of the variable of them.
    variable : Variable
    """
    values = np.concatenate([layer.raw[layer.seen] for layer in layers]) if layers else np.zeros(0)
    if values.size < FEWEST or values.dtype.kind not in "iuf":
        return []
    numbers, counts = np.unique(values, return_counts=True)
    written = _written(numbers)
    cliff = _on_cliff(numbers, counts)
    if not (~(written | cliff | (numbers == 0))).any():
        cliff[:] = False
    others = ~(written | cliff | (numbers == 0))
    if not others.any():  # nothing to compare with: only what no index and no class is
        return [Fill(float(n), True, _LIMIT, c / values.size) for n, c in zip(numbers, counts) if n < 0 and (numbers <= 0).all()]
    judge = _Judge(layers, numbers[others], counts[others], values.size, scale, offset, variable)
    found = [judge.written(n, c) for n, c in zip(numbers[written], counts[written])]
    found += [judge.repeated(n, c) for n, c in zip(numbers[cliff & ~written], counts[cliff & ~written]) if n != 0]
    found += [judge.zero(c) for c in counts[numbers == 0]]
    return [fill for fill in found if fill]


_LIMIT = "it is a number that programs write for nothing, or such a one times a scale"


class _Judge:
    """What the numbers of a sample have in common; judges one candidate after another."""

    def __init__(self, layers, others, counts, total, scale, offset, variable):
        self.layers, self.others, self.counts, self.total = layers, others.astype("float64"), counts, total
        self.scale, self.offset, self.variable = scale, offset, variable
        self.floats = layers[0].raw.dtype.kind == "f"
        limits = None if self.floats else np.iinfo(layers[0].raw.dtype)
        self.limits = (limits.min, limits.max) if limits else ()
        self.low, self.high = self.others.min(), self.others.max()

    def written(self, number, count) -> Fill | None:
        """A number that programs write for nothing: surely where it lies apart from all measurements."""
        number = float(number)
        far = max(self.low - number, number - self.high) > FAR * (self.high - self.low) and abs(number) >= -max(NINES)
        often = count >= max(FEWEST, SMALLEST_SHARE * self.total)
        found = (self._apart(number, count) and (count >= FEWEST or far)) or (often and self._peak(number, count))
        doubted = self._pressed(number) or not found
        if not (found or (often and self._peak(number, count, LEDGE))):
            return None
        if not doubted or _place(self.layers, number):
            return self._fill(number, count, True, _LIMIT)
        return self._fill(number, count, False, _LIMIT) if found and often else None

    def repeated(self, number, count) -> Fill | None:
        """A number that repeats as no measurement does."""
        if self._are_classes or count < max(FEWEST, SMALLEST_SHARE * self.total) or not self._apart(number, count):
            return None
        place = _place(self.layers, number)
        if place:
            return self._fill(number, count, True, f"far more values are exactly this than any other, {place}")
        return self._fill(number, count, False, "far more values are exactly this than any other")

    def zero(self, count) -> Fill | None:
        """0: nothing where a border or an outside shows it."""
        known = self.variable.name in VARIABLES
        if count < FEWEST or (self._are_classes and not known):
            return None
        apart, peak = self._apart(0, count), known and self._peak(0, count)
        place = _place(self.layers, 0) if apart or peak else ""
        # Where values reach down to 0 and not beyond, 0 may be what has been clipped there, as a sea is; so it may where 0
        # is the lowest number that can be stored and no round value.
        reached = self.low > 0 and self._near(0).sum() > MOST_NEAR * self.counts.sum()
        lowest = 0 in self.limits and self.offset != 0
        if place and (not (reached or lowest) or _straight(self.layers)):
            return self._fill(0, count, True, f"it fills pixels {place}")
        if known and (apart or peak) and count >= SMALLEST_SHARE * self.total:
            return self._fill(0, count, False, "far more values are exactly this than any near it")
        return None

    def _pressed(self, number) -> bool:
        """Whether a number is a limit of the variable: values are clipped there, which is another fault."""
        return bool(np.isclose(float(number) * self.scale + self.offset, self.variable.limits, rtol=1e-6, atol=0).any())

    @property
    def _are_classes(self) -> bool:
        return self.others.size < FEWEST_NUMBERS or (not self.floats and np.abs(self.others).max() <= LARGEST_CLASS)

    def _near(self, number) -> np.ndarray:
        width = max(APART * (self.high - self.low), 0 if self.floats else 1)
        if number and number in self.limits:
            width = min(width, ROOM)
        return self.counts[np.abs(self.others - float(number)) <= width]

    def _apart(self, number, count) -> bool:
        return self._near(number).sum() <= MOST_NEAR * count

    def _peak(self, number, count, cliff=CLIFF) -> bool:
        return count >= cliff * (self.counts if self.floats else self._near(number)).max(initial=0)

    def _fill(self, number, count, sure, why) -> Fill:
        return Fill(float(number), sure, why, count / self.total)


def _written(numbers: np.ndarray) -> np.ndarray:
    """Which numbers programs write for nothing, in this type."""
    if numbers.dtype.kind == "f":
        found = np.abs(numbers) > LARGEST_MEASURED
        for number in WRITTEN_IN_FLOATS:
            found |= np.abs(numbers - number) <= ROUNDING * abs(number)
        return found
    limits = np.iinfo(numbers.dtype)
    smallest = () if limits.min == 0 else (limits.min, limits.min + 1)
    return np.isin(numbers.astype("int64"), [*WRITTEN, *smallest, limits.max])


def _on_cliff(numbers: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The few numbers that are far more frequent than all others."""
    many = min(MOST_NUMBERS, numbers.size - 1)
    return counts >= CLIFF * np.sort(counts)[::-1][many]


def _place(layers: list, number) -> str:
    """What the place of a number gives away, as half a sentence; '' where it gives nothing away."""
    places = {}
    for layer in layers:
        places.setdefault(layer.grid, []).append(layer)
    same = border = elsewhere_same = elsewhere_border = 0
    for group in places.values():
        masks = np.stack([(layer.raw == np.asarray(number).astype(layer.raw.dtype)) & layer.seen for layer in group])
        seen = np.stack([layer.seen for layer in group])
        contrast = (seen & ~masks).any(axis=(1, 2, 3))  # a date of nothing else shows no place
        if not contrast.any():
            continue
        masks, seen = masks[contrast], seen[contrast]
        always = (masks | ~seen).all(axis=0) & masks.any(axis=0)
        if len(masks) > 1:
            same += int((masks & always).sum())
            elsewhere_same += int((masks & ~always).sum())
        else:
            elsewhere_same += int(masks.sum())
        outside = ~seen.any(axis=0)
        for mask in masks:
            if mask.any():
                at_edge, islands = _at_edge(mask, outside, group[0].grid)
                border += at_edge
                elsewhere_border += islands
    if border >= FEWEST and elsewhere_border <= MOST_ELSEWHERE * (border + elsewhere_border):
        return "along the edge of the raster"
    if same >= FEWEST and elsewhere_same <= MOST_ELSEWHERE * (same + elsewhere_same):
        return "at the very same pixels at all dates"
    return ""


def _straight(layers: list) -> bool:
    """Whether zeros fill whole rows and columns, as what lies outside of an export does and no coast."""
    straight = total = 0
    for layer in layers:
        zero = (layer.raw == 0) & layer.seen
        whole = zero.all(axis=1, keepdims=True) | zero.all(axis=2, keepdims=True)
        straight += int((zero & whole).sum())
        total += int(zero.sum())
    return total - straight <= MOST_ELSEWHERE * total


def _at_edge(mask: np.ndarray, outside: np.ndarray, grid: Grid) -> tuple[int, int]:
    """Pixels of a mask that hang together with the edge of the raster, and those that certainly do not.

    What leaves a window without touching the edge is neither.
    """
    from scipy.ndimage import label

    at_edge = islands = 0
    for window, inside, empty in zip(sample_windows(grid), mask, outside):
        if not inside.any():
            continue
        pieces, _ = label(inside | empty)
        sides = (
            (pieces[0], window.row == 0),
            (pieces[-1], window.row + window.rows == grid.height),
            (pieces[:, 0], window.column == 0),
            (pieces[:, -1], window.column + window.columns == grid.width),
        )
        touching = {True: set(), False: set()}
        for side, is_edge in sides:
            touching[is_edge] |= set(np.unique(side).tolist())
        own = pieces[inside]
        edge = np.isin(own, list(touching[True]))
        at_edge += int(edge.sum())
        islands += int((~edge & ~np.isin(own, list(touching[False]))).sum())
    return at_edge, islands


def _samples(series) -> dict:
    """Samples of the stored numbers of a series by type, scale and offset of the bands."""
    sources = [source for date in series.sampled_dates for part in series.sources[date] for source in part.measured]
    sources = [sources[i] for i in np.unique(np.linspace(0, len(sources) - 1, MOST_SOURCES).round().astype(int))]
    by_file = {}
    for source in sources:
        by_file.setdefault(source.path, []).append(source.band)
    found = {}
    for path, bands in by_file.items():
        own, stored = read_stored(path, bands)
        for band, (raw, seen) in zip(bands, stored):
            found.setdefault(_kind(band), []).append(Sampled(raw, seen, own))
    return found


def _kind(band) -> tuple:
    return band.dtype, band.scale, band.offset


def _say(events, series, fill: Fill) -> None:
    if events is None:
        return
    number = f"the stored number {fill.number:g} is not declared as nodata"
    share = f"{fill.share:.1%} of the values looked at"
    if fill.sure:
        events.warning(
            f"{series.name}: {number}, but stands for nothing ({fill.why}; {share}); it counts as missing. "
            "Where it is a measurement, build the series with NODATA = none."
        )
    else:
        events.warning(
            f"{series.name}: {number}, and may stand for nothing ({fill.why}; {share}); it is taken as a measurement. "
            f"If it is none, build the series with NODATA = {fill.number:g} (phenofuse:buildtimeseries)."
        )
