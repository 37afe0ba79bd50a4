"""The exact likelihood, gradient and smoothing of the model of coregionalisation, in time linear in the dates.

A Matern 3/2 process f is Markov in the pair (f, f' / rate), rate = sqrt(3) / length_scale, whose stationary covariance is
the identity. So P outputs of Q terms are 2 P Q states, and a Kalman filter gives the likelihood (Hartikainen & Sarkka 2010;
Sarkka & Solin 2019, Applied Stochastic Differential Equations, section 12.3). With z = rate * days,

    transition  A(z) = exp(z F) = exp(-z) [[1 + z, z], [-z, 1 - z]],   F = [[0, 1], [-1, -2]],   so   dA/dz = F A

What is filtered is not the covariance but its departure D from the stationary one, which turns D -> A D A' at a step and
D -> D - k k' / S at an observation, with no process noise. One sweep back, the adjoint of the filter, holds both
r = d log L / d mean and G = d log L / d covariance = (r r' - N) / 2, with r and N those of Bryson & Frazier's smoother:
so it yields the gradient of all hyper-parameters and the smoothed mean and variance at any date.

LANES pixels run side by side (`lanes`). A pixel's arithmetic is the same in every lane and next to any neighbours: its
bits do not depend on its batch or thread.

Arrays have rows of LANES. State blocks are numbered a = q P + p and take rows 2 a and 2 a + 1 of a mean; D and G hold pairs
(a, b <= a) as number a (a + 1) / 2 + b, each a 2 x 2 matrix in four rows. The column of output p is h_p: 1 at the first
state of its block in every term.
"""
from __future__ import annotations

import math

import numpy as np
from numba import njit

from .coregionalisation import JITTER
from .lanes import LANES, get, put, spread

# exp(-700) is still a normal number; beyond it a process has forgotten everything anyway.
LONGEST_STEP = 700.0

compiled = njit(cache=True, nogil=True, error_model="numpy")


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
    batch, store = new_batch(dates, outputs, terms), new_store(dates, outputs, terms)
    gradients = new_gradients(outputs, terms)
    nowhere, nothing = np.zeros(dates, np.bool_), np.empty((0, LANES))
    result = np.empty((1, LANES))
    for first in range(0, pixels, LANES):
        for lane in range(LANES):
            pixel = min(first + lane, pixels - 1)
            load(batch, lane, series[pixel])
            unpack(batch, lane, vectors[min(pixel, len(vectors) - 1)])
        forward(batch, steps, store, result)
        backward(batch, steps, store, nowhere, 0, True, nothing, nothing, gradients)
        for lane in range(min(LANES, pixels - first)):
            pixel = first + lane
            value[pixel] = -result[0, lane]
            pack_gradient(batch, gradients, lane, vectors[min(pixel, len(vectors) - 1)], gradient[pixel])


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
    batch, store = new_batch(dates, outputs, terms), new_store(dates, outputs, terms)
    gradients = new_gradients(outputs, terms)
    result = np.empty((1, LANES))
    means, variances = np.empty((dates * targets, LANES)), np.empty((dates * targets, LANES))
    for first in range(0, pixels, LANES):
        for lane in range(LANES):
            pixel = min(first + lane, pixels - 1)
            load(batch, lane, series[pixel])
            unpack(batch, lane, vectors[min(pixel, len(vectors) - 1)])
        forward(batch, steps, store, result)
        backward(batch, steps, store, wanted, targets, False, means, variances, gradients)
        column = 0
        for t in range(dates):
            if wanted[t]:
                for p in range(targets):
                    for lane in range(min(LANES, pixels - first)):
                        mean[first + lane, p, column] = means[t * targets + p, lane]
                        variance[first + lane, p, column] = max(0.0, variances[t * targets + p, lane])
                column += 1


@compiled
def new_batch(dates, outputs, terms):
    """Room for LANES pixels: (values, weights), each (dates * P) rows, and (B, rate, noise) of (Q P P, Q, P) rows."""
    return (np.zeros((dates * outputs, LANES)), np.zeros((dates * outputs, LANES)),
            np.zeros((terms * outputs * outputs, LANES)), np.ones((terms, LANES)), np.ones((outputs, LANES)))


@compiled
def load(batch, lane, series):
    """Put one pixel's series (P, dates), NaN where missing, into a lane."""
    values, weights = batch[0], batch[1]
    outputs, dates = series.shape
    for p in range(outputs):
        for t in range(dates):
            seen = not math.isnan(series[p, t])
            values[t * outputs + p, lane] = series[p, t] if seen else 0.0
            weights[t * outputs + p, lane] = 1.0 if seen else 0.0


@compiled
def unpack(batch, lane, vector):
    """Put one pixel's parameter vector (as `Coregionalisation.vector`) into a lane."""
    matrices, rate, noise = batch[2], batch[3], batch[4]
    terms, outputs = len(rate), len(noise)
    size = terms * outputs
    for q in range(terms):
        for i in range(outputs):
            block = q * outputs + i
            for j in range(outputs):
                matrices[block * outputs + j, lane] = vector[block] * vector[q * outputs + j]
            matrices[block * outputs + i, lane] += vector[size + block] ** 2
        rate[q, lane] = math.sqrt(3.0) * math.exp(-vector[2 * size + q])
    for p in range(outputs):
        noise[p, lane] = vector[2 * size + terms + p] ** 2 + JITTER


@compiled
def new_gradients(outputs, terms):
    """Room for the gradient of the log likelihood: by B (rows as B, all entries independent), rate per block, noise."""
    return (np.empty((terms * outputs * outputs, LANES)), np.empty((terms * outputs, LANES)), np.empty((outputs, LANES)))


@compiled
def pack_gradient(batch, gradients, lane, vector, gradient):
    """Gradient of the negative log likelihood with respect to the parameter vector, by the chain rule."""
    by_matrix, by_rate, by_noise = gradients
    rate = batch[3]
    terms, outputs = len(rate), len(by_noise)
    size = terms * outputs
    for q in range(terms):
        gradient[2 * size + q] = 0.0
        for i in range(outputs):
            block = q * outputs + i
            total = 0.0
            for j in range(outputs):
                total += ((by_matrix[block * outputs + j, lane] + by_matrix[(q * outputs + j) * outputs + i, lane])
                          * vector[q * outputs + j])
            gradient[block] = -total
            gradient[size + block] = -2.0 * by_matrix[block * outputs + i, lane] * vector[size + block]
            gradient[2 * size + q] += by_rate[block, lane] * rate[q, lane]
    for p in range(outputs):
        own = 2 * size + terms + p
        gradient[own] = -2.0 * by_noise[p, lane] * vector[own]


@compiled
def new_store(dates, outputs, terms):
    """What `forward` leaves for `backward`, and working room, allocated once for many batches."""
    blocks = terms * outputs
    pairs = blocks * (blocks + 1) // 2
    return (np.zeros((dates * 2 * blocks, LANES)), np.zeros((dates * 4 * pairs, LANES)),
            np.empty((dates * outputs * 2 * blocks, LANES)), np.empty((dates * outputs, LANES)),
            np.empty((dates * outputs, LANES)), np.zeros((4 * blocks, LANES)), np.empty((2 * blocks, LANES)),
            np.empty((4 * pairs, LANES)), np.empty((outputs * 2 * blocks, LANES)), np.empty((outputs * 2 * blocks, LANES)))


@compiled
def forward(batch, steps, store, log_likelihood):
    """Kalman filter of a batch; fills `store` and log_likelihood (1, LANES)."""
    values, weights, matrices, rate, noise = batch
    means, departures, gains, scales, innovations, transition, mean, departure, scaled, _ = store
    outputs = len(noise)
    blocks = len(rate) * outputs
    pairs = blocks * (blocks + 1) // 2
    present, determinant = np.empty(outputs, np.int64), np.empty((1, LANES))
    log_likelihood[:] = 0.0
    step = -1.0
    for t in range(len(steps)):
        if t > 0:
            if steps[t] != step:
                step = steps[t]
                _transition(step, rate, outputs, transition)
            _predict(transition, mean, departure, means, departures, 2 * blocks * t, 4 * pairs * t)
        count = _present(weights, t, outputs, present)
        put(determinant, 0, spread(1.0))
        for row in range(2 * blocks):
            put(mean, row, get(means, 2 * blocks * t + row))
        for n in range(count):
            _gain(matrices, departures, 4 * pairs * t, present, n, t, gains, scales, outputs, blocks)
            _update_mean(values, weights, noise, gains, scales, innovations, present[n], t, outputs, mean, determinant,
                         log_likelihood)
        _update_departure(gains, scales, present, count, t, outputs, blocks, departures, departure, scaled)
        for lane in range(LANES):
            log_likelihood[0, lane] -= 0.5 * math.log(determinant[0, lane])
    for row in range(len(weights)):
        put(log_likelihood, 0, get(log_likelihood, 0) - spread(0.5 * math.log(2.0 * math.pi)) * get(weights, row))


@compiled
def backward(batch, steps, store, wanted, targets, gradient, smoothed, variance, gradients):
    """The sweep back over what `forward` has stored.

    Parameters
    ----------
    wanted : (dates,) array of bool
        Dates to smooth at.
    targets : int
        The first `targets` outputs are smoothed.
    gradient : bool
        Whether `gradients` are wanted.
    smoothed, variance : (dates * targets, LANES) arrays
        Mean and variance of the noise-free process given all observations.
    gradients : of `new_gradients`
    """
    _, weights, matrices, rate, noise = batch
    means, departures, gains, scales, innovations, transition, r, g, products, bars = store
    by_matrix, by_rate, by_noise = gradients
    outputs = len(noise)
    blocks = len(rate) * outputs
    pairs = blocks * (blocks + 1) // 2
    present = np.empty(outputs, np.int64)
    r[:] = 0.0
    g[:] = 0.0
    by_matrix[:] = 0.0
    by_rate[:] = 0.0
    by_noise[:] = 0.0
    step = -1.0
    for t in range(len(steps) - 1, -1, -1):
        count = _present(weights, t, outputs, present)
        _multiply(g, gains, present, count, t * outputs, blocks, products)
        for n in range(count - 1, -1, -1):
            _observe_back(gains, scales, weights, innovations, present, n, count, t, outputs, blocks, r, products, bars,
                          by_matrix, by_noise)
        for n in range(count):
            _add_bar(bars, n, present[n], outputs, blocks, g)
        if wanted[t]:
            _smooth_date(matrices, means, departures, t, targets, outputs, blocks, r, g, products, bars, smoothed, variance)
        if t > 0:
            if steps[t] != step:
                step = steps[t]
                _transition(step, rate, outputs, transition)
            if gradient:
                _add_rate_gradient(step, means, departures, 2 * blocks * t, 4 * pairs * t, r, g, by_rate)
            _predict_back(transition, r, g)


@compiled
def _present(weights, t, outputs, present):
    """Outputs that any lane has observed on date t; returns how many."""
    count = 0
    for p in range(outputs):
        for lane in range(LANES):
            if weights[t * outputs + p, lane] > 0.0:
                present[count] = p
                count += 1
                break
    return count


@compiled
def _transition(days, rate, outputs, transition):
    """A(rate * days), four rows per block."""
    for q in range(len(rate)):
        for lane in range(LANES):
            z = min(rate[q, lane] * days, LONGEST_STEP)
            decay = math.exp(-z)
            for block in range(q * outputs, (q + 1) * outputs):
                transition[4 * block, lane] = decay * (1.0 + z)
                transition[4 * block + 1, lane] = decay * z
                transition[4 * block + 2, lane] = -decay * z
                transition[4 * block + 3, lane] = decay * (1.0 - z)


@compiled
def _predict(transition, mean, departure, means, departures, mean_row, row):
    """m -> A m and D -> A D A', written to their rows of the store."""
    pair = 0
    for a in range(len(mean) // 2):
        s0, s1 = get(transition, 4 * a), get(transition, 4 * a + 1)
        s2, s3 = get(transition, 4 * a + 2), get(transition, 4 * a + 3)
        m0, m1 = get(mean, 2 * a), get(mean, 2 * a + 1)
        put(means, mean_row + 2 * a, s0 * m0 + s1 * m1)
        put(means, mean_row + 2 * a + 1, s2 * m0 + s3 * m1)
        for b in range(a + 1):
            t0, t1 = get(transition, 4 * b), get(transition, 4 * b + 1)
            t2, t3 = get(transition, 4 * b + 2), get(transition, 4 * b + 3)
            d0, d1, d2, d3 = get(departure, pair), get(departure, pair + 1), get(departure, pair + 2), get(departure, pair + 3)
            u0, u1, u2, u3 = s0 * d0 + s1 * d2, s0 * d1 + s1 * d3, s2 * d0 + s3 * d2, s2 * d1 + s3 * d3
            put(departures, row + pair, u0 * t0 + u1 * t1)
            put(departures, row + pair + 1, u0 * t2 + u1 * t3)
            put(departures, row + pair + 2, u2 * t0 + u3 * t1)
            put(departures, row + pair + 3, u2 * t2 + u3 * t3)
            pair += 4


@compiled
def _predict_back(transition, r, g):
    """Adjoint of `_predict`, in place: r -> A' r, G -> A' G A."""
    pair = 0
    for a in range(len(r) // 2):
        s0, s1 = get(transition, 4 * a), get(transition, 4 * a + 1)
        s2, s3 = get(transition, 4 * a + 2), get(transition, 4 * a + 3)
        r0, r1 = get(r, 2 * a), get(r, 2 * a + 1)
        put(r, 2 * a, s0 * r0 + s2 * r1)
        put(r, 2 * a + 1, s1 * r0 + s3 * r1)
        for b in range(a + 1):
            t0, t1 = get(transition, 4 * b), get(transition, 4 * b + 1)
            t2, t3 = get(transition, 4 * b + 2), get(transition, 4 * b + 3)
            g0, g1, g2, g3 = get(g, pair), get(g, pair + 1), get(g, pair + 2), get(g, pair + 3)
            u0, u1, u2, u3 = s0 * g0 + s2 * g2, s0 * g1 + s2 * g3, s1 * g0 + s3 * g2, s1 * g1 + s3 * g3
            put(g, pair, u0 * t0 + u1 * t2)
            put(g, pair + 1, u0 * t1 + u1 * t3)
            put(g, pair + 2, u2 * t0 + u3 * t2)
            put(g, pair + 3, u2 * t1 + u3 * t3)
            pair += 4


@compiled
def _add_rate_gradient(days, means, departures, mean_row, row, r, g, by_rate):
    """d log L / d rate of each block: days * (2 G : F D + r' F m), with D and m after the step."""
    pair = 0
    length = spread(days)
    two = spread(2.0)
    for a in range(len(r) // 2):
        m0, m1 = get(means, mean_row + 2 * a), get(means, mean_row + 2 * a + 1)
        total = get(r, 2 * a) * m1 - get(r, 2 * a + 1) * (m0 + two * m1)
        for b in range(a + 1):
            d0, d1 = get(departures, row + pair), get(departures, row + pair + 1)
            d2, d3 = get(departures, row + pair + 2), get(departures, row + pair + 3)
            g0, g1, g2, g3 = get(g, pair), get(g, pair + 1), get(g, pair + 2), get(g, pair + 3)
            # A pair of different blocks stands for two entries of the symmetric G, a block with itself for one.
            weight = spread(2.0 if b < a else 1.0)
            total = total + weight * (g0 * d2 + g1 * d3 - g2 * (d0 + two * d2) - g3 * (d1 + two * d3))
            if b < a:
                other = g0 * d1 + g2 * d3 - g1 * (d0 + two * d1) - g3 * (d2 + two * d3)
                put(by_rate, b, get(by_rate, b) + length * two * other)
            else:
                total = total + g0 * d1 + g2 * d3 - g1 * (d0 + two * d1) - g3 * (d2 + two * d3)
            pair += 4
        put(by_rate, a, get(by_rate, a) + length * total)


@compiled
def _column(matrices, departures, row, output, outputs, blocks, target, first):
    """Covariance of the states with an output, B + D h, into rows of `target` from `first`."""
    for a in range(blocks):
        c0, c1 = get(matrices, a * outputs + output), spread(0.0)
        for b in range(output, blocks, outputs):
            if b <= a:
                pair = row + 4 * (a * (a + 1) // 2 + b)
                c0 = c0 + get(departures, pair)
                c1 = c1 + get(departures, pair + 2)
            else:
                pair = row + 4 * (b * (b + 1) // 2 + a)
                c0 = c0 + get(departures, pair)
                c1 = c1 + get(departures, pair + 1)
        put(target, first + 2 * a, c0)
        put(target, first + 2 * a + 1, c1)


@compiled
def _gain(matrices, departures, row, present, n, t, gains, scales, outputs, blocks):
    """Column k of the n-th observed output, given the outputs of the same date before it."""
    output = present[n]
    first = (t * outputs + output) * 2 * blocks
    _column(matrices, departures, row, output, outputs, blocks, gains, first)
    for earlier in range(n):
        number = t * outputs + present[earlier]
        factor = spread(0.0)
        for b in range(output, blocks, outputs):
            factor = factor + get(gains, number * 2 * blocks + 2 * b)
        factor = factor * get(scales, number)
        for state in range(2 * blocks):
            put(gains, first + state, get(gains, first + state) - factor * get(gains, number * 2 * blocks + state))
    total = spread(0.0)
    for b in range(output, blocks, outputs):
        total = total + get(gains, first + 2 * b)
    put(scales, t * outputs + output, total)


@compiled
def _update_mean(values, weights, noise, gains, scales, innovations, output, t, outputs, mean, determinant, log_likelihood):
    """Take an output's values into the mean; scale becomes weight / S, and innovation y - h m."""
    number = t * outputs + output
    weight = get(weights, number)
    total = get(scales, number) + get(noise, output)
    innovation = get(values, number)
    for b in range(output, len(mean) // 2, outputs):
        innovation = innovation - get(mean, 2 * b)
    scale = weight / total
    error = innovation * scale
    put(scales, number, scale)
    put(innovations, number, innovation)
    put(determinant, 0, get(determinant, 0) * (weight * total + (spread(1.0) - weight)))
    put(log_likelihood, 0, get(log_likelihood, 0) - spread(0.5) * innovation * error)
    for state in range(len(mean)):
        put(mean, state, get(mean, state) + error * get(gains, number * len(mean) + state))


@compiled
def _update_departure(gains, scales, present, count, t, outputs, blocks, departures, departure, scaled):
    """D -> D - sum k k' / S over the outputs observed on date t, from the store into working room."""
    for n in range(count):
        number = t * outputs + present[n]
        scale = get(scales, number)
        for state in range(2 * blocks):
            put(scaled, n * 2 * blocks + state, scale * get(gains, number * 2 * blocks + state))
    row = 2 * blocks * (blocks + 1) * t
    pair = 0
    for a in range(blocks):
        for b in range(a + 1):
            d0, d1 = get(departures, row + pair), get(departures, row + pair + 1)
            d2, d3 = get(departures, row + pair + 2), get(departures, row + pair + 3)
            for n in range(count):
                left = n * 2 * blocks + 2 * a
                right = (t * outputs + present[n]) * 2 * blocks + 2 * b
                s0, s1 = get(scaled, left), get(scaled, left + 1)
                k0, k1 = get(gains, right), get(gains, right + 1)
                d0 = d0 - s0 * k0
                d1 = d1 - s0 * k1
                d2 = d2 - s1 * k0
                d3 = d3 - s1 * k1
            put(departure, pair, d0)
            put(departure, pair + 1, d1)
            put(departure, pair + 2, d2)
            put(departure, pair + 3, d3)
            pair += 4


@compiled
def _multiply(g, vectors, present, count, first, blocks, products):
    """products[n] = G vectors[first + present[n]] for symmetric G."""
    zero = spread(0.0)
    for row in range(count * 2 * blocks):
        put(products, row, zero)
    pair = 0
    for a in range(blocks):
        for b in range(a + 1):
            g0, g1, g2, g3 = get(g, pair), get(g, pair + 1), get(g, pair + 2), get(g, pair + 3)
            for n in range(count):
                vector = (first + present[n]) * 2 * blocks
                product = n * 2 * blocks
                v0, v1 = get(vectors, vector + 2 * b), get(vectors, vector + 2 * b + 1)
                put(products, product + 2 * a, get(products, product + 2 * a) + g0 * v0 + g1 * v1)
                put(products, product + 2 * a + 1, get(products, product + 2 * a + 1) + g2 * v0 + g3 * v1)
                if b < a:
                    v0, v1 = get(vectors, vector + 2 * a), get(vectors, vector + 2 * a + 1)
                    put(products, product + 2 * b, get(products, product + 2 * b) + g0 * v0 + g2 * v1)
                    put(products, product + 2 * b + 1, get(products, product + 2 * b + 1) + g1 * v0 + g3 * v1)
            pair += 4


@compiled
def _observe_back(gains, scales, weights, innovations, present, n, count, t, outputs, blocks, r, products, bars, by_matrix,
                  by_noise):
    """Adjoint of taking in the n-th observed output of date t: r in place, d log L / d k into row n of `bars`.

    `products` holds G k with G as it is after the whole date; what the outputs after the n-th add to G is made up here.
    """
    output = present[n]
    number = t * outputs + output
    gain, own = number * 2 * blocks, n * 2 * blocks
    for later in range(n + 1, count):
        other = later * 2 * blocks
        aligned, seen = spread(0.0), spread(0.0)
        for state in range(2 * blocks):
            aligned = aligned + get(bars, other + state) * get(gains, gain + state)
        for b in range(present[later], blocks, outputs):
            seen = seen + get(gains, gain + 2 * b)
        seen = spread(0.5) * seen
        for state in range(2 * blocks):
            put(products, own + state, get(products, own + state) + seen * get(bars, other + state))
        for b in range(present[later], blocks, outputs):
            put(products, own + 2 * b, get(products, own + 2 * b) + spread(0.5) * aligned)
    scale, innovation = get(scales, number), get(innovations, number)
    quadratic, linear = spread(0.0), spread(0.0)
    for state in range(2 * blocks):
        k = get(gains, gain + state)
        quadratic = quadratic + k * get(products, own + state)
        linear = linear + k * get(r, state)
    error = innovation * scale
    total_bar = (quadratic * scale * scale - linear * error * scale
                 + spread(0.5) * (error * error - get(weights, number) * scale))
    put(by_noise, output, get(by_noise, output) + total_bar)
    for state in range(2 * blocks):
        put(bars, own + state, error * get(r, state) - spread(2.0) * scale * get(products, own + state))
    for b in range(output, blocks, outputs):
        put(bars, own + 2 * b, get(bars, own + 2 * b) + total_bar)
        put(r, 2 * b, get(r, 2 * b) + scale * (innovation - linear))
    for a in range(blocks):
        put(by_matrix, a * outputs + output, get(by_matrix, a * outputs + output) + get(bars, own + 2 * a))


@compiled
def _add_bar(bars, n, output, outputs, blocks, g):
    """G -> G + (bar h' + h bar') / 2."""
    half = spread(0.5)
    for c in range(output, blocks, outputs):
        for a in range(blocks):
            b0, b1 = half * get(bars, (n * blocks + a) * 2), half * get(bars, (n * blocks + a) * 2 + 1)
            if a <= c:
                pair = 4 * (c * (c + 1) // 2 + a)
                put(g, pair, get(g, pair) + b0)
                put(g, pair + 1, get(g, pair + 1) + b1)
            if a >= c:
                pair = 4 * (a * (a + 1) // 2 + c)
                put(g, pair, get(g, pair) + b0)
                put(g, pair + 2, get(g, pair + 2) + b1)


@compiled
def _smooth_date(matrices, means, departures, t, targets, outputs, blocks, r, g, products, columns, smoothed, variance):
    """Smoothed mean h m + k' r and variance h k - k' N k of the targets on date t, N = r r' - 2 G."""
    row = 2 * blocks * (blocks + 1) * t
    everyone = np.arange(targets)
    for p in range(targets):
        _column(matrices, departures, row, p, outputs, blocks, columns, p * 2 * blocks)
    _multiply(g, columns, everyone, targets, 0, blocks, products)
    for p in range(targets):
        mean, spread_before, linear, quadratic = spread(0.0), spread(0.0), spread(0.0), spread(0.0)
        for b in range(p, blocks, outputs):
            mean = mean + get(means, 2 * blocks * t + 2 * b)
            spread_before = spread_before + get(columns, (p * blocks + b) * 2)
        for state in range(2 * blocks):
            k = get(columns, p * 2 * blocks + state)
            linear = linear + k * get(r, state)
            quadratic = quadratic + k * get(products, p * 2 * blocks + state)
        put(smoothed, t * targets + p, mean + linear)
        put(variance, t * targets + p, spread_before + spread(2.0) * quadratic - linear * linear)
