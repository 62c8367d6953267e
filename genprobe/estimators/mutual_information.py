"""I(n;z) = log N − E_{q(z)} H[q(n|z)]: how much the code tells which example it came from.

It is E_{q(n,z)}[log q(z|x_n) − log q(z)] (Hoffman & Johnson 2016, "ELBO surgery", eq. 12) with the
expectation over n given z taken in full, over all N examples, not at the one that z was drawn from:
the Rao-Blackwellised form of the paired estimator (Casella & Robert 1996), with several times less
variance. Every term lies between 0 and log N, and so does the mean. Control variates reduce the
error further. It estimates the finite-N quantity, not I(X;Z) of the population.
"""

import math

from jaxtyping import Float64
from torch import Tensor

from genprobe.estimators.control_variates import Controls, reduced
from genprobe.estimators.standard_error import data_error, within_error
from genprobe.report import Estimate


def mutual_information(
    index_entropy: Float64[Tensor, "draw m"],
    log_qz_x: Float64[Tensor, "draw m"],
    log_qz: Float64[Tensor, "draw m"],
    controls: Controls | None,
    n: int,
) -> Estimate:
    """The index-code mutual information, nats.

    Args:
        index_entropy: (draw, m) H[q(n|z)] at each query.
        log_qz_x: (draw, m) log q(z|x_n) of each query under its own example.
        log_qz: (draw, m) log of the aggregate posterior.
        controls: of the queries; None for none.
        n: number of examples; the m were taken from them without replacement.
    """
    terms = information_terms(log_qz_x, log_qz, n)
    values, error = reduced(math.log(n) - index_entropy, controls, n)
    return Estimate(
        name="mutual_information",
        value=min(max(0.0, float(values.mean())), math.log(n)),
        se=error,
        se_data=information_data_error(terms, error, n),
        kind="estimate",
        n=terms.shape[1],
    )


def information_terms(
    log_qz_x: Float64[Tensor, "draw m"], log_qz: Float64[Tensor, "draw m"], n: int
) -> Float64[Tensor, "draw m"]:
    """The paired log q(z|x_n) − log q(z), nats; the cap at log N removes rounding only."""
    return (log_qz_x - log_qz).clamp(max=math.log(n))


def information_data_error(
    terms: Float64[Tensor, "draw m"], error: float | None, n: int
) -> float | None:
    """Error with the examples as a sample: the terms' spread over examples, the estimate's error.

    The influence of example n on I is its own mean term: what it adds to q(z) elsewhere integrates
    to a constant, because ∫ q(z) q(z|x_n)/q(z) dz = 1.

    Args:
        terms: (draw, m) as they are.
        error: Monte Carlo standard error of the estimate.
        n: number of examples.
    """
    spread, plain = data_error(terms, n), within_error(terms, n)
    if spread is None or plain is None or error is None:
        return None
    return math.sqrt(max(0.0, spread**2 - plain**2) + error**2)
