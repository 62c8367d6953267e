r"""Multinomial logistic regression on the features φ(z), fitted to draws of the codes.

.. math::

    \log r(y|z) = w_y \cdot \varphi(z) - \log \sum_c \exp(w_c \cdot \varphi(z))

It minimises the log loss and half the squared norm of the weights (a standard normal prior of them,
scikit-learn's default), in features that are made uncorrelated first. Found by L-BFGS (Liu &
Nocedal 1989), by scipy.
"""

from functools import partial

import numpy as np
import scipy.optimize
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

ITERATIONS = 60
TOLERANCE = 1e-6
FLOOR = 1e-8
"""Of the largest variance: directions of less are left out."""


def logistic(
    phi: Float64[Tensor, "m f"], values: Int64[Tensor, " m"], start: Float64[Tensor, "f c"]
) -> Float64[Tensor, "f c"]:
    """Weights (f, c) of the features.

    Args:
        phi: (m, f) features, the first of which is 1.
        values: (m,) classes.
        start: (f, c) weights to begin with.

    Example:
        >>> z = torch.tensor([-2.0, -1.0, 1.0, 2.0]).double()
        >>> phi = torch.stack([torch.ones_like(z), z], 1)
        >>> weights = logistic(phi, torch.tensor([0, 0, 1, 1]), torch.zeros(2, 2).double())
        >>> (phi @ weights).argmax(1).tolist()
        [0, 0, 1, 1]
    """
    centre, back, turn = whitening(phi)
    white = torch.cat([phi[:, :1], (phi[:, 1:] - centre) @ turn], 1).float()
    before = torch.cat([start[:1] + centre @ start[1:], back @ start[1:]])
    found = scipy.optimize.minimize(
        partial(log_loss, white, values),
        before.flatten().numpy(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": ITERATIONS, "maxcor": 20, "ftol": TOLERANCE, "gtol": TOLERANCE},
    )
    weights = torch.from_numpy(found.x).view(before.shape)
    slopes = turn @ weights[1:]
    return torch.cat([weights[:1] - centre @ slopes, slopes])


def whitening(phi: Float64[Tensor, "m f"]) -> tuple[Tensor, Tensor, Tensor]:
    """The mean of the features but the first, and weights to and from uncorrelated ones."""
    centre = phi[:, 1:].mean(0)
    varied = phi[:, 1:] - centre
    variance, directions = torch.linalg.eigh(varied.T @ varied / len(phi))
    kept = variance > FLOOR * variance.max().clamp(min=FLOOR)
    spread = variance[kept].sqrt()
    return centre, (directions[:, kept] * spread).T, directions[:, kept] / spread


def log_loss(
    white: Float32[Tensor, "m f"], values: Int64[Tensor, " m"], flat: np.ndarray
) -> tuple[float, np.ndarray]:
    """The loss and its gradient, both a share of the number of examples.

    Args:
        white: (m, f) features, uncorrelated but for the first, which is 1. Float32 is enough for
            sums of so many.
        values: (m,) classes.
        flat: (f · c,) weights.
    """
    weights = torch.from_numpy(flat).view(white.shape[1], -1)
    logs = (white @ weights.float()).log_softmax(1)
    own = values[:, None]
    fit = -float(logs.gather(1, own).sum(dtype=torch.float64))
    residual = logs.exp_().scatter_add_(1, own, torch.full_like(logs[:, :1], -1.0))
    slope = (white.T @ residual).double()
    slope[1:] += weights[1:]
    penalty = float(weights[1:].square().sum()) / 2
    return (fit + penalty) / len(white), (slope / len(white)).flatten().numpy()
