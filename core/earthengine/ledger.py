"""The memory of an export: every period's state on disk, before and after each thing that is done.

A SQLite file beside the rasters. Whatever is killed when, the next run reads here what is certain: a request's id is
written before the request and its task's name after it, a tile counts once its checksum is written.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ..errors import InputError, OutputError
from ..files import Lock
from ..version import version
from . import plans
from .plan import Plan

NAME = "export.sqlite"

# What may follow what. A period that failed, was cancelled, or whose file has gone can be begun anew.
STATES = {
    "PLANNED": ("SUBMITTING", "DOWNLOADING", "EMPTY", "FAILED", "CANCELLED"),
    "SUBMITTING": ("QUEUED", "FAILED", "PLANNED", "CANCELLED"),
    "QUEUED": ("RUNNING", "SUCCEEDED", "FAILED", "CANCELLING", "CANCELLED", "PLANNED"),
    "RUNNING": ("SUCCEEDED", "FAILED", "CANCELLING", "CANCELLED", "PLANNED", "QUEUED"),
    "CANCELLING": ("CANCELLED", "SUCCEEDED", "FAILED"),
    "SUCCEEDED": ("DOWNLOADING", "FAILED", "PLANNED"),
    "DOWNLOADING": ("DONE", "FAILED", "PLANNED", "CANCELLED"),
    "EMPTY": ("DONE",),
    "DONE": ("PLANNED",),
    "FAILED": ("PLANNED",),
    "CANCELLED": ("PLANNED",),
}
PENDING = ("SUBMITTING", "QUEUED", "RUNNING", "CANCELLING")
ENDED = ("DONE", "FAILED", "CANCELLED")
PREFIX = "pf"  # of request ids and task names
DIGITS = 40  # of the key in a request id, which has 60 characters at most
WORDS = 8  # of the key in names of tasks and files

SCHEMA = """
CREATE TABLE job(plan TEXT NOT NULL, sha256 TEXT NOT NULL, created TEXT NOT NULL, version TEXT NOT NULL);
CREATE TABLE item(key TEXT PRIMARY KEY, number INTEGER NOT NULL, start TEXT NOT NULL, "end" TEXT NOT NULL,
    state TEXT NOT NULL, attempt INTEGER NOT NULL DEFAULT 1, operation TEXT, n_s1 INTEGER, n_s2 INTEGER,
    unmatched INTEGER, looked INTEGER NOT NULL DEFAULT 0, verdict TEXT, findings TEXT, bytes INTEGER, sha256 TEXT,
    eecu_s REAL, error TEXT, updated TEXT NOT NULL);
CREATE TABLE tile(key TEXT NOT NULL, row INTEGER NOT NULL, col INTEGER NOT NULL, rows INTEGER NOT NULL,
    cols INTEGER NOT NULL, sha256 TEXT, PRIMARY KEY(key, row, col, rows, cols));
CREATE TABLE event(at TEXT NOT NULL, key TEXT NOT NULL, before TEXT, after TEXT NOT NULL, note TEXT);
"""


@dataclass(frozen=True)
class Item:
    """An image of the export, of one period or of all, as the ledger knows it.

    `looked`: the service's statistics were judged; `stem`: how names of this kind of export begin.
    """

    key: str
    number: int
    start: str
    end: str
    state: str
    attempt: int
    operation: str | None
    n_s1: int | None
    n_s2: int | None
    unmatched: int | None
    looked: int
    verdict: str | None
    findings: str | None
    bytes: int | None
    sha256: str | None
    eecu_s: float | None
    error: str | None
    updated: str
    stem: str

    @property
    def request_id(self) -> str:
        """The id under which the service starts at most one task."""
        return f"{PREFIX}-{self.key[:DIGITS]}-{self.attempt}"

    @property
    def task_name(self) -> str:
        """How the task is called on the service, and its file: the period, which export it belongs to, the attempt."""
        return f"{self.stem}_{self.start}_{self.end}_{self.key[:WORDS]}_{self.attempt}"

    @property
    def file_name(self) -> str:
        """The finished raster."""
        return f"{self.stem}_{self.start}_{self.end}.tif"

    @property
    def found(self) -> list:
        """Sentences of what was found wrong or worth knowing."""
        return json.loads(self.findings or "[]")


class Ledger:
    """One export's memory; used by one thread of one process at a time.

    Used as a context manager, it is locked against other runners and closed in the end.

    Parameters
    ----------
    folder : path
        Folder of the export.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self._base = self._lock = self._plan = None

    def __enter__(self) -> Ledger:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = Lock(self.folder / NAME, self.folder).__enter__()
            self._base = sqlite3.connect(self.folder / NAME, isolation_level=None)
            self._base.execute("PRAGMA journal_mode = DELETE")
            self._base.execute("PRAGMA synchronous = FULL")
        except sqlite3.OperationalError as problem:
            self.__exit__()
            raise OutputError(f"The folder {self.folder} cannot be written ({problem}).",
                              "Choose another FOLDER.") from None  # fmt: skip
        except OutputError:
            raise
        except OSError as problem:
            raise OutputError(f"The folder {self.folder} cannot be written ({problem.strerror}).",
                              "Choose another FOLDER.") from problem  # fmt: skip
        return self

    def __exit__(self, *_) -> None:
        if self._base is not None:
            self._base.close()
        if self._lock is not None:
            self._lock.__exit__()
        self._base = self._lock = None

    def begin(self, plan: Plan) -> bool:
        """Write the plan down; returns whether the folder holds this very export already.

        Raises
        ------
        InputError
            When the folder holds another one.
        """
        if self.exists:
            known = self.plan
            if known.sha256 != plan.sha256:
                raise InputError(
                    f"The folder {self.folder} holds another export ({len(known.periods)} periods from "
                    f"{known.periods[0][0]}, {known.width} x {known.height} pixels, {known.destination}).",
                    "Choose another FOLDER, or continue that one with 'Continue export' (phenofuse:continueexport).",
                )
            return True
        now = _now()
        with self._together():
            for statement in SCHEMA.strip().split(";\n"):
                self._base.execute(statement)
            self._base.execute("INSERT INTO job VALUES (?, ?, ?, ?)", (plan.text, plan.sha256, now, version()))
            for number, period in enumerate(plan.spans):
                self._base.execute(
                    'INSERT INTO item(key, number, start, "end", state, updated) VALUES (?, ?, ?, ?, ?, ?)',
                    (plan.key(period), number, str(period.start), str(period.end), "PLANNED", now),
                )
        return False

    @property
    def exists(self) -> bool:
        """Whether an export was begun here."""
        found = self._base.execute("SELECT count(*) FROM sqlite_master WHERE name = 'job'").fetchone()[0]
        return bool(found)

    @property
    def plan(self) -> Plan:
        """The plan that was written down.

        Raises
        ------
        InputError
            When there is none.
        """
        if self._plan is None:
            if not self.exists:
                raise InputError(f"The folder {self.folder} holds no export.", "Choose the FOLDER of an export that was begun.")
            self._base.row_factory = None
            self._plan = plans.read(self._base.execute("SELECT plan FROM job").fetchone()[0])
        return self._plan

    def items(self, *states: str) -> list:
        """The periods in order, all or those in some states."""
        marks = f"WHERE state IN ({', '.join('?' * len(states))})" if states else ""
        return self._items(f"{marks} ORDER BY number", states)

    def item(self, key: str) -> Item:
        """One period."""
        return self._items("WHERE key = ?", (key,))[0]

    def move(self, item: Item, state: str, note: str = "", **known) -> Item:
        """Put a period into another state, with what has become known, in one step.

        Raises
        ------
        ValueError
            When that state cannot follow: a mistake of the program.
        """
        before = self.item(item.key).state
        if state != before and state not in STATES[before]:
            raise ValueError(f"{state} cannot follow {before}")
        with self._together():
            self._set(item.key, {**known, "state": state})
            self._event(item.key, before, state, note)
        return self.item(item.key)

    def learn(self, item: Item, **known) -> Item:
        """Write down what has become known of a period."""
        with self._together():
            self._set(item.key, known)
        return self.item(item.key)

    def renew(self, item: Item, note: str) -> Item:
        """Begin a period anew, under a new request id: an id whose task has failed is spent."""
        with self._together():
            self._set(item.key, {"state": "PLANNED", "attempt": item.attempt + 1, "operation": None, "error": None,
                                 "verdict": None, "findings": None, "looked": 0})  # fmt: skip
            self._base.execute("DELETE FROM tile WHERE key = ?", (item.key,))
            self._event(item.key, item.state, "PLANNED", note)
        return self.item(item.key)

    def tiles(self, item: Item) -> dict:
        """What is known of a period's tiles: {(row, column, rows, columns): checksum, or None where it was cut}."""
        self._base.row_factory = None
        rows = self._base.execute("SELECT row, col, rows, cols, sha256 FROM tile WHERE key = ?", (item.key,)).fetchall()
        return {tuple(row[:4]): row[4] for row in rows}

    def keep_tile(self, item: Item, window, sha256: str | None) -> None:
        """A tile is on disk (its checksum), or was too large and cut (None)."""
        with self._together():
            self._base.execute("INSERT OR REPLACE INTO tile VALUES (?, ?, ?, ?, ?, ?)", (item.key, *window, sha256))

    def forget_tiles(self, item: Item, *windows) -> None:
        """Tiles that are no longer on disk or no longer sound; all of them when none is named."""
        with self._together():
            if not windows:
                self._base.execute("DELETE FROM tile WHERE key = ?", (item.key,))
            for window in windows:
                self._base.execute("DELETE FROM tile WHERE key = ? AND row = ? AND col = ? AND rows = ? AND cols = ?",
                                   (item.key, *window))  # fmt: skip

    def events(self) -> list:
        """All that happened: (when, key, before, after, note)."""
        self._base.row_factory = None
        return self._base.execute("SELECT at, key, before, after, note FROM event ORDER BY rowid").fetchall()

    def _items(self, which: str, values: tuple) -> list:
        stem = self.plan.STEM
        self._base.row_factory = sqlite3.Row
        return [Item(**dict(row), stem=stem) for row in self._base.execute(f"SELECT * FROM item {which}", values).fetchall()]

    def _set(self, key: str, known: dict) -> None:
        known = {**known, "updated": _now()}
        columns = ", ".join(f'"{name}" = ?' for name in known)
        self._base.execute(f"UPDATE item SET {columns} WHERE key = ?", (*known.values(), key))

    def _event(self, key, before, after, note) -> None:
        self._base.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?)", (_now(), key, before, after, note))

    @contextmanager
    def _together(self):
        """All or nothing of what is written inside."""
        try:
            self._base.execute("BEGIN IMMEDIATE")
            yield
            self._base.execute("COMMIT")
        except sqlite3.OperationalError as problem:
            self._undo()
            raise OutputError(f"The ledger {self.folder / NAME} cannot be written ({problem}).",
                              "Free some room on the disk, then run 'Continue export': nothing is lost.") from problem  # fmt: skip
        except BaseException:
            self._undo()
            raise

    def _undo(self) -> None:
        if self._base.in_transaction:
            self._base.execute("ROLLBACK")


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
