"""The jobs `exportcomposites`, `exportharmonic` and `continueexport`: plan, connect, move every image on, report."""

from __future__ import annotations

import random
import shutil
import time
from contextlib import suppress
from pathlib import Path

from .. import files
from ..errors import DiskError, InputError, OutputError
from ..outputs import numbers_of
from . import account, intake, page, series
from .compositeplan import CompositePlan
from .download import Download
from .harmonicplan import HarmonicPlan
from .ledger import NAME as LEDGER
from .ledger import PENDING, Ledger
from .plan import Plan
from .service import Service, ServiceError
from .tasks import Tasks

REPORT = "report.html"
TABLE = "report.csv"
ACTIONS = ("continue", "status", "retry", "cancel")
# Tasks take minutes to hours: often enough to be pleasant, seldom enough to cost nothing.
FIRST_POLL, LONGEST_POLL = 15.0, 120.0


def run(parameters: dict, resources, events) -> dict:
    """Export composites, or with DRY_RUN only show the plan.

    Parameters
    ----------
    parameters : dict
        As `CompositePlan.of` takes them; FOLDER, REPORT, DRY_RUN; KEY_FILE and ENDPOINT. A secret comes as
        ``resources.credentials``.

    Raises
    ------
    InputError
        When the plan makes no sense, FOLDER holds another export, or no account is found.
    ServiceError
        When the service stops answering or refuses; what is done stays done and the same call continues.
    """
    return _export(CompositePlan.of(parameters), parameters, resources, events)


def interpolate(parameters: dict, resources, events) -> dict:
    """Export NDVI whose gaps the service closes by harmonics; all else as `run`, with the parameters of `HarmonicPlan.of`."""
    return _export(HarmonicPlan.of(parameters), parameters, resources, events)


def _export(plan: Plan, parameters: dict, resources, events) -> dict:
    events.info(f"{len(plan.periods)} periods from {plan.periods[0][0]} to {plan.periods[-1][1]} (excluded), "
                f"{plan.grid.text}; {plan.requests} requests, {plan.bytes / 1e6:.0f} MB.")  # fmt: skip
    if parameters.get("DRY_RUN"):
        return _dry(plan, parameters)
    if not plan.project:
        raise InputError("No Cloud project was given.", "Give the id of a project that is registered for Earth Engine as PROJECT.")
    folder = Path(parameters["FOLDER"])
    if not (folder / LEDGER).exists():
        _require_free(folder)
    with Ledger(folder) as ledger:
        if ledger.begin(plan):
            events.info("The folder holds this export already: it is continued.")
        return _carry_on(plan, ledger, parameters, resources, events)


def _require_free(folder: Path) -> None:
    """Raise `OutputError` when a new export would write over what others keep in the folder."""
    report = folder / REPORT
    for path in (report, numbers_of(report), folder / TABLE, folder / series.FOLDER, *folder.glob("*.tif")):
        if path.exists():
            raise OutputError(f"The folder {folder} holds other things ({path.name}); nothing was written.",
                              "Choose a new or an empty FOLDER.")


def _dry(plan: Plan, parameters: dict) -> dict:
    outputs = {}
    if parameters.get("REPORT"):
        outputs["REPORT"] = str(page.of_plan(plan).save(parameters["REPORT"]))
    return {"outputs": outputs, "numbers": _sizes(plan)}


def proceed(parameters: dict, resources, events) -> dict:
    """Continue, look at, try again or cancel the export of a folder.

    Parameters
    ----------
    parameters : dict
        FOLDER; ACTION (``continue``, ``status``, ``retry``, ``cancel``); WAIT_MINUTES for tasks; FILES, where files from
        Drive or a bucket lie; MAX_PENDING, REPORT, KEY_FILE, ENDPOINT.

    Raises
    ------
    InputError
        When the folder holds no export.
    ServiceError
        As `run`.
    """
    action = parameters.get("ACTION") or "continue"
    if action not in ACTIONS:
        raise InputError(f"ACTION is '{action}'.", f"Use one of {', '.join(ACTIONS)}.")
    folder = Path(parameters["FOLDER"])
    if not (folder / LEDGER).is_file():
        raise InputError(f"The folder {folder} holds no export.", "Choose the FOLDER of an export that was begun.")
    with Ledger(folder) as ledger:
        if action == "retry":
            for item in ledger.items("FAILED", "CANCELLED"):
                ledger.renew(item, "asked to try again")
        return _carry_on(ledger.plan, ledger, parameters, resources, events, action)


def _carry_on(plan: Plan, ledger: Ledger, parameters: dict, resources, events, action: str = "continue") -> dict:
    """Do all that can be done now; whatever happens, the report says how far it came."""
    try:
        made = _done_now(plan, ledger, parameters, resources, events, action)
    except Exception:
        with suppress(OutputError):  # what stopped the run is said, and not that its report could not be written either
            _report(plan, ledger, parameters, {})
        raise
    outputs = _report(plan, ledger, parameters, made)
    if action in ("continue", "retry"):
        _require_done(ledger)
    return {"outputs": {"FOLDER": str(ledger.folder), **outputs, **made}, "numbers": {**_sizes(plan), **_counts(ledger)}}


def _done_now(plan: Plan, ledger: Ledger, parameters: dict, resources, events, action: str) -> dict:
    """Move all periods as far as they go; returns the series that were made."""
    if action in ("continue", "retry"):
        _remove_torn_files(ledger)
        _begin_lost_files_anew(ledger, events)
    if action == "cancel" and plan.destination == "download":
        _cancel_download(ledger)
    elif action != "status" or ledger.items(*PENDING):
        _require_room(plan, ledger)
        _move_on(plan, ledger, connect(plan, parameters, resources, events), parameters, resources, events, action)
    return series.join(plan, ledger, resources, events.step(0.9, 1)) if action in ("continue", "retry") else {}


def _remove_torn_files(ledger: Ledger) -> None:
    """Remove what killed runs were writing; the lock says that no other is at work."""
    for file in ledger.folder.glob(f".*{files.TEMPORARY}*"):
        file.unlink(missing_ok=True)


def _begin_lost_files_anew(ledger: Ledger, events) -> None:
    """A period is done as long as its file is there and as long as it was."""
    for item in ledger.items("DONE"):
        file = ledger.folder / item.file_name
        if not file.is_file() or file.stat().st_size != item.bytes:
            events.warning(f"{item.file_name} is gone or has changed; it is made again.")
            ledger.renew(item, "its file is gone or has changed")


def _require_room(plan: Plan, ledger: Ledger) -> None:
    """Raise `DiskError` when what is still to come cannot fit, not even compressed to a half."""
    left = sum(item.state != "DONE" for item in ledger.items())
    needed, free = plan.bytes * left // len(plan.spans) // 2, shutil.disk_usage(ledger.folder).free
    if free < needed:
        raise DiskError(f"{left} {plan.unit} need about {needed / 1e6:.0f} MB, and {free / 1e6:.0f} MB are free in {ledger.folder}.",
                        "Free some room, or choose another FOLDER.")  # fmt: skip


def _move_on(plan: Plan, ledger: Ledger, service: Service, parameters: dict, resources, events, action: str) -> None:
    if plan.destination == "download":
        Download(plan, ledger, service, resources, events.step(0, 0.9)).run()
        return
    tasks = Tasks(plan, ledger, service, events, int(parameters.get("MAX_PENDING") or 10))
    until = time.monotonic() + 60 * float(parameters.get("WAIT_MINUTES") or 0)
    pause = FIRST_POLL
    while True:
        tasks.refresh()
        if action == "cancel":
            tasks.cancel()
        elif action != "status":
            tasks.submit()
            _collect(plan, ledger, service, parameters, resources, events)
        settled = not ledger.items(*PENDING, *(() if action == "cancel" else ("PLANNED",)))
        if settled or action == "status" or time.monotonic() >= until:
            return
        service.wait(min(pause * random.uniform(0.8, 1.2), max(0.0, until - time.monotonic())))
        pause = min(2 * pause, LONGEST_POLL)


def _collect(plan: Plan, ledger: Ledger, service: Service, parameters: dict, resources, events) -> None:
    """Bring what finished tasks made to this machine."""
    if plan.destination == "asset":
        Download(plan, ledger, service, resources, events.step(0, 0.9), states=("SUCCEEDED", "DOWNLOADING")).run()
        return
    lacking = intake.take(plan, ledger, parameters.get("FILES"), events)
    if lacking:
        where = parameters.get("FILES") or ledger.folder / intake.FOLDER
        events.info(f"{len(lacking)} tasks are finished on {plan.destination}. Put their files ({lacking[0].task_name}*.tif ...) "
                    f"into {where}, then run 'Continue export'.")  # fmt: skip


def _cancel_download(ledger: Ledger) -> None:
    for item in ledger.items("PLANNED", "DOWNLOADING"):
        ledger.move(item, "CANCELLED", "asked to cancel")


def connect(plan: Plan, parameters: dict, resources, events) -> Service:
    """A connection for this plan and account."""
    address = account.endpoint(parameters.get("ENDPOINT"))
    found = account.credentials(resources.credentials, parameters.get("KEY_FILE"), address, plan.destination)
    return Service(plan.project, address, found, events)


def _report(plan: Plan, ledger: Ledger, parameters: dict, made: dict) -> dict:
    report = page.of_export(plan, ledger, [Path(path).relative_to(ledger.folder) for path in made.values()])
    report.save(ledger.folder / REPORT)
    page.save_table(ledger, ledger.folder / TABLE)
    return {"REPORT": str(report.save(parameters["REPORT"]))} if parameters.get("REPORT") else {}


def _require_done(ledger: Ledger) -> None:
    failed = ledger.items("FAILED")
    if failed:
        raise ServiceError(
            "refused",
            f"{len(failed)} of {len(ledger.items())} {ledger.plan.unit} failed; the first is {failed[0].start}: {failed[0].error}",
            f"The others are done. See {ledger.folder / REPORT}; 'Continue export' with ACTION = retry tries again.",
        )  # fmt: skip


def _sizes(plan: Plan) -> dict:
    return {"PERIODS": len(plan.periods), "REQUESTS": plan.requests, "SIZE_MB": round(plan.bytes / 1e6, 3)}


def _counts(ledger: Ledger) -> dict:
    items = ledger.items()
    done = sum(item.state == "DONE" for item in items)
    failed = sum(item.state in ("FAILED", "CANCELLED") for item in items)
    return {"DONE": done, "PENDING": len(items) - done - failed, "FAILED": failed}
