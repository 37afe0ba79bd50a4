"""Jobs in engines of their own that are killed (kill -9) while they work."""
from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from phenofuse.core import jobs

CORE = Path(jobs.__file__).parent
TRIES = 10  # on a busy machine a small job may end before this process comes to its turn


def in_engine(job: str, parameters: dict, memory_mb: int, due=lambda: False) -> str:
    """Run a job in an engine with one worker, and kill it once `due` is true; what it told."""
    request = {"job": job, "resources": {"memory_mb": memory_mb, "workers": 1}, "parameters": parameters}
    with tempfile.TemporaryFile() as told:
        engine = subprocess.Popen([sys.executable, str(CORE)], stdin=subprocess.PIPE, stdout=told)
        engine.stdin.write(json.dumps(request).encode() + b"\n")
        engine.stdin.flush()
        while engine.poll() is None and not due():
            time.sleep(0.002)
        engine.kill()
        engine.wait()
        engine.stdin.close()
        told.seek(0)
        return told.read().decode()


def kill_in_mid_run(job: str, parameters: dict, memory_mb: int, learnt: str) -> None:
    """Kill a fill between what it learns once, kept in the file `learnt`, and its outputs; the outputs must not exist by then."""
    folder = Path(parameters["OUTPUT"]).parent
    for _ in range(TRIES):
        told = in_engine(job, parameters, memory_mb, lambda: list(folder.glob(f".*.parts/{learnt}")))
        if list(folder.glob(".*.parts")):
            assert not list(folder.glob("[A-Z]*.tif"))
            return
        assert '"result"' in told, told
        for path in folder.iterdir():
            path.unlink()
    raise AssertionError(f"the job ended {TRIES} times before it could be killed")
