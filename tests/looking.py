"""Engines with one job more, which looks at what the engine is in."""
from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from phenofuse.core import jobs

MAIN = Path(jobs.__file__).with_name("__main__.py")


def engine_with(job: str) -> list:
    """The command of an engine that has one job more, called ``look``, whose body is `job` (it sets `found`)."""
    run = f"def run(parameters, resources, events):\n{textwrap.indent(job, '    ')}\n    return {{'numbers': {{'FOUND': found}}}}"
    code = f"""
import runpy, sys, types
from phenofuse.core import jobs, registry
looks = types.ModuleType("phenofuse.core.looks")
exec({run!r}, looks.__dict__)
sys.modules[looks.__name__] = looks
jobs.JOBS["look"] = registry.Job("looks:run")
runpy.run_path({str(MAIN)!r}, run_name="__main__")
"""
    return [sys.executable, "-c", code]
