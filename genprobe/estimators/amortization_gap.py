r"""Amortisation gap: the nats that the encoder loses against the best posterior of its family.

.. math::

    \frac1M \sum_n L_n[q^*] - L_n[q],
    \qquad q^* = \arg\max_{q' \in \text{family}} L_n[q'] \text{ for each } x_n \text{ by itself}

A lower bound: q* is found by gradient steps on the parameters of each posterior and may not be the
best, but what it gains is there. Both ELBOs are of fresh draws that the steps did not see, and of
the same noise, so most of their errors cancels. A bigger encoder, or steps at test time, can get
it. Cremer, Li & Duvenaud (2018), "Inference suboptimality in variational autoencoders".
"""

from genprobe.estimators.annealing import Annealing, Terms
from genprobe.estimators.standard_error import noise_of
from genprobe.report import Estimate


def amortization_gap(annealing: Annealing) -> Estimate:
    """What the encoder loses against the best posterior of its family, at least, nats per example.

    Args:
        annealing: of some examples.

    Example:
        >>> import torch
        >>> from genprobe.estimators.annealing import Annealing, Terms
        >>> exact = torch.full((4, 3), -5.0).double()
        >>> some = Annealing(n=3, log_weight=exact, elbo=exact - 3, best_elbo=exact - 1)
        >>> amortization_gap(some).value
        2.0
    """
    return annealing.of_all("amortization_gap", encoder_terms(annealing), kind="lower")


def encoder_terms(annealing: Annealing) -> Terms:
    """What the amortisation gap is the mean of, and what that errs by.

    Args:
        annealing: of some examples.
    """
    gain = annealing.best_elbo - annealing.elbo
    return Terms(gain.mean(0), noise_of(gain), len(gain))
