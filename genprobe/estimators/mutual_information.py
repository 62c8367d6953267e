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
from dataclasses import replace

from genprobe.aggregate.queries import Queries
from genprobe.estimators.control_variates import Controls, reduced
from genprobe.estimators.information_error import information_data_error
from genprobe.report import Estimate
from genprobe.runtime.outer_threads import outer_threads


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
    found = index_information(queries, controls)
    return replace(found, se_data=information_data_error(queries, found.se, controls))


@outer_threads()
def index_information(queries: Queries, controls: Controls | None = None) -> Estimate:
    """The same without its error over the data, for what needs the value and Monte Carlo error.

    Args:
        queries: of the aggregate posterior.
        controls: control variates of the queries; None for none.

    Example:
        >>> import torch
        >>> from genprobe.testing import queries_from
        >>> index_information(queries_from(torch.zeros(1, 4, 4, dtype=torch.float64))).value
        0.0
    """
    values, error = reduced(queries.cap - queries.index_entropy, controls, queries.n)
    value = min(max(0.0, float(values.mean())), queries.cap)
    if error is not None:
        error = math.hypot(error, unseen_error(value, queries))
    return Estimate(
        name="mutual_information",
        value=value,
        se=error,
        se_data=None,
        kind="estimate",
        n=len(queries.index),
    )


def unseen_error(value: float, queries: Queries) -> float:
    """What one more query between two posteriors would have changed, nats.

    Near the cap all that I(n;z) lacks of log N lies where posteriors meet, and few queries fall
    there, or none: their spread says nothing of what they missed. A code halfway between two
    examples leaves log 2 open, and never more than I(n;z) itself is lost. Codes that are certain,
    of probability 1, have no other draws, and nothing is unseen once all examples are taken.

    Args:
        value: I(n;z), nats.
        queries: of the aggregate posterior.

    Example:
        Four queries of posteriors that do not overlap, of density e, and no example left out.

        >>> import torch
        >>> from genprobe.testing import queries_from
        >>> apart = queries_from(1 + torch.eye(4, dtype=torch.float64).log()[None])
        >>> unseen_error(math.log(4), apart) == math.log(2) / 4
        True
    """
    m = len(queries.index)
    if m == queries.n and not queries.log_qz_x.any():
        return 0.0
    share = (1 - m / queries.n) / m**2 + 1 / len(queries) ** 2
    return min(math.log(2), value) * math.sqrt(share)
