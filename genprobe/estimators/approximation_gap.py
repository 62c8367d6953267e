r"""Approximation gap: the nats that the family of posteriors loses, however good the encoder.

.. math::

    \frac1M \sum_n \log p(x_n) - L_n[q^*]

An estimate and no bound: log p(x) is bounded from below and L[q*] is as well. The bias of the
logarithm of a mean over C chains, about V/2C, is taken off by the jackknife. Another family can get
these nats: a full covariance, a flow. Cremer, Li & Duvenaud (2018), "Inference suboptimality in
variational autoencoders".
"""

from genprobe.estimators.annealing import Annealing, Terms
from genprobe.estimators.iwae_bound import iwae_bounds, jackknife_bias, jackknife_variance
from genprobe.estimators.standard_error import noise_of
from genprobe.report import Estimate


def approximation_gap(annealing: Annealing) -> Estimate:
    """What the family of posteriors loses, nats per example.

    Args:
        annealing: of some examples.

    Example:
        >>> import torch
        >>> from genprobe.estimators.annealing import Annealing, Terms
        >>> exact = torch.full((4, 3), -5.0).double()
        >>> some = Annealing(n=3, log_weight=exact, elbo=exact - 3, best_elbo=exact - 1)
        >>> approximation_gap(some).value
        1.0
    """
    return annealing.of_all("approximation_gap", family_terms(annealing), kind="estimate")


def family_terms(annealing: Annealing) -> Terms:
    """What the approximation gap is the mean of, and what that errs by.

    Args:
        annealing: of some examples.
    """
    weights, best = annealing.log_weight, annealing.best_elbo
    return Terms(
        jackknife_bias(weights) - iwae_bounds(weights) - best.mean(0),
        jackknife_variance(weights) + noise_of(best),
        min(len(weights), len(best)),
    )
