"""Classes that statistics and scores are told by: months, levels of NDVI, and lengths of gaps."""

from __future__ import annotations

import numpy as np

MONTH_LABELS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LEVEL_EDGES = (0.2, 0.4, 0.6, 0.8)  # of NDVI: bare, sparse, growing, dense, closed
LEVEL_LABELS = ("below 0.2", "0.2–0.4", "0.4–0.6", "0.6–0.8", "above 0.8")
# Classes of gap length in days: upper ends, the last class being open; beyond them the dates before the first and
# after the last observation. Linear interpolation is hard to beat in the first two, and radar pays in the last two.
GAP_EDGES = (10, 20, 40, 80)
GAP_LABELS = ("≤ 10", "11–20", "21–40", "41–80", "> 80", "beyond the ends")


def month_of(days: np.ndarray) -> np.ndarray:
    """Month, 0 to 11, of days since 1970-01-01."""
    return calendar_months(days).astype(int) % 12


def calendar_months(days: np.ndarray) -> np.ndarray:
    """Year and month (datetime64[M]) of days since 1970-01-01."""
    return np.floor(days).astype("datetime64[D]").astype("datetime64[M]")


def level_of(values: np.ndarray) -> np.ndarray:
    """Number of the level of each value, as in ``LEVEL_LABELS``; a value on an edge belongs to the upper one."""
    return np.digitize(values, LEVEL_EDGES)


def gap_class(days: np.ndarray) -> np.ndarray:
    """Number of the class of each gap length, as in ``GAP_LABELS``."""
    return np.where(np.isinf(days), len(GAP_LABELS) - 1, np.digitize(days, GAP_EDGES, right=True))
