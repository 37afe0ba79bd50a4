"""How good a fill is: hide values that are known, then score what a method puts in their place.

* `gaps` hides values in the patterns in which they are really lost, and measures gap lengths;
* `linear` is the baseline that every method must beat: linear interpolation in time;
* `scores` sums errors, intervals and CRPS exactly, so that the order of the tiles cannot matter.
Other topics may hide values as `hide` does, and measure gaps by `gap_lengths`.
"""
from .gaps import gap_lengths, hide

__all__ = ["gap_lengths", "hide"]
