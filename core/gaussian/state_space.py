"""The exact likelihood, gradient and smoothing of the model of coregionalisation, in time linear in the dates.

A Matern 3/2 process f is Markov in the pair (f, f' / rate), rate = sqrt(3) / length_scale, whose stationary covariance is
the identity. So P outputs of Q terms are 2 P Q states, and a Kalman filter gives the likelihood (Hartikainen & Sarkka 2010;
Sarkka & Solin 2019, Applied Stochastic Differential Equations, section 12.3). With z = rate * days,

    transition  A(z) = exp(z F) = exp(-z) [[1 + z, z], [-z, 1 - z]],   F = [[0, 1], [-1, -2]],   so   dA/dz = F A

What is filtered is not the covariance but its departure D from the stationary one, which turns D -> A D A' at a step and
D -> D - k k' / S at an observation, with no process noise. One sweep back, the adjoint of the filter, holds both
r = d log L / d mean and G = d log L / d covariance = (r r' - N) / 2, with r and N those of Bryson & Frazier's smoother:
so it yields the gradient of all hyper-parameters and the smoothed mean and variance at any date.

LANES pixels run side by side in the innermost loops, which the compiler turns into vector instructions. A pixel's
arithmetic is the same in every lane and next to any neighbours: its bits do not depend on its batch or thread.

Arrays: state blocks are numbered a = q P + p; D holds pairs (a, b <= a) as number a (a + 1) / 2 + b, each a 2 x 2 matrix
in row order; the last axis is the lane.
"""
from __future__ import annotations

import math

import numpy as np
from numba import njit

from .coregionalisation import JITTER

# Pixels side by side: eight doubles fill a vector register of 512 bits, or two of 256.
LANES = 8
# exp(-700) is still a normal number; beyond it a process has forgotten everything anyway.
LONGEST_STEP = 700.0

# Contraction to fused multiply-add is the only freedom the compiler has; it must not reorder sums.
compiled = njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
kernel = njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")


@kernel
def _transition(days, rate, transition):
    """A(rate * days) of every term, (Q, 4, LANES)."""
    for q in range(rate.shape[0]):
        for l in range(LANES):
            z = min(rate[q, l] * days, LONGEST_STEP)
            e = math.exp(-z)
            transition[q, 0, l] = e * (1.0 + z)
            transition[q, 1, l] = e * z
            transition[q, 2, l] = -e * z
            transition[q, 3, l] = e * (1.0 - z)


@kernel
def _predict(transition, outputs, mean, departure):
    """Mean and departure one step on, in place."""
    pair = 0
    for a in range(mean.shape[0]):
        s = transition[a // outputs]
        for l in range(LANES):
            m0 = mean[a, 0, l]
            m1 = mean[a, 1, l]
            mean[a, 0, l] = s[0, l] * m0 + s[1, l] * m1
            mean[a, 1, l] = s[2, l] * m0 + s[3, l] * m1
        for b in range(a + 1):
            t = transition[b // outputs]
            d = departure[pair]
            for l in range(LANES):
                u0 = s[0, l] * d[0, l] + s[1, l] * d[2, l]
                u1 = s[0, l] * d[1, l] + s[1, l] * d[3, l]
                u2 = s[2, l] * d[0, l] + s[3, l] * d[2, l]
                u3 = s[2, l] * d[1, l] + s[3, l] * d[3, l]
                d[0, l] = u0 * t[0, l] + u1 * t[1, l]
                d[1, l] = u0 * t[2, l] + u1 * t[3, l]
                d[2, l] = u2 * t[0, l] + u3 * t[1, l]
                d[3, l] = u2 * t[2, l] + u3 * t[3, l]
            pair += 1


@kernel
def _predict_back(transition, outputs, r, g):
    """Adjoint of `_predict`, in place: r -> A' r, G -> A' G A."""
    pair = 0
    for a in range(r.shape[0]):
        s = transition[a // outputs]
        for l in range(LANES):
            m0 = r[a, 0, l]
            m1 = r[a, 1, l]
            r[a, 0, l] = s[0, l] * m0 + s[2, l] * m1
            r[a, 1, l] = s[1, l] * m0 + s[3, l] * m1
        for b in range(a + 1):
            t = transition[b // outputs]
            d = g[pair]
            for l in range(LANES):
                u0 = s[0, l] * d[0, l] + s[2, l] * d[2, l]
                u1 = s[0, l] * d[1, l] + s[2, l] * d[3, l]
                u2 = s[1, l] * d[0, l] + s[3, l] * d[2, l]
                u3 = s[1, l] * d[1, l] + s[3, l] * d[3, l]
                d[0, l] = u0 * t[0, l] + u1 * t[2, l]
                d[1, l] = u0 * t[1, l] + u1 * t[3, l]
                d[2, l] = u2 * t[0, l] + u3 * t[2, l]
                d[3, l] = u2 * t[1, l] + u3 * t[3, l]
            pair += 1


@kernel
def _add_rate_gradient(outputs, days, mean, departure, r, g, rate_gradient):
    """d log L / d rate: days * (2 G : F D + r' F m) of each term, with D and m after the step."""
    pair = 0
    for a in range(mean.shape[0]):
        s = rate_gradient[a // outputs]
        for l in range(LANES):
            s[l] += days * (r[a, 0, l] * mean[a, 1, l] - r[a, 1, l] * (mean[a, 0, l] + 2.0 * mean[a, 1, l]))
        for b in range(a + 1):
            t = rate_gradient[b // outputs]
            d = departure[pair]
            h = g[pair]
            # Each pair stands for two entries of the symmetric matrices; with itself for one, met from both sides.
            weight = days * (2.0 if b < a else 1.0)
            for l in range(LANES):
                left = (h[0, l] * d[2, l] + h[1, l] * d[3, l]
                        - h[2, l] * (d[0, l] + 2.0 * d[2, l]) - h[3, l] * (d[1, l] + 2.0 * d[3, l]))
                s[l] += weight * left
            for l in range(LANES):
                right = (h[0, l] * d[1, l] + h[2, l] * d[3, l]
                         - h[1, l] * (d[0, l] + 2.0 * d[1, l]) - h[3, l] * (d[2, l] + 2.0 * d[3, l]))
                t[l] += weight * right
            pair += 1


@kernel
def _column(matrices, departure, output, column):
    """Covariance of the states with an output, B + D h, (blocks, 2, LANES)."""
    outputs = matrices.shape[1]
    terms = matrices.shape[0]
    for a in range(terms * outputs):
        c = column[a]
        own = matrices[a // outputs, a % outputs, output]
        for l in range(LANES):
            c[0, l] = own[l]
            c[1, l] = 0.0
        for q in range(terms):
            b = q * outputs + output
            if b <= a:
                d = departure[a * (a + 1) // 2 + b]
                for l in range(LANES):
                    c[0, l] += d[0, l]
                    c[1, l] += d[2, l]
            else:
                d = departure[b * (b + 1) // 2 + a]
                for l in range(LANES):
                    c[0, l] += d[0, l]
                    c[1, l] += d[1, l]


@kernel
def _observe(value, weight, noise, gain, scale, innovation, outputs, output, mean, departure, log_likelihood):
    """Take in one output's values: `gain` holds the column k; scale becomes weight / S, innovation y - h m."""
    blocks = mean.shape[0]
    total = np.empty(LANES)
    for l in range(LANES):
        total[l] = noise[l]
        innovation[l] = value[l]
    for a in range(output, blocks, outputs):
        for l in range(LANES):
            total[l] += gain[a, 0, l]
            innovation[l] -= mean[a, 0, l]
    for l in range(LANES):
        scale[l] = weight[l] / total[l]
        log_likelihood[l] -= 0.5 * (weight[l] * math.log(2.0 * math.pi * total[l])
                                    + innovation[l] * innovation[l] * scale[l])
    pair = 0
    for a in range(blocks):
        k = gain[a]
        for l in range(LANES):
            mean[a, 0, l] += k[0, l] * innovation[l] * scale[l]
            mean[a, 1, l] += k[1, l] * innovation[l] * scale[l]
        for b in range(a + 1):
            j = gain[b]
            d = departure[pair]
            for l in range(LANES):
                s0 = k[0, l] * scale[l]
                s1 = k[1, l] * scale[l]
                d[0, l] -= s0 * j[0, l]
                d[1, l] -= s0 * j[1, l]
                d[2, l] -= s1 * j[0, l]
                d[3, l] -= s1 * j[1, l]
            pair += 1


@kernel
def _times(g, vector, product):
    """product = G vector for symmetric G, (blocks, 2, LANES)."""
    pair = 0
    for a in range(vector.shape[0]):
        v = vector[a]
        p = product[a]
        for l in range(LANES):
            p[0, l] = 0.0
            p[1, l] = 0.0
        for b in range(a):
            w = vector[b]
            o = product[b]
            h = g[pair]
            for l in range(LANES):
                p[0, l] += h[0, l] * w[0, l] + h[1, l] * w[1, l]
                p[1, l] += h[2, l] * w[0, l] + h[3, l] * w[1, l]
                o[0, l] += h[0, l] * v[0, l] + h[2, l] * v[1, l]
                o[1, l] += h[1, l] * v[0, l] + h[3, l] * v[1, l]
            pair += 1
        h = g[pair]
        for l in range(LANES):
            p[0, l] += h[0, l] * v[0, l] + h[1, l] * v[1, l]
            p[1, l] += h[2, l] * v[0, l] + h[3, l] * v[1, l]
        pair += 1


@kernel
def _observe_back(gain, scale, weight, innovation, output, r, g, product, matrix_gradient, noise_gradient):
    """Adjoint of `_observe`, in place; `product` is working room. Adds to the gradients of B and of noise."""
    terms, outputs = matrix_gradient.shape[0], matrix_gradient.shape[1]
    blocks = terms * outputs
    _times(g, gain, product)
    quadratic = np.zeros(LANES)
    linear = np.zeros(LANES)
    total_bar = np.empty(LANES)
    for a in range(blocks):
        for i in range(2):
            for l in range(LANES):
                quadratic[l] += gain[a, i, l] * product[a, i, l]
                linear[l] += gain[a, i, l] * r[a, i, l]
    for l in range(LANES):
        error = innovation[l] * scale[l]
        total_bar[l] = (quadratic[l] * scale[l] * scale[l] - linear[l] * error * scale[l]
                        + 0.5 * (error * error - weight[l] * scale[l]))
        noise_gradient[l] += total_bar[l]
    for a in range(blocks):
        for i in range(2):
            for l in range(LANES):
                product[a, i, l] = scale[l] * (r[a, i, l] * innovation[l] - 2.0 * product[a, i, l])
    for a in range(output, blocks, outputs):
        for l in range(LANES):
            product[a, 0, l] += total_bar[l]
            r[a, 0, l] += scale[l] * (innovation[l] - linear[l])
    for a in range(blocks):
        target = matrix_gradient[a // outputs, a % outputs, output]
        for l in range(LANES):
            target[l] += product[a, 0, l]
    # G += (kbar h' + h kbar') / 2, where h selects the output's value of every term.
    for q in range(terms):
        c = q * outputs + output
        for a in range(c):
            h = g[c * (c + 1) // 2 + a]
            for l in range(LANES):
                h[0, l] += 0.5 * product[a, 0, l]
                h[1, l] += 0.5 * product[a, 1, l]
        h = g[c * (c + 1) // 2 + c]
        for l in range(LANES):
            h[0, l] += product[c, 0, l]
            h[1, l] += 0.5 * product[c, 1, l]
            h[2, l] += 0.5 * product[c, 1, l]
        for a in range(c + 1, blocks):
            h = g[a * (a + 1) // 2 + c]
            for l in range(LANES):
                h[0, l] += 0.5 * product[a, 0, l]
                h[2, l] += 0.5 * product[a, 1, l]


@compiled
def room(dates, outputs, terms):
    """Working arrays of `forward` and `backward`, allocated once per batch."""
    blocks = terms * outputs
    pairs = blocks * (blocks + 1) // 2
    return (np.empty((dates, blocks, 2, LANES)), np.empty((dates, pairs, 4, LANES)),
            np.empty((dates, outputs, blocks, 2, LANES)), np.empty((dates, outputs, LANES)),
            np.empty((dates, outputs, LANES)), np.empty((terms, 4, LANES)),
            np.empty((blocks, 2, LANES)), np.empty((pairs, 4, LANES)), np.empty((blocks, 2, LANES)),
            np.empty((blocks, 2, LANES)))


@compiled
def forward(values, weights, present, steps, rate, matrices, noise, store, log_likelihood):
    """Kalman filter of LANES pixels.

    Parameters
    ----------
    values, weights : (dates, P, LANES) arrays
        Standardised values and 1 where observed, else 0 and 0.
    present : (dates, P) array of bool
        False where no lane has an observation.
    steps : (dates,) array
        Days since the date before.
    rate : (Q, LANES) array
    matrices : (Q, P, P, LANES) array
    noise : (P, LANES) array
    store : room
    log_likelihood : (LANES,) array
        Result.
    """
    means, departures, gains, scales, innovations, transition, mean, departure, _, _ = store
    outputs = noise.shape[0]
    mean[:] = 0.0
    departure[:] = 0.0
    log_likelihood[:] = 0.0
    step = -1.0
    for t in range(values.shape[0]):
        if t > 0:
            if steps[t] != step:
                step = steps[t]
                _transition(step, rate, transition)
            _predict(transition, outputs, mean, departure)
        means[t] = mean
        departures[t] = departure
        for p in range(outputs):
            if present[t, p]:
                _column(matrices, departure, p, gains[t, p])
                _observe(values[t, p], weights[t, p], noise[p], gains[t, p], scales[t, p], innovations[t, p], outputs, p,
                         mean, departure, log_likelihood)


@compiled
def backward(weights, present, steps, rate, matrices, store, wanted, targets, gradient, smoothed, variance,
             matrix_gradient, rate_gradient, noise_gradient):
    """The sweep back over what `forward` has stored.

    Parameters
    ----------
    wanted : (dates,) array of bool
        Dates to smooth at.
    targets : int
        The first `targets` outputs are smoothed.
    gradient : bool
        Whether the gradient is wanted.
    smoothed, variance : (dates, targets, LANES) arrays
        Mean and variance of the noise-free process given all observations.
    matrix_gradient, rate_gradient, noise_gradient : arrays as `matrices`, `rate` and `noise`
        Of the log likelihood; B counts as P x P independent entries.
    """
    means, departures, gains, scales, innovations, transition, r, g, product, column = store
    outputs = noise_gradient.shape[0]
    blocks = r.shape[0]
    r[:] = 0.0
    g[:] = 0.0
    matrix_gradient[:] = 0.0
    rate_gradient[:] = 0.0
    noise_gradient[:] = 0.0
    step = -1.0
    for t in range(weights.shape[0] - 1, -1, -1):
        for p in range(outputs - 1, -1, -1):
            if present[t, p]:
                _observe_back(gains[t, p], scales[t, p], weights[t, p], innovations[t, p], p, r, g, product,
                              matrix_gradient, noise_gradient[p])
        if wanted[t]:
            for p in range(targets):
                _column(matrices, departures[t], p, column)
                _times(g, column, product)
                for l in range(LANES):
                    smoothed[t, p, l] = 0.0
                    variance[t, p, l] = 0.0
                for a in range(p, blocks, outputs):
                    for l in range(LANES):
                        smoothed[t, p, l] += means[t, a, 0, l]
                        variance[t, p, l] += column[a, 0, l]
                for l in range(LANES):
                    linear = 0.0
                    quadratic = 0.0
                    for a in range(blocks):
                        for i in range(2):
                            linear += column[a, i, l] * r[a, i, l]
                            quadratic += column[a, i, l] * product[a, i, l]
                    smoothed[t, p, l] += linear
                    variance[t, p, l] += 2.0 * quadratic - linear * linear
        if t > 0:
            if steps[t] != step:
                step = steps[t]
                _transition(step, rate, transition)
            if gradient:
                _add_rate_gradient(outputs, step, means[t], departures[t], r, g, rate_gradient)
            _predict_back(transition, outputs, r, g)


@compiled
def load(lane, series, values, weights):
    """Put one pixel's series (P, dates), NaN where missing, into a lane."""
    for p in range(series.shape[0]):
        for t in range(series.shape[1]):
            value = series[p, t]
            seen = not math.isnan(value)
            values[t, p, lane] = value if seen else 0.0
            weights[t, p, lane] = 1.0 if seen else 0.0


@compiled
def look(weights, present):
    """Find where no lane has an observation."""
    for t in range(weights.shape[0]):
        for p in range(weights.shape[1]):
            present[t, p] = False
            for l in range(LANES):
                present[t, p] |= weights[t, p, l] > 0.0


@compiled
def unpack(vector, lane, matrices, rate, noise):
    """Put one pixel's parameter vector (as `Coregionalisation.vector`) into a lane."""
    terms, outputs = matrices.shape[0], matrices.shape[1]
    size = terms * outputs
    for q in range(terms):
        for i in range(outputs):
            for j in range(outputs):
                matrices[q, i, j, lane] = vector[q * outputs + i] * vector[q * outputs + j]
            matrices[q, i, i, lane] += math.exp(vector[size + q * outputs + i])
        rate[q, lane] = math.sqrt(3.0) * math.exp(-vector[2 * size + q])
    for p in range(outputs):
        noise[p, lane] = math.exp(vector[2 * size + terms + p]) + JITTER


@compiled
def pack_gradient(vector, lane, matrix_gradient, rate_gradient, noise_gradient, rate, gradient):
    """Gradient of the negative log likelihood with respect to the parameter vector, by the chain rule."""
    terms, outputs = matrix_gradient.shape[0], matrix_gradient.shape[1]
    size = terms * outputs
    for q in range(terms):
        for i in range(outputs):
            total = 0.0
            for j in range(outputs):
                total += (matrix_gradient[q, i, j, lane] + matrix_gradient[q, j, i, lane]) * vector[q * outputs + j]
            own = size + q * outputs + i
            gradient[q * outputs + i] = -total
            gradient[own] = -matrix_gradient[q, i, i, lane] * math.exp(vector[own])
        gradient[2 * size + q] = rate_gradient[q, lane] * rate[q, lane]
    for p in range(outputs):
        own = 2 * size + terms + p
        gradient[own] = -noise_gradient[p, lane] * math.exp(vector[own])


@compiled
def likelihoods(vectors, series, steps, terms, value, gradient):
    """Negative log likelihood and gradient of every pixel.

    Parameters
    ----------
    vectors : (pixels, parameters) array
        As `Coregionalisation.vector`; or one row for all pixels.
    series : (pixels, P, dates) array
        Standardised values on a common axis, NaN where missing.
    steps : (dates,) array
        Days since the date before.
    terms : int
        Q.
    value, gradient : (pixels,), (pixels, parameters) arrays
        Results.
    """
    pixels, outputs, dates = series.shape
    store = room(dates, outputs, terms)
    values, weights, present, matrices, rate, noise = lanes(dates, outputs, terms)
    matrix_gradient, rate_gradient, noise_gradient = np.empty_like(matrices), np.empty_like(rate), np.empty_like(noise)
    result = np.empty(LANES)
    nowhere = np.zeros(dates, np.bool_)
    nothing = np.empty((dates, 0, LANES))
    for first in range(0, pixels, LANES):
        for lane in range(LANES):
            pixel = min(first + lane, pixels - 1)
            load(lane, series[pixel], values, weights)
            unpack(vectors[min(pixel, len(vectors) - 1)], lane, matrices, rate, noise)
        look(weights, present)
        forward(values, weights, present, steps, rate, matrices, noise, store, result)
        backward(weights, present, steps, rate, matrices, store, nowhere, 0, True, nothing, nothing, matrix_gradient,
                 rate_gradient, noise_gradient)
        for lane in range(min(LANES, pixels - first)):
            pixel = first + lane
            value[pixel] = -result[lane]
            pack_gradient(vectors[min(pixel, len(vectors) - 1)], lane, matrix_gradient, rate_gradient, noise_gradient, rate,
                          gradient[pixel])


@compiled
def smooth(vectors, series, steps, terms, wanted, targets, mean, variance):
    """Mean and variance of the noise-free processes, given all observations of a pixel.

    Parameters
    ----------
    vectors, series, steps, terms
        As for `likelihoods`; `series` is NaN on dates that are only to be predicted.
    wanted : (dates,) array of bool
        Dates to predict.
    targets : int
        The first so many outputs are predicted.
    mean, variance : (pixels, targets, wanted dates) arrays
        Results.
    """
    pixels, outputs, dates = series.shape
    store = room(dates, outputs, terms)
    values, weights, present, matrices, rate, noise = lanes(dates, outputs, terms)
    matrix_gradient, rate_gradient, noise_gradient = np.empty_like(matrices), np.empty_like(rate), np.empty_like(noise)
    result = np.empty(LANES)
    means, variances = np.empty((dates, targets, LANES)), np.empty((dates, targets, LANES))
    for first in range(0, pixels, LANES):
        for lane in range(LANES):
            pixel = min(first + lane, pixels - 1)
            load(lane, series[pixel], values, weights)
            unpack(vectors[min(pixel, len(vectors) - 1)], lane, matrices, rate, noise)
        look(weights, present)
        forward(values, weights, present, steps, rate, matrices, noise, store, result)
        backward(weights, present, steps, rate, matrices, store, wanted, targets, False, means, variances, matrix_gradient,
                 rate_gradient, noise_gradient)
        column = 0
        for t in range(dates):
            if wanted[t]:
                for p in range(targets):
                    for lane in range(min(LANES, pixels - first)):
                        mean[first + lane, p, column] = means[t, p, lane]
                        variance[first + lane, p, column] = max(0.0, variances[t, p, lane])
                column += 1


@compiled
def lanes(dates, outputs, terms):
    """Values, weights, presence, matrices, rate and noise of one batch, not yet filled."""
    return (np.zeros((dates, outputs, LANES)), np.zeros((dates, outputs, LANES)), np.zeros((dates, outputs), np.bool_),
            np.zeros((terms, outputs, outputs, LANES)), np.zeros((terms, LANES)), np.ones((outputs, LANES)))
