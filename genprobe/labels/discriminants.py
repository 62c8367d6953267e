r"""Linear and quadratic discriminants: normals of each class, from the moments of posteriors.

.. math::

    \log r(y|z) = \log \pi_y + \log N(z; m_y, S_y) + \text{const}

With one covariance S for all classes it is linear in z, with one a class quadratic (Fisher 1936;
Smith 1947). Means and covariances are those of the mixture of the posteriors of a class, in closed
form. Every candidate is a matrix of weights of the features φ(z), a column a class. The covariance
of a class leans on the one within all classes where the class has few examples.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.labels.features import Features, pairs_of

RIDGE = 1e-6
"""Of the total variance of a dimension, added to every covariance."""


@dataclass(frozen=True, eq=False)
class ClassSums:
    """Sums of expected features over the examples of each class, of one fit or of several.

    Attributes:
        sums: (c, f), or (fit, c, f).
        k: dimensions of z.
        full: as in ``Features``.
    """

    sums: Float64[Tensor, "*fit c f"]
    k: int
    full: bool

    @property
    def counts(self) -> Float64[Tensor, "*fit c"]:
        """Examples of each class."""
        return self.sums[..., 0]


def class_sums(
    features: Features, values: Int64[Tensor, " m"], classes: int
) -> Float64[Tensor, "c f"]:
    """Sums of expected features by class.

    Args:
        features: of the examples.
        values: (m,) their classes.
        classes: how many there are.
    """
    found = features.expected.new_zeros(classes, features.expected.shape[1])
    return found.index_add_(0, values, features.expected)


def log_prior(counts: Float64[Tensor, "*fit c"]) -> Float64[Tensor, "*fit c"]:
    """The log frequency of each class, with half an example more of each."""
    return ((counts + 0.5) / (counts + 0.5).sum(-1, keepdim=True)).log()


def frequencies_only(sums: ClassSums) -> Float64[Tensor, "*fit f c"]:
    """Weights of the classes' frequencies alone, whatever z is."""
    weights = torch.zeros_like(sums.sums)
    weights[..., 0] = log_prior(sums.counts)
    return weights.mT


def moments_by_class(sums: ClassSums) -> tuple[Tensor, Tensor, Tensor]:
    """Means and covariances of each class, and the covariance within all classes (1, ...).

    Means are (*fit, c, k), covariances (*fit, c, k, k), or variances (*fit, c, k).
    """
    counts, k = sums.counts[..., None], sums.k
    total = counts.sum(-2, keepdim=True)
    everything = sums.sums.sum(-2, keepdim=True) / total
    each = (sums.sums / counts.clamp(min=1)).where(counts > 0, everything)
    mean, second = each[..., 1 : 1 + k], unpacked(each[..., 1 + k :], k, sums.full)
    covariance = second - squares(mean, sums.full)
    freedom = (total - (counts > 0).sum(-2, keepdim=True)).clamp(min=1)
    share = counts / freedom
    share = share[..., None] if sums.full else share
    return mean, covariance, (share * covariance).sum(-3 if sums.full else -2, keepdim=True)


def squares(mean: Float64[Tensor, "*fit c k"], full: bool) -> Tensor:
    """Products of means (*fit, c, k, k), or squares (*fit, c, k)."""
    return mean[..., :, None] * mean[..., None, :] if full else mean.square()


def unpacked(packed: Float64[Tensor, "*fit c p"], k: int, full: bool) -> Tensor:
    """Symmetric matrices (*fit, c, k, k) from each pair once; squares (*fit, c, k) as they are."""
    if not full:
        return packed
    rows, columns = pairs_of(k)
    found = packed.new_zeros(*packed.shape[:-1], k, k)
    found[..., rows, columns] = packed
    found[..., columns, rows] = packed
    return found


def linear(sums: ClassSums) -> Float64[Tensor, "*fit f c"]:
    """Weights of the linear discriminant.

    Args:
        sums: of the examples that it is fitted to.
    """
    mean, _, within = moments_by_class(sums)
    return weights_of(sums, mean, within, shared=True)


def quadratic(sums: ClassSums) -> Float64[Tensor, "*fit f c"]:
    """Weights of the quadratic discriminant.

    Args:
        sums: of the examples that it is fitted to.
    """
    mean, covariance, within = moments_by_class(sums)
    few = sums.k + 2.0 if sums.full else 4.0
    lean = (few / (sums.counts + few))[..., None]
    lean = lean[..., None] if sums.full else lean
    return weights_of(sums, mean, (1 - lean) * covariance + lean * within, shared=False)


def weights_of(sums: ClassSums, mean: Tensor, covariance: Tensor, *, shared: bool) -> Tensor:
    """Weights of the features for normals of these moments."""
    k, full = sums.k, sums.full
    if full:
        factor = torch.linalg.cholesky(covariance + RIDGE * torch.eye(k, dtype=torch.float64))
        precision = torch.cholesky_inverse(factor)
        log_det = 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        slope = (precision @ mean[..., None])[..., 0]
    else:
        precision = 1 / (covariance + RIDGE)
        log_det = -precision.log().sum(-1)
        slope = precision * mean
    weights = torch.zeros_like(sums.sums)
    weights[..., 0] = log_prior(sums.counts) - ((slope * mean).sum(-1) + log_det) / 2
    weights[..., 1 : 1 + k] = slope
    if not shared:
        weights[..., 1 + k :] = -packed(precision) / 2 if full else -precision / 2
    return weights.mT


def packed(matrices: Float64[Tensor, "*fit c k k"]) -> Float64[Tensor, "*fit c p"]:
    """Each pair of a symmetric matrix once, with twice the entry off the diagonal."""
    rows, columns = pairs_of(matrices.shape[-1])
    return matrices[..., rows, columns] * torch.where(rows == columns, 1.0, 2.0)
