"""Reading in the background: one thread per file, whose dataset nobody else touches.

GDAL allows a dataset one thread at a time and a read cannot be called back. With a thread of its own a file on a slow
network holds up only itself; requests that were given up meanwhile are dropped unread. QGIS's task manager is not used,
because its places may be taken by processing that lasts for minutes.
"""
from __future__ import annotations

import queue
import threading

from qgis.PyQt.QtCore import QObject, pyqtSignal

from .profiles import RasterFile


class Reader(QObject):
    """Asks files for descriptions and samples; answers come as signals, in the thread that made the reader.

    Parameters
    ----------
    open_file : callable
        Gives a `RasterFile` of a path.
    """

    described = pyqtSignal(str, str, object)  # key, path; Description or the exception it ended in
    sampled = pyqtSignal(object, str, str, object)  # request, key, path; values, None (outside) or the exception

    def __init__(self, open_file=RasterFile):
        super().__init__()  # without a parent: threads that still read keep it alive
        self._open_file = open_file
        self._lanes: dict = {}

    @property
    def paths(self) -> dict:
        """The path of every key that is being read."""
        return {key: lane.path for key, lane in self._lanes.items()}

    def watch(self, paths: dict) -> None:
        """Have just these files, {key: path}: new ones are described, others are let go."""
        for key, lane in list(self._lanes.items()):
            if paths.get(key) != lane.path:
                del self._lanes[key]
                lane.stop()
        for key, path in paths.items():
            if key not in self._lanes:
                lane = self._lanes[key] = _Lane(path, self._open_file)
                lane.ask(lambda file, key=key: self.described.emit(key, file.path, _outcome(file.describe)))

    def sample(self, request, key: str, x: float, y: float) -> None:
        """Read a file at a place in its own coordinates, unless `request.cancelled` by then."""
        def work(file):
            if not request.cancelled:
                self.sampled.emit(request, key, file.path, _outcome(file.sample, x, y))
        self._lanes[key].ask(work)

    def average(self, request, key: str, polygons: list) -> None:
        """As `sample`, of polygons in the file's own coordinates."""
        def work(file):
            if not request.cancelled:
                self.sampled.emit(request, key, file.path, _outcome(file.average, polygons))
        self._lanes[key].ask(work)

    def stop(self) -> None:
        """Let go of all files."""
        self.watch({})


class _Lane:
    """One file and its thread, which sleeps while nothing is asked."""

    def __init__(self, path: str, open_file):
        self.path = path
        self._asked: queue.SimpleQueue = queue.SimpleQueue()
        # A daemon, so that a read from a network that is gone cannot keep QGIS from ending.
        threading.Thread(target=self._run, args=(open_file,), name=f"profile of {path}", daemon=True).start()

    def ask(self, work) -> None:
        self._asked.put(work)

    def stop(self) -> None:
        self._asked.put(None)

    def _run(self, open_file) -> None:
        file = open_file(self.path)  # opens nothing yet
        while (work := self._asked.get()) is not None:
            work(file)
        file.close()


def _outcome(read, *arguments):
    """What a read gives, or the exception it ends in: whatever it is, the user must hear of it."""
    try:
        return read(*arguments)
    except Exception as problem:
        return problem
