"""Other programs run from QGIS: in a clean environment, line by line, and gone at once when the user cancels.

QGIS sets variables for its own Python, GDAL and PROJ (and on some systems for its certificates) that break any
other Python. A child therefore gets a copy without them; what the user set for the network stays. Standard library only.
"""
from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from . import jobobject

# Made for QGIS's own Python and libraries; or for the user's other work, where it would change what comes out of ours:
# options of GDAL and its parts, looks of figures, how numpy, numba and torch reckon. (PIP_*) would send packages elsewhere
# than into the environment.
FOREIGN_PREFIXES = ("PYTHON", "GDAL_", "PROJ_", "QGIS_", "QT_", "OSGEO4W", "DYLD_", "CONDA",
                    "CPL_", "VSI_", "OGR_", "OSR_", "GTIFF_", "TIFF_", "RASTERIO_", "MPL", "NUMBA_", "NPY_", "TORCH_")
FOREIGN = ("MATPLOTLIBRC", "NVIDIA_TF32_OVERRIDE",
           "VIRTUAL_ENV", "__PYVENV_LAUNCHER__", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER",
           "PIP_REQUIRE_VIRTUALENV", "PIP_PYTHON", "PIP_NO_DEPS", "PIP_DRY_RUN", "PIP_REPORT")
# What every other Python gets. GDAL would read options from the user's ~/.gdal/gdalrc unless another file is named.
OWN = {"PYTHONNOUSERSITE": "1", "PYTHONIOENCODING": "utf-8", "GDAL_CONFIG_FILE": os.devnull}
# QGIS points some of these at folders that do not exist, and then no certificate is trusted at all.
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")

# How long a killed child may take to be gone before we stop waiting for it.
SECONDS_TO_DIE = 3.0
SECONDS_BETWEEN_LOOKS = 0.1

# Runs a module of Python, and ends at once with all it started when standard input does. It reads a descriptor of its
# own, and everybody else finds the null device: on Windows a program waits for ever, before its first line, when it
# inherits a pipe that another is reading from. `venv` starts two others.
_ON_A_LEASH = """
import os, runpy, signal, sys, threading
leash = os.dup(0)
os.set_inheritable(leash, False)
nothing = os.open(os.devnull, os.O_RDONLY)
os.dup2(nothing, 0)
os.close(nothing)
if sys.platform == "win32":
    import ctypes, msvcrt
    kernel = ctypes.WinDLL("kernel32")
    kernel.SetStdHandle.argtypes = (ctypes.c_uint32, ctypes.c_void_p)
    kernel.SetStdHandle(0xFFFFFFF6, msvcrt.get_osfhandle(0))
def watch():
    os.read(leash, 1)
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(130)
threading.Thread(target=watch, daemon=True).start()
module = sys.argv.pop(1)
sys.argv[0] = module
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


def clean_environment(variables=None) -> dict:
    """A copy of the environment `variables` (by default this process's) fit for another Python."""
    kept = {}
    for name, value in (os.environ if variables is None else variables).items():
        known = name.upper()
        if known.startswith(FOREIGN_PREFIXES) or known in FOREIGN:
            continue
        if known in CERTIFICATES and not Path(value).exists():
            continue
        kept[name] = value
    return {**kept, **OWN}


def start(command, variables=None, *, stdin, **options) -> subprocess.Popen:
    """Start `command` (a list) as the head of a tree of its own, which `kill` ends as a whole.

    `stdin` is to be named each time: nobody inherits ours.
    """
    options.update(stdin=stdin, env=clean_environment() if variables is None else variables)
    command = [str(part) for part in command]
    if sys.platform == "win32":
        return jobobject.start(command, **options)
    return subprocess.Popen(command, start_new_session=True, **options)


def kill(process) -> None:
    """End a process that `start` started, and all its children, now; also those of one that has ended by itself."""
    if sys.platform == "win32":
        jobobject.kill(process)
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left; on macOS, only the dead are
            os.killpg(process.pid, signal.SIGKILL)
    try:
        process.wait(SECONDS_TO_DIE)
    except subprocess.TimeoutExpired:
        pass                                         # stuck in the kernel (a dead network drive): not ours to wait for


def run(command, variables=None, cancelled=None, on_line=None, on_wait=None, timeout=None, leash=False) -> tuple:
    """Run `command` to its end and return its exit status and all it printed (both streams, as one text).

    Parameters
    ----------
    command : list
        Program and arguments.
    variables : dict, optional
        The child's environment; a clean one by default.
    cancelled : callable, optional
        Asked ten times a second; when it says True the child and its children are killed.
    on_line : callable, optional
        Called with each line as it comes.
    on_wait : callable, optional
        Called ten times a second, line or no line.
    timeout : float, optional
        Seconds after which the child is killed.
    leash : bool
        Keep the child's standard input open as long as this process lives, so that `module_on_a_leash` ends with it.

    Returns
    -------
    tuple of (int or None, str)
        The exit status is None when the child was killed here.
    """
    process = start(command, variables, stdin=subprocess.PIPE if leash else subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    arriving = queue.Queue()
    threading.Thread(target=_read, args=(process.stdout, arriving), daemon=True).start()
    deadline = None if timeout is None else time.monotonic() + timeout
    lines = []
    try:
        while True:
            if (cancelled and cancelled()) or (deadline and time.monotonic() > deadline):
                return None, "\n".join(lines)
            if on_wait:
                on_wait()
            try:
                line = arriving.get(timeout=SECONDS_BETWEEN_LOOKS)
            except queue.Empty:
                continue
            if line is None:
                return process.wait(), "\n".join(lines)
            lines.append(line)
            if on_line:
                on_line(line)
    finally:
        kill(process)
        if process.stdin:
            process.stdin.close()


def module_on_a_leash(python, module: str, *arguments) -> list:
    """The command that runs a module of another Python, isolated; with `run` and its `leash` it never outlives this process.

    Were QGIS killed, a pip left behind would go on writing into the very environment that the next run continues.
    """
    return [str(python), "-I", "-X", "utf8", "-u", "-c", _ON_A_LEASH, module, *map(str, arguments)]


def _read(stream, arriving) -> None:
    with stream:
        for line in stream:
            arriving.put(line.decode("utf-8", "replace").rstrip())
    arriving.put(None)
