r"""rFID: the Fréchet distance between features of reconstructions and of their originals.

.. math::

    \mathrm{FID} = |\mu - \hat\mu|^2 + \operatorname{tr}(\Sigma + \hat\Sigma
    - 2 (\Sigma \hat\Sigma)^{1/2})

of the normals with the means and covariances of the features (Heusel et al. 2017). The features are
of the images at the first draw of every code, and of the originals of the same examples.

It is biased upwards, by about c/N with a c that differs from model to model (Chong & Forsyth 2020,
"Effectively unbiased FID", arXiv:1911.07023), so that it compares only at the same N.
``rfid_limit`` takes off the term of 1/N: with the mean of the FIDs of two halves of the examples it
is 2 FID_N − FID_{N/2}, their line over 1/N at its end. Neither has an error: none is known that
would hold its level.
"""

import math

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe import Estimate, estimator
from genprobe.errors import UnavailableError
from genprobe_images.rows import SECTION

FEWEST = 2
UNKNOWN = "no error is known that would hold its level"

Features = Float64[Tensor, "features n"]


@estimator(
    label="rFID",
    heading="rFID",
    section=SECTION,
    meaning="the Fréchet distance between features of reconstructions and originals, biased "
    "upwards at a finite number of images",
    unit="squared features",
    better="smaller",
)
def rfid(rfid_features: Features) -> Estimate:
    """The Fréchet distance at this number of examples, in squared units of the features.

    Args:
        rfid_features: (2 F, n) features of originals, then of reconstructions.

    Raises:
        UnavailableError: for fewer examples than the distance needs.
    """
    n, dimensions = rfid_features.shape[1], len(rfid_features) // 2
    require_enough(n, FEWEST)
    short = "" if n > dimensions else f"; only {n} images for {dimensions} features"
    return Estimate(
        name="rfid",
        value=distance(rfid_features),
        se=None,
        se_data=None,
        kind="estimate",
        unit="squared features",
        n=n,
        remark=f"{UNKNOWN}; biased upwards by about c/N, compare at this N{short}",
    )


@estimator(
    label="rFID for N → ∞",
    heading="rFID, N=∞",
    section=SECTION,
    meaning="rFID less its bias of order 1/N, from two halves of the images",
    unit="squared features",
    better="smaller",
)
def rfid_limit(rfid_features: Features) -> Estimate:
    """2 FID_N − FID_{N/2}: the Fréchet distance without its bias of order 1/N.

    Args:
        rfid_features: (2 F, n) features of originals, then of reconstructions.

    Raises:
        UnavailableError: if halves of the examples are no more than there are features: the bias
            does not yet fall as 1/N.
    """
    n, dimensions = rfid_features.shape[1], len(rfid_features) // 2
    require_enough(n, 2 * dimensions + 2)
    # Every other one: data often come class by class.
    halves = [distance(rfid_features[:, first::2]) for first in (0, 1)]
    return Estimate(
        name="rfid_limit",
        value=2 * distance(rfid_features) - sum(halves) / 2,
        se=None,
        se_data=None,
        kind="estimate",
        unit="squared features",
        n=n,
        remark=UNKNOWN,
    )


def require_enough(n: int, fewest: int) -> None:
    """Check the number of examples.

    Raises:
        UnavailableError: if they are fewer than needed.
    """
    if n < fewest:
        raise UnavailableError(f"It takes {fewest} images or more, and there are {n}.")


def distance(pair: Features) -> float:
    """The Fréchet distance of the two halves of the rows.

    Args:
        pair: (2 F, n) features of the one, then of the other.

    Example:
        >>> a = torch.tensor([[1.0, 3.0]]).double()
        >>> round(distance(torch.cat([a, 2 * a])), 9)
        6.0
    """
    one, other = pair.chunk(2)
    first, second = torch.cov(one).reshape(len(one), -1), torch.cov(other).reshape(len(one), -1)
    # tr (Σ Σ̂)^½ = tr (Σ^½ Σ̂ Σ^½)^½, which is symmetric.
    values, vectors = torch.linalg.eigh(first)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ second @ root).clamp_min(0).sqrt().sum()
    apart = (one.mean(1) - other.mean(1)).square().sum()
    found = float(apart + first.trace() + second.trace() - 2 * cross)
    return max(0.0, found) if math.isfinite(found) else found
