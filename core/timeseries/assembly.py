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
from .names import folders_of
from .opening import assemble
from .pictures import Partners, finest, image_key, names_of, same_ground
from .raw import RasterFile, list_rasters
from .series import Series, Source, sample_windows
from .variables import VARIABLES, variable_named

# What may be taken for an index's band, best first: the broad near infrared of Sentinel-2 lies at 10 m.
_INSTEAD = {"nir": ("nir broad", "nir", "nir narrow")}
IN_WORDS = {"nir": "near infrared", "swir1": "short-wave infrared (1.6 um)"}
MOST_REFLECTANCE = 2.0  # bright snow and sun glint lie below; reflectances times 100 or more far above
PPI_DATES = 12
GREATEST_SHARE = 99.9  # percentile: single pixels of sun glint set no level
LANDSAT_NOTHING = 6000  # of Collection 2's numbers 7273 is a reflectance of 0; of Collection 1's it is 0
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
        self._coarser = {}
        if self.index:
            if options.band:
                raise InputError(
                    f"INDEX is {self.index.name}, but BAND takes one band of each file.",
                    "Leave BAND empty: an index is made of bands that are known by their names.",
                )
            if options.variable and canonical(options.variable) != self.index.name:
                raise InputError(
                    f"VARIABLE is {options.variable}, but INDEX is {self.index.name}.", "Leave one of them empty."
                )
            self.roles = {role: self._of_role(everything, role) for role in self.index.roles}
            self._require_roles(everything)
            self.roles = {role: self._of_orbit(found) for role, found in self.roles.items()}
            self.leads = self.roles[self.index.roles[0]]
            self.variable = VARIABLES[self.index.name]
        else:
            self.leads, coarser = finest(self._of_orbit(self._chosen(everything)))
            self._coarser.update({one.file.path: one for one in coarser})
            self.variable = variable_of(self.leads, options.variable)
        if self._coarser:
            names = names_of(self._coarser.values())
            events.info(f"Left out, since the same bands are there in finer pixels: {names}.")

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
        """All bands of a role: of each image the best there is, since sensors differ."""
        order = _INSTEAD.get(role, (role,))
        ranked, best = [], {}
        for one in everything:
            name = spectral.role_of(one.said.names, *_told_by(one))
            if name in order:
                ranked.append((order.index(name), image_key(one), one))
        for rank, key, _ in ranked:
            best[key] = min(rank, best.get(key, rank))
        found, coarser = finest([one for rank, key, one in ranked if rank == best[key]])
        self._coarser.update({one.file.path: one for one in coarser})
        return found

    def _require_roles(self, everything: list) -> None:
        lacking = [IN_WORDS.get(role, role) for role, found in self.roles.items() if not found]
        if lacking:
            raise InputError(
                f"{self.index.name} is made of {' and '.join(IN_WORDS.get(role, role) for role in self.index.roles)}; in "
                f"{place(everything)} no band says that it is {' or '.join(lacking)}. There is {listed(everything)}.",
                "Name the bands as the sensor does (B04, B08, red, nir ...), or give files that do.",
            )
        taken = {}
        for role, found in self.roles.items():
            for one in found:
                said = taken.setdefault(spectral.sensor_of(*_told_by(one))[0], {})
                said.setdefault(IN_WORDS.get(role, role), one.said.text)
        for sensor, bands in taken.items():
            listed_bands = ", ".join(f"{name} is {role}" for role, name in bands.items())
            if "nir" not in self.roles:
                self.events.info(f"{self.index.name}: {listed_bands}.")
            elif sensor or not any(re.search(r"\d", name) for name in bands.values()):
                self.events.info(f"{self.index.name}{f' of {sensor}' * bool(sensor)}: {listed_bands}.")
            else:
                self.events.warning(
                    f"{self.index.name}: {listed_bands}, as {spectral.GUESSED[0]} numbers its bands; no name says which sensor it is."
                )

    def _computed(self, periods: list, grid, source_of, leads: list) -> list:
        others = []
        for role in self.index.roles[1:]:
            found = self.roles[role]
            others.append(Partners(found, self.dates_of(found)))
        alone = {period: role for role, partners in zip(self.index.roles[1:], others) for period in partners.periods - set(periods)}
        if alone:
            days = sorted(map(str, alone))
            raise self._lacking(days, len(alone) + len(set(periods)), f" ({IN_WORDS.get(self.index.roles[0], self.index.roles[0])})")
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
            raise self._lacking(lacking, len(periods))
        return self._in_units(images, grid)

    def _lacking(self, days: list, of: int, which: str = "") -> InputError:
        return InputError(f"{len(days)} of {of} images lack a band{which} that {self.index.name} is made of: "
                          f"{', '.join(days[:3])}{' ...' if len(days) > 3 else ''}.",
                          "Fetch the missing bands, or leave these dates out by PATTERN or LAYERS.")  # fmt: skip

    def _beside(self, partner: Candidate, lead: Candidate, grid, source_of) -> Source:
        """A band of the same image, brought onto the lead's pixels where it has larger or smaller ones."""
        mine, theirs = lead.file.grid, partner.file.grid
        if mine.difference(theirs) and self.options.reference is None and same_ground(mine, theirs):
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
        self._require_landsat_numbers(images, grid)
        if self.index.absolute:
            self._require_reflectances(images, grid)
        self._tell_offset(images)
        return images

    def _require_landsat_numbers(self, images: list, grid) -> None:
        """Refuse the stored numbers of Landsat Collection 2 as they are: with their offset left in, every index is far too low."""
        ours = [image for one, image in zip(self.leads, images) if spectral.sensor_of(*_told_by(one))[0].startswith("Landsat")]
        for image in _some(ours) if ours else ():
            values = np.concatenate([image.bands[0].read(window).ravel() for window in sample_windows(grid)])
            seen = values[np.isfinite(values) & (values != 0)]
            if len(seen) and np.percentile(seen, 1) > LANDSAT_NOTHING:
                raise UnitError(
                    f"The near infrared or green of Landsat reaches from {seen.min():g} to {seen.max():g}: these are the stored "
                    "numbers of Collection 2, not reflectances.",
                    "Give SCALE = 0.0000275 and OFFSET = -0.2.",
                )

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
        stored = [(_baseline(one.file.path), image.bands[0].band, one) for one, image in zip(self.leads, images)]
        added = [(baseline, one) for baseline, band, one in stored
                 if baseline >= NEW_BASELINE and band.dtype.startswith("uint") and band.offset == 0]  # fmt: skip
        if not added:
            return
        which = Path(added[0][1].file.path).name if len(added) == len(images) else f"{len(added)} of {len(images)} images"
        some = "" if len(added) == len(images) else " The others do not: build two series, choosing files by PATTERN or LAYERS."
        self.events.warning(
            f"{which} are of Sentinel-2's processing baseline {added[0][0]} or later, {NEW_BASELINE} being the first whose numbers are "
            "reflectance x 10000 + 1000, unless a provider took the 1000 away. Give SCALE = 0.0001 and OFFSET = -0.1 if they still "
            f"hold it: without, every index is too low.{some}"
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
            given = [key for key in ("quality_rule", "quality_folder", "quality_buffer") if getattr(self.options, key)]
            if given:
                raise InputError(
                    f"{' and '.join(given).upper()} is given, but QUALITY_LAYERS is none.",
                    "Say which quality layers there are (QUALITY_LAYERS; other for those of a rule of your own), or leave it empty.",
                )
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
            paths = list_rasters(self.options.quality_folder, subfolders=bool(self.options.folder))
            files = [part for path in paths for part in parts_of(RasterFile.open(path))]
            pool = candidates(files, folders=folders_of([file.path for file in files], self.options.quality_folder))
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
        out, lacking, zero_is_clear = [], [], False
        for one, period, source in zip(self.leads, periods, found):
            layer = partners.of(one, period)
            if layer is None:
                lacking.append(str(period))
                out.append(source)
                continue
            alone = replace(layer.band, scale=1.0, offset=0.0)
            if 0 in (alone.nodata, *(low for low, high in alone.nothing if low == high)) and not rule.unclear(np.zeros((1, 1))).any():
                zero_is_clear = True
                alone = replace(alone, nodata=None if alone.nodata == 0 else alone.nodata,
                                nothing=tuple(one for one in alone.nothing if one != (0, 0)))  # fmt: skip
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
        if zero_is_clear:
            self.events.info(f"The layers {rule.layer} declare 0 as nodata; the rule leaves 0, so it is clear.")
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


def _told_by(one: Candidate) -> tuple:
    """Names that may tell the sensor of a band, the nearest first."""
    return one.band.description, stem(one.file), one.folder


_EPOCH = Period.parse("2000-01-01").start


def _some(items: list) -> list:
    places = np.unique(np.linspace(0, len(items) - 1, PPI_DATES).round().astype(int))
    return [items[i] for i in places]


def _looked_at(one: Candidate) -> np.ndarray:
    windows = sample_windows(one.file.grid)
    values = np.concatenate([one.file.values(one.band.index, window, 1, 0).ravel() for window in windows])
    return values[np.isfinite(values)]


def _baseline(text: str) -> str:
    found = re.search(r"(?<![A-Z0-9])N(\d\d)(\d\d)(?![0-9])", text.upper())
    return f"{found[1]}.{found[2]}" if found else ""


def _require_placeable(layer: Candidate, grid, same: bool) -> None:
    if not same and not (layer.file.grid.crs and grid.crs):
        raise InputError(f"{layer.label} cannot be laid over the series: it or the series has no reference system.",
                         "Assign the right reference system first (gdal: Assign projection).")  # fmt: skip
