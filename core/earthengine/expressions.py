"""Formulas of `core.timeseries.spectral` as expressions for the service: the same functions, computed there.

They are written for arrays, with operators and numpy's functions; numpy hands what it meets in place of an array to that thing's
own `__array_ufunc__`, which here makes the service's function of the same meaning of it.
"""

from __future__ import annotations

import math

import numpy as np

# numpy's names, where the service has others.
_NAMES = {"power": "pow", "minimum": "min", "equal": "eq", "not_equal": "neq"}


class Expression(np.lib.mixins.NDArrayOperatorsMixin):
    """A band of the service that takes part in arithmetic like an array. `image` is its expression."""

    def __init__(self, ee, image):
        self._ee, self.image = ee, image

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        images = [one.image if isinstance(one, Expression) else self._ee.Image.constant(float(one)) for one in inputs]
        return Expression(self._ee, self._made(ufunc.__name__, *images))

    def __array_function__(self, function, types, arguments, options):
        condition, value, other = arguments
        if function is not np.where or not np.isnan(other):
            return NotImplemented
        return Expression(self._ee, value.image.updateMask(condition.image))

    def _made(self, name: str, first, *others):
        if name == "radians":
            return first.multiply(math.pi / 180)
        if name == "negative":
            return first.multiply(-1)
        if name in ("divide", "true_divide"):
            return first.divide(others[0]).updateMask(others[0].neq(0))  # the service says 0 where there is no result
        return getattr(first, _NAMES.get(name, name))(*others)


def computed(ee, formula, *arguments):
    """A formula's image, of images and numbers."""
    return formula(*(Expression(ee, one) if isinstance(one, ee.Image) else one for one in arguments)).image
