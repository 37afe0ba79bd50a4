"""The job `sampleseries`: values of series at points, or statistics of polygons, as a table."""

from __future__ import annotations

import tempfile
from functools import partial
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from .. import tables, tiles
from ..errors import InputError
from ..files import whole
from ..tiles.gather import gather
from ..timeseries import Pixels, Window, pixels_of, read_places
from .inputs import Sampled, open_sampled, repeated
from .medians import medians
from .moments import MISSING, Moments, Told, Values, kind, moments, told

STATISTICS = ("mean", "median")
POINT_COLUMNS = ("id", "series", "variable", "date", "period_end", "value", "sd", "kind")
AREA_COLUMNS = (*POINT_COLUMNS, "spread", "clear_share", "pixels")
# Of a pixel and date: value, standard deviation and code as read, the code as a small number, and the place's own copies.
BYTES, BYTES_OF_DEVIATION, BYTES_OF_CODE = 8, 8, 6
KEPT = 4  # share of the memory for the values of unfinished polygons whose median is wanted: one in so many
_RECORD = np.dtype([("value", "f8"), ("deviation", "f8"), ("spread", "f8"), ("clear_share", "f8"), ("pixels", "i4"), ("kinds", "u1")])


class Cut(NamedTuple):
    """A window of a tile that holds places, and their pixels there: {number of the place: pixels}."""

    index: int
    window: Window
    members: dict


def run(parameters: dict, resources, events) -> dict:
    """Sample series.

    Parameters
    ----------
    parameters : dict
        SERIES, UNCERTAINTIES and QUALITIES (lists; of the latter two any that there are); PLACES (GeoJSON points or polygons in
        the reference system of the first series, with names); STATISTIC (``mean`` or ``median`` of polygons); START_DATE,
        END_DATE (optional); CSV (the table).
    """
    statistic = parameters.get("STATISTIC") or STATISTICS[0]
    if statistic not in STATISTICS:
        raise InputError(f"There is no STATISTIC '{statistic}'.", f"Choose one of {', '.join(STATISTICS)}.")
    sampled = open_sampled(parameters, events)
    places = read_places(parameters["PLACES"])
    areas = any(place.is_area and place.geometry for place in places)
    _warn(sampled, [place.name for place in places], areas, events)
    records, outside = [], set(range(len(places)))
    for number, one in enumerate(sampled):
        found = _pixels(one, sampled[0], places, events)
        outside &= {place for place, pixels in enumerate(found) if not pixels.count}
        share = events.step(0.95 * number / len(sampled), 0.95 * (number + 1) / len(sampled))
        records.append(_sample(one, found, areas and statistic == "median", resources, share))
    count, missing = _write(parameters["CSV"], places, sampled, records, areas, events)
    if missing:
        events.warning(f"{missing} of {count + missing} rows have no value: places outside, or no pixel with a value on that date.")
    return {"outputs": {"CSV": parameters["CSV"]},
            "numbers": {"COUNT": count, "MISSING": missing, "PLACES_COUNT": len(places), "OUTSIDE": len(outside)}}


def _warn(sampled: list[Sampled], names: list[str], areas: bool, events) -> None:
    """Say what makes the table less than it could be."""
    twice = repeated(names)
    if twice:
        events.warning(f"{len(twice)} ids belong to several places (first: {', '.join(twice[:3])}). "
                       "Choose an ID_FIELD that tells them apart.")
    for one in sampled:
        if one.codes is None and not one.all_observed:
            events.warning(f"{one.name} is filled, and its QUALITY is not among QUALITIES: kind and clear_share stay empty.")
        if areas and one.deviation is not None and one.codes is None:
            events.warning(f"{one.name}: without its QUALITY the pixels of a polygon are taken to err as one; sd is the largest it "
                           "can be.")


def _pixels(one: Sampled, first: Sampled, places: list, events) -> list[Pixels]:
    """The pixels of each place on the grid of a series."""
    crs, grid = first.series.grid.crs, one.series.grid
    if bool(crs) != bool(grid.crs):
        raise InputError(f"{one.name} has {grid.crs_name}, {first.name} has {first.series.grid.crs_name}.",
                         "Give both rasters a reference system.")
    found = [pixels_of(place, crs, grid) for place in places]
    outside = [place.name for place, pixels in zip(places, found) if not pixels.count]
    if len(outside) == len(places):
        raise InputError(f"No place lies on {one.name}.", "Check the reference systems of places and series.")
    if outside:
        events.warning(f"{len(outside)} of {len(places)} places lie outside {one.name} (first: {', '.join(outside[:3])}).")
    beyond = [place.name for place, pixels in zip(places, found) if pixels.beyond and pixels.count]
    if beyond:
        events.warning(f"{len(beyond)} places reach beyond {one.name} (first: {', '.join(beyond[:3])}): the part on it counts.")
    return found


def _sample(one: Sampled, pixels: list, by_median: bool, resources, events) -> np.memmap:
    """A record per place and date asked for: (places, dates). Of a place without pixels it is all zero."""
    records = _on_disk(_RECORD, (len(pixels), len(one.dates)))
    series = one.series
    cost = series.count * (BYTES + BYTES_OF_DEVIATION * bool(one.deviation) + BYTES_OF_CODE * bool(one.codes))
    cuts = _cuts(pixels, tiles.plan(series.grid, cost, resources))
    middle = _medians(one.series, pixels, cuts, resources, events.step(0.6, 1)) if by_median else None
    work = partial(_moments, series, one.deviation, one.codes, one.all_observed)
    for place, parts in _complete(cuts, work, resources, events.step(0, 0.6 if by_median else 1)):
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        full = None if middle is None else middle[place]
        found = told(total, one.clear_known, full)
        for name in Told._fields:
            records[name][place] = getattr(found, name)[one.dates]
    return records


def _on_disk(dtype: np.dtype, shape: tuple) -> np.memmap:
    """Zeros in a file that is gone when nobody uses it any more: a table of many places would not fit into memory."""
    return np.memmap(tempfile.TemporaryFile(), dtype, "w+", shape=shape)


def _cuts(pixels: list[Pixels], plan) -> list[Cut]:
    """The windows that hold places, one for each tile that has any, so that no block is read twice."""
    side, members = plan.side, {}
    for place, own in enumerate(pixels):
        for top in np.unique(own.rows // side):
            row = own.within(Window(int(top) * side, 0, side, plan.grid.width))
            for left in range(int(row.starts.min()) // side, (int(row.ends.max()) - 1) // side + 1):
                part = row.within(Window(int(top) * side, left * side, side, side))
                if part.count:
                    members.setdefault((int(top), left), {})[place] = part
    return [Cut(index, _window(found.values()), found) for index, (_, found) in enumerate(sorted(members.items()))]


def _window(parts) -> Window:
    """The smallest window that holds all pixels."""
    top, left = (min(int(getattr(one, name).min()) for one in parts) for name in ("rows", "starts"))
    bottom, right = max(int(one.rows.max()) for one in parts) + 1, max(int(one.ends.max()) for one in parts)
    return Window(top, left, bottom - top, right - left)


def _complete(cuts: list[Cut], work, resources, events):
    """Yield (place, its results in the order of the cuts) when all cuts that hold it are done; work(cut) gives {place: result}."""
    waiting = {}
    for cut in cuts:
        for place in cut.members:
            waiting[place] = waiting.get(place, 0) + 1
    found: dict = {}
    for index, results in gather(SimpleNamespace(tiles=cuts), partial(_numbered, work), resources, events):
        for place, result in results.items():
            found.setdefault(place, {})[index] = result
            if len(found[place]) == waiting[place]:
                yield place, [part for _, part in sorted(found.pop(place).items())]


def _numbered(work, cut: Cut) -> tuple:
    return cut.index, work(cut)


def _moments(series, deviation, codes, all_observed: bool, cut: Cut) -> dict[int, Moments]:
    """The sums of each place's pixels in a cut."""
    layers = [None if one is None else one.read(cut.window).reshape(one.count, -1) for one in (series, deviation, codes)]
    if codes is not None:
        layers[2] = np.nan_to_num(layers[2], nan=0).astype(np.uint8)
    found = {}
    for place, pixels in cut.members.items():
        where, weights = pixels.placed(cut.window)
        own = Values(*(None if layer is None else layer[:, where] for layer in layers))
        found[place] = moments(own, weights, series.days, all_observed)
    return found


def _medians(series, pixels: list, cuts: list, resources, events) -> np.memmap:
    """The median of each place at all dates, (places, dates); so many dates at a time as unfinished places leave room for."""
    middle = _on_disk(np.dtype(float), (len(pixels), series.count))
    several = {}
    for cut in cuts:
        for place in cut.members:
            several[place] = several.get(place, 0) + 1
    kept = sum(pixels[place].count for place, count in several.items() if count > 1)
    room = resources.memory_mb * 2**20 / KEPT
    at_once = int(min(series.count, max(1, room // (4 * max(kept, 1)))))
    largest = max((own.count for own in pixels), default=0)
    if 24 * largest > resources.memory_mb * 2**20:  # sorting one date of it
        raise InputError(f"The median of {largest} pixels at once does not fit into MEMORY_MB = {resources.memory_mb}.",
                         "Choose STATISTIC = mean, raise MEMORY_MB, or give smaller polygons.")
    starts = range(0, series.count, at_once)
    for turn, start in enumerate(starts):
        dates = list(range(start, min(start + at_once, series.count)))
        share = events.step(turn / len(starts), (turn + 1) / len(starts))
        for place, parts in _complete(cuts, partial(_values, series, dates), resources, share):
            values, weights = (np.concatenate(arrays, axis=-1) for arrays in zip(*parts))
            step = max(1, 2**22 // max(1, values.shape[1]))
            for low in range(0, len(dates), step):
                middle[place, start + low:start + low + step] = medians(values[low:low + step], weights)
    return middle


def _values(series, dates: list, cut: Cut) -> dict:
    """(dates, pixels) and weights of each place in a cut."""
    values = series.read(cut.window, dates).reshape(len(dates), -1)
    placed = {place: pixels.placed(cut.window) for place, pixels in cut.members.items()}
    return {place: (values[:, where], weights) for place, (where, weights) in placed.items()}


def _write(path: str, places: list, sampled: list[Sampled], records: list, areas: bool, events) -> tuple[int, int]:
    """Write the table, place by place; gives the number of rows with a value, and of those without."""
    columns = AREA_COLUMNS if areas else POINT_COLUMNS
    words = "".join([*(place.name for place in places), *(one.name + one.series.variable.name for one in sampled)])
    counts = [0, 0]
    with whole(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        file.write("" if words.isascii() else tables.MARK)
        file.write(tables.written([columns]))
        for number, place in enumerate(places):
            for one, table in zip(sampled, records):
                rows = list(_rows(place.name, one, table[number], areas))
                known = sum(row[5] is not None for row in rows)
                counts[0] += known
                counts[1] += len(rows) - known
                file.write(tables.written(rows).removeprefix(tables.MARK))
            events.progress(0.95 + 0.05 * (number + 1) / len(places))
    return tuple(counts)


def _rows(name: str, one: Sampled, record: np.ndarray, areas: bool):
    """The rows of a place and series."""
    variable = one.series.variable.name
    for date, told_of in zip(one.dates, record):
        period = one.series.periods[date]
        known = told_of["pixels"] > 0 and np.isfinite(told_of["value"])
        value, deviation, spread = (_number(told_of[key], areas) if known else None for key in ("value", "deviation", "spread"))
        row = [name, one.name, variable, str(period.start), period.end and str(period.end), value, deviation,
               kind(told_of["kinds"]) if known else MISSING]
        yield [*row, spread, _share(told_of), int(told_of["pixels"])] if areas else row


def _share(told_of) -> str | None:
    return _number(told_of["clear_share"], True)


def _number(value: float, mean: bool) -> str | None:
    """A number as text: of a pixel, as few digits as tell its float32; of a mean, nine."""
    if not np.isfinite(value):
        return None
    return f"{value:.9g}" if mean else str(np.float32(value))
