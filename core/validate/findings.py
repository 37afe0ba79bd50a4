"""All that validation can find: its name, how bad it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of finding: `problem` unless it occurs in sound data too; `title` and `remedy` for people."""

    problem: bool
    title: str
    remedy: str


_EXPORT = "Make this export again and check it on arrival."

KINDS = {
    # What files are.
    "unreadable": Kind(True, "A file cannot be read", "Fetch or make the file again."),
    "wrong_crs": Kind(
        True,
        "Another reference system",
        "Export all periods with one CRS and transform, or bring the file onto the others' grid "
        "(buildtimeseries, REFERENCE).",
    ),
    "shifted_grid": Kind(
        True,
        "A shifted grid",
        "Export all periods with one CRS and transform, or bring the file onto the others' grid "
        "(buildtimeseries, REFERENCE).",
    ),
    "different_grid": Kind(
        True,
        "Another grid (pixel size, extent or orientation)",
        "Export all periods with one CRS and transform, or bring the file onto the others' grid "
        "(buildtimeseries, REFERENCE).",
    ),
    "joined_grid": Kind(
        False, "Files that cover other parts of one grid", "Nothing: buildtimeseries joins them without resampling."
    ),
    "other_grid": Kind(False, "A layer that was not asked for lies on another grid", "Nothing, unless you need it."),
    "band_missing": Kind(
        True,
        "A band is missing",
        "Always export the full list of bands, empty ones fully masked: readers by position would take the "
        "next band for this one.",
    ),
    "band_order": Kind(
        True,
        "Bands in another order",
        "Write the bands of all files in one order. This plugin reads by name, other tools by position.",
    ),
    "unnamed_bands": Kind(
        True, "Bands without names", "Name them in BANDS (for example VV,VH,S2ndvi), in the files' order."
    ),
    "unknown_variable": Kind(
        False, "No variable of a known range (NDVI, VV, VH, EVI2 ...): values not judged", "If it is one, name it in BANDS."
    ),
    # Dates.
    "no_date": Kind(
        True, "No date", "Run buildtimeseries and give the dates (DATES), or put them into the file names."
    ),
    "date_conflict": Kind(True, "File name and tags disagree on the date", "Rename the file, or correct its tags."),
    "unordered_dates": Kind(True, "Dates out of order", "Run buildtimeseries: it sorts the dates."),
    "overlapping_periods": Kind(
        True, "Periods overlap", "Use half-open periods: the end of one is the first day of the next."
    ),
    "missing_period": Kind(True, "A period is missing", "Export the missing periods, even where they are empty."),
    "irregular_dates": Kind(
        False, "Some dates of an otherwise regular series are absent", "Nothing, if no image was taken then."
    ),
    "different_extent": Kind(False, "Series cover different dates", "Nothing, if it was meant so."),
    "repeated_period": Kind(True, "A period occurs twice", "Remove one of the two."),
    "same_day": Kind(False, "Several images of one day", "Nothing: buildtimeseries merges tiles, orbits and hours of one day."),
    "refused": Kind(
        True,
        "Build time series refuses these files as they are",
        "Do what is said there, or choose fewer files; buildtimeseries says the same.",
    ),
    "repeated_values": Kind(
        True, "Two periods hold the same values", _EXPORT + " One period was written under two dates."
    ),
    # Values missing.
    "empty_period": Kind(True, "An empty period: no band has a value", _EXPORT),
    "missing_polarisation": Kind(True, "One polarisation is empty while the other is not", _EXPORT),
    "no_radar": Kind(False, "No radar values in a period", "Nothing, if there was no pass then."),
    "all_cloud": Kind(
        False,
        "No value of an optical index in a period: all cloud",
        "Nothing, if it was cloudy; check the cloud mask if it happens in a dry season.",
    ),
    "never_valid": Kind(True, "No value in any period", "Check cloud mask and date range of the export."),
    "too_few_valid": Kind(
        True, "Fewer valid pixels than asked for", "Lower MIN_VALID_PERCENT, or leave these periods out."
    ),
    "count_conflict": Kind(
        True, "Values and their counts disagree", "Make this export again: values and counts come from different images."
    ),
    "infinite_values": Kind(
        True, "Infinite values", "Mask zero power before converting it to dB; write NaN or a declared nodata value."
    ),
    "undeclared_nodata": Kind(
        True, "A fill value that is not declared as nodata", "Declare it (gdal_edit -a_nodata), or write NaN."
    ),
    "zero_fill": Kind(
        True, "Zeros in place of missing values", "Write NaN or declare nodata; masked pixels must not become 0."
    ),
    # Values wrong.
    "backscatter_in_ndvi": Kind(
        True,
        "Radar backscatter in the NDVI band",
        "Select bands by name and emit the full list for every period, then export again.",
    ),
    "ndvi_in_radar": Kind(
        True,
        "An index in the place of radar backscatter",
        "Select bands by name and emit the full list for every period, then export again.",
    ),
    "clamped_values": Kind(
        True,
        "Values pressed against the limits of their range",
        "Do not clamp before checking. Export the unclamped band and look what it holds.",
    ),
    "integer_scale_lost": Kind(
        True,
        "NDVI with its scale factor lost",
        "Give the SCALE that is named there to buildtimeseries, or write scale and offset into the file.",
    ),
    "integer_scale": Kind(
        True, "NDVI stored as whole numbers without a declared factor", "Give the SCALE that is named there to buildtimeseries."
    ),
    "linear_power": Kind(
        True,
        "Linear power where decibels are expected",
        "Convert with 10 log10, or say so in the units tag; buildtimeseries converts it.",
    ),
    "declared_linear_power": Kind(False, "Linear power, declared as such", "Nothing: it is converted when read."),
    "implausible_level": Kind(True, "Backscatter of an implausible level", "Check calibration, scale and units."),
    "impossible_values": Kind(
        True, "Values outside of what is physically possible", "Check variable, unit and scale."
    ),
    "few_impossible": Kind(
        False, "A few values outside of what is physically possible", "Nothing: they count as missing."
    ),
    "constant": Kind(True, "A constant band", _EXPORT),
    "copied_band": Kind(
        True,
        "A band is a copy of another",
        "Select bands by name and emit the full list for every period, then export again.",
    ),
    "polarisations_swapped": Kind(
        True, "VV and VH are swapped", "Swap the two names, or export again selecting by name."
    ),
}


@dataclass(frozen=True)
class Finding:
    """One thing found.

    Attributes
    ----------
    kind : key of `KINDS`
    what : what was found where, as one sentence with figures
    variable : variable concerned, or ''
    where : the period or file concerned, as text
    """

    kind: str
    what: str
    variable: str = ""
    where: str = ""

    @property
    def is_problem(self) -> bool:
        """Whether results would be wrong or impossible."""
        return KINDS[self.kind].problem


def grouped(found: list) -> dict:
    """Findings by (kind, variable), problems first: the same fault in sixty periods is one fault."""
    groups = {}
    for finding in sorted(found, key=lambda finding: not finding.is_problem):
        groups.setdefault((finding.kind, finding.variable), []).append(finding)
    return groups
