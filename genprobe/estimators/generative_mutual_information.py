r"""GILBO: how much of a code that is sampled from the prior survives decoding and encoding again.

.. math::

    \mathbb E_{z \sim p(z),\, x \sim p(x|z)}[\log q(z|x) - \log p(z)] \le I(X;Z)
    \;\text{ of the joint }\; p(z)\,p(x|z)

An unbiased Monte Carlo estimate of a lower bound on the generative mutual information. Alemi &
Fischer (2018), "GILBO: one metric to measure them all"; Alemi et al. (2018), "Fixing a broken
ELBO", appendix C.
"""

from jaxtyping import Float64
from torch import Tensor

from genprobe.errors import UnavailableError
from genprobe.estimators.standard_error import within_error
from genprobe.report import Estimate

IMPOSSIBLE = -1e3
"""Log probability ratio below which a posterior without entropy calls a code impossible, nats."""


def generative_mutual_information(
    generative_information: Float64[Tensor, "draw m"],
    posterior_entropy: Float64[Tensor, " n"] | None = None,
) -> Estimate:
    """The lower bound on the generative mutual information, nats.

    Args:
        generative_information: (1, m) log q(z|x) − log p(z) of prior samples, nats.
        posterior_entropy: (n,) of each posterior, nats; None where there is no closed form.

    Raises:
        UnavailableError: if a code has probability 0 under what it comes back as, where the bound
            is minus infinity: the posteriors are certain, or end somewhere.

    Example:
        >>> import torch
        >>> generative_mutual_information(torch.tensor([[1.0, 3.0]]).double()).value
        2.0
    """
    certain = posterior_entropy is not None and not posterior_entropy.any()
    if certain and float(generative_information.min()) < IMPOSSIBLE:
        raise UnavailableError("No generative mutual information: the posteriors are certain.")
    impossible = int(generative_information.isneginf().sum())
    if impossible:
        raise UnavailableError(
            f"No generative mutual information: the bound is minus infinity, as {impossible} of "
            f"{generative_information.shape[1]} codes lie where the posterior of what they decode "
            "to has no density."
        )
    se = within_error(generative_information)
    return Estimate(
        name="generative_mutual_information",
        value=float(generative_information.mean()),
        se=se,
        se_data=se,
        kind="lower",
        n=generative_information.shape[1],
    )
