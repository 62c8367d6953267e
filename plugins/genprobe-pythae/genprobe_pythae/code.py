"""The latent side of a pythae model, as a record of functions."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from genprobe.types import Params, PriorLike


def itself(z: Tensor) -> Tensor:
    """The code z as it is."""
    return z


@dataclass(frozen=True, kw_only=True, eq=False)
class Code:
    """Posterior, prior, and what the decoder is given.

    Attributes:
        encode: examples (batch, *input_dim), as pythae's encoder takes them, to the parameters of
            q(z|x).
        posterior: the registered name of the family.
        prior: p(z), as genprobe.Model takes it.
        decoder_input: z (batch, *latent) to what pythae's decoder takes.
    """

    encode: Callable[[Tensor], Params]
    posterior: str
    prior: PriorLike
    decoder_input: Callable[[Tensor], Tensor] = itself
