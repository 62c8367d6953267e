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
from jaxtyping import Float64
from torch import Tensor

from genprobe.labels.features import Features, pairs_of

RIDGE = 1e-6
"""Of the total variance of a dimension, added to every covariance."""


@dataclass(frozen=True, eq=False)
class ClassSums:
    """Sums of expected features over the examples of each class.

    Attributes:
        sums: (c, f).
        k: dimensions of z.
        full: as in ``Features``.
    """

    sums: Float64[Tensor, "c f"]
    k: int
    full: bool

    @property
    def counts(self) -> Float64[Tensor, " c"]:
        """Examples of each class."""
        return self.sums[:, 0]


def class_sums(
    features: Features, one_hot: Float64[Tensor, "m c"], kept: Tensor | slice = slice(None)
) -> ClassSums:
    """Sums by class of some examples.

    Args:
        features: of all.
        one_hot: (m, c) their classes.
        kept: which of them.
    """
    return ClassSums(one_hot[kept].T @ features.expected[kept], features.k, features.full)


def log_prior(counts: Float64[Tensor, " c"]) -> Float64[Tensor, " c"]:
    """The log frequency of each class, with half an example more of each."""
    return ((counts + 0.5) / (counts + 0.5).sum()).log()


def frequencies_only(sums: ClassSums) -> Float64[Tensor, "f c"]:
    """Weights of the classes' frequencies alone, whatever z is."""
    weights = torch.zeros_like(sums.sums.T)
    weights[0] = log_prior(sums.counts)
    return weights


def moments_by_class(sums: ClassSums) -> tuple[Tensor, Tensor, Tensor]:
    """Means (c, k), second moments (c, k, k) or (c, k), and the covariance within all classes."""
    counts, k = sums.counts, sums.k
    everything = sums.sums.sum(0)
    weight = counts[:, None].clamp(min=1)
    absent = counts[:, None] == 0
    each = (sums.sums / weight).where(~absent, everything / counts.sum())
    mean, second = each[:, 1 : 1 + k], unpacked(each[:, 1 + k :], k, sums.full)
    covariance = second - squares(mean, sums.full)
    share = (counts / counts.sum()).view(-1, *[1] * (covariance.dim() - 1))
    freedom = counts.sum() / (counts.sum() - (counts > 0).sum()).clamp(min=1)
    return mean, covariance, (share * covariance).sum(0) * freedom


def squares(mean: Float64[Tensor, "c k"], full: bool) -> Tensor:
    """Products of means (c, k, k), or squares (c, k)."""
    return mean[:, :, None] * mean[:, None] if full else mean.square()


def unpacked(packed: Float64[Tensor, "c p"], k: int, full: bool) -> Tensor:
    """Symmetric matrices (c, k, k) from each pair once; squares (c, k) as they are."""
    if not full:
        return packed
    rows, columns = pairs_of(k)
    found = packed.new_zeros(len(packed), k, k)
    found[:, rows, columns] = packed
    found[:, columns, rows] = packed
    return found


def linear(sums: ClassSums) -> Float64[Tensor, "f c"]:
    """Weights of the linear discriminant.

    Args:
        sums: of the examples that it is fitted to.
    """
    mean, _, within = moments_by_class(sums)
    return weights_of(sums, mean, within.expand(len(mean), *within.shape), shared=True)


def quadratic(sums: ClassSums) -> Float64[Tensor, "f c"]:
    """Weights of the quadratic discriminant.

    Args:
        sums: of the examples that it is fitted to.
    """
    mean, covariance, within = moments_by_class(sums)
    few = sums.k + 2.0 if sums.full else 4.0
    lean = (few / (sums.counts + few)).view(-1, *[1] * (covariance.dim() - 1))
    return weights_of(sums, mean, (1 - lean) * covariance + lean * within, shared=False)


def weights_of(sums: ClassSums, mean: Tensor, covariance: Tensor, *, shared: bool) -> Tensor:
    """Weights of the features for normals of these moments."""
    k, full = sums.k, sums.full
    if full:
        wider = covariance + RIDGE * torch.eye(k, dtype=torch.float64)
        factor = torch.linalg.cholesky(wider[:1] if shared else wider)
        precision = torch.cholesky_inverse(factor).expand(len(mean), k, k)
        log_det = 2 * factor.diagonal(dim1=1, dim2=2).log().sum(1)
        slope = (precision @ mean[:, :, None])[:, :, 0]
    else:
        precision = 1 / (covariance + RIDGE)
        log_det = -precision.log().sum(1)
        slope = precision * mean
    constant = log_prior(sums.counts) - ((slope * mean).sum(1) + log_det) / 2
    weights = torch.zeros_like(sums.sums)
    weights[:, 0], weights[:, 1 : 1 + k] = constant, slope
    if not shared:
        weights[:, 1 + k :] = -packed(precision) / 2 if full else -precision / 2
    return weights.T


def packed(matrices: Float64[Tensor, "c k k"]) -> Float64[Tensor, "c p"]:
    """Each pair of a symmetric matrix once, with twice the entry off the diagonal."""
    rows, columns = pairs_of(matrices.shape[1])
    return matrices[:, rows, columns] * torch.where(rows == columns, 1.0, 2.0)
