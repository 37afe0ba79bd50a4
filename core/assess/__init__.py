"""How good a fill is: hide values that are known, then score what a method puts in their place.

* `gaps` hides values in the patterns in which they are really lost, and measures gap lengths;
* `linear` is the baseline that every method must beat: linear interpolation in time;
* `scores` sums errors, intervals and CRPS exactly, so that the order of the tiles cannot matter.
"""
from . import gaps, linear, scores

__all__ = ["gaps", "linear", "scores"]
