"""The arithmetic of one Whittaker smoother, compiled: bands of the penalty, LDL', solution, and bands of the inverse.

The smoother of values y with weights w at increasing days t minimises

    sum_i w_i (y_i - z_i)^2  +  lambda sum_k m_k (2 z[t_k-1, t_k, t_k+1])^2,    m_k = (t_k+1 - t_k-1) / 2,

with Newton's divided differences: twice the second one is the second derivative at t_k, m_k the share of time it stands for, so
the penalty is the integral of the squared second derivative whatever the spacing, and a straight line in true time costs nothing.
On daily data it is Whittaker's (1923) and Eilers' (2003, Analytical Chemistry 75:3631) penalty of second differences; lambda has
the unit day^3. A date without an observation has the weight 0.

z solves (W + lambda P) z = W y, a matrix of five bands. Its LDL' costs a few operations per date, and so do the five central
bands of its inverse (Erisman & Tinney 1975; for smoothing splines Hutchinson & de Hoog 1985, Numerische Mathematik 47:99):
w_i times its diagonal is the leverage of observation i, the noise variance times it the variance of z_i.
"""
from __future__ import annotations

from numba import njit


@njit(cache=True, nogil=True)
def penalty(days, count, bands):
    """Diagonal and two upper bands of P for the first `count` days, into bands (3, at least count)."""
    for i in range(count):
        bands[0, i] = bands[1, i] = bands[2, i] = 0.0
    for k in range(1, count - 1):
        left, right = days[k] - days[k - 1], days[k + 1] - days[k]
        # m (a z_k-1 - (a + c) z_k + c z_k+1)^2 with a = 2 / (left (left + right)), c = 2 / (right (left + right))
        share = 2.0 / (left + right)
        a, c = 1.0 / left, 1.0 / right
        b = -(a + c)
        bands[0, k - 1] += share * a * a
        bands[1, k - 1] += share * a * b
        bands[2, k - 1] += share * a * c
        bands[0, k] += share * b * b
        bands[1, k] += share * b * c
        bands[0, k + 1] += share * c * c


@njit(cache=True, nogil=True)
def factorise(bands, weights, smoothing, count, factor):
    """LDL' of W + smoothing P, into factor (3, count): 1 / D, and the two bands of L below its unit diagonal."""
    before, before_that = 0.0, 0.0  # of D
    for i in range(count):
        pivot = weights[i] + smoothing * bands[0, i]
        first = smoothing * bands[1, i]
        if i > 0:
            pivot -= before * factor[1, i - 1] * factor[1, i - 1]
            first -= before * factor[1, i - 1] * factor[2, i - 1]
        if i > 1:
            pivot -= before_that * factor[2, i - 2] * factor[2, i - 2]
        inverse = 1.0 / pivot
        factor[0, i] = inverse
        factor[1, i] = first * inverse
        factor[2, i] = smoothing * bands[2, i] * inverse
        before_that, before = before, pivot


@njit(cache=True, nogil=True)
def solve(factor, weights, values, count, smooth):
    """Solve (L D L') smooth = W values; a value of weight 0 is not looked at."""
    for i in range(count):
        right = weights[i] * values[i] if weights[i] > 0.0 else 0.0
        if i > 0:
            right -= factor[1, i - 1] * smooth[i - 1]
        if i > 1:
            right -= factor[2, i - 2] * smooth[i - 2]
        smooth[i] = right
    for i in range(count - 1, -1, -1):
        value = smooth[i] * factor[0, i]
        if i < count - 1:
            value -= factor[1, i] * smooth[i + 1]
        if i < count - 2:
            value -= factor[2, i] * smooth[i + 2]
        smooth[i] = value


@njit(cache=True, nogil=True)
def inverse_diagonal(factor, count, diagonal):
    """Diagonal of (L D L')^-1, from its central bands backwards."""
    first, second, next_first = 0.0, 0.0, 0.0  # of the inverse: (i, i + 1), (i, i + 2), (i + 1, i + 2)
    for i in range(count - 1, -1, -1):
        value = factor[0, i]
        if i < count - 1:
            below, far = diagonal[i + 1], diagonal[i + 2] if i < count - 2 else 0.0
            l1, l2 = factor[1, i], factor[2, i] if i < count - 2 else 0.0
            second = -l1 * next_first - l2 * far
            first = -l1 * below - l2 * next_first
            value -= l1 * first + l2 * second
        next_first = first
        diagonal[i] = value
