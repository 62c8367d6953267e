"""GILBO = E_{z~p, x~p(x|z)}[log q(z|x) − log p(z)], at most I of the generative joint p(z) p(x|z).

A round trip of prior samples: how much of a code the encoder reads back from what the decoder made
of it. Alemi & Fischer (2018), "GILBO: one metric to measure them all"; Alemi et al. (2018), app. C.
"""

from jaxtyping import Float64
from torch import Tensor

from genprobe.errors import UnavailableError
from genprobe.estimators.standard_error import standard_error
from genprobe.report import Estimate

IMPOSSIBLE = -1e3
"""Log probability ratio below which a posterior without entropy calls a code impossible, nats."""


def generative_mutual_information(
    generative_information: Float64[Tensor, "draw m"],
    posterior_entropy: Float64[Tensor, " n"] | None = None,
) -> Estimate:
    """The lower bound on the generative mutual information, nats.

    Args:
        generative_information: (1, m) log q(z|x) − log p(z) of prior samples.
        posterior_entropy: (n,) of each posterior, nats; None where there is no closed form.

    Raises:
        UnavailableError: if the posteriors are certain: a code that comes back as any other then
            has probability 0, and the bound is minus infinity.
    """
    certain = posterior_entropy is not None and not posterior_entropy.any()
    if certain and float(generative_information.min()) < IMPOSSIBLE:
        raise UnavailableError("No generative mutual information: the posteriors are certain.")
    se = standard_error(generative_information[0])
    return Estimate(
        name="generative_mutual_information",
        value=float(generative_information.mean()),
        se=se,
        se_data=se,
        kind="lower",
        n=generative_information.shape[1],
    )
