"""The VAMP model: its prior is the mixture of the posteriors of its pseudo-inputs."""

from dataclasses import replace

import torch
from pythae.models.base import BaseAE
from torch import Tensor

import genprobe
from genprobe.types import PriorLike
from genprobe_pythae.code import Code
from genprobe_pythae.gaussian import gaussian


def vamp(module: BaseAE) -> Code:
    """A diagonal normal posterior under pythae's equally weighted VampPrior."""
    code = gaussian(module)

    def prior() -> PriorLike:
        return genprobe.vamp_prior(code.encode, pseudo_inputs(module), code.posterior)

    return replace(code, prior=prior)


def pseudo_inputs(module: BaseAE) -> Tensor:
    """The learned inputs (component, *input_dim)."""
    weight = module.pseudo_inputs[0].weight
    with torch.no_grad():
        flat = module.pseudo_inputs(torch.eye(weight.shape[1]).to(weight))
    return flat.reshape(-1, *module.input_dim)
