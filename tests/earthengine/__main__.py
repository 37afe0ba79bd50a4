"""A double as a process of its own, for tests in a Python that has no client: prints its address, ends with its input."""

from __future__ import annotations

import json
import sys

from .scenes import demak
from .service import Service

found = Service(demak().catalog())
print(json.dumps({"url": found.url}), flush=True)
for line in sys.stdin:  # "plant PATTERN WHAT TIMES", "clear", or a pattern: how many requests match it
    asked = line.strip()
    if asked.startswith("plant "):
        _, pattern, what, times = asked.split()
        found.faults.plant(pattern, int(what) if what.isdigit() else what, int(times))
    elif asked == "clear":
        found.faults.clear()
    print(json.dumps({"count": found.count(asked)}), flush=True)
found.stop()
