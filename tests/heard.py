"""Events that keep what a job says, for tests to read."""
from __future__ import annotations

from phenofuse.core.events import Events


class Heard(Events):
    """Keeps every sentence in `said`, and warnings in `warnings` as well."""

    def __init__(self):
        super().__init__(None)
        self.said, self.warnings = [], []

    def info(self, text):
        """Keep it."""
        self.said.append(text)

    def warning(self, text):
        """Keep it."""
        self.said.append(text)
        self.warnings.append(text)
