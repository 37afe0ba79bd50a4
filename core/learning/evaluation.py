"""What a trained network did at values that were hidden from it, beside its baselines: the raw material of reports."""
from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

WITHIN_90 = NormalDist().inv_cdf(0.95)  # standard deviations


@dataclass(frozen=True)
class Example:
    """One held-out series.

    Parameters
    ----------
    days : (dates,)
        Days since 1970-01-01, of all that follows.
    shown, hidden : (dates,)
        Observations that the network saw, and those hidden from it; NaN elsewhere.
    mean, standard_deviation, linear, mogpr : (dates,)
        What was filled. NaN where a baseline was not computed.
    """

    days: np.ndarray
    shown: np.ndarray
    hidden: np.ndarray
    mean: np.ndarray
    standard_deviation: np.ndarray
    linear: np.ndarray
    mogpr: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """Held-out values and all predictions of them, in the target's units; arrays of one length, one entry per value.

    Parameters
    ----------
    truth : (values,)
        Clear observations that were hidden.
    mean, standard_deviation : (values,)
        The network's, calibrated; noise included.
    linear, mogpr : (values,)
        Linear interpolation, and the scene's Gaussian process learnt from all but the hidden values, as for a fill.
    mogpr_deviation : (values,)
        Its standard deviation.
    without_radar, permuted_radar : (values,)
        The network's means when the covariates are left out, and when they are another pixel's; NaN where there are none.
    gap_days : (values,)
        Days between the observations left around the value; infinite before the first and after the last one.
    month : (values,) int
        1 to 12.
    row, column : (values,) int
        Of the pixel in the scene.
    block : (values,) int
        Number of the spatial block the pixel lies in: intervals of scores resample blocks.
    split : str
        ``blocks``, ``time`` or ``random`` (optimistic).
    examples : tuple of Example
    """

    truth: np.ndarray
    mean: np.ndarray
    standard_deviation: np.ndarray
    linear: np.ndarray
    mogpr: np.ndarray
    mogpr_deviation: np.ndarray
    without_radar: np.ndarray
    permuted_radar: np.ndarray
    gap_days: np.ndarray
    month: np.ndarray
    row: np.ndarray
    column: np.ndarray
    block: np.ndarray
    split: str
    examples: tuple = ()


@dataclass(frozen=True)
class History:
    """Learning curves, one entry per epoch.

    Parameters
    ----------
    training_loss : tuple of float
    validation_rmse : tuple of float
        On the validation blocks, in the target's units.
    learning_rate : tuple of float
        At the end of the epoch.
    best : int
        Number of the epoch (from 1) whose weights were kept; 0 when none was better than the prior.
    untrained_rmse : float
        Of the untrained network on the validation blocks.
    """

    training_loss: tuple
    validation_rmse: tuple
    learning_rate: tuple
    best: int
    untrained_rmse: float
