"""The one place where a user's prior is called.

``genprobe.encoding.resolve.bind_prior`` resolves every prior and hands out what ``guarded`` makes
of it. So log p(z), samples and the KL fail in the same words in encoding, probes, estimators,
pictures and exports.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import torch
from jaxtyping import Float64
from torch import Size, Tensor

from genprobe.encoding.checks import first_not_finite
from genprobe.encoding.lending import lent
from genprobe.encoding.user_errors import user_errors
from genprobe.errors import ModelError, UnavailableError
from genprobe.types import Family, Params, Prior, PriorLike

MEMORY = "Free some, or let it take fewer z at a time; what was encoded into a --store is kept."


def guarded(prior: Prior, latent: Size) -> Prior:
    """The same prior, whose functions raise a ModelError for whatever goes wrong in them.

    They are lent copies of what they are given, and copies are taken of what they return.

    Args:
        prior: as a user or a plugin gave it.
        latent: shape of one z.

    >>> from genprobe.priors.standard_normal import build
    >>> prior = guarded(build(Size([2]), {}), Size([2]))
    >>> prior.log_prob("z")
    Traceback (most recent call last):
    genprobe.errors.ModelError: The prior standard-normal fails on z of shape (2,): ...
    Check that it is a density over one z of the model.
    """

    def log_prob(z: Tensor) -> Tensor:
        with prior_errors(f"The prior {prior.name}", latent):
            return prior.log_prob(lent(z)).clone()

    def sample(n: int) -> Tensor:
        with prior_errors(f"The prior {prior.name}", latent):
            return prior.sample(n).clone()

    def kl(family: Family, params: Params) -> Tensor | None:
        if family.certain is not None:  # whose cost under any prior is one look
            return -log_prob(family.certain(params))
        with prior_errors(f"The prior {prior.name}", latent):
            found = prior.kl(family, lent(params))
            return None if found is None else found.clone()

    return replace(prior, log_prob=log_prob, sample=sample, kl=kl)


def call_for_prior(function: Callable[[], PriorLike], latent: Size) -> PriorLike:
    """What a user's function gives as the prior.

    Args:
        function: of no arguments.
        latent: shape of one z.

    Raises:
        ModelError: if it fails.
    """
    with prior_errors("The function that gives the prior", latent):
        return function()


def prior_errors(part: str, latent: Size) -> AbstractContextManager[None]:
    """Turn what a prior raises into a ModelError that names it and the shape of z."""
    return user_errors(
        part,
        latent,
        "Check that it is a density over one z of the model.",
        given="z",
        memory_remedy=MEMORY,
    )


def log_prior(prior: Prior, z: Tensor, start: int) -> Float64[Tensor, "draw batch"]:
    """Checked values of log p(z) at every draw, nats.

    Args:
        prior: resolved.
        z: (draw, batch, *latent).
        start: position of the first example in the data set.

    Raises:
        ModelError: if the prior fails, gives another shape, or is not finite at some draw.
    """
    log_pz = prior.log_prob(z).detach().cpu().double()
    if log_pz.shape != z.shape[:2]:
        raise ModelError(
            f"The prior {prior.name} gives log p(z) of shape {tuple(log_pz.shape)} for draws of "
            f"shape {tuple(z.shape)}; it must be {tuple(z.shape[:2])}.",
            "A prior over single values must be made one over the whole z: see Independent.",
        )
    bad = first_not_finite(log_pz)
    if bad is not None:
        raise ModelError(
            f"The prior {prior.name} gives a log p(z) that is not finite, at a draw for example "
            f"{start + bad}.",
            "The rate is infinite unless the posteriors lie within the prior's support.",
        )
    return log_pz


def log_prior_and_gradient(
    prior: Prior, z: Tensor
) -> tuple[Float64[Tensor, " m"], Float64[Tensor, " m *latent"]]:
    """Values of log p(z), nats, and their gradients; not checked to be finite.

    Args:
        prior: resolved.
        z: (m, *latent).

    Raises:
        ModelError: if the prior fails, or gives another shape.
        UnavailableError: if it has no gradient.

    Example:
        >>> from genprobe.priors.standard_normal import build
        >>> log_prior_and_gradient(build(Size([1]), {}), torch.tensor([[2.0]]))[1]
        tensor([[-2.]], dtype=torch.float64)
    """
    code = z.detach().double().requires_grad_()
    with torch.enable_grad():
        log_pz = prior.log_prob(code)
        total = log_pz.sum()
    if log_pz.shape != z.shape[:1]:
        raise ModelError(
            f"The prior {prior.name} gives log p(z) of shape {tuple(log_pz.shape)} for "
            f"{len(z)} codes."
        )
    values = log_pz.detach().cpu().double()
    if log_pz.requires_grad:
        latent = z.shape[1:]
        with prior_errors(f"The gradient of the prior {prior.name}", latent):
            (gradient,) = torch.autograd.grad(total, code, materialize_grads=True)
        return values, gradient
    if (values == values[:1]).all():  # as a uniform density is
        return values, torch.zeros_like(code)
    raise UnavailableError(
        f"The prior {prior.name} has no gradient with respect to z.",
        "It must compute log p(z) with torch, and not under torch.no_grad().",
    )
