"""The methods that are compared, behind one face: each learns from the pixels it is given, then fills their gaps."""
from __future__ import annotations

from .. import gaussian, harmonic, whittaker
from ..errors import InputError
from ..learning import Applied
from ..timeseries.sampling import varies

MOGPR = {f"mogpr_{kind}": kind for kind in gaussian.KINDS}
BASELINE = "linear"  # takes part in every comparison
METHODS = (BASELINE, "whittaker", "harmonic", *MOGPR)  # from the quickest to the slowest
TOO_FEW, TOO_CLOSE = 0, len(METHODS) + 1  # on maps: too few hidden values, and too close to call
CALLS = {"linear": "fillwhittaker, MODE = linear", "whittaker": "fillwhittaker", "harmonic": "fillharmonic",
         **{method: f"fillmogpr, COVARIANCE = {kind}" for method, kind in MOGPR.items()}}


def calls(method: str) -> str:
    """Which algorithm does the same for a whole scene, with which choice; every other name is that of a model file."""
    return CALLS.get(method, f"fillmodel, MODEL = {method}")


def code(method: str, compared: tuple) -> int:
    """Number of a method on maps, from 1: its place in `METHODS`; models follow `TOO_CLOSE` in the order compared."""
    if method in METHODS:
        return METHODS.index(method) + 1
    return TOO_CLOSE + 1 + [one for one in compared if one not in METHODS].index(method)


def models(paths: list, series: list, device: str, events) -> dict[str, Applied]:
    """The trained networks of some files, by the names of the files.

    Raises
    ------
    InputError
        When two files have the same name, or one does not suit the series.
    """
    found = {}
    for path in paths:
        model = Applied(path, series, device, events)
        if model.name in found:
            raise InputError(f"Two models are called {model.name}.", "Rename one of the files.")
        found[model.name] = model
    return found


def in_order(chosen: list, names: tuple) -> tuple:
    """The methods chosen and the models called so, from the quickest to the slowest; the baseline always takes part."""
    known = [one for one in METHODS if one == BASELINE or one in chosen]
    slow = [one for one in known if one in MOGPR]
    return (*(one for one in known if one not in slow), *names, *slow)


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
