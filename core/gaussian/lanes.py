"""A number of eight pixels at once, for compiled functions: one vector instruction does the work of eight.

The compiler does not vectorise loops over small arrays that might overlap, so it is told outright: `Lanes` is a type
of eight doubles with +, -, * and /, read from a row of a (rows, LANES) array by `get` and written by `put`. The code
of a kernel then reads like that of one pixel. Processors with narrower registers do the same in two or four parts.
What one lane computes does not depend on the others.
"""
from __future__ import annotations

import operator

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

LANES = 8
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
# A product and a sum may become one fused instruction; no other freedom, so results are the same in every place.
_FLAGS = ("contract",)


class Lanes(types.Type):
    """Type of eight doubles that go through the same arithmetic."""

    def __init__(self):
        super().__init__(name="Lanes")


lanes_type = Lanes()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _VECTOR)


def _operator(operation, instruction):
    """Give two `Lanes` an arithmetic operator."""
    @intrinsic
    def combine(context, left, right):
        def code(context, builder, signature, arguments):
            return getattr(builder, instruction)(arguments[0], arguments[1], flags=_FLAGS)
        return lanes_type(left, right), code

    @overload(operation, inline="always")
    def implement(left, right):
        if isinstance(left, Lanes) and isinstance(right, Lanes):
            return lambda left, right: combine(left, right)
        return None


_operator(operator.add, "fadd")
_operator(operator.sub, "fsub")
_operator(operator.mul, "fmul")
_operator(operator.truediv, "fdiv")


def _row(context, builder, array_type, array, row):
    """Address of a row, as that of a vector."""
    data = context.make_array(array_type)(context, builder, array).data
    start = builder.mul(row, ir.Constant(row.type, LANES))
    return builder.bitcast(builder.gep(data, [start]), _VECTOR.as_pointer())


@intrinsic
def get(context, array, row):
    """Lanes of a row of a C-ordered (rows, LANES) array of doubles."""
    def code(context, builder, signature, arguments):
        return builder.load(_row(context, builder, signature.args[0], *arguments), align=8)
    return lanes_type(array, types.intp), code


@intrinsic
def put(context, array, row, lanes):
    """Write lanes to a row."""
    def code(context, builder, signature, arguments):
        builder.store(arguments[2], _row(context, builder, signature.args[0], *arguments[:2]), align=8)
        return context.get_dummy_value()
    return types.void(array, types.intp, lanes), code


@intrinsic
def spread(context, number):
    """The same number in every lane."""
    def code(context, builder, signature, arguments):
        vector = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), arguments[0], ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(vector, ir.Constant(_VECTOR, ir.Undefined), zeros)
    return lanes_type(types.float64), code
