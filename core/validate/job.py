"""The job `validatecomposites`: open, measure, judge, report."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from ..timeseries import list_rasters
from . import page
from .collect import collect, judge, refused
from .findings import grouped


def run(parameters: dict, resources, events) -> dict:
    """Validate LAYERS or the rasters of FOLDER.

    Parameters
    ----------
    parameters : dict
        LAYERS or FOLDER with SUBFOLDERS; BANDS (names of unnamed bands, by position); MIN_VALID_PERCENT (0: no demand);
        ON_PROBLEM (``fail`` or ``warn``); REPORT.

    Raises
    ------
    InputError
        When nothing can be read, or ON_PROBLEM is ``fail`` and there is a problem. The report is written before.
    """
    paths = parameters.get("LAYERS") or list_rasters(
        parameters.get("FOLDER") or "", subfolders=bool(parameters.get("SUBFOLDERS"))
    )
    names = tuple(name.strip() for name in (parameters.get("BANDS") or "").split(",") if name.strip())
    least_valid = float(parameters.get("MIN_VALID_PERCENT") or 0)
    rasters = collect(paths, names, events.step(0, 0.9))
    found = judge(rasters, least_valid)
    if not names and not any(finding.is_problem for finding in found):
        found += refused(paths, rasters)
    groups = grouped(found)
    problems = sum(key_findings[0].is_problem for key_findings in groups.values())

    outputs = {}
    if parameters.get("REPORT"):
        facts = {"files": len(paths), "minimum_of_valid_pixels": f"{least_valid:g} %"}
        title = parameters.get("FOLDER") or Path(paths[0]).parent
        outputs["REPORT"] = str(
            page.make(rasters, found, f"{title}: {len(paths)} files", facts).save(parameters["REPORT"])
        )
    events.progress(1.0)
    _tell(groups, problems, parameters, outputs, events)
    return {"outputs": outputs, "numbers": {"VALID": int(problems == 0), "PROBLEMS": problems}}


def _tell(groups: dict, problems: int, parameters: dict, outputs: dict, events) -> None:
    for findings in groups.values():
        (events.warning if findings[0].is_problem else events.info)(findings[0].what + _more(findings))
    if problems and parameters.get("ON_PROBLEM") == "fail":
        where = f"The report {outputs['REPORT']} shows where." if outputs else "Ask for a REPORT to see where."
        raise InputError(f"{problems} {'problem' if problems == 1 else 'problems'}: {page.sentence(groups)}.", where)


def _more(findings: list) -> str:
    return f" (and {len(findings) - 1} more like it)" if len(findings) > 1 else ""
