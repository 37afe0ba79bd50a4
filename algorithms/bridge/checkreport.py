"""The text of 'Check engine': what a developer needs to know of a machine, fit to be pasted into a public issue.

Every problem comes with the one thing to do. The home folder and the user's name never appear.
"""
from __future__ import annotations

import html
import re
from pathlib import Path
from typing import NamedTuple

from .requirements import as_numbers

# Less than this and runs on real scenes become impossible: one 2,000 x 2,000 series of 62 dates takes 1 GB.
LEAST_FREE_MB = 2000
# The engine's base memory (300 MB) and the smallest sensible budget for pixels, with room for QGIS.
LEAST_MEMORY_MB = 2000
# Parts of the engine by what they are called in EXTRAS.
EXTRA_PACKAGES = {"learning": ("torch", "safetensors"), "earthengine": ("earthengine-api",),
                  "cluster": ("dask", "distributed"), "onnx": ("onnx", "onnxruntime", "onnxscript")}


class Problem(NamedTuple):
    """Something that is not as it should be, and what to do about it."""

    text: str
    remedy: str


def problems(qgis: dict, engine: dict, facts: dict, lowest: dict) -> list:
    """All problems, the gravest first.

    Parameters
    ----------
    qgis : dict
        The plugin's side: ``folders`` (name: path, free_mb, writable).
    engine : dict
        ``python``, ``kind``, ``reason``, and ``problem``, ``remedy`` when there is none or it failed.
    facts : dict
        What the engine answered (the job ``checkengine``); empty when it did not.
    lowest : dict
        Lowest sufficient version by package, for the base and for the extras.
    """
    found = []
    if engine.get("problem"):
        found.append(Problem(engine["problem"], engine["remedy"]))
    if facts:
        found += _of_packages(facts, lowest) + _of_machine(facts)
    for name, folder in qgis["folders"].items():
        if not folder["writable"]:
            found.append(Problem(f"The {name} folder {folder['path']} cannot be written.",
                                 "Change its rights, or choose another one in the options of QGIS."))
        elif folder["free_mb"] < LEAST_FREE_MB:
            found.append(Problem(f"Only {folder['free_mb']} MB are free in the {name} folder {folder['path']}.",
                                 "Free some space: the results of one scene take gigabytes."))
    return found


def text(qgis: dict, engine: dict, facts: dict, found: list) -> str:
    """The report, with the home folder and the user's name redacted."""
    verdict = f"{len(found)} problem{'s' if len(found) > 1 else ''}" if found else "all is well"
    lines = [f"Phenofuse {qgis['plugin']}: {verdict}"]
    for number, problem in enumerate(found, 1):
        lines += [f"  {number}. {problem.text}", f"     -> {problem.remedy}"]
    lines += ["", "QGIS side", *_table({
        "QGIS": qgis["qgis"], "Qt": qgis["qt"], "Python": qgis["python"], "System": qgis["system"],
        **{f"{name.capitalize()} folder": f"{folder['path']} ({folder['free_mb']} MB free)"
           for name, folder in qgis["folders"].items()}})]
    chosen = {"Python": engine.get("python") or "none", "Chosen because": engine.get("reason") or "-"}
    lines += ["", "Engine", *_table({**chosen, **(_engine_rows(facts) if facts else {})})]
    return redact("\n".join(lines) + "\n")


def write_page(path, title: str, report: str) -> None:
    """Write a text as a small HTML page that stands alone."""
    page = ("<!DOCTYPE html><html><head><meta charset='utf-8'><title>{0}</title></head><body><h1>{0}</h1>"
            "<pre>{1}</pre></body></html>\n")
    Path(path).write_text(page.format(html.escape(title), html.escape(report)), encoding="utf-8")


def redact(report: str, home: str = "", user: str = "") -> str:
    """A text with the home folder as ``~`` and the user's name (in any other path) as ``<user>``."""
    home = home or str(Path.home())
    user = user or Path(home).name
    for written in sorted({home, home.replace("\\", "/"), home.replace("/", "\\")}, key=len, reverse=True):
        if len(written) > 1:
            report = re.sub(re.escape(written) + r"(?![\w-])", "~", report, flags=re.IGNORECASE)
    if len(user) > 1:                                # only as a whole part of a path: a name may be a common word
        report = re.sub(r"(?<=[/\\])" + re.escape(user) + r"(?=[/\\\s)]|$)", "<user>", report, flags=re.IGNORECASE)
    return report


def _of_packages(facts: dict, lowest: dict) -> list:
    versions, found = facts["packages"], []
    for name, least in lowest.items():
        extra = next((extra for extra, names in EXTRA_PACKAGES.items() if name in names), "")
        remedy = "Run phenofuse:setupengine" + (f" with EXTRAS={extra}." if extra else ".")
        version = versions.get(name, "")
        if version.startswith("broken: "):
            found.append(Problem(f"The engine's {name} does not load ({version[8:]}).",
                                 "Run phenofuse:setupengine with REBUILD=true."))
        elif not version and not extra:
            found.append(Problem(f"The engine has no {name}.", remedy))
        elif version and as_numbers(version) < as_numbers(least):
            found.append(Problem(f"The engine's {name} is {version}; at least {least} is needed.", remedy))
    return found


def _of_machine(facts: dict) -> list:
    found = []
    compiling, machine, graphics = facts["compiling"], facts["machine"], facts["graphics"]
    if not compiling["works"]:
        found.append(Problem(f"Numba does not compile ({compiling.get('problem', 'a wrong result')}).",
                             "Run phenofuse:setupengine with REBUILD=true."))
    if not compiling["cache_writable"]:
        found.append(Problem(f"Numba's cache {compiling['cache']} cannot be written, so every run compiles anew.",
                             "Change the rights of that folder."))
    if 0 < machine["memory_mb"] < LEAST_MEMORY_MB:
        found.append(Problem(f"This machine has {machine['memory_mb']} MB of memory.",
                             "Set the memory for pixels to 256 MB in the options."))
    budget = facts["resources"]["memory_mb"]
    if 0 < machine["free_memory_mb"] < budget:
        found.append(Problem(f"{machine['free_memory_mb']} MB of memory are free; {budget} MB are set for pixels.",
                             "Close other programs, or lower the memory for pixels in the options."))
    if graphics["problem"]:
        found.append(Problem(f"Networks run on the processor: {graphics['problem']}.",
                             "Update the driver of the GPU, or run phenofuse:setupengine with REBUILD=true and an INDEX_URL whose "
                             "torch is built for this GPU."))
    elif graphics["driver"] and facts["packages"].get("torch") and not graphics["torch"]:
        found.append(Problem("There is an NVIDIA GPU, but this torch does not use it.",
                             "Run phenofuse:setupengine with EXTRAS=learning, TORCH=cuda and REBUILD=true."))
    return found


def _engine_rows(facts: dict) -> dict:
    packages, machine, rasters = facts["packages"], facts["machine"], facts["rasters"]
    compiling, graphics = facts["compiling"], facts["graphics"]
    here = [f"{name} {version}" for name, version in packages.items() if version]
    missing = [extra for extra, names in EXTRA_PACKAGES.items() if not all(packages.get(name) for name in names)]
    resources = facts["resources"]
    return {
        "Python version": f"{facts['python']['version']} ({facts['python']['bits']} bits)",
        "Packages": ", ".join(here) or "none",
        "Extras not there": ", ".join(missing) or "none",
        "GDAL": f"{rasters['gdal'] or 'none'} (NetCDF: {'yes' if rasters['netcdf'] else 'no'})",
        "Machine": f"{machine['system']}, {machine['processor']}, {machine['cores']} cores",
        "Memory": f"{machine['memory_mb']} MB, {machine['free_memory_mb']} MB free",
        "GPU": "; ".join(graphics["torch"] or graphics["driver"]) or "none",
        "Numba": (f"compiles ({compiling['seconds']} s)" if compiling["works"] else "does not compile")
                 + f"; cache {compiling['cache']}, {'writable' if compiling['cache_writable'] else 'not writable'}",
        "Earth Engine": f"credentials {'present' if facts['earth_engine']['credentials'] else 'absent'}",
        "Options": f"{resources['memory_mb']} MB, {resources['workers']} threads, device {resources['device']}, "
                   f"scheduler {'set' if resources['scheduler'] else 'none'}",
    }


def _table(rows: dict) -> list:
    width = max(map(len, rows))
    return [f"  {name.ljust(width)}  {value}" for name, value in rows.items()]

