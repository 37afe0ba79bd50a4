"""What can go wrong, said in one plain sentence with the remedy beside it.

``text`` says what was looked at, what was found and what was expected; ``remedy`` says what
to do. Both reach the user as they stand, so they hold no jargon and no traceback.
"""

from __future__ import annotations


class PhenofuseError(Exception):
    """An expected failure: ``kind`` names it for programs, ``text`` and ``remedy`` for people."""

    kind = "error"

    def __init__(self, text: str, remedy: str = ""):
        super().__init__(text)
        self.text = text
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.text} {self.remedy}".strip()


class InputError(PhenofuseError, ValueError):
    """A parameter or an input file that cannot be used as it is."""

    kind = "input"


class DateError(InputError):
    """Dates that are missing, repeated or out of order."""

    kind = "dates"


class GridMismatchError(InputError):
    """Rasters which do not lie on one grid."""

    kind = "grid"


class UnitError(InputError):
    """Values that cannot be of the variable and unit they are said to be."""

    kind = "units"


class OutputError(PhenofuseError, OSError):
    """A place that cannot be written."""

    kind = "output"


class DiskError(OutputError):
    """Too little room on disk."""

    kind = "disk"


class MemoryLimitError(PhenofuseError, MemoryError):
    """A job which cannot be cut small enough for its memory budget."""

    kind = "memory"


class MissingExtraError(PhenofuseError, ImportError):
    """An optional part of the engine that is not installed."""

    kind = "extra"


class Cancelled(PhenofuseError):
    """The user asked to stop."""

    kind = "cancelled"

    def __init__(self, text: str = "Cancelled.", remedy: str = ""):
        super().__init__(text, remedy)
