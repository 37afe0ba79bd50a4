"""A look at a period before anything is spent on it: what the service's statistics say decides how it goes on."""

from __future__ import annotations

import json

from . import arrival, statistics
from .ledger import Item, Ledger
from .plan import Plan


def settle(plan: Plan, ledger: Ledger, item: Item, period, answer: dict, events) -> Item:
    """Write down what `statistics.ask` brought; a period without any image is finished, a faulty one fails.

    Returns
    -------
    Item
        In state PLANNED when its pixels are worth fetching.
    """
    found = statistics.judged(answer, plan, period)
    counts = {name: int(answer[name]) for name in ("n_s1", "n_s2", "unmatched") if name in answer}
    item = ledger.learn(item, **counts, looked=1)
    if arrival.problems(found):
        return fail(ledger, item, found, events)
    if counts.get("n_s1") or counts["n_s2"]:
        return item
    return finish_empty(plan, ledger, ledger.move(item, "EMPTY", "no image of either sensor"), period)


def finish_empty(plan: Plan, ledger: Ledger, item: Item, period) -> Item:
    """Give a period that no sensor saw its file: every band, wholly masked, and counts of 0."""
    path = ledger.folder / item.file_name
    return arrival.record(ledger, item, path, arrival.write(path, plan, period, arrival.nothing(plan)))


def fail(ledger: Ledger, item: Item, found: list, events, text: str = "") -> Item:
    """A period that must not be used: why is said, written down and shown in the report."""
    text = text or arrival.sentences(arrival.problems(found))[0]
    events.warning(f"{item.start}: {text}")
    return ledger.move(item, "FAILED", text, error=text, verdict="broken" if found else None,
                       findings=json.dumps(arrival.sentences(found)))  # fmt: skip
