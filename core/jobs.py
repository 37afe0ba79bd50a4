"""How one of the engine's jobs is run.

A job is a function ``run(parameters, resources, events)`` that returns ``{"outputs": {KEY: path},
"numbers": {KEY: number or text}}``. Its topic is imported only when it is asked for, and when nothing is wrong with
what it is to write.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
from dataclasses import dataclass, field, fields

from . import formats, outputs
from .errors import Cancelled, InputError
from .parameters import require_numbers
from .registry import JOBS

HALVES_DIFFER = "Reinstall the plugin: its two halves are of different versions."


@dataclass(frozen=True)
class Resources:
    """What a job may use.

    Parameters
    ----------
    memory_mb : int
        Budget for the pixels in hand, in MiB.
    workers : int
        Threads, at least 1; 0 means one per core.
    device : str
        ``auto``, ``cpu`` or ``gpu``.
    scheduler : str
        Address of an existing Dask cluster, or ''.
    credentials : str
        A secret for a service elsewhere, or ''. It is shown nowhere and never written.
    """

    memory_mb: int = 1024
    workers: int = 0
    device: str = "auto"
    scheduler: str = ""
    credentials: str = field(default="", repr=False)

    def __post_init__(self):
        for one in fields(self):
            value, wanted = getattr(self, one.name), type(one.default)
            if value is None:
                object.__setattr__(self, one.name, one.default)
            elif not isinstance(value, wanted) or isinstance(value, bool):
                found = type(value).__name__ if one.name == "credentials" else repr(value)
                raise InputError(
                    f"{one.name.upper()} is {found}; {'a whole number' if wanted is int else 'text'} is expected."
                )
        if self.memory_mb < 64:
            raise InputError(
                f"The memory budget is {self.memory_mb} MB; at least 64 MB are needed.", "Raise MEMORY_MB."
            )
        if self.workers < 1:
            object.__setattr__(self, "workers", os.cpu_count() or 1)


def read(line: bytes) -> tuple:
    """Name, parameters and resources of the job that a line of JSON tells.

    Raises
    ------
    InputError
        When it is no such line.
    Cancelled
        When there is none: whoever started the engine has gone.
    """
    if not line.strip():
        raise Cancelled()
    try:
        told = json.loads(line)
        name, parameters, resources = told["job"], told.get("parameters") or {}, told.get("resources") or {}
        if not (isinstance(name, str) and isinstance(parameters, dict) and isinstance(resources, dict)):
            raise TypeError
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise InputError(
            "What the engine was told is no job.",
            'Send one line of JSON in UTF-8, such as {"job": "checkengine", "parameters": {}, "resources": {}}.',
        ) from None
    unknown = sorted(set(resources) - {one.name for one in fields(Resources)})
    if unknown:
        raise InputError(f"The engine knows no resource '{unknown[0]}'.", HALVES_DIFFER)
    return name, parameters, Resources(**resources)


def run(name: str, parameters: dict, resources: Resources, events) -> dict:
    """Run the job `name` and return its outputs (paths), numbers, and the variables of its output rasters.

    Raises
    ------
    InputError
        When there is no such job, or an output is an input or another output.
    OutputError
        When an output cannot be written, or another run is writing it; both before anything else is done.
    PhenofuseError
        Whatever the job finds wrong.
    """
    if name not in JOBS:
        raise InputError(f"The engine has no job '{name}'.", HALVES_DIFFER)
    require_numbers(parameters)
    with outputs.claimed(JOBS[name], parameters):
        _require_unread(JOBS[name].outputs(parameters), parameters)
        module, function = JOBS[name].function.split(":")
        job = getattr(importlib.import_module(f".{module}", __package__), function)
        result = job(parameters, resources, events)
        made = result.get("outputs", {})
        return {"outputs": made, "numbers": result.get("numbers", {}), "variables": _variables(made)}


def _require_unread(wanted: dict, parameters: dict) -> None:
    """Refuse an output that lies behind an input, as the source of a virtual raster does; one that is not there yet cannot."""
    there = {key: path for key, path in wanted.items() if path.exists()}
    if not there:
        return
    from .timeseries.state import read_with

    for key, value in parameters.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            file = None if key in wanted else outputs.file_of(one)
            if file is not None and file.is_file() or key not in wanted and outputs.read_by_gdal(one):
                outputs.require_unread(there, read_with(str(one))[0], key)


def _variables(made: dict) -> dict:
    """What each output raster says it holds: QGIS styles it by that."""
    rasters = {key: path for key, path in made.items() if str(path).lower().endswith((*formats.GEOTIFF, *formats.NETCDF))}
    if not rasters:
        return {}
    from .timeseries.raw import RasterFile

    found = {}
    for key, path in rasters.items():
        with contextlib.suppress(InputError):  # NetCDF is written without GDAL, which need not be able to read it
            found[key] = RasterFile.open(path).header.get("variable", "")
    return found
