"""Hyper-parameters of every pixel on its own: limited-memory BFGS within bounds, LANES pixels at a time.

Minimises the negative log likelihood plus, for shrinkage, (x - centre)' precision (x - centre) / 2, over parameter vectors
(`Coregionalisation.vector`) within bounds. Each lane works through one item (a pixel and a start) at its own pace and takes
the next from the queue when done, so a difficult pixel holds up no other.
Sources: Nocedal & Wright 2006, Numerical Optimization, algorithms 3.1 and 7.4; Bertsekas 1982 (projection on bounds).
"""
from __future__ import annotations

import math

import numpy as np
from numba import njit

from .lanes import LANES
from .state_space import backward, forward, load, new_batch, new_gradients, new_store, pack_gradient, unpack

# How an item ended.
CONVERGED, OUT_OF_EVALUATIONS, STUCK = 0, 1, 2
# Pairs of steps and gradient changes that are remembered.
MEMORY = 10
# Share of the decrease promised by the gradient that a step must keep (Nocedal & Wright, section 3.1).
SUFFICIENT_DECREASE = 1e-4
# A step is shortened to between a tenth and a half of itself, by interpolation.
SHORTEST, LONGEST = 0.1, 0.5
# Shortenings after which even the steepest direction is given up.
MOST_SHORTENINGS = 25
# No parameter is moved by more than this at once: all are of the order of one, or logarithms.
LONGEST_MOVE = 2.0

# Places of the point and of the numbers in a search (`_new_search`).
POINT, NUMBERS = 0, 4
# Places in a search's numbers: value at its point, evaluations so far, step length, times it was shortened, pairs remembered,
# the newest pair, and small gains in a row.
VALUE, EVALUATIONS, LENGTH, SHORTENED, PAIRS, NEWEST, SMALL_GAINS = range(7)

compiled = njit(cache=True, nogil=True, error_model="numpy")


@compiled
def minimise(series, steps, terms, pixels, starts, centre, precision, low, high, tolerance, most_evaluations, solution, value,
             evaluations, status):
    """Minimise many items.

    Parameters
    ----------
    series : (pixels, P, dates) array
        Standardised values, NaN where missing.
    steps : (dates,) array
        Days since the date before.
    terms : int
    pixels, starts : (items,), (items, parameters) arrays
        Each item's pixel and start.
    centre, precision : (parameters,) arrays
        Of the Gaussian prior; precision zero is maximum likelihood.
    low, high : (parameters,) arrays
        Bounds.
    tolerance : float
        An item has converged when a step gains less than this, twice in a row.
    most_evaluations : int
    solution, value, evaluations, status : (items, parameters), (items,), (items,), (items,) arrays
        Results; `value` includes the prior.
    """
    items, size = starts.shape
    outputs, dates = series.shape[1], series.shape[2]
    batch, store = new_batch(dates, outputs, terms), new_store(dates, outputs, terms)
    gradients, log_likelihood = new_gradients(outputs, terms), np.empty((1, LANES))
    nowhere, nothing = np.zeros(dates, np.bool_), np.empty((0, LANES))
    item = np.full(LANES, -1)
    trial, trial_gradient = np.zeros((LANES, size)), np.zeros((LANES, size))
    searches = [_new_search(size) for _ in range(LANES)]
    handed_out = 0
    finished = 0
    while finished < items:
        for lane in range(LANES):
            if item[lane] < 0 and handed_out < items:
                item[lane] = handed_out
                load(batch, lane, series[pixels[handed_out]])
                for i in range(size):
                    trial[lane, i] = min(max(starts[handed_out, i], low[i]), high[i])
                searches[lane][NUMBERS][:] = 0.0
                handed_out += 1
            unpack(batch, lane, trial[lane])
        forward(batch, steps, store, log_likelihood)
        backward(batch, steps, store, nowhere, 0, True, nothing, nothing, gradients)
        for lane in range(LANES):
            number = item[lane]
            if number < 0:
                continue
            pack_gradient(batch, gradients, lane, trial[lane], trial_gradient[lane])
            result = -log_likelihood[0, lane]
            for i in range(size):
                away = trial[lane, i] - centre[i]
                result += 0.5 * precision[i] * away * away
                trial_gradient[lane, i] += precision[i] * away
            done = _advance(searches[lane], trial[lane], result, trial_gradient[lane], low, high, tolerance,
                            most_evaluations)
            if done >= 0:
                solution[number] = searches[lane][POINT]
                value[number] = searches[lane][NUMBERS][VALUE]
                evaluations[number] = int(searches[lane][NUMBERS][EVALUATIONS])
                status[number] = done
                item[lane] = -1
                finished += 1


@compiled
def _new_search(size):
    """Point, gradient, direction, working room, numbers, steps, gradient changes and their products of one lane."""
    return (np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(7), np.zeros((MEMORY, size)),
            np.zeros((MEMORY, size)), np.zeros(MEMORY))


@compiled
def _advance(search, trial, result, trial_gradient, low, high, tolerance, most_evaluations):
    """Digest an evaluation at `trial` and write the next trial; returns how the search ended, or -1."""
    point, gradient, direction, work, numbers, moves, changes, products = search
    numbers[EVALUATIONS] += 1
    if numbers[EVALUATIONS] == 1:
        if not math.isfinite(result):
            point[:] = trial
            numbers[VALUE] = result
            return STUCK
        point[:] = trial
        gradient[:] = trial_gradient
        numbers[VALUE] = result
    else:
        slope = 0.0
        for i in range(len(point)):
            slope += gradient[i] * (trial[i] - point[i])
        if not result <= numbers[VALUE] + SUFFICIENT_DECREASE * slope:
            return _shorten(search, trial, result, slope, low, high, tolerance, most_evaluations)
        gain = numbers[VALUE] - result
        _remember(search, trial, trial_gradient)
        point[:] = trial
        gradient[:] = trial_gradient
        numbers[VALUE] = result
        numbers[SMALL_GAINS] = numbers[SMALL_GAINS] + 1 if gain < tolerance else 0
        if numbers[SMALL_GAINS] >= 2:
            return CONVERGED
    if numbers[EVALUATIONS] >= most_evaluations:
        return OUT_OF_EVALUATIONS
    numbers[SHORTENED] = 0
    if not _aim(search, low, high):
        return CONVERGED
    _step(search, trial, low, high)
    return -1


@compiled
def _shorten(search, trial, result, slope, low, high, tolerance, most_evaluations):
    """Try a shorter step; at the end of the rope forget the curvature once, then give up."""
    point, gradient, direction, work, numbers, moves, changes, products = search
    if numbers[EVALUATIONS] >= most_evaluations:
        return OUT_OF_EVALUATIONS
    numbers[SHORTENED] += 1
    # Where rounding hides what is left to gain, the search has arrived.
    if -slope < 0.1 * tolerance:
        return CONVERGED
    if numbers[SHORTENED] > MOST_SHORTENINGS:
        if numbers[PAIRS] == 0:
            return STUCK
        numbers[PAIRS] = 0
        numbers[SHORTENED] = 0
        if not _aim(search, low, high):
            return CONVERGED
    else:
        factor = LONGEST
        if math.isfinite(result):
            factor = -0.5 * slope / max(result - numbers[VALUE] - slope, 1e-300)
        numbers[LENGTH] *= min(max(factor, SHORTEST), LONGEST)
    _step(search, trial, low, high)
    return -1


@compiled
def _remember(search, trial, trial_gradient):
    """Keep the pair of a move and the change of gradient, if it shows positive curvature."""
    point, gradient, direction, work, numbers, moves, changes, products = search
    product, length = 0.0, 0.0
    for i in range(len(point)):
        change = trial_gradient[i] - gradient[i]
        product += change * (trial[i] - point[i])
        length += change * change
    if product <= 1e-10 * length or product <= 0.0:
        return
    newest = (int(numbers[NEWEST]) + 1) % MEMORY
    for i in range(len(point)):
        moves[newest, i] = trial[i] - point[i]
        changes[newest, i] = trial_gradient[i] - gradient[i]
    products[newest] = product
    numbers[NEWEST] = newest
    numbers[PAIRS] = min(numbers[PAIRS] + 1, MEMORY)


@compiled
def _aim(search, low, high):
    """Direction of descent among the parameters that no bound holds; False where there is none."""
    point, gradient, direction, work, numbers, moves, changes, products = search
    size = len(point)
    free = np.empty(size, np.bool_)
    largest = 0.0
    for i in range(size):
        free[i] = not ((point[i] <= low[i] and gradient[i] >= 0.0) or (point[i] >= high[i] and gradient[i] <= 0.0))
        direction[i] = -gradient[i] if free[i] else 0.0
        largest = max(largest, abs(direction[i]))
    if largest < 1e-9:
        return False
    pairs = int(numbers[PAIRS])
    numbers[LENGTH] = 1.0
    if pairs > 0:
        _two_loops(search, pairs)
        slope = 0.0
        for i in range(size):
            if not free[i]:
                direction[i] = 0.0
            slope += gradient[i] * direction[i]
        if slope < 0.0:
            _limit(direction)
            return True
        numbers[PAIRS] = 0
    total = 0.0
    for i in range(size):
        direction[i] = -gradient[i] if free[i] else 0.0
        total += abs(direction[i])
    for i in range(size):
        direction[i] *= min(1.0, 1.0 / total)
    return True


@compiled
def _two_loops(search, pairs):
    """direction <- H direction with the inverse curvature H remembered (algorithm 7.4)."""
    point, gradient, direction, work, numbers, moves, changes, products = search
    size = len(point)
    newest = int(numbers[NEWEST])
    for k in range(pairs):
        row = (newest - k) % MEMORY
        factor = 0.0
        for i in range(size):
            factor += moves[row, i] * direction[i]
        factor /= products[row]
        work[k] = factor
        for i in range(size):
            direction[i] -= factor * changes[row, i]
    length = 0.0
    for i in range(size):
        length += changes[newest, i] * changes[newest, i]
    for i in range(size):
        direction[i] *= products[newest] / length
    for k in range(pairs - 1, -1, -1):
        row = (newest - k) % MEMORY
        factor = 0.0
        for i in range(size):
            factor += changes[row, i] * direction[i]
        factor = work[k] - factor / products[row]
        for i in range(size):
            direction[i] += factor * moves[row, i]


@compiled
def _limit(direction):
    """Shorten a direction that would move a parameter too far."""
    largest = 0.0
    for i in range(len(direction)):
        largest = max(largest, abs(direction[i]))
    if largest > LONGEST_MOVE:
        for i in range(len(direction)):
            direction[i] *= LONGEST_MOVE / largest


@compiled
def _step(search, trial, low, high):
    """Next trial point, projected on the bounds."""
    point, gradient, direction, work, numbers, moves, changes, products = search
    for i in range(len(point)):
        trial[i] = min(max(point[i] + numbers[LENGTH] * direction[i], low[i]), high[i])
