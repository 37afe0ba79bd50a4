"""What runs in the Windows Python, which stands for QGIS's there: one request out of a file, one answer into another.

    guest.py REQUEST.json ANSWER.json

It reaches the product only as QGIS does, through ``algorithms/bridge``. Standard library only.
"""
from __future__ import annotations

import ctypes
import importlib
import importlib.util
import json
import os
import sys
import threading
import time
from pathlib import Path

SECONDS_TO_BE_GONE = 3.0  # the product's promise
SECONDS_HELD_AT_MOST = 300.0


def main(request: Path, answer: Path) -> None:
    """Do what is asked, then write the answer in one stroke: a file that is there is whole."""
    asked = json.loads(request.read_text(encoding="utf-8"))
    given = ACTIONS[asked["action"]](asked)
    unfinished = answer.with_suffix(".new")
    unfinished.write_text(json.dumps(given), encoding="utf-8")
    os.replace(unfinished, answer)


def run(asked: dict) -> dict:
    """Run a job; ``asked["stop"]``, if any, says how (cancel, kill, die) and after which file pattern or message."""
    engine = bridge(asked["tree"], "engine")
    told = Told(engine, asked.get("stop") or {}, asked.get("touch") or {})
    before = pythons()
    given = {}
    try:
        given["result"] = engine.run_job(asked["python"], asked["job"], asked["parameters"], asked["resources"], told,
                                         logs=asked["logs"], caches=asked["caches"])
    except engine.EngineError as problem:
        given["error"] = {"kind": problem.kind, "text": problem.text, "remedy": problem.remedy, "log": problem.log}
    stopped = told.stopped or time.monotonic()
    while pythons() - before and time.monotonic() < stopped + SECONDS_TO_BE_GONE:
        time.sleep(0.02)
    return {**given, "messages": told.messages, "stopped": bool(told.stopped), "seconds_to_be_gone": time.monotonic() - stopped,
            "left": len(pythons() - before)}


def hold(asked: dict) -> dict:
    """Keep files open, as a program does that lets nobody delete or replace them, until a file says that it is enough."""
    streams = [open(path, "rb") for path in asked["files"]]
    Path(asked["held"]).touch()
    until = time.monotonic() + SECONDS_HELD_AT_MOST
    while not Path(asked["enough"]).exists() and time.monotonic() < until:
        time.sleep(0.05)
    for stream in streams:
        stream.close()
    return {}


def find(asked: dict) -> dict:
    """What the product finds of its own Windows: nothing is made."""
    environment = bridge(asked["tree"], "environment")
    return {"engine": environment.installed(asked["engine"])}


class Told:
    """A listener that notes what a job says, and stops it in the middle."""

    def __init__(self, engine, stop: dict, touch: dict):
        self.messages: list = []
        self.stopped = 0.0
        self._stop, self._touch, self._done = stop, touch, 0.0

    def progress(self, fraction: float, eta_s) -> None:
        """How far it is."""
        self._done = fraction
        if self._touch and fraction >= self._touch["from"]:
            hold_for(self._touch["file"], self._touch["seconds"])
            self._touch = {}

    def message(self, level: str, text: str) -> None:
        """What it says."""
        self.messages.append(text)

    def cancelled(self) -> bool:
        """Asked ten times a second."""
        if self._stop and not self.stopped and self._due():
            self.stopped = time.monotonic()
            if self._stop["how"] == "kill":
                kill_engine()
            if self._stop["how"] == "die":
                os.kill(os.getpid(), 9)  # TerminateProcess: nothing of this program runs any more
        return bool(self.stopped) and self._stop["how"] == "cancel"

    def _due(self) -> bool:
        folder, pattern = self._stop.get("folder"), self._stop.get("pattern")
        return any(Path(folder).glob(pattern)) if pattern else bool(self.messages)


def hold_for(path: str, seconds: float) -> None:
    """Keep a file open for some seconds, as a virus scanner does that looks at what is new."""
    stream = open(path, "rb")
    threading.Timer(seconds, stream.close).start()


def kill_engine() -> None:
    """End the engine itself, as the task manager would: the Python that has no child."""
    table = processes()
    own = [number for number, (name, _) in table.items() if name == "python.exe" and number != os.getpid()]
    for number in own:
        if number not in {parent for _, parent in table.values()}:
            os.kill(number, 9)


def pythons() -> set:
    """Numbers of all running Pythons but this one; no other program has any in this Windows."""
    return {number for number, (name, _) in processes().items() if name == "python.exe"} - {os.getpid()}


class Entry(ctypes.Structure):
    """PROCESSENTRY32W of tlhelp32.h."""

    _fields_ = [("size", ctypes.c_uint32), ("usage", ctypes.c_uint32), ("number", ctypes.c_uint32), ("heap", ctypes.c_void_p),
                ("module", ctypes.c_uint32), ("threads", ctypes.c_uint32), ("parent", ctypes.c_uint32), ("priority", ctypes.c_int32),
                ("flags", ctypes.c_uint32), ("name", ctypes.c_wchar * 260)]


def processes() -> dict:
    """Name and parent of every running process, by number."""
    kernel = ctypes.WinDLL("kernel32")
    kernel.CreateToolhelp32Snapshot.restype = ctypes.c_void_p
    for function in (kernel.Process32FirstW, kernel.Process32NextW):
        function.argtypes = (ctypes.c_void_p, ctypes.POINTER(Entry))
    kernel.CloseHandle.argtypes = (ctypes.c_void_p,)
    snapshot = kernel.CreateToolhelp32Snapshot(2, 0)  # TH32CS_SNAPPROCESS
    entry, found = Entry(size=ctypes.sizeof(Entry)), {}
    more = kernel.Process32FirstW(snapshot, entry)
    while more:
        found[entry.number] = (entry.name.lower(), entry.parent)
        more = kernel.Process32NextW(snapshot, entry)
    kernel.CloseHandle(snapshot)
    return found


def bridge(tree: str, module: str):
    """A module of the product's bridge; those that are asked for here import no QGIS. The checkout's folder may have any name."""
    if "phenofuse" not in sys.modules:
        spec = importlib.util.spec_from_file_location("phenofuse", os.path.join(tree, "__init__.py"), submodule_search_locations=[tree])
        sys.modules["phenofuse"] = importlib.util.module_from_spec(spec)
    return importlib.import_module(f"phenofuse.algorithms.bridge.{module}")


ACTIONS = {"run": run, "hold": hold, "find": find}

if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
