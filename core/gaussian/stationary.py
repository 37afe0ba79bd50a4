"""The stationary part of a covariance over dates, by least squares over exponential kernels."""
from __future__ import annotations

import numpy as np

# Exponential kernels whose sum is the stationary prior: from a few days to seasons, and a constant.
LENGTH_SCALES = (15.0, 40.0, 100.0, 300.0, np.inf)
RIDGE = 1e-3
PROJECTIONS = 200
LEAST_EIGENVALUE = 1e-4


class Basis:
    """The stationary part of a covariance: sum of B_q exp(-|dt| / length scale q), B_q positive definite, by least squares."""

    def __init__(self, days: tuple, parts: list):
        self.parts = parts
        self.kernels = [[np.stack([np.exp(-np.abs(one[:, None] - other) / scale) for scale in LENGTH_SCALES])
                         for other in days] for one in days]

    def stationary(self, covariance: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """The stationary covariance nearest to this one, whose entries may weigh differently."""
        coefficients = self._fitted(covariance, weights)
        out = np.empty_like(covariance)
        for v, rows in enumerate(self.parts):
            for w, columns in enumerate(self.parts):
                out[rows, columns] = np.tensordot(coefficients[:, v, w], self.kernels[v][w], 1)
        return out

    def variances(self, covariance: np.ndarray) -> np.ndarray:
        """Variances (variables, kernels) of the stationary kernel of each variable."""
        coefficients = self._fitted(covariance)
        return np.stack([coefficients[:, v, v] for v in range(len(self.parts))])

    def _fitted(self, covariance: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Coefficients (kernels, variables, variables): projected gradient descent from the unconstrained optimum."""
        count, kernels = len(self.parts), len(LENGTH_SCALES)
        right = np.empty((count, count, kernels))
        normal = np.empty((count, count, kernels, kernels))
        for v, rows in enumerate(self.parts):
            for w, columns in enumerate(self.parts):
                weight = np.ones_like(covariance[rows, columns]) if weights is None else weights[rows, columns]
                # Weights of sum one, so that one step suits all pairs of variables.
                weighted = self.kernels[v][w] * (weight / max(weight.sum(), 1e-12))
                right[v, w] = np.tensordot(weighted, covariance[rows, columns], 2)
                normal[v, w] = np.tensordot(weighted, self.kernels[v][w], ((1, 2), (1, 2))) + RIDGE * np.eye(kernels)
        found = self._projected(np.linalg.solve(normal, right[..., None])[..., 0])
        step = 1 / np.linalg.eigvalsh(normal).max()
        for _ in range(PROJECTIONS):
            found = self._projected(found - step * (np.einsum("vwqr,vwr->vwq", normal, found) - right))
        return np.moveaxis(found, 2, 0)

    @staticmethod
    def _projected(coefficients: np.ndarray) -> np.ndarray:
        matrices = np.moveaxis(coefficients, 2, 0)
        values, vectors = np.linalg.eigh((matrices + np.swapaxes(matrices, 1, 2)) / 2)
        inside = (vectors * np.maximum(values, LEAST_EIGENVALUE)[:, None]) @ np.swapaxes(vectors, 1, 2)
        return np.moveaxis(inside, 0, 2)
