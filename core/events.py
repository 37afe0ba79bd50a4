"""What a job tells while it runs: progress with the time left, messages, and whether to stop.

One JSON object per line: ``progress`` (fraction, eta_s), ``message`` (level, text), ``result``
(outputs, numbers) and ``error`` (kind, text, remedy). A job holds an ``Events`` and never prints.
"""

from __future__ import annotations

import json
import threading
import time

from .errors import Cancelled

# A bar that moves more often than this only costs time at both ends of the pipe.
SECONDS_BETWEEN_PROGRESS = 0.2


class Events:
    """Progress, messages and cancelling of one job; safe to call from several threads.

    Parameters
    ----------
    stream : text file or None
        Where the JSON lines go; None keeps quiet.
    """

    def __init__(self, stream=None):
        self._stream = stream
        self._lock = threading.Lock()
        self._cancel = threading.Event()
        self._first = None
        self._last_time = 0.0
        self._fraction = 0.0

    def progress(self, fraction: float) -> None:
        """Say which share (0 to 1) of the job is done; never moves back. Raises when cancelled."""
        self.check()
        now = time.monotonic()
        with self._lock:
            self._fraction = max(self._fraction, min(1.0, float(fraction)))
            if now - self._last_time < SECONDS_BETWEEN_PROGRESS and self._fraction < 1:
                return
            self._last_time = now
            done = self._fraction
            # From the first report on: before it lies what is done once, such as compiling.
            self._first = self._first or (now, done)
            spent, share = now - self._first[0], done - self._first[1]
        eta = spent * (1 - done) / share if share > 0.02 else None
        self._send({"event": "progress", "fraction": round(done, 4), "eta_s": None if eta is None else round(eta, 1)})

    def info(self, text: str) -> None:
        """Tell the user something worth knowing."""
        self._send({"event": "message", "level": "info", "text": str(text)})

    def warning(self, text: str) -> None:
        """Tell the user something that may make the result worse than expected."""
        self._send({"event": "message", "level": "warning", "text": str(text)})

    def check(self) -> None:
        """Raise `Cancelled` when the user has asked to stop."""
        if self._cancel.is_set():
            raise Cancelled()

    def cancel(self) -> None:
        """Ask the job to stop at its next check."""
        self._cancel.set()

    def step(self, start: float, end: float) -> Step:
        """A view of these events whose 0 to 1 fills the bar from `start` to `end`."""
        return Step(self, start, end)

    def result(self, outputs: dict, numbers: dict, variables: dict | None = None) -> None:
        """Say that the job is done, what it made, and which variables its rasters hold."""
        self._send({"event": "result", "outputs": outputs, "numbers": numbers, "variables": variables or {}})

    def error(self, kind: str, text: str, remedy: str) -> None:
        """Say that the job failed, and what to do."""
        self._send({"event": "error", "kind": kind, "text": text, "remedy": remedy})

    def _send(self, event: dict) -> None:
        if self._stream is None:
            return
        line = json.dumps(event, allow_nan=False)
        with self._lock:
            self._stream.write(line + "\n")
            self._stream.flush()


class Step:
    """A share of a job's bar; messages and cancelling pass through."""

    def __init__(self, parent, start: float, end: float):
        self._parent, self._start, self._end = parent, start, end
        self.info, self.warning, self.check = parent.info, parent.warning, parent.check

    def progress(self, fraction: float) -> None:
        """Say which share (0 to 1) of this step is done."""
        share = min(1.0, max(0.0, float(fraction)))
        self._parent.progress(self._start + share * (self._end - self._start))

    def step(self, start: float, end: float) -> Step:
        """A share of this share."""
        return Step(self, start, end)


def Silent() -> Events:
    """Events that nobody listens to."""
    return Events(None)
