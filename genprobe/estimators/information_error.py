r"""The error of I(n;z) with the examples taken as a sample of a population.

.. math::

    \psi_n = \mathbb E_{q(z|x_n)}[\log q(z|x_n) - \log q(z)] - I(n;z), \qquad
    \mathrm{se}_\mathrm{data}^2 = \frac{\mathrm{Var}(\psi)}N + \mathrm{se}^2

ψ_n is the influence of example n on I(n;z): what it adds to q(z) elsewhere integrates to a
constant, because ∫ q(z) q(z|x_n)/q(z) dz = 1. Two things keep that from being all.

Draws. A mean over a few draws of an example is noisy, and near collapse its noise is far above ψ_n.
So controls whose mean is zero for *each* example are taken off: log q(z|x_n) + H_n, and the log
density of a normal with the moments of q(z), less its expectation under q(z|x_n). What noise is
left is estimated from the draws and taken off the variance.

Neighbours. That influence is of the first order in 1/N, and holds where many posteriors overlap.
Where one meets a few others, all of them count what is lost between them, and the examples are not
independent. The jackknife leaves example n out of every q(z):

.. math::

    P_n = \psi_n + w_n - \sum_{j \ne n} g(w_j), \qquad g(w) = -\log(1 - w) - w

with w_j the share of example j in q(z) at a code of example n, by symmetry that of n at codes of j.
Its variance is no less than the true one in expectation (Efron & Stein 1981, "The jackknife
estimate of variance"), the same where many overlap, and twice that where posteriors meet in pairs.
"""

import math

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.aggregate.queries import Queries
from genprobe.estimators.control_variates import Controls
from genprobe.estimators.standard_error import cluster_means, interval_factor, noise_of
from genprobe.estimators.tail import tail_factor
from genprobe.runtime.outer_threads import outer_threads


@outer_threads()
def information_data_error(
    queries: Queries,
    error: float | None,
    controls: Controls | None = None,
    rate: Float64[Tensor, " m"] | None = None,
) -> float | None:
    """Error of I(n;z), or of R − I(n;z), with the examples as a sample; None for a single one.

    Args:
        queries: of the aggregate posterior.
        error: Monte Carlo standard error of the estimate, nats.
        controls: control variates of the queries; None for none.
        rate: (m,) of the examples queried, nats, if the error of R − I(n;z) is wanted.

    Example:
        Posteriors that do not overlap tell all there is, whatever the data.

        >>> import torch
        >>> from genprobe.testing import queries_from
        >>> apart = queries_from(torch.eye(200, dtype=torch.float64).log()[None].repeat(2, 1, 1))
        >>> information_data_error(apart, 0.0) < 1e-12
        True
    """
    terms = information_terms(queries) + beyond_first_order(queries)
    spread = spread_of_examples(
        terms, controls, rate, queries.which, queries.copies, capped=rate is None
    )
    return data_error_of(spread, error, queries.n)


def data_error_of(spread: float, error: float | None, n: int) -> float | None:
    """The variance over examples of what each adds, and the Monte Carlo error, as one error.

    Args:
        spread: the variance, nats squared.
        error: Monte Carlo standard error of the estimate, nats.
        n: number of examples.

    Example:
        >>> data_error_of(900.0, 0.0, 900)
        1.0
    """
    if error is None or not math.isfinite(spread):
        return None
    return math.hypot(math.sqrt(spread / n), error)


def information_terms(queries: Queries) -> Float64[Tensor, "draw m"]:
    """The paired log q(z|x_n) − log q(z), nats; the cap at log N / c removes rounding only.

    Example:
        >>> import torch
        >>> from genprobe.testing import queries_from
        >>> same = queries_from(torch.zeros(1, 2, 2, dtype=torch.float64))
        >>> information_terms(same)
        tensor([[0., 0.]], dtype=torch.float64)
    """
    most = math.log(queries.n) - queries.copies.log()
    return torch.minimum(queries.log_qz_x - queries.log_qz, most)


def beyond_first_order(queries: Queries) -> Float64[Tensor, "draw m"]:
    """What the jackknife adds to the terms, w − Σ g(w_j), nats.

    The shares of the others are taken as equal, as many as their entropy says.

    Example:
        Two examples that are the same, far from all others: each has half of q(z) there.

        >>> import torch
        >>> from genprobe.testing import queries_from
        >>> pair = torch.block_diag(torch.ones(2, 2), torch.eye(2)).double().log()[None]
        >>> beyond_first_order(queries_from(pair))[0]
        tensor([0.3069, 0.3069, 1.0000, 1.0000], dtype=torch.float64)
    """
    own, others = own_share(queries), neighbours(queries)
    return own - others * g_of((1 - own) / others)


def own_share(queries: Queries) -> Float64[Tensor, "draw m"]:
    """The share in q(z) of the example that each code was drawn from and its copies, at most 1."""
    return (information_terms(queries) - math.log(queries.n)).exp() * queries.copies


def g_of(share: Float64[Tensor, "draw m"]) -> Float64[Tensor, "draw m"]:
    """−log(1 − w) − w, without cancellation near 0; a share is below 1 but for rounding."""
    inside = share.clamp(max=1 - 1e-9)
    found: Tensor = (-torch.log1p(-inside) - inside).where(inside > SMALL, inside.square() / 2)
    return found


SMALL = 1e-5
"""Shares whose cube is below the rounding of float64."""


def neighbours(queries: Queries) -> Float64[Tensor, "draw m"]:
    """With how many other examples each code is confused, the exponential of their entropy, ≥ 1.

    Example:
        >>> import torch
        >>> from genprobe.testing import queries_from
        >>> found = neighbours(queries_from(torch.zeros(1, 5, 5, dtype=torch.float64)))
        >>> round(float(found[0, 0]), 6)
        4.0
    """
    own = own_share(queries)
    rest = 1 - own
    whether = torch.special.entr(own) + torch.special.entr(rest)
    which = (queries.index_entropy - whether) / rest.where(rest > 0, 1.0)
    found: Tensor = which.clamp(min=0, max=math.log(max(2, queries.n - 1))).exp()
    return found


def spread_of_examples(
    terms: Float64[Tensor, "draw m"],
    controls: Controls | None = None,
    rate: Float64[Tensor, " m"] | None = None,
    which: Int64[Tensor, " m"] | None = None,
    copies: Float64[Tensor, " m"] | float = 1.0,
    capped: bool = False,
) -> float:
    """Variance over examples of the means of terms over all draws there could be, nats squared.

    Args:
        terms: (draw, m) nats.
        controls: control variates of the queries; None for none.
        rate: (m,) what the terms are taken from, nats.
        which: (m,) the distinct example that each is; None where all differ.
        copies: (m,) how many there are of each among all N: they vary together, so that each
            counts as often in what all of them add up to.
        capped: whether nothing can be above log N; what has no cap may have a heavy tail.

    Example:
        Draws that disagree, about the same mean for every example.

        >>> import torch
        >>> spread_of_examples(torch.tensor([[1.0, 3, 2], [3, 1, 2]]).double())
        0.0
    """
    if terms.shape[1] < 2:
        return math.inf
    cleared = terms if controls is None or controls.own is None else without(terms, controls.own)
    if rate is not None:
        cleared = rate - cleared
    means = cleared.mean(0)
    squares = (means - means.mean()).square() * len(means) / (len(means) - 1)
    between = max(0.0, float(((squares - noise_of(cleared)) * copies).mean()))
    factor = interval_factor(cluster_means(means, which))
    if not capped:
        factor = max(factor, tail_factor(means))
    return between * factor**2


def without(
    terms: Float64[Tensor, "draw m"], own: Float64[Tensor, "draw m few"]
) -> Float64[Tensor, "draw m"]:
    """Terms less what controls of mean zero for each example explain of their draws.

    Args:
        terms: (draw, m) nats.
        own: (draw, m, few).
    """
    if len(terms) < 2 or own.shape[2] == 0:
        return terms
    rows = (own - own.mean(0)).flatten(0, 1)
    scale = rows.std(0, correction=0).clamp(min=torch.finfo(torch.float64).tiny)
    answers = (terms - terms.mean(0)).flatten()
    slopes = torch.linalg.lstsq(rows / scale, answers[:, None], driver="gelsd").solution
    explained: Tensor = (own / scale @ slopes).squeeze(-1)
    return terms - explained
