"""Direct download: all periods' tiles in parallel, each period assembled and checked as soon as its last tile is there.

Threads only speak with the service. The ledger and the files belong to the one thread that conducts them.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

from . import arrival, composites, look, plans, statistics
from .ledger import Item, Ledger
from .plan import IN_FLIGHT, VALUE_BYTES, Plan
from .service import Service, ServiceError
from .tasks import asset
from .tiler import Parts

SECONDS_BETWEEN_CHECKS = 0.2
COPIES = 4  # of a tile in memory: the answer, the table in it, its bands, and the array kept
FATAL = ("passing", "denied", "quota")  # failures that the next request would meet as well


@dataclass(frozen=True)
class Step:
    """One request: a look at a period (`window` None), or one of its tiles."""

    item: Item
    period: object
    window: object = None


class Download:
    """The periods of a plan on their way to disk.

    Parameters
    ----------
    plan, ledger, service
        What, its memory, and from where.
    resources : Resources
        `memory_mb` limits the tiles in flight.
    events : Events
        Progress, messages, cancelling.
    states : tuple of str
        Which periods are taken up.
    """

    def __init__(self, plan: Plan, ledger: Ledger, service: Service, resources, events,
                 states=("PLANNED", "DOWNLOADING", "EMPTY")):  # fmt: skip
        self._plan, self._ledger, self._service, self._events = plan, ledger, service, events
        self._parts, self._periods = Parts(ledger), dict(zip(map(plan.key, plan.spans), plan.spans))
        tile = COPIES * plan.tile_side**2 * len(plan.bands) * VALUE_BYTES
        self._at_once = max(1, min(IN_FLIGHT, int(resources.memory_mb * 2**20 // tile)))
        self._states, self._images, self._left = states, {}, {}

    def run(self) -> None:
        """Bring all unfinished periods to their end.

        Raises
        ------
        ServiceError
            When the service does not answer any more or refuses the account; all that is done stays done.
        """
        todo = deque(self._first_step(item) for item in self._ledger.items(*self._states))
        total = max(1, len(self._ledger.items()))
        executor, running = ThreadPoolExecutor(self._at_once, thread_name_prefix="earthengine"), {}
        try:
            while todo or running:
                while todo and len(running) < self._at_once:
                    step = todo.popleft()
                    following = self._begin(step, executor, running)
                    todo.extendleft(reversed(following))
                finished, _ = wait(running, timeout=SECONDS_BETWEEN_CHECKS, return_when=FIRST_COMPLETED)
                self._events.check()
                for future in sorted(finished, key=lambda one: one.exception() is not None):  # what came is kept first
                    todo.extendleft(reversed(self._conclude(running.pop(future), future)))
                self._events.progress(len(self._ledger.items("DONE", "FAILED")) / total)
        finally:
            for future in running:
                future.cancel()
            self._parts.tidy()
            executor.shutdown(wait=False)

    def _first_step(self, item: Item) -> Step:
        return Step(item, self._periods[item.key])

    def _begin(self, step: Step, executor, running) -> list:
        """Send a step's request, or say which steps come in its place."""
        item = self._ledger.item(step.item.key)
        if item.state == "FAILED":  # another of its tiles will never come
            return []
        if step.window is None:
            if item.state == "EMPTY":
                look.finish_empty(self._plan, self._ledger, item, step.period)
                return []
            if item.looked:
                return self._tiles_of(item, step.period)
            running[executor.submit(statistics.ask, self._service, self._plan, step.period)] = step
            return []
        row, column, rows, columns = step.window
        a, b, c, d, e, f = self._plan.transform
        place = (a, b, c + a * column, d, e, f + e * row)
        running[executor.submit(self._service.pixels, self._image(step), self._plan.crs, place, columns, rows,
                                self._plan.bands)] = step  # fmt: skip
        return []

    def _conclude(self, step: Step, future) -> list:
        """Keep what a request brought; returns the steps that follow from it."""
        try:
            result = future.result()
        except ServiceError as problem:
            if problem.why == "too_large" and step.window is not None:
                smaller = self._parts.cut(step.item, step.window, self._plan)
                if smaller:
                    self._left[step.item.key] += len(smaller) - 1
                    return [Step(step.item, step.period, window) for window in smaller]
            if problem.why in FATAL:
                raise
            look.fail(self._ledger, step.item, [], self._events, problem.text)
            return []
        if self._ledger.item(step.item.key).state == "FAILED":  # another of its tiles has failed meanwhile
            return []
        if step.window is None:
            return self._looked(step, result)
        values = np.where(result == np.float32(composites.NODATA), np.nan, result)
        self._parts.keep(step.item, step.window, values)
        self._left[step.item.key] -= 1
        if not self._left[step.item.key]:
            self._finish(step.item, step.period)
        return []

    def _looked(self, step: Step, answer: dict) -> list:
        item = look.settle(self._plan, self._ledger, step.item, step.period, answer, self._events)
        if item.state != "PLANNED":
            return []
        return self._tiles_of(item, step.period)

    def _tiles_of(self, item: Item, period) -> list:
        item = self._ledger.move(item, "DOWNLOADING")
        missing = self._parts.missing(item, self._plan)
        self._left[item.key] = len(missing)
        if not missing:
            self._finish(item, period)
        return [Step(item, period, window) for window in missing]

    def _image(self, step: Step):
        """The period's image, or the asset it was exported to; built once."""
        key, ee = step.item.key, self._service.ee
        if key not in self._images:
            self._images = {other: image for other, image in self._images.items() if self._left.get(other)}
            if self._plan.destination == "asset":
                image = ee.Image(asset(self._plan, step.item)).select(list(self._plan.bands)).toFloat()
            else:
                image = plans.expressions(self._plan).image(ee, self._plan, step.period)
            self._images[key] = composites.pixels(ee, image)
        return self._images[key]

    def _finish(self, item: Item, period) -> None:
        """From tiles to a file: written, checked, named, remembered; only then the tiles go."""
        path = self._ledger.folder / item.file_name
        found = arrival.write(path, self._plan, period, self._parts.strips(item, self._plan))
        item = self._ledger.item(item.key)
        if arrival.problems(found):
            look.fail(self._ledger, item, found, self._events)
        else:
            arrival.record(self._ledger, item, path, found)
        self._parts.remove(item)
