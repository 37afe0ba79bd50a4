"""From bands to what a series is made of: the variable's own bands, or an index of several, with what says where it is clear."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import DateError, InputError, UnitError
from . import clear, orbits, spectral
from .choosing import Candidate, candidates, choose, listed, parts_of, place, variable_of
from .dates import Period
from .identity import canonical, matches, stem
from .images import Image, Quality
from .opening import assemble
from .pictures import Partners
from .raw import RasterFile, list_rasters
from .series import Series, Source, sample_windows
from .variables import VARIABLES, variable_named

# What may be taken for an index's band, best first: the broad near infrared of Sentinel-2 lies at 10 m.
_INSTEAD = {"nir": ("nir broad", "nir", "nir narrow")}
IN_WORDS = {"nir": "near infrared", "swir1": "short-wave infrared (1.6 um)"}
MOST_REFLECTANCE = 2.0  # bright snow and sun glint lie below; reflectances times 100 or more far above
PPI_DATES = 12
GREATEST_SHARE = 99.9  # percentile: single pixels of sun glint set no level
NEW_BASELINE = "04.00"  # of Sentinel-2's processing, since which 1000 is added to stored reflectances


class Assembly:
    """The bands of a set, assembled to images.

    Parameters
    ----------
    everything : list of Candidate
    options : Collecting
    events : Events
    dates_of : callable
        Candidates to their periods.

    Attributes
    ----------
    leads : list of Candidate
        One per image: the band itself, or the first of the index.
    variable : Variable
    """

    def __init__(self, everything: list, options, events, dates_of):
        self.options, self.events, self.dates_of = options, events, dates_of
        self.quality, everything = self._quality_layers(everything)
        self.index = spectral.index_named(options.index) if options.index else None
        if self.index:
            if options.variable and canonical(options.variable) != self.index.name:
                raise InputError(
                    f"VARIABLE is {options.variable}, but INDEX is {self.index.name}.", "Leave one of them empty."
                )
            self.roles = {role: self._of_role(everything, role) for role in self.index.roles}
            self._require_roles(everything)
            self.leads = self._of_orbit(self.roles[self.index.roles[0]])
            self.variable = VARIABLES[self.index.name]
        else:
            self.leads = self._of_orbit(self._chosen(everything))
            self.variable = variable_of(self.leads, options.variable)

    def images(self, periods: list, grid, source_of) -> list:
        """What each lead's value is read from: a `Source` or an `Image`.

        Parameters
        ----------
        periods : list of Period
            Of the leads.
        grid : Grid
            Of the series.
        source_of : callable
            Candidate to its `Source` on the grid.
        """
        found = [source_of(one) for one in self.leads]
        if self.index:
            found = self._computed(periods, grid, source_of, found)
        if self.quality:
            found = self._masked(periods, grid, found)
        if self.index and self.index.formula is None:
            found = self._with_greatest(found, grid)
        return found

    def finished(self, series: Series) -> Series:
        """The series after a look at its orbits."""
        if series.variable.is_backscatter:
            orbits.tell(
                series, {(one.file.path, one.band.index): orbits.orbit_of(one) for one in self.leads}, self.events
            )
        return orbits.with_orbit(series, self.options.orbit) if self.options.orbit else series

    def _chosen(self, everything: list) -> list:
        try:
            return choose(everything, self.options.variable, self.events)
        except InputError as problem:
            wanted = spectral.INDICES.get(canonical(self.options.variable or ""))
            if wanted and all(self._of_role(everything, role) for role in wanted.roles):
                names = " and ".join(self._of_role(everything, role)[0].label for role in wanted.roles)
                raise InputError(problem.text, f"Give INDEX = {wanted.name}: it can be made of {names}.") from problem
            raise

    def _of_orbit(self, found: list) -> list:
        return orbits.of_orbit(found, self.options.orbit) if self.options.orbit else found

    def _of_role(self, everything: list, role: str) -> list:
        for name in _INSTEAD.get(role, (role,)):
            found = [one for one in everything if spectral.role_of(one.said.names, stem(one.file)) == name]
            if found:
                return found
        return []

    def _require_roles(self, everything: list) -> None:
        lacking = [IN_WORDS.get(role, role) for role, found in self.roles.items() if not found]
        if lacking:
            raise InputError(
                f"{self.index.name} is made of {' and '.join(IN_WORDS.get(role, role) for role in self.index.roles)}; in "
                f"{place(everything)} no band says that it is {' or '.join(lacking)}. There is {listed(everything)}.",
                "Name the bands as the sensor does (B04, B08, red, nir ...), or give files that do.",
            )
        first = next(iter(self.roles.values()))[0]
        taken = ", ".join(f"{found[0].said.text} is {IN_WORDS.get(role, role)}" for role, found in self.roles.items())
        self.events.info(f"{self.index.name} of {spectral.sensor_of(stem(first.file))[0]}'s bands: {taken}."
                         if "nir" in self.roles else f"{self.index.name}: {taken}.")  # fmt: skip

    def _computed(self, periods: list, grid, source_of, leads: list) -> list:
        others = []
        for role in self.index.roles[1:]:
            found = self.roles[role]
            others.append(Partners(found, self.dates_of(found)))
        images, lacking = [], []
        for one, period, lead in zip(self.leads, periods, leads):
            partners = [partner.of(one, period) for partner in others]
            if None in partners:
                lacking.append(str(period))
                images.append(None)
                continue
            bands = (lead, *(self._beside(partner, one, grid, source_of) for partner in partners))
            images.append(Image(bands, grid, self.index, sun_zenith=self.options.sun_zenith))
        if lacking:
            raise InputError(f"{len(lacking)} of {len(periods)} images lack a band that {self.index.name} is made of: "
                             f"{', '.join(lacking[:3])}{' ...' if len(lacking) > 3 else ''}.",
                             "Fetch the missing bands, or leave these dates out by PATTERN or LAYERS.")  # fmt: skip
        return self._in_units(images, grid)

    def _beside(self, partner: Candidate, lead: Candidate, grid, source_of) -> Source:
        """A band of the same image, brought onto the lead's pixels where it has larger or smaller ones."""
        mine, theirs = lead.file.grid, partner.file.grid
        if mine.difference(theirs) and self.options.reference is None and _same_ground(mine, theirs):
            return replace(source_of(replace(partner, file=replace(partner.file, grid=mine))), aligned_to=grid,
                           resampling=self.options.resampling)  # fmt: skip
        return source_of(partner)

    def _in_units(self, images: list, grid) -> list:
        """Images whose bands are linear power, or reflectances where the index needs them."""
        if self.index.roles[0] in ("VV", "VH"):
            linear = []
            for place_of, role in enumerate(self.index.roles):
                dated = [
                    (Period(_EPOCH.fromordinal(_EPOCH.toordinal() + n)), image.bands[place_of])
                    for n, image in enumerate(images)
                ]
                first = self.roles[role][0].file
                series = replace(assemble(role, dated, variable_named(role), first), grid=grid).checked(self.events)
                linear.append(series.linear_power)
            if len(set(linear)) > 1:
                raise UnitError("Of VV and VH one is linear power and the other decibels.", "Bring both into one unit.")
            return [replace(image, decibels=not linear[0]) for image in images]
        if self.index.absolute:
            self._require_reflectances(images, grid)
        self._tell_offset(images)
        return images

    def _require_reflectances(self, images: list, grid) -> None:
        if self.index.formula is None and self.options.sun_zenith is None:
            raise InputError(
                "PPI needs the angle of the sun.",
                "Give SUN_ZENITH, its angle from the zenith in degrees at the overpass.",
            )
        sample = np.concatenate(
            [image.bands[0].read(window).ravel() for image in _some(images) for window in sample_windows(grid)]
        )
        seen = sample[np.isfinite(sample)]
        if len(seen) and np.percentile(seen, 90) > MOST_REFLECTANCE:
            raise UnitError(
                f"{self.index.name} is made of reflectances from 0 to 1, but the near infrared reaches {seen.max():g}.",
                "Give the factor that they are stored with as SCALE, for example 0.0001.",
            )

    def _tell_offset(self, images: list) -> None:
        lead = self.leads[0]
        stored = images[0].bands[0].band
        baseline = _baseline(stem(lead.file))
        if baseline >= NEW_BASELINE and stored.dtype.startswith("uint") and stored.offset == 0:
            self.events.warning(
                f"{Path(lead.file.path).name} is of Sentinel-2's processing baseline {baseline}: its numbers are "
                "reflectance x 10000 + 1000, "
                "unless a provider took the 1000 away. Give SCALE = 0.0001 and OFFSET = -0.1 if they still hold it: "
                "without, every index is too low."
            )

    def _with_greatest(self, images: list, grid) -> list:
        differences = []
        for image in _some(images):
            for window in sample_windows(grid):
                nir, red = (band.read(window) for band in image.bands)
                values = nir - red
                if image.quality:
                    values[image.quality.unclear(window, grid)] = np.nan
                differences.append(values[np.isfinite(values)])
        found = np.concatenate(differences)
        if not len(found):
            raise InputError(
                "No clear value was found from which the greatest nir - red of the scene can be told.",
                "Check the bands.",
            )
        greatest = float(np.percentile(found, GREATEST_SHARE)) + spectral.ABOVE_GREATEST
        if not spectral.SOIL_DVI < greatest < 1:
            raise InputError(f"The greatest nir - red of the scene is {greatest:.3f}; PPI needs one between {spectral.SOIL_DVI} and 1.",
                             "Check SCALE, and that the scene holds vegetation.")  # fmt: skip
        self.events.info(f"PPI: the greatest nir - red of the scene is {greatest:.3f}, the sun stands "
            f"{self.options.sun_zenith:g} degrees "
                         "from the zenith at every date.")  # fmt: skip
        return [replace(image, greatest=greatest) for image in images]

    def _quality_layers(self, everything: list) -> tuple:
        """Dated quality layers with their rule, and what else there is."""
        name, text = self.options.quality_layers, self.options.quality_rule
        if not name or name == "none":
            return None, everything
        if name == "other":
            name, colon, text = (text or "").partition(":")
            name = name.strip()
            if not colon or not name:
                raise InputError(
                    "QUALITY_LAYERS is other, but QUALITY_RULE does not name a layer.",
                    "Write for example 'cloudmask: values 1'.",
                )
        elif name not in clear.READY:
            raise InputError(
                f"There is no ready rule for quality layers '{name}'.", f"Use one of {', '.join(clear.READY)}, other."
            )
        rule = clear.rule_of(name, text or clear.READY[name])
        pool = everything
        if self.options.quality_folder:
            pool = candidates(
                [part for path in list_rasters(self.options.quality_folder) for part in parts_of(RasterFile.open(path))]
            )
        found = [one for one in pool if name in one.said.names or matches(one.said, name)]
        if not found and self.options.quality_folder:
            found = [one for one in pool if not one.said.names]
        if not found:
            raise InputError(f"No quality layer {name} was found in {place(pool)}; there is {listed(pool)}.",
                             "Give the folder that holds them as QUALITY_FOLDER, or another kind as QUALITY_LAYERS.")  # fmt: skip
        kept = {id(one) for one in found}
        return (found, rule), [one for one in everything if id(one) not in kept]

    def _masked(self, periods: list, grid, found: list) -> list:
        layers, rule = self.quality
        dates = self.dates_of(layers)
        rule = self._fitting(rule, layers)
        partners = Partners(layers, dates)
        out, lacking = [], []
        for one, period, source in zip(self.leads, periods, found):
            layer = partners.of(one, period)
            if layer is None:
                lacking.append(str(period))
                out.append(source)
                continue
            alone = replace(layer.band, scale=1.0, offset=0.0)
            same = not grid.difference(layer.file.grid)
            _require_placeable(layer, grid, same)
            quality = Quality(
                Source(layer.file.path, alone, None if same else grid, "nearest"), rule, self.options.quality_buffer
            )
            image = source if isinstance(source, Image) else Image((source,), grid)
            out.append(image.masked(quality))
        if lacking:
            raise DateError(f"{len(lacking)} of {len(periods)} images have no quality layer {rule.layer}: "
                            f"{', '.join(lacking[:3])}{' ...' if len(lacking) > 3 else ''}.",
                            "Fetch the missing layers, or leave these dates out by PATTERN or LAYERS.")  # fmt: skip
        self.events.info(
            f"Where the layers say so values are taken away: {rule.text}"
            + (f"; and {self.options.quality_buffer} pixels around." if self.options.quality_buffer else ".")
        )
        self._tell_empty_qa60(rule, periods)
        return out

    def _fitting(self, rule: clear.Rule, layers: list) -> clear.Rule:
        """The rule in the numbers that the layers are written in."""
        if self.options.quality_rule:
            return rule
        sample = np.concatenate([_looked_at(one) for one in _some(layers)])
        top = float(sample.max()) if len(sample) else 0.0
        text = clear.READY.get(rule.layer, "")
        if rule.layer == "CLP":
            text = (
                "above 0.4" if top <= 1 and sample.dtype.kind == "f" else "above 102" if top > 100 else text
            )  # shares, or 40 % of 255
        elif rule.layer == "CLOUD_SCORE" and top > 1:
            text = "below 60" if top <= 100 else "below 6000"
        elif rule.layer == "FMASK" and len(sample) and set(np.unique(sample)) <= {0, 1, 2, 3, 4, 255}:
            text = "values 2,3,4,255"  # classes of the Fmask program: land, water, shadow, snow, cloud
        if text != clear.READY.get(rule.layer, ""):
            self.events.info(f"{rule.layer} reaches {top:g}: it is read as '{text}'.")
        return clear.rule_of(rule.layer, text)

    def _tell_empty_qa60(self, rule: clear.Rule, periods: list) -> None:
        first, last = clear.QA60_EMPTY
        empty = [period for period in periods if first <= period.start < last]
        if rule.layer == "QA60" and empty:
            self.events.warning(
                f"QA60 was written empty from {first} to {last}: {len(empty)} dates are not masked by it. Use SCL or Cloud Score+."
            )


_EPOCH = Period.parse("2000-01-01").start


def _some(items: list) -> list:
    places = np.unique(np.linspace(0, len(items) - 1, PPI_DATES).round().astype(int))
    return [items[i] for i in places]


def _looked_at(one: Candidate) -> np.ndarray:
    windows = sample_windows(one.file.grid)
    values = np.concatenate([one.file.values(one.band.index, window, 1, 0).ravel() for window in windows])
    return values[np.isfinite(values)]


def _same_ground(a, b) -> bool:
    if a.crs != b.crs:
        return False
    slack = max(*a.pixel_size, *b.pixel_size) / 2
    return all(abs(p - q) <= slack for p, q in zip(a.bounds, b.bounds))


def _baseline(text: str) -> str:
    found = re.search(r"(?<![A-Z0-9])N(\d\d)(\d\d)(?![0-9])", text.upper())
    return f"{found[1]}.{found[2]}" if found else ""


def _require_placeable(layer: Candidate, grid, same: bool) -> None:
    if not same and not (layer.file.grid.crs and grid.crs):
        raise InputError(f"{layer.label} cannot be laid over the series: it or the series has no reference system.",
                         "Assign the right reference system first (gdal: Assign projection).")  # fmt: skip
