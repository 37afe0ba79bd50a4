"""A time series of rasters on one grid: what methods read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import GridMismatchError, UnitError
from . import scaling, undeclared
from .dates import Period, days_of, require_increasing
from .grids import Grid, Window, sample_windows
from .raw import Band, read_bands
from .reducers import reduced
from .variables import Variable

# How the parts of one picture become one value where they overlap.
MERGES = ("mean", "first", "last", "max", "median")
# A few impossible values are damage and count as missing; more of them mean that the raster is something else.
MOST_IMPOSSIBLE = 0.01
FEWEST_OF_A_DATE = 30  # values from which the unit of a date is told
CHECKED_DATES = 12  # at most, in the sample windows of the grid
# Numbers that programs write for "nothing" without declaring it: limits of the integer types and rows of nines.
STANDS_FOR_NOTHING = (-99, -999, -9999, -99999, -32768, 32767, 65535, 255, -128, -2147483648)


@dataclass(frozen=True)
class Source:
    """One band of one file."""

    path: str
    band: Band
    aligned_to: Grid | None = None
    resampling: str = "bilinear"

    @property
    def sources(self) -> tuple[Source, ...]:
        """Everything that is read: itself."""
        return (self,)

    @property
    def measured(self) -> tuple[Source, ...]:
        """What holds measurements: itself."""
        return (self,)

    def without(self, nothing) -> Source:
        """Itself, with more stored numbers that are nothing; `nothing` tells them of a band."""
        return replace(self, band=replace(self.band, nothing=self.band.nothing + nothing(self.band)))

    def read(self, window: Window) -> np.ndarray:
        """Values of a window, (rows, columns) float32, as the file holds them."""
        part = np.empty((1, window.rows, window.columns), "float32")
        read_bands(self.path, [self.band], window, part, self.aligned_to, self.resampling)
        return part[0]


@dataclass(frozen=True)
class Series:
    """Dates, grid and values of one variable.

    Parameters
    ----------
    name : str
        For messages: the file or folder it comes from.
    sources : tuple of tuple of Source or Image
        Per date, the parts of its picture; where they overlap, `merge` says what counts.
    merge : str
        One of `MERGES`.
    linear_power : bool
        Whether the files hold linear power, which is converted to decibels when read.
    header : dict
        The file's own ``PHENOFUSE`` object, if any.
    outside : str
        What values outside of the variable's range are: ``missing``; ``refuse``: the same, and an error where they are
        many; ``clip``: the nearest value inside.
    look : bool
        Whether to look for fill values that no file declares.
    """

    name: str
    variable: Variable
    periods: tuple[Period, ...]
    grid: Grid
    sources: tuple
    linear_power: bool = False
    header: dict | None = None
    merge: str = "mean"
    outside: str = "refuse"
    look: bool = True

    def __post_init__(self):
        require_increasing(self.periods, self.name)

    @property
    def count(self) -> int:
        """Number of dates."""
        return len(self.periods)

    @property
    def days(self) -> np.ndarray:
        """Middles of the periods, days since 1970-01-01, float64 (dates,)."""
        return days_of(self.periods)

    @property
    def units(self) -> str:
        """Units of what `read` returns."""
        return self.variable.units

    @property
    def sampled_dates(self) -> np.ndarray:
        """Positions of the dates that a look at the values is made of."""
        return np.unique(np.linspace(0, self.count - 1, CHECKED_DATES).round().astype(int))

    @property
    def paths(self) -> tuple[str, ...]:
        """The files, each once, in order."""
        return tuple(dict.fromkeys(s.path for group in self.sources for part in group for s in part.sources))

    def read(self, window: Window | None = None, dates=None) -> np.ndarray:
        """Values of a window.

        Parameters
        ----------
        window : Window, optional
            Default: the whole grid.
        dates : sequence of int, optional
            Positions of the dates wanted; default all.

        Returns
        -------
        ndarray, (dates, rows, columns), float32
            NaN where missing: nodata, infinite, or outside the variable's physical range.
        """
        values = self.read_unchecked(window, dates)
        for layer in values:
            if self.linear_power:
                _to_decibels(layer)
            _confine(layer, self.variable, self.outside)
        return values

    def read_unchecked(self, window: Window | None = None, dates=None) -> np.ndarray:
        """As `read`, but with impossible and infinite values, and linear power, as the files hold them."""
        window = window or self.grid.window
        wanted = [self.sources[i] for i in (range(self.count) if dates is None else dates)]
        out = np.full((len(wanted), window.rows, window.columns), np.nan, "float32")
        for (path, grid, resampling), members in _by_file(wanted).items():
            bands = [band for _, band in members]
            positions = [position for position, _ in members]
            if positions == list(range(len(wanted))):
                read_bands(path, bands, window, out, grid, resampling)
                continue
            part = np.empty((len(bands), *out.shape[1:]), "float32")
            read_bands(path, bands, window, part, grid, resampling)
            out[positions] = part
        for position, sources in enumerate(wanted):
            if len(sources) > 1:
                out[position] = self._merged(sources, window)
            elif not isinstance(sources[0], Source):
                out[position] = sources[0].read(window)
        return out

    def _merged(self, sources, window: Window) -> np.ndarray:
        """One picture of the parts of a date, of what is possible in each; the mean of backscatter is that of its power."""
        parts = np.stack([self._possible_part(source, window) for source in sources])
        return reduced(parts, self.merge, decibels=self.variable.is_backscatter and not self.linear_power)

    def _possible_part(self, source, window: Window) -> np.ndarray:
        values = source.read(window)
        if self.outside == "clip" and not self.linear_power:
            _confine(values, self.variable, self.outside)
        with np.errstate(invalid="ignore"):
            seen = np.isfinite(values) & ((values > 0) if self.linear_power else _possible(values, self.variable))
        return np.where(seen, values, np.float32(np.nan))

    def require_same_grid(self, other: Series) -> None:
        """Raise `GridMismatchError`, naming difference and cure, unless `other` lies on this grid."""
        difference = self.grid.difference(other.grid)
        if difference:
            raise GridMismatchError(
                f"{other.name} does not lie on the grid of {self.name}: {difference}.",
                f"Run 'Build time series' (phenofuse:buildtimeseries) on {other.name} with REFERENCE = {self.name}.",
            )

    def checked(self, events=None) -> Series:
        """This series after a look at a sample of its values.

        Tells undeclared fill values and recognises linear power (and says so), refuses a raster that holds something else,
        and doubts a factor.

        Raises
        ------
        UnitError
            When more than 1 % of the sampled values cannot be of this variable, unless `outside` says what they are.
        """
        series = undeclared.settled(self, events) if self.look else self
        layers = series._sample()
        if self.variable.is_backscatter:
            series._require_one_unit(layers)
        sample = layers.ravel()
        if self.variable.is_backscatter and not self.linear_power and _looks_linear(sample, self.header or {}):
            series = replace(series, linear_power=True)
            _say(events, f"{self.name}: {self.variable.name} is linear power; it is converted to decibels.")
        if series.linear_power:
            _to_decibels(sample)
        finite = sample[np.isfinite(sample)]
        wrong = finite[~_possible(finite, self.variable)]
        if len(wrong):
            self._judge(finite, wrong, events)
        else:
            self._doubt(finite, events)
        return series

    def _require_one_unit(self, layers: np.ndarray) -> None:
        """Refuse backscatter of which some dates are linear power and others decibels: one of them would be read as the other."""
        by_date = {date: layer[np.isfinite(layer)] for date, layer in zip(self.sampled_dates, layers)}
        by_date = {date: seen for date, seen in by_date.items() if len(seen) >= FEWEST_OF_A_DATE}
        power = [date for date, seen in by_date.items() if _looks_linear(seen, {}) and (seen > 0).any()]
        decibels = [date for date, seen in by_date.items() if np.median(seen) < 0]
        if power and decibels:
            one, other = (self.sources[group[0]][0].sources[0].path for group in (power, decibels))
            raise UnitError(
                f"{Path(one).name} seems to hold linear power, and {Path(other).name} decibels.",
                "Bring all into one unit first, or build two series, choosing files by PATTERN or LAYERS.",
            )

    def _judge(self, finite, wrong, events) -> None:
        fill, times = _commonest(wrong)
        share = len(wrong) / len(finite)
        alone = times > 0.99 * len(wrong)
        # One number among measurements; where whole numbers have no factor, it may be all of the measurements.
        odd = alone and times >= undeclared.FEWEST and len(wrong) < len(finite) and not self._whole
        if alone and (fill in STANDS_FOR_NOTHING or abs(fill) > 1e19 or odd):
            _say(
                events,
                f"{self.name}: the value {fill:g} is not declared as nodata but cannot be "
                f"{self.variable.name}; it counts as missing ({share:.1%} of the values looked at).",
            )
        elif share > MOST_IMPOSSIBLE and self.outside == "refuse":
            raise UnitError(self._impossible(wrong, share), self._remedy(finite))
        else:
            _say(
                events,
                f"{self.name}: {share:.2%} of the values cannot be {self.variable.name} "
                f"(for example {wrong[0]:g}) and "
                + (f"are set to {self._range}." if self.outside == "clip" else "count as missing."),
            )

    def _doubt(self, finite, events) -> None:
        band = self.sources[0][0].measured[0].band
        if events is not None and len(finite) and self._stored and scaling.is_index(self.variable):
            text = scaling.doubt(self.variable, finite, band.dtype, band.scale, band.offset)
            if text:
                events.warning(f"{self.name}: {text}")

    @property
    def _integers(self) -> bool:
        return bool(self._stored) and all(band.dtype.startswith(("int", "uint")) for band in self._stored)

    @property
    def _stored(self) -> list[Band]:
        """The bands that hold the values themselves; none where they are computed of several."""
        return [part.measured[0].band for group in self.sources for part in group if len(part.measured) == 1]

    @property
    def _whole(self) -> bool:
        """Whether values are whole numbers as stored."""
        return any(band.dtype.startswith(("int", "uint")) and band.scale == 1 for band in self._stored)

    @property
    def _range(self) -> str:
        low, high = self.variable.valid_range
        return f"{low:g} to {high:g}" + ("" if self.variable.units in ("", "1") else f" {self.variable.units}")

    def digests(self) -> tuple[str, ...]:
        """Per date, a digest of its day and of its values in a few windows all over the grid; '' where these are empty.

        Told from content alone: the same observations have the same digests whatever their file is called.
        """
        found = [hashlib.sha256(str(day).encode()) for day in self.days]
        seen = np.zeros(self.count, bool)
        for window in sample_windows(self.grid):
            values = self.read(window)
            missing = np.isnan(values)
            values[missing] = np.nan  # of the many bit patterns of NaN, one
            seen |= ~missing.all(axis=(1, 2))
            for digest, layer in zip(found, values):
                digest.update(layer.tobytes())
        return tuple(digest.hexdigest()[:16] if some else "" for digest, some in zip(found, seen))

    def sampled(self, dates=None) -> np.ndarray:
        """Values of all dates, or of those at some positions, in a few windows all over the grid, (dates, pixels) float32."""
        count = self.count if dates is None else len(dates)
        return np.concatenate([self.read(window, dates).reshape(count, -1) for window in sample_windows(self.grid)], axis=1)

    def _impossible(self, wrong, share) -> str:
        return (
            f"{self.name} is said to hold {self.variable.name}, but {share:.0%} of its values lie outside "
            f"{self._range} (they reach from {wrong.min():g} to {wrong.max():g})."
        )

    def _remedy(self, finite) -> str:
        band = self.sources[0][0].measured[0].band
        if self._stored and (self._integers or _are_whole(finite)):
            found = scaling.guess(self.variable, *scaling.stored_range(finite, band.scale, band.offset), band.dtype)
            if found and (found.scale, found.offset) != (band.scale, band.offset):
                return f"{found.text} Build it with that (phenofuse:buildtimeseries)."
        if scaling.is_index(self.variable) and np.median(finite) < -3:
            return (
                f"These look like radar decibels in an {self.variable.name} band: check the export with "
                "'Validate composites' (phenofuse:validatecomposites), and which band you chose."
            )
        return (
            "Check the variable, unit and scale, for example with 'Validate composites' (phenofuse:validatecomposites). Where "
            "such values are known to be wrong, OUTSIDE_RANGE = missing (or clip) of 'Build time series' leaves them out; where "
            "they are right, VALID_RANGE gives another range; a number that stands for nothing is given as NODATA."
        )

    def _sample(self) -> np.ndarray:
        dates = self.sampled_dates
        windows = [self.read_unchecked(window, dates).reshape(len(dates), -1) for window in sample_windows(self.grid)]
        return np.concatenate(windows, axis=1)


def distinct_names(series: list[Series]) -> list[str]:
    """What tells series apart: their variable, with the orbit or else a number where several hold the same one."""
    variables = [one.variable.name for one in series]
    orbits = [(one.header or {}).get("orbit", "") for one in series]
    found = []
    for place, (variable, orbit) in enumerate(zip(variables, orbits)):
        twins = [i for i, other in enumerate(variables) if other == variable]
        told = all(orbits[i] for i in twins) and len({orbits[i] for i in twins}) == len(twins)
        label = "" if len(twins) == 1 else f" {orbit}" if told else f" {twins.index(place) + 1}"
        found.append(variable + label)
    return found


def _by_file(wanted) -> dict:
    """Bands of the dates with one source, grouped by file: {(path, grid, resampling): [(position, band)]}."""
    groups = {}
    for position, sources in enumerate(wanted):
        if len(sources) == 1 and isinstance(sources[0], Source):
            source = sources[0]
            groups.setdefault((source.path, source.aligned_to, source.resampling), []).append((position, source.band))
    return groups


def _possible(values: np.ndarray, variable: Variable) -> np.ndarray:
    if variable.valid_range is None:
        return np.isfinite(values)
    low, high = variable.valid_range
    return (values >= low) & (values <= high)


def _confine(values: np.ndarray, variable: Variable, outside: str) -> None:
    """Take what cannot be of the variable away; clipped are only values that are finite."""
    with np.errstate(invalid="ignore"):
        if outside == "clip":
            np.clip(values, *variable.limits, out=values, where=np.isfinite(values))
        values[~_possible(values, variable)] = np.nan


def _to_decibels(values: np.ndarray) -> None:
    with np.errstate(invalid="ignore", divide="ignore"):
        values[~(values > 0)] = np.nan
        values[...] = 10 * np.log10(values)


def _looks_linear(sample: np.ndarray, header: dict) -> bool:
    """Backscatter whose finite values are all positive and mostly below 2 is linear power: in decibels land lies below 0."""
    finite = sample[np.isfinite(sample)]
    if header.get("units") == "dB" or not len(finite):
        return False
    return bool(np.mean(finite >= 0) > 0.999 and np.median(finite) < 2)


def _are_whole(values: np.ndarray) -> bool:
    return bool(np.mean(values == np.round(values)) > 0.99)


def _commonest(values: np.ndarray) -> tuple[float, int]:
    distinct, counts = np.unique(values, return_counts=True)
    return float(distinct[counts.argmax()]), int(counts.max())


def _say(events, text: str) -> None:
    if events is not None:
        events.info(text)
