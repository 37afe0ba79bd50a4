"""What people read: the plan before anything is asked of the service, and how far an export has come."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from .. import tables
from ..report import Mark, Report, write_whole
from .harmonicplan import ORDERS
from .ledger import ENDED, PENDING, Ledger
from .plan import COMPLETE, IN_FLIGHT, OPTICAL, Plan

# Limits of the service as documented in August 2026; they hold for a project.
QUEUE, ASSETS, ASSET_BYTES = 3000, 10_000, 250e9
LEVELS = {"ok": "good", "empty": "warning", "thin": "warning", "suspect": "warning", "broken": "bad"}
MEANING = {
    "ok": "nothing wrong", "thin": "a sensor saw little or nothing", "empty": "no image of either sensor",
    "suspect": "worth a look", "broken": "not usable; the reason is in the table",
}  # fmt: skip
HEADINGS = (("Period", ""), ("State", ""), ("Verdict", ""), ("S1 images", "d"), ("S2 images", "d"), ("No cloud score", "d"),
            ("Attempt", "d"), ("MB", ".2f"), ("EECU s", ".1f"), ("Task", ""), ("Remark", ""))  # fmt: skip
COLUMNS = ("period", "state", "verdict", "n_s1", "n_s2", "unmatched", "attempt", "mb", "eecu_s", "task", "remark")


def of_plan(plan: Plan) -> Report:
    """The page of a dry run."""
    first, last = plan.dates[0], plan.dates[-1]
    report = Report("Plan of an export from Earth Engine", f"{len(plan.periods)} periods from {first.start} to {last.end} (excluded)")
    report.verdict("good", "The plan is complete; nothing was asked of the service and no account was used.")
    report.key("PERIODS", len(plan.periods), "Periods")
    report.key("REQUESTS", plan.requests, "Requests", ",d")
    report.key("SIZE_MB", plan.bytes / 1e6, "Size without compression", ",.0f", "MB")
    report.key("MINUTES", plan.seconds / 60, "Guess of the time", ",.0f", "min")
    bands = [(kind, _holds(plan, kind)) for kind in plan.kinds]
    report.section("What is exported").table("bands", [("Band", ""), ("What it holds", "")], bands)
    report.text(_masking(plan), _radar(plan) if "VV" in plan.kinds else _curves(plan))
    report.section("Where and when").text(
        f"Grid: {plan.grid.text}; upper left corner {plan.transform[2]:.0f}, {plan.transform[5]:.0f}.",
        "Periods are half open, in UTC: the end of one is the first day of the next.",
    )
    report.table("periods", [("Period", ""), ("Days", "d")], [(str(p), (p.end - p.start).days) for p in plan.dates])
    columns = [("What", ""), ("This export", ",.0f"), ("Limit of the project", ",.0f")]
    report.section("What it takes").table("limits", columns, _limits(plan))
    report.note(f"The time assumes {plan.SECONDS_PER_REQUEST:g} s a request and {IN_FLIGHT} at once; it was not measured here.")
    if plan.window.start < COMPLETE:
        report.note(f"Surface reflectance of Sentinel-2 before {COMPLETE} does not cover the whole world: counts may be 0.")
    report.facts(project=plan.project or "(none given)", destination=f"{plan.destination} {plan.place}".strip(),
                 export=plan.sha256[:16])  # fmt: skip
    return report


def of_export(plan: Plan, ledger: Ledger, files: list = ()) -> Report:
    """The page of an export: the state of every period. `files` are the series made of it."""
    items = ledger.items()
    states, verdicts = Counter(i.state for i in items), Counter(i.verdict for i in items if i.verdict)
    report = Report("Export from Earth Engine", f"{len(plan.periods)} periods from {items[0].start} to {items[-1].end} (excluded)")
    report.verdict(*_verdict(plan, items, states))
    report.key("DONE", states["DONE"], "Done")
    report.key("PENDING", len(items) - sum(states[s] for s in ENDED), "To come")
    report.key("FAILED", states["FAILED"] + states["CANCELLED"], "Failed or cancelled")
    if any(item.eecu_s for item in items):
        report.key("EECU_HOURS", sum(i.eecu_s or 0 for i in items) / 3600, "Computing time of tasks", ".2f", "EECU h")
    report.section(plan.unit.capitalize()).table("periods", *_used(HEADINGS, [_row(item) for item in items]))
    known = [f"{word} ({count}): {MEANING[word]}" for word, count in verdicts.items()]
    if known:
        report.text("Verdicts: " + "; ".join(known) + ".")
    if files:
        report.section("Series").text("One raster per variable, one band per period: " + ", ".join(map(str, files)) + ".")
    report.section("What happened").table(
        "events", [("When (UTC)", ""), ("Period", ""), ("From", ""), ("To", ""), ("Note", "")], _events(ledger, items))
    report.note("Images are counted as scenes: two neighbouring tiles of one Sentinel-2 pass are two.")
    report.facts(project=plan.project, destination=f"{plan.destination} {plan.place}".strip(), grid=plan.grid.text,
                 export=plan.sha256[:16])  # fmt: skip
    return report


def save_table(ledger: Ledger, path: Path) -> None:
    """The same table as CSV, for spreadsheets; it is only read, never read back."""
    rows = [[cell.value if isinstance(cell, Mark) else cell for cell in _row(item)] for item in ledger.items()]
    write_whole({path: tables.written([COLUMNS, *rows])})


def _row(item) -> tuple:
    verdict = Mark(item.verdict, LEVELS[item.verdict]) if item.verdict else ""
    remark = item.error or " ".join(item.found)
    task = (item.operation or "").rpartition("/")[2]
    size = item.bytes / 1e6 if item.bytes else None
    return (f"{item.start}/{item.end}", item.state, verdict, item.n_s1, item.n_s2, item.unmatched, item.attempt, size,
            item.eecu_s, task, remark)  # fmt: skip


def _used(columns, rows: list) -> tuple:
    """The columns in which any row holds something, and the rows of these."""
    kept = [number for number in range(len(columns)) if any(row[number] not in ("", None) for row in rows)]
    return [columns[number] for number in kept], [tuple(row[number] for number in kept) for row in rows]


def _events(ledger: Ledger, items: list, most: int = 200) -> list:
    periods = {item.key: item.start for item in items}
    return [(at[:19].replace("T", " "), periods.get(key, ""), before or "", after, note or "")
            for at, key, before, after, note in ledger.events()[-most:]]  # fmt: skip


def _verdict(plan: Plan, items: list, states: Counter) -> tuple:
    failed = [item for item in items if item.state in ("FAILED", "CANCELLED")]
    if failed:
        why = next((item.error for item in failed if item.error), "cancelled")
        return "bad", f"{len(failed)} of {len(items)} {plan.unit} failed or were cancelled; the first is {failed[0].start}: {why}"
    if states["DONE"] == len(items):
        poor = sum(item.verdict in ("empty", "thin", "suspect") for item in items)
        more = f" {poor} of them are empty, thin or suspect: see the table." if poor else ""
        return "good", f"All {len(items)} {plan.unit} are done and were checked.{more}"
    running = sum(states[state] for state in PENDING)
    return "warning", f"{states['DONE']} of {len(items)} {plan.unit} are done, {running} are with the service. Run 'Continue export'."


def _holds(plan: Plan, band: str) -> str:
    if band in ("VV", "VH"):
        how = "median" if plan.reducer == "median" else "mean of linear power"
        return f"Sentinel-1 backscatter {band} in dB, {how} of all passes"
    if band == OPTICAL["NDVI"] and "quality" in plan.kinds:
        return "NDVI of Sentinel-2: median of the period's clear images, elsewhere the curve at the middle of the period"
    others = {
        "n_s1": "number of Sentinel-1 images with a value at the pixel",
        "n_s2": "number of clear Sentinel-2 images at the pixel", "RVI": "radar vegetation index 4 VH / (VV + VH)",
        "quality": "reason code of the value: 1 observed, 3 filled, 5 before the first or after the last observation, "
        "6 no possible curve, 0 no observation or no land",
        "harmonics": f"harmonics of the curve: {', '.join(map(str, ORDERS))}; -1 observed, 0 none",
    }  # fmt: skip
    name = {b: n for n, b in OPTICAL.items()}.get(band)
    sun = f", at each image's own mean angle of the sun; greatest nir - red {plan.greatest_dvi:g}" if name == "PPI" else ""
    return others.get(band) or f"{name} of Sentinel-2 surface reflectance, median of all clear images{sun}; not clamped"


def _masking(plan: Plan) -> str:
    how = {
        "cloudscore": f"Cloud Score+ (cs_cdf) of at least {plan.cloud_threshold}",
        "s2cloudless": f"a probability of cloud (s2cloudless) below {plan.cloud_threshold}",
        "scl": "the scene classification's vegetation, bare soil, water and unclassified",
        "qa60": "no opaque cloud and no cirrus in QA60",
    }[plan.cloud_mask]
    return f"A pixel of COPERNICUS/S2_SR_HARMONIZED counts as clear with {how}."


def _radar(plan: Plan) -> str:
    orbit = f"relative orbit {plan.relative_orbit}" if plan.relative_orbit else "any relative orbit"
    return (f"Sentinel-1: COPERNICUS/S1_GRD, interferometric wide swath, VV and VH, {plan.orbit_direction.lower()} passes, {orbit}; "
            "border noise and extreme angles are masked.")  # fmt: skip


def _curves(plan: Plan) -> str:
    land = f" Only pixels in {plan.land_asset or 'the polygons given'} are computed." if plan.land or plan.land_asset else ""
    images = ("All dates are in one image." if plan.images == "stack" else
              "Each date is an image of its own, for which the service computes the curves anew: a stack spares that.")  # fmt: skip
    return (f"Curves go through all clear observations from {plan.window.start} to {plan.window.end} (excluded), at their own times: "
            f"a trend and {', '.join(map(str, ORDERS))} harmonics of a year, of which the first that exists and is possible at a date "
            f"is taken. {images}{land}")  # fmt: skip


def _limits(plan: Plan) -> list:
    tile = plan.tile_side**2 * plan.bytes_per_pixel / 1e6
    if plan.destination == "download":
        return [("Requests at once", IN_FLIGHT, 40), ("Largest request (MB)", tile, 48 * 2**20 / 1e6)]
    rows = [("Tasks in the queue", len(plan.spans), QUEUE)]
    if plan.destination == "asset":
        rows += [("Assets", len(plan.spans), ASSETS), ("Size of assets (MB)", plan.bytes / 1e6, ASSET_BYTES / 1e6)]
    return rows
