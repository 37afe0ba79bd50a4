"""Sums over tiles that come out the same, to the last bit, however a scene is cut and in whatever order tiles finish.

Sums are whole numbers, multiples of 2**-50 held in Python integers: adding them never rounds.
"""

from __future__ import annotations

from copy import copy

import numpy as np

UNIT = 2.0**-50

# bincount adds in float64, which is exact for whole numbers below 2**53: with this many values at once, the two
# halves of any value below 2**17 (a squared error of 360 dB, say) stay there.
VALUES_AT_ONCE = 2**16


class ExactSums:
    """Named sums in numbered groups.

    Parameters
    ----------
    names : sequence of str
        The sums.
    groups : int
        Number of groups.
    """

    def __init__(self, names, groups: int):
        self.names = tuple(names)
        self._sums = np.zeros((len(self.names), groups), dtype=object)

    @property
    def groups(self) -> int:
        """Number of groups."""
        return self._sums.shape[1]

    def add(self, group: np.ndarray, **values: np.ndarray) -> None:
        """Add to the sums of these names; `group` and all values are 1-D of one length, values finite."""
        for name, value in values.items():
            self._sums[self.names.index(name)] += np.array(_sums(group, value, self.groups), dtype=object)

    def merge(self, other: ExactSums) -> None:
        """Add the sums of another part."""
        self._sums = self._sums + other._sums

    def regrouped(self, group: np.ndarray) -> ExactSums:
        """The same sums in other groups: `group` holds the new number of each old one."""
        result = copy(self)
        result._sums = np.zeros((len(self.names), int(np.max(group)) + 1), dtype=object)
        for old, new in enumerate(group):
            result._sums[:, new] += self._sums[:, old]
        return result

    def whole(self, name: str, group: int = 0) -> int:
        """One sum in units of 2**-50."""
        return int(self._sums[self.names.index(name), group])

    def __getitem__(self, name: str) -> np.ndarray:
        """One of the sums per group, float64."""
        return self._sums[self.names.index(name)].astype(float) * UNIT


def _sums(group: np.ndarray, values: np.ndarray, groups: int) -> list[int]:
    """Sums per group of the values, each rounded to the nearest multiple of 2**-50, in that unit."""
    total = [0] * groups
    values = np.asarray(values, dtype=float)
    for start in range(0, len(values), VALUES_AT_ONCE):
        part = slice(start, start + VALUES_AT_ONCE)
        coarse = np.rint(values[part] * 2.0**20)
        fine = np.rint((values[part] - coarse * 2.0**-20) * 2.0**50)
        sums = (np.bincount(group[part], half, groups) for half in (coarse, fine))
        total = [before + (int(high) << 30) + int(low) for before, high, low in zip(total, *sums)]
    return total
