"""Seeded chance for the scene: independent streams of random numbers, and random fields that are smooth in space."""

from __future__ import annotations

import numpy as np

# One stream per part of the scene, so that a change in how clouds are drawn leaves the fields where they were.
STREAMS = ("fields", "seasons", "texture", "radar", "clouds", "noise")


def stream(seed: int, part: str) -> np.random.RandomState:
    """Return the random numbers of one part of the scene.

    `RandomState` on purpose: its sequences are frozen for good (NumPy Enhancement Proposal 19), while those of
    `Generator` may change with a release, and with them the sample scene that tests and tutorials speak of.
    """
    sequence = np.random.SeedSequence([seed, STREAMS.index(part)])
    return np.random.RandomState(np.random.MT19937(sequence))


def smooth_field(draws: np.random.RandomState, shape: tuple, length: float) -> np.ndarray:
    """Draw a Gaussian random field, mean 0 and variance 1 everywhere, that varies over about `length` pixels.

    White noise on a lattice of that spacing, spread by cubic B-splines and divided by the standard deviation that
    the spline weights leave at each place, so that the variance doesn't depend on where the lattice falls.

    Parameters
    ----------
    shape : (rows, columns); any size from 1 x 1.
    length : distance of the lattice points, in pixels.
    """
    lattice_rows, down = _spline_weights(shape[0], length, draws.random_sample())
    lattice_columns, across = _spline_weights(shape[1], length, draws.random_sample())
    lattice = draws.standard_normal((lattice_rows[-1] + 4, lattice_columns[-1] + 4))
    # Four neighbours down, then four across, added one by one: no matrix product, whose rounding varies by machine.
    rows = sum(down[:, point, None] * lattice[lattice_rows + point] for point in range(4))
    field = sum(across[:, point] * rows[:, lattice_columns + point] for point in range(4))
    return field / np.outer(np.sqrt((down**2).sum(axis=1)), np.sqrt((across**2).sum(axis=1)))


def fractal_field(draws: np.random.RandomState, shape: tuple, lengths: tuple, slope: float = 1.0) -> np.ndarray:
    """Add smooth fields of several lengths, each weighted by length ** slope; mean 0, variance 1."""
    weights = np.array(lengths, dtype=float) ** slope
    weights /= np.sqrt((weights**2).sum())
    return sum(weight * smooth_field(draws, shape, length) for weight, length in zip(weights, lengths))


def _spline_weights(size: int, length: float, phase: float) -> tuple:
    """Return the first of the four lattice points around each pixel, (size,), and their weights, (size, 4)."""
    position = np.arange(size) / length + phase
    cell = np.floor(position).astype(int)
    x = position - cell
    weights = [(1 - x) ** 3, 3 * x**3 - 6 * x**2 + 4, -3 * x**3 + 3 * x**2 + 3 * x + 1, x**3]
    return cell, np.stack(weights, axis=1) / 6
