"""Errors of a filled series, drawn as its standard deviations have them.

A filling's standard deviation holds two things: how far the fill may lie from the curve, which neighbouring dates of a gap
share, and the noise of one clear observation, which they do not. The smallest deviation of a series is that of an observed
date: noise alone. What a deviation exceeds it by, in variance, is the fill's; its errors are drawn from a process with
correlation exp(-days / CORRELATION_DAYS). The same standard draws serve all pixels, so tiles do not matter and neighbours
differ by their data, not by chance.
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

# Measured on `fillmogpr`'s errors in the gaps of two simulated scenes, where truth is known: at 12, 24 and 36 days in one gap
# they correlate by 0.58, 0.35 and 0.04 to 0.24; exp(-days / 22) is 0.58, 0.34 and 0.19.
CORRELATION_DAYS = 22.0
# On the field pixels of four simulated scenes these errors are 1.14 to 1.30 times (root mean square) what `fillmogpr` states of
# them: a season that clouds hid is filled too low at its top and too high at its bottom.
MORE_THAN_STATED = 1.2
# In pairs of opposite signs. The standard deviation from 40 draws is known to about a ninth.
DRAWS = 40


@dataclass(frozen=True)
class Draws:
    """Errors in standard deviations, (draws, dates) each: `process` correlated in time, `noise` not."""

    process: np.ndarray
    noise: np.ndarray


def draw(days: np.ndarray, seed: int, count: int = DRAWS, correlation_days: float = CORRELATION_DAYS) -> Draws:
    """Draw standard errors on these days.

    Parameters
    ----------
    days : (dates,) array
        Increasing.
    seed : int
    count : int
        Even.
    correlation_days : float
        Time in which correlation falls to 1/e.
    """
    chance = np.random.default_rng(seed)
    half = (count // 2, len(days))
    fresh, noise = chance.standard_normal(half), chance.standard_normal(half)
    process = np.empty(half)
    process[:, :1] = fresh[:, :1]
    kept = np.exp(-np.diff(days) / correlation_days)
    for i, share in enumerate(kept, start=1):
        process[:, i] = share * process[:, i - 1] + math.sqrt(1 - share * share) * fresh[:, i]
    process *= MORE_THAN_STATED
    return Draws(np.concatenate([process, -process]), np.concatenate([noise, -noise]))


@njit(cache=True, nogil=True)
def disturb(values, observed, spread, process, noise, where, out):
    """Write values with one draw of errors to `out`.

    Parameters
    ----------
    values, observed, spread, out : (count,)
        On some of the dates.
    process, noise : (dates,)
        One of the draws.
    where : (count,) int64
        Positions of those dates.
    """
    least = spread.min()
    for i in range(len(values)):
        out[i] = values[i] + math.sqrt(spread[i] * spread[i] - least * least) * process[where[i]]
        if observed[i]:
            out[i] += least * noise[where[i]]
