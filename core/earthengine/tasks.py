"""Tasks on the service: started, adopted, followed, cancelled; never more than a few at a time, never one twice.

A request's id is a function of what is asked, so that the service itself drops a repetition; and SUBMITTING is written
before the request, so that a run which died in between is recognised by the next.
"""

from __future__ import annotations

from . import composites, look, plans, statistics
from .ledger import PENDING, Item, Ledger
from .plan import Plan
from .service import REMEDIES, Service, ServiceError

MOST_IN_PROJECT = 2900  # of the 3000 tasks a project's queue holds; other programs of the project need some
MOST_ATTEMPTS = 3
PASSING = ("internal error", "timed out", "try again", "unavailable")  # failures of a task that may go by themselves
DRIVE_FOLDER = "phenofuse"
MOST_PIXELS = 1e13
STATES = {"PENDING": "QUEUED", "RUNNING": "RUNNING", "CANCELLING": "CANCELLING", "CANCEL_REQUESTED": "CANCELLING",
          "SUCCEEDED": "SUCCEEDED", "CANCELLED": "CANCELLED", "FAILED": "FAILED"}  # fmt: skip


class Tasks:
    """The tasks of an export.

    Parameters
    ----------
    plan, ledger, service, events
    most_pending : int
        Most of our tasks that wait or run at a time.
    """

    def __init__(self, plan: Plan, ledger: Ledger, service: Service, events, most_pending: int = 10):
        self._plan, self._ledger, self._service, self._events = plan, ledger, service, events
        self._most, self._periods = most_pending, dict(zip(map(plan.key, plan.spans), plan.spans))

    def refresh(self) -> None:
        """Learn from the service how our tasks are: one list for all, a question only for those it lacks."""
        ours = self._ledger.items(*PENDING)
        if not ours:
            return
        listed = self._service.operations()
        by_name = {operation["name"]: operation for operation in listed}
        for item in ours:
            if item.state == "SUBMITTING":
                self._adopt(item, listed)
            else:
                self._follow(item, by_name.get(item.operation) or self._asked(item))

    def submit(self) -> None:
        """Start tasks until as many wait as may.

        Raises
        ------
        ServiceError
            When the queue or the room for assets is used up: the job pauses, no period fails for it.
        """
        for item in self._ledger.items("EMPTY"):
            look.finish_empty(self._plan, self._ledger, item, self._periods[item.key])
        planned, pending = self._ledger.items("PLANNED"), len(self._ledger.items(*PENDING))
        if planned and pending < self._most:
            self._require_room(planned)
        for item in planned:
            self._events.check()
            if pending >= self._most:
                return
            item = self._looked(item)
            if item.state == "PLANNED":
                self._start(item)
                pending += 1

    def cancel(self) -> None:
        """Ask the service to end our tasks, and only ours; what has not begun will not."""
        for item in self._ledger.items("PLANNED"):
            self._ledger.move(item, "CANCELLED", "before it was sent")
        for item in self._ledger.items("QUEUED", "RUNNING"):
            try:
                self._service.cancel(item.operation)
            except ServiceError as problem:
                if problem.why not in ("refused", "missing"):  # it has ended meanwhile: the next refresh tells how
                    raise
                continue
            self._ledger.move(item, "CANCELLING")
        self.refresh()

    def _adopt(self, item: Item, listed: list) -> None:
        """A run died between writing SUBMITTING and the task's name: find the task, or send the request again."""
        found = next((op for op in listed if op["metadata"].get("description") == item.task_name), None)
        if found is None:
            self._send(item)
            return
        item = self._ledger.move(item, "QUEUED", "found on the service", operation=found["name"])
        self._follow(item, found)

    def _start(self, item: Item) -> None:
        self._send(self._ledger.move(item, "SUBMITTING"))

    def _send(self, item: Item) -> None:
        asked = _config(self._service.ee, self._plan, item, self._periods[item.key])
        try:
            name = self._service.export(item.request_id, asked)["name"]
        except ServiceError as problem:
            name = self._known(item) if "already" in problem.text.lower() else None
            if name is None and problem.why == "refused":
                self._ledger.move(item, "FAILED", problem.text, error=problem.text)
                return
            if name is None:
                raise
        self._ledger.move(item, "QUEUED", operation=name)

    def _known(self, item: Item) -> str | None:
        """The name of a task that the service says it has already."""
        listed = self._service.operations()
        return next((op["name"] for op in listed if op["metadata"].get("description") == item.task_name), None)

    def _asked(self, item: Item) -> dict | None:
        try:
            return self._service.operation(item.operation)
        except ServiceError as problem:
            if problem.why != "missing":
                raise
            return None

    def _follow(self, item: Item, operation: dict | None) -> None:
        if operation is None:
            self._vanished(item)
            return
        metadata = operation.get("metadata", {})
        state = STATES.get(metadata.get("state"), item.state)
        spent = metadata.get("batchEecuUsageSeconds")
        if spent is not None:
            item = self._ledger.learn(item, eecu_s=float(spent))
        if state == "FAILED":
            self._failed(item, operation.get("error", {}).get("message", "no reason given"))
        elif state == "CANCELLED":
            self._ledger.move(item, "CANCELLED", "on the service", error="The task was cancelled.")
        elif state != item.state and not (item.state == "CANCELLING" and state in ("QUEUED", "RUNNING")):
            self._ledger.move(item, state)

    def _failed(self, item: Item, why: str) -> None:
        text = f"The task failed: {why.strip().rstrip('.')}."
        item = self._ledger.move(item, "FAILED", text, error=text)
        if any(words in why.lower() for words in PASSING) and item.attempt < MOST_ATTEMPTS:
            self._ledger.renew(item, "such failures may go by themselves")

    def _vanished(self, item: Item) -> None:
        """The service knows the task no more; its asset may be there all the same."""
        if self._plan.destination == "asset" and self._service.has_asset(asset(self._plan, item)):
            self._ledger.move(item, "SUCCEEDED", "the task is forgotten, its asset is there")
        elif item.attempt < MOST_ATTEMPTS:
            self._ledger.renew(item, "the service knows the task no more")
        else:
            self._ledger.move(item, "FAILED", error="The service lost the task.")

    def _looked(self, item: Item) -> Item:
        """Judge the service's statistics before a task is spent on the period."""
        if item.looked:
            return item
        period = self._periods[item.key]
        answer = statistics.ask(self._service, self._plan, period)
        return look.settle(self._plan, self._ledger, item, period, answer, self._events)

    def _require_room(self, planned: list) -> None:
        waiting = sum(not operation.get("done") for operation in self._service.operations())
        if waiting >= MOST_IN_PROJECT:
            raise ServiceError("quota", f"{waiting} tasks wait in the project already.", REMEDIES["quota"])
        if self._plan.destination == "asset":
            count, size = self._service.asset_room()
            wanted = len(planned) * self._plan.bytes / len(self._plan.spans)
            if count < len(planned) or size < wanted:
                raise ServiceError("quota", f"The project has room for {count} assets and {size / 1e6:.0f} MB; "
                                   f"{len(planned)} and up to {wanted / 1e6:.0f} MB are to come.", REMEDIES["quota"])  # fmt: skip


def asset(plan: Plan, item: Item) -> str:
    """The asset of a period."""
    folder = plan.place if plan.place.startswith("projects/") else f"projects/{plan.project}/assets/{plan.place}"
    return f"{folder}/{item.task_name}"


def _config(ee, plan: Plan, item: Item, period) -> dict:
    """The request that starts a task, without its id."""
    image = plans.expressions(plan).image(ee, plan, period)
    # Transform and size together, without a region, are the client's way to ask for exactly this rectangle of pixels.
    common = {"description": item.task_name, "crs": plan.crs, "crsTransform": list(plan.transform),
              "dimensions": f"{plan.width}x{plan.height}", "maxPixels": MOST_PIXELS}  # fmt: skip
    export = ee.batch.Export.image
    if plan.destination == "asset":
        asked = export.toAsset(image, assetId=asset(plan, item), **common).config
        asked["assetExportOptions"]["earthEngineDestination"]["overwrite"] = True  # the client of Python 3.9 has no name for it
        return asked
    file = {"fileFormat": "GeoTIFF", "formatOptions": {"noData": composites.NODATA}, **common}
    image = composites.pixels(ee, image)
    if plan.destination == "drive":
        return export.toDrive(image, folder=plan.place or DRIVE_FOLDER, fileNamePrefix=item.task_name, **file).config
    bucket, _, folder = plan.place.partition("/")
    prefix = f"{folder}/{item.task_name}" if folder else item.task_name
    return export.toCloudStorage(image, bucket=bucket, fileNamePrefix=prefix, **file).config
