"""What a series is like before anything is filled: how much is there, where the gaps are, and what radar could tell.

* `statistics` counts and correlates, exactly, so that tiles do not matter;
* `words` makes the report, which says where any method will be weak.
"""
from . import statistics, words

__all__ = ["statistics", "words"]
