"""The linear model of coregionalisation: several variables as mixtures of smooth processes of different length.

    f_p(t) = sum_q  a process with covariance B_q[p, p'] k_q(|t - t'|),     B_q = W_q W_q' + diag(kappa_q)
    k_q(r) = (1 + sqrt(3) r / length_scale_q) exp(-sqrt(3) r / length_scale_q)              (Matern, smoothness 3/2)
    y_p(t) = f_p(t) + white noise of variance noise_p

Sources: Alvarez, Rosasco & Lawrence 2012, Kernels for Vector-Valued Functions, section 4; Pipia et al. 2019 (multi-output
Gaussian processes for Sentinel-1 and -2). The variance of a kernel and the size of its B_q are one quantity, so kernels
have variance 1 here. Values are standardised beforehand (`observations`).
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError

# Added to every noise variance (of standardised values), so that the likelihood stays finite where noise vanishes.
JITTER = 1e-8


@dataclass(frozen=True)
class Coregionalisation:
    """Hyper-parameters of the model for P outputs and Q terms, in units of standardised values.

    Attributes
    ----------
    length_scale : (Q,) array
        Days.
    weights : (Q, P) array
        W: how much each output takes of what all outputs share in a term. The sign of a row is free.
    kappa : (Q, P) array
        Variance of what an output has of its own in a term.
    noise : (P,) array
        Variance of white noise.
    """

    length_scale: np.ndarray
    weights: np.ndarray
    kappa: np.ndarray
    noise: np.ndarray

    def __post_init__(self):
        for name in ("length_scale", "weights", "kappa", "noise"):
            object.__setattr__(self, name, np.array(getattr(self, name), float))
        if self.weights.shape != self.kappa.shape or self.weights.shape != (self.terms, self.outputs):
            raise InputError(f"Hyper-parameters of {self.terms} terms and {self.outputs} outputs need weights and kappa of "
                             f"that shape, found {self.weights.shape} and {self.kappa.shape}.")
        everything = np.concatenate([self.length_scale, self.weights.ravel(), self.kappa.ravel(), self.noise])
        if not np.isfinite(everything).all() or (self.length_scale <= 0).any() or min(self.kappa.min(), self.noise.min()) < 0:
            raise InputError("Length-scales must be positive, kappa and noise not negative, and all of them finite.")

    @property
    def outputs(self) -> int:
        """Number of variables, P."""
        return len(self.noise)

    @property
    def terms(self) -> int:
        """Number of kernels, Q."""
        return len(self.length_scale)

    def matrices(self):
        """B_q of every term, (Q, P, P)."""
        return np.einsum("qi,qj->qij", self.weights, self.weights) + np.einsum("qi,ij->qij", self.kappa,
                                                                               np.eye(self.outputs))

    def vector(self):
        """Parameters free of constraints, (Q (2 P + 1) + P,): W, roots of kappa, log length-scales, roots of noise.

        Roots rather than logarithms: variances that vanish are common, and a root reaches zero in a few steps.
        """
        return np.concatenate([self.weights.ravel(), np.sqrt(self.kappa).ravel(), np.log(self.length_scale),
                               np.sqrt(self.noise)])

    @staticmethod
    def from_vector(vector, terms, outputs) -> Coregionalisation:
        """The hyper-parameters that `vector` wrote; signs of roots do not matter."""
        size = terms * outputs
        weights, kappa, length_scale, noise = np.split(np.asarray(vector, float), [size, 2 * size, 2 * size + terms])
        shape = (terms, outputs)
        return Coregionalisation(np.exp(length_scale), weights.reshape(shape), kappa.reshape(shape) ** 2, noise**2)

    def to_dict(self) -> dict:
        """Plain lists, for a journal."""
        return {name: getattr(self, name).tolist() for name in ("length_scale", "weights", "kappa", "noise")}

    @staticmethod
    def from_dict(plain: dict) -> Coregionalisation:
        """The hyper-parameters that `to_dict` wrote, bit for bit."""
        return Coregionalisation(**plain)


def matern(distance, length_scale):
    """Correlation of a Matern process of smoothness 3/2 (Rasmussen & Williams 2006, equation 4.17)."""
    scaled = np.sqrt(3.0) * np.abs(distance) / length_scale
    return (1.0 + scaled) * np.exp(-scaled)
