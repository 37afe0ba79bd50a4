"""The methods that are compared, behind one face: each learns from the pixels it is given, then fills their gaps."""
from __future__ import annotations

from .. import gaussian, harmonic, whittaker
from ..timeseries.sampling import varies

MOGPR = {f"mogpr_{kind}": kind for kind in gaussian.KINDS}
BASELINE = "linear"  # takes part in every comparison
METHODS = (BASELINE, "whittaker", "harmonic", *MOGPR)  # from the quickest to the slowest
# Which algorithm does the same for a whole scene, and with which choice.
CALLS = {"linear": "fillwhittaker, MODE = linear", "whittaker": "fillwhittaker", "harmonic": "fillharmonic",
         **{method: f"fillmogpr, COVARIANCE = {kind}" for method, kind in MOGPR.items()}}


def fill(method: str, values: list, days: tuple, names: tuple, valid_range: tuple, seed: int) -> tuple:
    """Fill pixels on the dates of the target.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    values : list of (pixels, dates) float32
        The target, then its covariates; NaN where missing.
    days : tuple of (dates,)
        Of each of them.
    names : tuple of str
        Of each of them, all different.
    valid_range : (low, high)
        Of the target.
    seed : int

    Returns
    -------
    mean, deviation : (pixels, dates) float32
        Of what a clear observation would have shown; NaN where the method gives none.
    """
    found = _filled(method, values, days, names, valid_range, seed)
    return found.mean, found.standard_deviation


def _filled(method, values, days, names, valid_range, seed):
    target, own = values[0], days[0]
    if method == "harmonic":
        options = harmonic.Options(valid_range=valid_range)
        return harmonic.fill(target, own, own, harmonic.learn(target, own, options, seed), options)
    if method in whittaker.MODES:
        return whittaker.fill(target, own, own, whittaker.Options(valid_range, mode=method))
    telling = [i == 0 or varies(one) for i, one in enumerate(values)]
    values, days, names = ([one for one, tells in zip(ones, telling) if tells] for ones in (values, days, names))
    model, _ = gaussian.learn_kind(MOGPR[method], values, tuple(days), tuple(names), seed, gaussian.Choices())
    used = [names.index(name) for name in model.variables]  # what does not help is left out by what was learnt
    return gaussian.fill(model, [values[i] for i in used], tuple(days[i] for i in used), own, gaussian.Options(valid_range))
