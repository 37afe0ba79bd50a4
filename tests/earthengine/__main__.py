"""A double as a process of its own, for tests in a Python that has no client: prints its address, ends with its input."""

from __future__ import annotations

import json
import sys

from .scenes import demak
from .service import Service

found = Service(demak().catalog())
print(json.dumps({"url": found.url}), flush=True)
for line in sys.stdin:  # each line is what to plant ("pattern what times"), or asks how many requests match a pattern
    pattern, *fault = line.split()
    if fault:
        what, times = fault
        found.faults.plant(pattern, int(what) if what.isdigit() else what, int(times))
    if pattern == "clear":
        found.faults.clear()
    print(json.dumps({"count": found.count(pattern)}), flush=True)
found.stop()
