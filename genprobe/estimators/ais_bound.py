r"""AIS bound: the upper bound on the negative log-likelihood by annealed importance sampling.

.. math::

    -\frac1M \sum_n \mathbb E \log \frac1C \sum_{c=1}^C w_{nc} \ge -\frac1M \sum_n \log p(x_n),
    \qquad \mathbb E\, w_{nc} = p(x_n)

with C chains of an example, each from the best posterior of the family to the true one. An upper
bound on the negative log-likelihood, which it exceeds by about V/2C, V the variance of log w; far
tighter than the IWAE bound with as many evaluations of the decoder. It does not see a mode of the
posterior that no chain visits. Neal (2001), "Annealed importance sampling"; Wu et al. (2017), "On
the quantitative analysis of decoder-based generative models".

The chains are of M examples drawn at random from the N, of all of which R + D is known. The Monte
Carlo error has what that leaves open, and the jackknife over chains.
"""

from jaxtyping import Float64
from torch import Tensor

from genprobe.estimators.annealing import Annealing, Terms, beside_of
from genprobe.estimators.iwae_bound import iwae_bounds, jackknife_variance
from genprobe.report import Estimate


def ais_bound(
    annealing: Annealing,
    rate: Float64[Tensor, "ratedraw n"] | None = None,
    rate_analytic: bool = False,
    distortion: Float64[Tensor, "draw n"] | None = None,
) -> Estimate:
    """The bound on −log p(x) by annealed importance sampling, nats per example.

    Args:
        annealing: of some examples.
        rate: (draw, n) nats of all examples.
        rate_analytic: whether that is a closed form.
        distortion: (draw, n) nats of all examples.

    Example:
        Where the posterior is of the family every weight is p(x), and the bound is exact.

        >>> import torch
        >>> from genprobe.estimators.annealing import Annealing
        >>> exact = torch.full((4, 3), -5.0).double()
        >>> some = Annealing(n=3, log_weight=exact, elbo=exact - 3, best_elbo=exact - 1)
        >>> ais_bound(some).value
        5.0
    """
    beside = None
    if rate_analytic and rate is not None and distortion is not None:
        beside = beside_of(annealing, rate, distortion)
    return annealing.of_all("ais_bound", bound_terms(annealing), kind="upper", beside=beside)


def bound_terms(annealing: Annealing) -> Terms:
    """What the bound is the mean of, and what that errs by.

    Args:
        annealing: of some examples.
    """
    weights = annealing.log_weight
    return Terms(iwae_bounds(weights), jackknife_variance(weights), len(weights))
