"""How the errors of rate and distortion go together."""

from genprobe.report import Estimate


def covariance(
    rate: Estimate, distortion: Estimate, elbo: Estimate
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The covariance matrix of the errors of (R, D) over examples, nats squared.

    It follows from the error of the ELBO: Var(R + D) = Var R + Var D + 2 Cov(R, D), about, because
    each error is widened by its own skewness; the correlation is kept within ±1.
    """
    r, d, both = ((e.se_data or 0.0) ** 2 for e in (rate, distortion, elbo))
    most = (r * d) ** 0.5
    between = min(most, max(-most, (both - r - d) / 2))
    return (r, between), (between, d)
