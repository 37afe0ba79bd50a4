"""Reports people can read: one self-contained HTML page, and all its numbers as JSON beside it.

* `Report` collects a verdict, key figures, paragraphs, tables and figures, and saves them;
* `figures` draws what the reports share, in one colour-blind-safe style.
"""
from . import figures
from .report import LEVELS, Mark, Report, without_home, write_whole

__all__ = ["LEVELS", "Mark", "Report", "figures", "without_home", "write_whole"]
