r"""Mutual information of the example's index n and its code z.

.. math::

    I(n;z) = \log N - \mathbb E_{q(z)} H[q(n|z)], \qquad
    q(n|z) = \frac{q(z|x_n)}{\sum_j q(z|x_j)}

An estimate of the finite-N quantity, not of I(X;Z) of the population. It equals
E[log q(z|x_n) − log q(z)] (Hoffman & Johnson 2016, "ELBO surgery", eq. 12). The expectation over n
given z is taken in full, over all N examples, not at the one that z was drawn from: the
Rao-Blackwellised form of that paired estimator (Casella & Robert 1996), with several times less
variance. Every term lies between 0 and log N, and so does the mean. Control variates reduce the
error further.
"""

import math

from jaxtyping import Float64
from torch import Tensor

from genprobe.aggregate.queries import Queries
from genprobe.estimators.control_variates import Controls, reduced
from genprobe.estimators.standard_error import data_error, within_error
from genprobe.report import Estimate


def mutual_information(queries: Queries, controls: Controls | None = None) -> Estimate:
    """The index-code mutual information, nats.

    Args:
        queries: of the aggregate posterior.
        controls: control variates of the queries; None for none.

    Example:
        Four posteriors that do not overlap: a code tells its example for certain.

        >>> import torch
        >>> from genprobe.testing import queries_from
        >>> apart = queries_from(torch.eye(4, dtype=torch.float64).log()[None])
        >>> mutual_information(apart).value == math.log(4)
        True
    """
    log_n = math.log(queries.n)
    values, error = reduced(log_n - queries.index_entropy, controls, queries.n)
    terms = information_terms(queries)
    return Estimate(
        name="mutual_information",
        value=min(max(0.0, float(values.mean())), log_n),
        se=error,
        se_data=information_data_error(terms, error, queries.n),
        kind="estimate",
        n=terms.shape[1],
    )


def information_terms(queries: Queries) -> Float64[Tensor, "draw m"]:
    """The paired log q(z|x_n) − log q(z), nats; the cap at log N removes rounding only.

    Example:
        >>> import torch
        >>> from genprobe.testing import queries_from
        >>> same = queries_from(torch.zeros(1, 2, 2, dtype=torch.float64))
        >>> information_terms(same)
        tensor([[0., 0.]], dtype=torch.float64)
    """
    return (queries.log_qz_x - queries.log_qz).clamp(max=math.log(queries.n))


def information_data_error(
    terms: Float64[Tensor, "draw m"], error: float | None, n: int
) -> float | None:
    """Error with the examples as a sample: the terms' spread over examples, the estimate's error.

    The influence of example n on I is its own mean term: what it adds to q(z) elsewhere integrates
    to a constant, because ∫ q(z) q(z|x_n)/q(z) dz = 1.

    Args:
        terms: (draw, m) as they are, nats.
        error: Monte Carlo standard error of the estimate, nats.
        n: number of examples.

    Example:
        >>> import torch
        >>> information_data_error(torch.tensor([[0.0, 2.0], [0.0, 2.0]]).double(), 0.0, 2)
        1.0
    """
    spread, plain = data_error(terms, n), within_error(terms, n)
    if spread is None or plain is None or error is None:
        return None
    return math.sqrt(max(0.0, spread**2 - plain**2) + error**2)
