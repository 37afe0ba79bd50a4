"""The checks: pure functions from what was measured to findings. Every threshold says where it comes from.

"Clean sets" below are public Sentinel series of eight sources (Europe and Honduras; masked and not; 6 x 6 to 100 x 64
pixels), in which nothing is to be found.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ..timeseries import VARIABLES, scaling
from .findings import Finding
from .measure import Measure

FEWEST = 9  # pixels from which a statistic of one band is trusted; a 3 x 3 corner
FEWEST_PAIRS = 30  # pixels from which a correlation is: chance reaches 0.999 in 30 pairs once in 10^40
# Shares of the finite values of a band.
MOST_IMPOSSIBLE = 0.01  # the reader's own limit: beyond it a raster is something else
MOST_AT_LIMITS = 0.05  # clean sets: 0.6 % at most, from clipped reflectances (red = 0 gives NDVI = 1 exactly)
MOST_ZEROS = 0.05  # clean sets: 0.0 %; float arithmetic hits zero by chance never
FILL_SHARE = 0.99  # of the impossible values are one number: it stands for nothing
SMALLEST_FILL = 99.0  # -99, -999, -9999, 65535
SMALLEST_SPREAD = 1e-4  # clean sets: 0.0018 (36 pixels under one cloud)
COMPARED = ("NDVI", "VV", "VH")  # of others, indices of the same bands among them, only identical values are copies
COPY_CORRELATION = 0.999  # speckle keeps radar and NDVI, and VV and VH, far below; rounding to 8 bits far above
LINEAR_BELOW = 2.0  # as the reader: backscatter that is all positive with a median below this is linear power
LOWEST_MEDIAN_DB, HIGHEST_MEDIAN_DB = -45.0, 3.0  # clean sets: -28 (VH over water) to -5 (VV, town)
LOWEST_DB = -80.0  # no backscatter in decibels lies lower; NDVI x 10000 does
LARGEST_INTEGER = 32767  # NDVI x 10000 fits into 16 bits
REGULAR_SHARE = 0.9  # of the steps must be equal for a series of single dates to count as regular
FEWEST_DATES = 4  # from which a rhythm can be told


@dataclass(frozen=True)
class Layer:
    """A band of a file, measured.

    Attributes
    ----------
    file : name of the file
    series : what it belongs to: layers of one series differ in their dates alone
    variable : NDVI, VV, VH, another of a known range, or '' where unknown
    start, end : first day, and first day after the period (None: a single day); start None: no date
    integer, scaled : whether the file holds integers, and declares a scale
    dtype : of its numbers
    units : as the file says
    """

    file: str
    series: str
    variable: str
    start: date | None
    end: date | None
    integer: bool
    scaled: bool
    units: str
    measure: Measure
    dtype: str = ""

    @property
    def when(self) -> str:
        """The period, as text."""
        if self.start is None:
            return self.file
        return f"{self.start}" if self.end is None else f"{self.start}/{self.end}"

    @property
    def is_radar(self) -> bool:
        """Whether it is backscatter."""
        return self.variable in ("VV", "VH")

    @property
    def is_optical(self) -> bool:
        """Whether clouds can empty it."""
        return not self.is_radar and self.variable != "RVI"

    @property
    def linear(self) -> bool:
        """Whether the file says that it holds linear power."""
        return any(word in self.units.lower() for word in ("linear", "power", "intensity"))

    def finding(self, kind: str, what: str) -> Finding:
        """Something found in this layer."""
        return Finding(kind, f"{self.variable} of {self.when}: {what}", self.variable, self.when)


def check_values(layer: Layer) -> list:
    """Judge the values of one layer for what it is said to be."""
    values = layer.measure
    found = []
    if values.infinite:
        found.append(layer.finding("infinite_values", f"{values.infinite} of {values.pixels} values are infinite."))
    if not layer.variable or not values.finite:
        return found
    found += _check_constant(layer)
    found += _check_radar(layer) if layer.is_radar else _check_ndvi(layer) if layer.variable == "NDVI" else _check_index(layer)
    if values.zero > MOST_ZEROS * values.finite and values.zero >= FEWEST and not layer.integer:
        found.append(layer.finding("zero_fill", f"{values.zero / values.finite:.0%} of the values are exactly 0."))
    return found


def check_relations(layers: list) -> list:
    """Compare the layers of one period and place: copies, swapped polarisations."""
    found = []
    layers = sorted(layers, key=lambda layer: layer.variable)  # NDVI first: it is the copy, radar the original
    for number, first in enumerate(layers):
        for second in layers[number + 1 :]:
            if first.variable and second.variable and first.variable != second.variable:
                found += _check_pair(first, second)
    return found


def check_presence(layers: list, least_valid_percent: float = 0.0) -> list:
    """Judge what a period lacks. Clouds empty NDVI, and nothing empties radar but a missing pass or a failed export."""
    known = [layer for layer in layers if layer.variable]
    empty = [layer for layer in known if not layer.measure.finite]
    radar = [layer for layer in known if layer.is_radar]
    found = []
    if radar and len(empty) == len(known):
        names = ", ".join(dict.fromkeys(layer.variable for layer in known))
        found.append(Finding("empty_period", f"{known[0].when}: none of {names} has a value.", "", known[0].when))
    else:
        found += _check_empty(radar, empty)
    for layer in known:
        percent = 100 * layer.measure.valid_share
        if percent < least_valid_percent:
            found.append(
                layer.finding(
                    "too_few_valid",
                    f"{percent:.1f} % of the pixels are valid, {least_valid_percent:g} % are asked for.",
                )
            )
    return found


def check_series(layers: list) -> list:
    """Judge one series along time: dates in order, none twice, none missing, no values twice, some values at all."""
    dated = [layer for layer in layers if layer.start]
    found = [
        Finding("no_date", f"{layer.file}: no date in tags, band name or file name.", layer.variable, layer.file)
        for layer in layers
        if layer.start is None
    ]
    variable = layers[0].variable
    if variable and not any(layer.measure.finite for layer in layers):
        found.append(
            Finding("never_valid", f"{layers[0].series}: none of {len(layers)} periods has a value.", variable)
        )
    late = [(a, b) for a, b in zip(dated, dated[1:]) if b.start < a.start and a.file == b.file]
    found += [b.finding("unordered_dates", f"it comes after {a.when} in {b.file}.") for a, b in late]
    dated = sorted(dated, key=lambda layer: layer.start)
    rhythm = rhythm_of([(layer.start, layer.end) for layer in dated])
    found += _check_repeats(dated, composite=rhythm.composite)
    found += [
        b.finding("overlapping_periods", f"it begins before {a.when} ends.")
        for a, b in zip(dated, dated[1:])
        if a.end and a.start < b.start < a.end
    ]
    kind = "missing_period" if rhythm.composite else "irregular_dates"
    found += [Finding(kind, f"{layers[0].series}: nothing of {day}.", "", str(day)) for day in rhythm.missing]
    return found


def check_common_dates(series: dict) -> list:
    """Note composites of one rhythm that begin later or end earlier than another series of the set.

    Parameters
    ----------
    series : {name: layers}
        Acquisitions of two sensors share no dates and are not compared.
    """
    rhythms = {}
    for name, layers in series.items():
        starts = sorted(layer.start for layer in layers if layer.start)
        rhythm = rhythm_of([(layer.start, layer.end) for layer in layers if layer.start])
        if rhythm.composite and starts:
            rhythms.setdefault(rhythm.name, []).append((name, starts[0], starts[-1]))
    found = []
    for members in rhythms.values():
        first, last = min(start for _, start, _ in members), max(end for _, _, end in members)
        found += [
            Finding(
                "different_extent", f"{name} runs from {start} to {end}, others from {first} to {last}.", where=name
            )
            for name, start, end in members
            if (start, end) != (first, last)
        ]
    return found


def check_bands(files: dict) -> list:
    """Compare the band names of files that hold several variables.

    Parameters
    ----------
    files : {file name: tuple of band names}
    """
    if not files:
        return []
    usual, _ = Counter(files.values()).most_common(1)[0]
    found = []
    for file, names in files.items():
        if not all(names):
            found.append(
                Finding("unnamed_bands", f"{file}: {names.count('')} of {len(names)} bands have no name.", where=file)
            )
        elif set(usual) - set(names):
            lacking = ", ".join(name for name in usual if name not in names)
            found.append(
                Finding("band_missing", f"{file}: {lacking} is missing; it has {', '.join(names)}.", where=file)
            )
        elif names != usual and sorted(names) == sorted(usual):
            found.append(
                Finding("band_order", f"{file}: {', '.join(names)}, elsewhere {', '.join(usual)}.", where=file)
            )
    return found


@dataclass(frozen=True)
class Rhythm:
    """How the dates of a series follow one another: whether they are composite periods, which, and what is missing."""

    composite: bool
    missing: tuple = ()
    name: str = ""


def rhythm_of(periods: list) -> Rhythm:
    """Tell the rhythm of (start, end) pairs in order of time.

    Composites are half-open periods that mostly join, and single dates that follow the calendar (the same day of every
    month, or the 1st, 11th and 21st). Other single dates are acquisitions: where nearly all steps are equal, dates that
    a longer step skips are reported as absent, but an acquisition may not have happened.
    """
    periods = sorted(set(periods))
    starts = [start for start, _ in periods]
    if len(set(starts)) < FEWEST_DATES:
        return Rhythm(composite=bool(periods) and all(end for _, end in periods))
    if all(end for _, end in periods):
        return Rhythm(
            True, _gaps_between(periods), f"{np.median([(end - start).days for start, end in periods]):g} days"
        )
    steps = np.diff([day.toordinal() for day in dict.fromkeys(starts)])
    if len({day.day for day in starts}) == 1 and starts[0].day <= 28 and np.median(steps) <= 31:
        return Rhythm(True, _absent(starts, _months(starts)), "months")
    if {day.day for day in starts} <= {1, 11, 21} and np.median(steps) <= 11:
        return Rhythm(
            True,
            _absent(starts, [day + timedelta(days=10 * part) for day in _months(starts) for part in range(3)]),
            "dekads",
        )
    usual, times = Counter(steps.tolist()).most_common(1)[0]
    if times < REGULAR_SHARE * len(steps) or np.any(steps % usual):
        return Rhythm(False)
    regular = [starts[0] + timedelta(days=usual * number) for number in range((starts[-1] - starts[0]).days // usual)]
    return Rhythm(False, _absent(starts, regular))


def _check_constant(layer: Layer) -> list:
    values = layer.measure
    if values.finite < FEWEST or values.deviation > SMALLEST_SPREAD * max(1.0, abs(values.mean)):
        return []
    return [layer.finding("constant", f"all {values.finite} values are {values.mean:.4g}.")]


def _check_ndvi(layer: Layer) -> list:
    values = layer.measure
    limit = max(values.at_low, values.at_high)
    if values.outside > MOST_IMPOSSIBLE * values.finite:
        return [_explain_ndvi(layer)]
    found = _few_impossible(layer)
    if limit > MOST_AT_LIMITS * values.finite and limit >= FEWEST:
        at = "-1" if values.at_low >= values.at_high else "+1"
        found.append(layer.finding("clamped_values", f"{limit / values.finite:.0%} of the values are exactly {at}."))
    return found


def _explain_ndvi(layer: Layer) -> Finding:
    """Tell what an NDVI layer with impossible values holds instead."""
    values = layer.measure
    reach = f"values reach from {values.low:.4g} to {values.high:.4g}"
    if _is_fill(values):
        return layer.finding("undeclared_nodata", f"{values.outside} values are {values.fill:g}.")
    if abs(values.low) <= LARGEST_INTEGER and abs(values.high) <= LARGEST_INTEGER:
        if values.whole > FILL_SHARE * values.finite:
            kind = "integer_scale" if layer.integer and not layer.scaled else "integer_scale_lost"
            guess = scaling.guess(VARIABLES["NDVI"], values.low, values.high, layer.dtype)
            return layer.finding(kind, f"{reach}, all whole numbers: NDVI times a factor. {guess.text if guess else ''}".strip())
        if values.median < -1 and values.low > LOWEST_DB:
            return layer.finding("backscatter_in_ndvi", f"{reach}, half of them below {values.median:.1f}: decibels.")
        if values.outside > 0.5 * values.finite and (values.low < LOWEST_DB or values.median > 1):
            return layer.finding("integer_scale_lost", f"{reach}: NDVI times a factor.")
    return layer.finding(
        "impossible_values", f"{reach}; {values.outside / values.finite:.0%} of them lie outside -1 to 1."
    )


def _check_index(layer: Layer) -> list:
    """Judge a variable of which no more is known than its range."""
    values, (low, high) = layer.measure, VARIABLES[layer.variable].valid_range
    if values.outside <= MOST_IMPOSSIBLE * values.finite:
        return _few_impossible(layer)
    if _is_fill(values):
        return [layer.finding("undeclared_nodata", f"{values.outside} values are {values.fill:g}.")]
    guess = None
    if values.whole > FILL_SHARE * values.finite:
        guess = scaling.guess(VARIABLES[layer.variable], values.low, values.high, layer.dtype)
    return [layer.finding("impossible_values", f"values reach from {values.low:.4g} to {values.high:.4g}; "
                          f"{values.outside / values.finite:.0%} of them lie outside {low:g} to {high:g}."
                          + (f" {guess.text}" if guess else ""))]  # fmt: skip


def _check_radar(layer: Layer) -> list:
    values = layer.measure
    positive = values.low >= 0 or np.mean(values.sample[np.isfinite(values.sample)] >= 0) > 0.999
    reach = f"values reach from {values.low:.4g} to {values.high:.4g}"
    if positive and values.median < LINEAR_BELOW and values.finite >= FEWEST:
        kind = "declared_linear_power" if layer.linear else "linear_power"
        return [layer.finding(kind, f"{reach}, half of them below {values.median:.3g}, none negative: not decibels.")]
    if values.low >= -1 and values.high <= 1 and values.finite >= FEWEST:
        return [layer.finding("ndvi_in_radar", f"{reach}, as those of an index.")]
    if values.outside > MOST_IMPOSSIBLE * values.finite:
        if _is_fill(values):
            return [layer.finding("undeclared_nodata", f"{values.outside} values are {values.fill:g}.")]
        return [
            layer.finding(
                "impossible_values",
                f"{reach}; {values.outside / values.finite:.0%} of them are no decibels of Sentinel-1.",
            )
        ]
    found = _few_impossible(layer)
    if not LOWEST_MEDIAN_DB <= values.median <= HIGHEST_MEDIAN_DB and values.finite >= FEWEST:
        found.append(layer.finding("implausible_level", f"half of the values lie below {values.median:.1f} dB."))
    return found


def _few_impossible(layer: Layer) -> list:
    values = layer.measure
    if not values.outside:
        return []
    if _is_fill(values):
        return [layer.finding("undeclared_nodata", f"{values.outside} values are {values.fill:g}.")]
    return [
        layer.finding(
            "few_impossible",
            f"{values.outside} of {values.finite} values, from {values.low:.4g} to {values.high:.4g}.",
        )
    ]


def _is_fill(values: Measure) -> bool:
    """Whether the impossible values are one number that stands for nothing; several pixels must hold it."""
    return (
        values.fill_count >= FEWEST
        and values.fill_count > FILL_SHARE * values.sample_outside
        and abs(values.fill) >= SMALLEST_FILL
    )


def _check_pair(first: Layer, second: Layer) -> list:
    a, b = first.measure.sample, second.measure.sample
    if a.shape != b.shape:
        return []
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both].astype("float64"), b[both].astype("float64")
    found = []
    if a.size >= FEWEST_PAIRS and min(a.std(), b.std()) > 1e-6:
        r = float(np.corrcoef(a, b)[0, 1])
        near = abs(r) > COPY_CORRELATION and first.variable in COMPARED and second.variable in COMPARED
        if near or np.array_equal(a, b):
            slope = r * a.std() / b.std()
            how = (
                "identical"
                if np.array_equal(a, b)
                else f"{slope:.3g} times it plus {a.mean() - slope * b.mean():.3g}"
            )
            found.append(
                first.finding("copied_band", f"it is a copy of {second.variable} ({how}; correlation {r:.4f}).")
            )
    if {first.variable, second.variable} == {"VV", "VH"} and a.size >= FEWEST:
        difference = float(np.median(a - b)) * (1 if first.variable == "VV" else -1)
        if difference < 0:
            found.append(
                Finding(
                    "polarisations_swapped",
                    f"{first.when}: VH is above VV, by {-difference:.2g} in the median; "
                    "over land it lies 5 to 10 dB below.",
                    "VV, VH",
                    first.when,
                )
            )
    return found


def _check_empty(radar: list, empty: list) -> list:
    """Judge empty layers of a period which has values in others."""
    found = [layer.finding("all_cloud", "no pixel is valid.") for layer in empty if layer.is_optical]
    no_radar = [layer for layer in empty if layer.is_radar]
    if no_radar and len(no_radar) == len(radar):
        found.append(Finding("no_radar", f"{no_radar[0].when}: no radar value.", "VV, VH", no_radar[0].when))
    else:
        found += [
            layer.finding("missing_polarisation", "no pixel is valid, while the other polarisation is there.")
            for layer in no_radar
        ]
    return found


def _check_repeats(dated: list, composite: bool) -> list:
    found, seen = [], {}
    for before, layer in zip(dated, dated[1:]):
        if before.start == layer.start:
            kind = "repeated_period" if composite else "same_day"
            found.append(
                layer.finding(
                    kind,
                    f"it occurs in {before.file} and {layer.file}."
                    if before.file != layer.file
                    else f"it occurs twice in {layer.file}.",
                )
            )
    for layer in dated:
        values = layer.measure
        if not layer.variable or values.finite < FEWEST or values.deviation <= SMALLEST_SPREAD:
            continue
        earlier = seen.setdefault(values.digest, layer)
        if earlier.start != layer.start:
            found.append(layer.finding("repeated_values", f"it holds exactly the values of {earlier.when}."))
    return found


def _gaps_between(periods: list) -> tuple:
    """Return the first day of each stretch without a period, where most periods join."""
    gaps = [(a_end, b_start) for (_, a_end), (b_start, _) in zip(periods, periods[1:]) if b_start > a_end]
    return tuple(first for first, _ in gaps) if len(gaps) < len(periods) / 2 else ()


def _absent(starts: list, regular: list) -> tuple:
    return tuple(day for day in regular if starts[0] < day < starts[-1] and day not in set(starts))


def _months(starts: list) -> list:
    """Return the first start's day of every month from the first to the last; the 1st where dates are dekads."""
    day = starts[0].day if len({start.day for start in starts}) == 1 else 1
    first, last = (start.year * 12 + start.month - 1 for start in (starts[0], starts[-1]))
    return [date(month // 12, month % 12 + 1, day) for month in range(first, last + 1)]
