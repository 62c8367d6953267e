r"""Inference gap: the nats of −ELBO that inference loses, whoever is at fault.

.. math::

    \frac1M \sum_n \log p(x_n) - L_n[q]
    = \frac1M \sum_n \mathrm{KL}\big(q(z|x_n) \,\|\, p(z|x_n)\big)

A lower bound: annealing bounds log p(x) from below, and the ELBO of the encoder's posterior is
estimated without bias. It is the sum of the approximation gap and the amortisation gap. Cremer, Li
& Duvenaud (2018), "Inference suboptimality in variational autoencoders".
"""

from genprobe.estimators.annealing import Annealing, Terms
from genprobe.estimators.iwae_bound import iwae_bounds, jackknife_variance
from genprobe.estimators.standard_error import noise_of
from genprobe.report import Estimate


def inference_gap(annealing: Annealing) -> Estimate:
    """What inference loses of log p(x), at least, nats per example.

    Args:
        annealing: of some examples.

    Example:
        >>> import torch
        >>> from genprobe.estimators.annealing import Annealing, Terms
        >>> exact = torch.full((4, 3), -5.0).double()
        >>> some = Annealing(n=3, log_weight=exact, elbo=exact - 3, best_elbo=exact - 1)
        >>> inference_gap(some).value
        3.0
    """
    return annealing.of_all("inference_gap", gap_terms(annealing), kind="lower")


def gap_terms(annealing: Annealing) -> Terms:
    """What the inference gap is the mean of, and what that errs by.

    Args:
        annealing: of some examples.
    """
    weights, elbo = annealing.log_weight, annealing.elbo
    return Terms(
        -iwae_bounds(weights) - elbo.mean(0),
        jackknife_variance(weights) + noise_of(elbo),
        min(len(weights), len(elbo)),
    )
