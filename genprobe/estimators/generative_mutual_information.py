"""GILBO = E_{z~p, x~p(x|z)}[log q(z|x) − log p(z)], at most I of the generative joint p(z) p(x|z).

A round trip of prior samples: how much of a code the encoder reads back from what the decoder made
of it. Alemi & Fischer (2018), "GILBO: one metric to measure them all"; Alemi et al. (2018), app. C.
"""

from jaxtyping import Float64
from torch import Tensor

from genprobe.estimators.standard_error import standard_error
from genprobe.types import Estimate


def generative_mutual_information(
    generative_information: Float64[Tensor, "draw m"],
) -> Estimate:
    """The lower bound on the generative mutual information, nats.

    Args:
        generative_information: (1, m) log q(z|x) − log p(z) of prior samples.
    """
    se = standard_error(generative_information[0])
    return Estimate(
        name="generative_mutual_information",
        value=float(generative_information.mean()),
        se=se,
        se_data=se,
        kind="lower",
        n=generative_information.shape[1],
    )
