"""The Windows Python asked from here (see guest.py), and the same jobs run by this machine's own engine to compare with."""
from __future__ import annotations

import fcntl
import json
import os
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import guest
from jobs import JOBS
from wine import Ended, Wine, windows_path

# Spaces, letters with accents, and letters that no code page of Western Europe has.
FOLDER = "With space, é ñ ü, Ђ 数"
RESOURCES = {"memory_mb": 256, "workers": 2, "scheduler": "", "device": "cpu"}
SECONDS = 240.0  # the slowest job, with all its functions to be compiled, four times over
SECONDS_FOR_REFERENCES = 1500.0  # all of them, one after the other; some 150 on two cores
SECONDS_AFTER_A_HANG = 60.0  # what hung once does so again: then everything is told of within half an hour


class Guests:
    """A Windows, an engine in it, and the results of both systems.

    Parameters
    ----------
    home : Path
        Holds the Windows (see make.py), the engine, compiled functions and results.
    tree : Path
        The checkout whose product is run.
    engine : str
        Name of the engine's folder.
    seconds : float, optional
        How long one request may take.
    """

    def __init__(self, home: Path, tree: Path, engine: str, seconds: float | None = None):
        self.tree, self.engine, self.wine = tree, home / engine, Wine(home)
        self.runs = home / "runs" / FOLDER
        self.here, self.there = self.runs / "here", self.runs / "there"
        self.seconds = seconds or SECONDS
        self._caches, self._bridge = home / "caches", guest.bridge(str(tree), "engine")
        self._references: dict = {}
        self._pool = ThreadPoolExecutor(1)  # beside the Windows: CI has two cores
        self._count, self._ended = 0, False

    def __enter__(self) -> Guests:
        self._lock = open(self.wine.folder / "lock", "w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SystemExit(f"Another ./dev windows is at work in {self.wine.folder}. Wait until it has ended.") from None
        shutil.rmtree(self.runs.parent, ignore_errors=True)
        self.runs.mkdir(parents=True)
        self.wine.end()
        self.wine.begin()
        return self

    def __exit__(self, *problem) -> None:
        self._ended = True
        self._pool.shutdown(cancel_futures=True)
        self.wine.end()

    def run(self, job: str, parameters: dict, resources: dict | None = None, **more) -> dict:
        """Run a job in Windows's engine; the answer of `guest.run`."""
        return self.begin("run", **self.wanted(job, parameters, resources), **more).answer()

    def wanted(self, job: str, parameters: dict, resources: dict | None = None) -> dict:
        """What `guest.run` wants to know of a job."""
        return {"python": self.engine / "Scripts" / "python.exe", "job": job, "parameters": parameters,
                "resources": {**RESOURCES, **(resources or {})}, "logs": self.runs / "logs there", "caches": self._caches / "there"}

    def ask(self, action: str, **asked) -> dict:
        """Have a Windows Python of its own do something, and return its answer."""
        return self.begin(action, **asked).answer()

    def begin(self, action: str, **asked) -> Asked:
        """The same, without waiting for it."""
        self._count += 1
        return Asked(self, self.runs / f"{self._count:02d} {action}", {"action": action, "tree": self.tree, **asked})

    def reference(self, name: str) -> dict:
        """This machine's own result of one of `JOBS`, with all that it needs; each is made once."""
        return self._begun(name).result(SECONDS_FOR_REFERENCES)

    def begin_references(self) -> None:
        """Have all of them made, in their order, while Windows is at work."""
        for name in JOBS:
            self._begun(name)

    def run_here(self, job: str, parameters: dict) -> dict:
        """Run a job in this machine's own engine."""
        listener = self._bridge.Listener()
        listener.cancelled = lambda: self._ended
        try:
            return self._bridge.run_job(os.environ["PHENOFUSE_ENGINE_PYTHON"], job, _plain(parameters, str), RESOURCES,
                                        listener, logs=self.runs / "logs here", caches=self._caches / "here")
        except self._bridge.EngineError as problem:
            raise Broken(f"{job} fails on this machine already: {problem}") from problem

    def _begun(self, name: str) -> Future:
        if name not in self._references:
            for other in JOBS[name].needs:
                self._begun(other)
            self._references[name] = self._pool.submit(self._make_reference, name)
        return self._references[name]

    def _make_reference(self, name: str) -> dict:
        folder = self.here / name
        folder.mkdir(parents=True)
        return self.run_here(JOBS[name].job, JOBS[name].parameters(self.here, folder))


class Late(Exception):
    """A request that was not over in time: it hung, and was ended."""


class Asked:
    """A request under way in a Windows Python of its own."""

    def __init__(self, guests: Guests, name: Path, asked: dict):
        self._guests, self._answer = guests, name.with_suffix(".answer.json")
        request = name.with_suffix(".request.json")
        request.write_text(json.dumps(_plain(asked, windows_path)), encoding="utf-8")
        self._program = guests.wine.start(guests.wine.python, "-X", "utf8", windows_path(guest.__file__), windows_path(request),
                                          windows_path(self._answer))

    def answer(self) -> dict:
        """Wait for the answer."""
        ended = self.end()
        if not self._answer.exists():
            raise Broken(f"the Windows Python ended with status {ended.status} and without an answer: {ended.text.strip()[-500:]}")
        return json.loads(self._answer.read_text(encoding="utf-8"))

    def end(self) -> Ended:
        """Wait for its end, answer or no answer."""
        status = self._program.wait(self._guests.seconds)
        if status is None:
            guests, seconds = self._guests, self._guests.seconds
            guests.wine.start_afresh(self._program)
            guests.seconds = min(seconds, SECONDS_AFTER_A_HANG)
            raise Late(f"not over after {seconds:.0f} s; ended. {self._program.text().strip()[-300:]}".strip())
        return Ended(status, self._program.text())


class Broken(Exception):
    """No answer, where one is needed to go on."""


def _plain(asked, told):
    """A request as JSON can hold it, its paths as `told` tells them."""
    if isinstance(asked, dict):
        return {key: _plain(value, told) for key, value in asked.items()}
    if isinstance(asked, (list, tuple)):
        return [_plain(value, told) for value in asked]
    return told(asked) if isinstance(asked, Path) else asked
