"""Every model of pythae: what genprobe reads of it, or why it cannot.

A model is read if its q(z|x) and p(z) have densities. If its reconstruction loss is no
log-likelihood, the rate side alone is read.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pythae.models.base import BaseAE

from genprobe.errors import ModelError
from genprobe_pythae.code import Code
from genprobe_pythae.flow import flow
from genprobe_pythae.gaussian import gaussian
from genprobe_pythae.sphere import sphere
from genprobe_pythae.vamp import vamp
from genprobe_pythae.vector_quantised import vector_quantised


def unknown_beta(settings: Mapping[str, Any]) -> float | None:
    """None: the objective is not D + βR."""
    return None


def one(settings: Mapping[str, Any]) -> float | None:
    """The β of the evidence lower bound."""
    return 1.0


def own_beta(settings: Mapping[str, Any]) -> float | None:
    """The β that the settings name."""
    return float(settings["beta"])


@dataclass(frozen=True, kw_only=True, eq=False)
class Kind:
    """How models of one class are read.

    Attributes:
        code: the module to its posterior and prior.
        beta: settings to the β of an objective D + βR, None for any other objective.
        likelihood: whether the reconstruction loss is a log-likelihood.
        scale: of the normal likelihood that a squared error stands for.
    """

    code: Callable[[BaseAE], Code]
    beta: Callable[[Mapping[str, Any]], float | None] = unknown_beta
    likelihood: bool = True
    scale: float = 1.0


KINDS = {
    "VAE": Kind(code=gaussian, beta=one),
    "BetaVAE": Kind(code=gaussian, beta=own_beta),
    "BetaTCVAE": Kind(code=gaussian),
    "DisentangledBetaVAE": Kind(code=gaussian),
    "FactorVAE": Kind(code=gaussian),
    "INFOVAE_MMD": Kind(code=gaussian),
    "IWAE": Kind(code=gaussian),
    "MIWAE": Kind(code=gaussian),
    "PIWAE": Kind(code=gaussian),
    "CIWAE": Kind(code=gaussian),
    "Adversarial_AE": Kind(code=gaussian),
    "VAMP": Kind(code=vamp, beta=one),
    "SVAE": Kind(code=sphere, beta=one),
    "VAE_LinNF": Kind(code=flow, beta=one),
    "VAE_IAF": Kind(code=flow, beta=one),
    "VQVAE": Kind(code=vector_quantised, scale=math.sqrt(0.5)),
    "MSSSIM_VAE": Kind(code=gaussian, likelihood=False),
    "VAEGAN": Kind(code=gaussian, likelihood=False),
}

DETERMINISTIC = "its encoder gives a point, not a posterior q(z|x), so that the rate is infinite"
HAMILTONIAN = "its posterior is what Hamiltonian steps leave, whose density q(z|x) is not known"
REFUSED = {
    "AE": DETERMINISTIC,
    "WAE_MMD": DETERMINISTIC,
    "RAE_GP": DETERMINISTIC,
    "RAE_L2": DETERMINISTIC,
    "HVAE": HAMILTONIAN,
    "RHVAE": HAMILTONIAN,
    "PoincareVAE": "genprobe has no family of posteriors on the Poincaré ball",
}


def kind_of(name: str, settings: Mapping[str, Any], where: object) -> Kind:
    """How a model of pythae is read.

    Args:
        name: of its class.
        settings: of the model.
        where: it was found, for messages.

    Raises:
        ModelError: if it has no posterior that genprobe can evaluate, or is unknown.
    """
    reason = REFUSED.get(name)
    if name == "Adversarial_AE" and settings.get("deterministic_posterior"):
        reason = DETERMINISTIC
    if reason is not None:
        raise ModelError(
            f"The model in {where}, a pythae {name}, cannot be evaluated: {reason}.",
            f"These can: {', '.join(KINDS)}.",
        )
    if name not in KINDS:
        raise ModelError(
            f"The model in {where} is of the class {name}, which pythae 0.1 does not have.",
            f"Upgrade genprobe-pythae; this one reads {', '.join(KINDS)}.",
        )
    return KINDS[name]
