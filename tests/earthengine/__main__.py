"""A double as a process of its own, for tests in a Python that has no client: prints its address, ends with its input."""

from __future__ import annotations

import json
import sys

from .scenes import demak
from .service import Service

found = Service(demak().catalog())
print(json.dumps({"url": found.url}), flush=True)
for line in sys.stdin:  # each line asks: how many requests match this pattern
    print(json.dumps({"count": found.count(line.strip())}), flush=True)
found.stop()
