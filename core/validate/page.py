"""The report of a validation: what was found, what to do, every layer's figures, and small maps to look at."""

from __future__ import annotations

import numpy as np

from ..report import Mark, Report, figures
from .checks import Layer
from .collect import JUDGED, RasterSet
from .findings import KINDS, grouped

MOST_MAPS = 24  # per variable: four rows of six
COLOURS = {
    "NDVI": ("YlGn", (-0.2, 1.0), "NDVI"),
    "VV": ("gray", (-22.0, -2.0), "VV (dB)"),
    "VH": ("gray", (-28.0, -8.0), "VH (dB)"),
    # The scales of the layers' styles.
    "EVI2": ("YlGn", (-0.1, 0.8), "EVI2"),
    "NIRv": ("YlGn", (-0.05, 0.5), "NIRv"),
    "kNDVI": ("YlGn", (0.0, 0.7), "kNDVI"),
    "LSWI": ("RdYlBu", (-0.6, 0.6), "LSWI"),
    "NDWI": ("RdYlBu", (-0.6, 0.6), "NDWI"),
    "RVI": ("YlGn", (0.0, 1.2), "RVI"),
}
EXAMPLES = 3


def make(rasters: RasterSet, found: list, title: str, facts: dict) -> Report:
    """Write the report; it is saved by the caller."""
    groups = grouped(found)
    problems = [key for key in groups if KINDS[key[0]].problem]
    report = Report("Validation of composites", title)
    report.verdict(*_verdict(groups, problems, rasters))
    report.key("PROBLEMS", len(problems), "Problems")
    report.key("NOTES", len(groups) - len(problems), "Notes")
    report.key("LAYERS", len(rasters.layers), "Layers looked at")
    report.key("PERIODS", len(rasters.periods), "Dates or periods")
    for heading, keys in (("Problems", problems), ("Notes", [key for key in groups if key not in problems])):
        if keys:
            _list(report.section(heading), heading.lower(), {key: groups[key] for key in keys})
    report.number(
        "findings",
        [
            {"kind": f.kind, "problem": f.is_problem, "variable": f.variable, "where": f.where, "what": f.what}
            for f in found
        ],
    )
    _maps(report, rasters, found)
    _table(report, rasters, found)
    report.facts(grid=rasters.grid.text, **facts)
    report.note(
        "Values are shown as the files hold them: declared nodata is missing, a declared scale is applied, nothing "
        "is clamped or converted. A problem makes results wrong or impossible; a note occurs in sound data too."
    )
    return report


def sentence(groups: dict) -> str:
    """Name the problems in one sentence."""
    named = [
        f"{KINDS[kind].title}{f' ({variable})' if variable else ''}: {_places(groups[kind, variable])}"
        for kind, variable in groups
        if KINDS[kind].problem
    ]
    return "; ".join(named)


def _verdict(groups: dict, problems: list, rasters: RasterSet) -> tuple:
    if problems:
        return "bad", sentence(groups) + "."
    if groups:
        notes = "one thing worth knowing is" if len(groups) == 1 else f"{len(groups)} things worth knowing are"
        return "good", f"No problem in {len(rasters.layers)} layers; {notes} listed below."
    return "good", f"Nothing wrong was found in {len(rasters.layers)} layers."


def _places(findings: list) -> str:
    where = list(dict.fromkeys(finding.where for finding in findings if finding.where))
    if not where:
        return f"{len(findings)} times" if len(findings) > 1 else findings[0].what.rstrip(".")
    more = f" and {len(where) - EXAMPLES} more" if len(where) > EXAMPLES else ""
    return ", ".join(where[:EXAMPLES]) + more


def _list(report: Report, name: str, groups: dict) -> None:
    rows = [
        (KINDS[kind].title, variable, len(findings), findings[0].what, KINDS[kind].remedy)
        for (kind, variable), findings in groups.items()
    ]
    report.table(
        name, [("What", ""), ("Variable", ""), ("Times", "d"), ("For example", ""), ("What to do", "")], rows
    )


def _maps(report: Report, rasters: RasterSet, found: list) -> None:
    places = _by_place([finding for finding in found if finding.is_problem])
    for variable in JUDGED:
        layers = sorted(
            (la for la in rasters.layers if la.variable == variable and la.start), key=lambda layer: layer.start
        )
        if not layers:
            continue
        colours, limits, label = COLOURS[variable]
        chosen = _choice(layers, [bool(_concerning(la, places)) for la in layers])
        titles = [f"{la.start}{' !' if _concerning(la, places) else ''}" for la in chosen]
        arrays = [np.where(np.isfinite(la.measure.sample), la.measure.sample, np.nan) for la in chosen]
        report.section(f"Maps of {variable}")
        report.figure(
            figures.maps(arrays, titles, label, limits, colours, columns=6),
            f"{variable} of {len(chosen)} of {len(layers)} dates on one fixed scale; grey: missing, !: a problem.",
        )


def _choice(layers: list, suspect: list) -> list:
    """Pick the dates to show: suspect ones first, the others evenly."""
    wanted = [number for number, is_suspect in enumerate(suspect) if is_suspect][:MOST_MAPS]
    others = [number for number in range(len(layers)) if number not in wanted]
    room = min(MOST_MAPS - len(wanted), len(others))
    if room > 0:
        wanted += [others[place] for place in np.unique(np.linspace(0, len(others) - 1, room).round().astype(int))]
    return [layers[number] for number in sorted(wanted)]


def _table(report: Report, rasters: RasterSet, found: list) -> None:
    places = _by_place(found)
    rows = [
        _row(layer, _concerning(layer, places))
        for layer in sorted(rasters.layers, key=lambda la: (la.start is None, la.start or 0, la.series))
    ]
    report.section("Every layer").table(
        "layers",
        [
            ("Date", ""),
            ("Series", ""),
            ("Valid", ".1%"),
            ("Lowest", ".3g"),
            ("Median", ".3g"),
            ("Highest", ".3g"),
            ("Spread", ".3g"),
            ("At limits", ".1%"),
            ("Findings", ""),
        ],
        rows,
    )


def _by_place(findings: list) -> dict:
    places = {}
    for finding in findings:
        places.setdefault(finding.where, []).append(finding)
    return places


def _concerning(layer: Layer, places: dict) -> list:
    """Findings of a layer's period or file that are about its variable, or about all."""
    here = places.get(layer.when, []) + (places.get(layer.file, []) if layer.file != layer.when else [])
    return [finding for finding in here if not finding.variable or layer.variable in finding.variable.split(", ")]


def _row(layer: Layer, findings: list) -> tuple:
    values = layer.measure
    level = "bad" if any(finding.is_problem for finding in findings) else "warning" if findings else "good"
    kinds = ", ".join(dict.fromkeys(KINDS[finding.kind].title for finding in findings))
    at_limits = max(values.at_low, values.at_high) / values.finite if values.finite else None
    return (
        layer.when,
        layer.series,
        values.valid_share,
        values.low,
        values.median,
        values.high,
        values.deviation,
        at_limits,
        Mark(kinds, level) if kinds else "",
    )
