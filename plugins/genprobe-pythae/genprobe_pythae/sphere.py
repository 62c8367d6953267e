"""The SVAE: von Mises-Fisher posteriors under the uniform prior on the unit sphere."""

from pythae.models.base import BaseAE
from torch import Tensor
from torch.nn.functional import normalize, softplus

from genprobe.types import Params
from genprobe_pythae.code import Code


def sphere(module: BaseAE) -> Code:
    """The code that the SVAE trains: concentration softplus(·) + 1.

    pythae's ``SVAE.get_nll`` leaves the 1 out, so its densities are those of another posterior.
    """

    def encode(x: Tensor) -> Params:
        output = module.encoder(x)
        return {
            "loc": normalize(output.embedding, dim=-1),
            "concentration": softplus(output.log_concentration) + 1,
        }

    return Code(encode=encode, posterior="von-mises-fisher", prior="uniform-sphere")
