"""A model's joint density as what is annealed towards.

Chains may leave the region where the model was trained, up to where its decoder overflows or its
scale is no number. There the density counts as 0, and the chain does not go there.
"""

import math

import torch
from torch import Tensor

from genprobe.annealing.space import suitable, support_of
from genprobe.annealing.target import Target
from genprobe.encoding.calls import Calls
from genprobe.encoding.prior_calls import log_prior_and_gradient
from genprobe.errors import ModelError, UnavailableError
from genprobe.runtime.seeds import derived_seed, seeded
from genprobe.types import Family, FittedScale, Params, Prior

TRIED = 256
"""Draws of the prior that must lie where the posterior's family can go."""
NO_GRADIENT = (
    "It must compute its output from z with torch, and not under torch.no_grad() or in numpy."
)


def target_of(
    calls: Calls,
    prior: Prior,
    x: Tensor,
    *,
    scale: FittedScale | None = None,
    log_bin: float = 0.0,
    beta: float = 1.0,
) -> Target:
    """The density log p(z) + β log p(x|z) of some examples under a model.

    Args:
        calls: of the decoder, in place, with the context of these examples.
        prior: resolved.
        x: the examples (M, *event).
        scale: what ``estimators.pointwise.fit_scale`` found, of a likelihood whose one scale is
            fitted to all the data; None of another.
        log_bin: P log δ, which makes a density the probability of bins of width δ.
        beta: with which log p(x|z) is multiplied.

    Raises:
        UnavailableError: if there is no decoder; later, when the target is asked, if decoder or
            prior have no gradient.

    Example:
        >>> from genprobe.encoding.calls import bind
        >>> from genprobe.encoding.parts import Parts
        >>> from genprobe.families.diagonal_normal import diagonal_normal
        >>> from genprobe.likelihoods.bernoulli import bernoulli
        >>> from genprobe.priors.standard_normal import build
        >>> from genprobe.types import Model
        >>> model = Model(
        ...     name="bits",
        ...     encode=lambda x: {"loc": 2 * x - 1, "scale": torch.ones_like(x)},
        ...     decode=lambda z: {"logits": z},
        ...     posterior="diagonal-normal",
        ...     prior="standard-normal",
        ...     likelihood="bernoulli",
        ... )
        >>> prior = build(torch.Size([1]), {})
        >>> parts = Parts(
        ...     model=model, posterior=diagonal_normal, prior=prior, likelihood=bernoulli
        ... )
        >>> calls = bind(parts, device=torch.device("cpu"), dtype=torch.float32, batch_size=8)
        >>> target = target_of(calls, prior, torch.ones(1, 1))
        >>> values = target.at(torch.zeros(1, 1).double(), torch.tensor([0]))
        >>> round(values.log_px_z.exp().item(), 6), values.gradient.item()
        (0.5, 0.5)
    """
    if not calls.decodes:
        raise UnavailableError("The inference gap is not known: the model has no decoder.")
    there = x.to(calls.device)
    factor, offset = (1.0, 0.0) if scale is None else (scale.factor, scale.offset)

    def log_px_z(z: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        values, gradient = where_defined(calls, there, z, rows)
        return factor * values - offset + log_bin, factor * gradient

    return Target(
        log_px_z=log_px_z,
        log_pz=lambda z: log_prior_and_gradient(prior, z),
        beta=beta,
        sample=prior.sample,
    )


def where_defined(calls: Calls, x: Tensor, z: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Values of log p(x|z) and gradients; −∞ and 0 at z for which the decoder fails.

    A batch that fails is halved until what fails is alone, so that the others have their values.

    Args:
        calls: of the decoder.
        x: the examples (M, *event), on the device of the calls.
        z: (m, *latent).
        rows: (m,) positions among the M.

    Raises:
        ModelError: what the decoder says, if it fails at every one of several z.
        UnavailableError: if it has no gradient.
    """
    failures: list[ModelError] = []

    def at(part: slice) -> tuple[Tensor, Tensor]:
        some, chosen = z[part], rows[part]
        try:
            found = calls.log_px_z_and_gradient(x[chosen.to(x.device)], some, chosen)
        except ModelError as error:
            if len(some) > 1:
                middle = part.start + len(some) // 2
                halves = at(slice(part.start, middle)), at(slice(middle, part.stop))
                return torch.cat([h[0] for h in halves]), torch.cat([h[1] for h in halves])
            failures.append(error)
            return torch.full((1,), -math.inf, dtype=torch.float64), torch.zeros_like(some)
        if found is None:
            raise UnavailableError(
                f"The inference gap is not known: the decoder of {calls.model.name} has no "
                "gradient with respect to z.",
                NO_GRADIENT,
            )
        return found

    values, gradient = at(slice(0, len(z)))
    if failures and len(failures) == len(z):
        raise failures[0]
    return values, gradient


def require_same_support(family: Family, params: Params, prior: Prior, seed: int = 0) -> None:
    """Check that posteriors can lie wherever the prior does: chains go nowhere else.

    What p(x) has beyond would be missing, and the bound would be loose by an unknown amount.

    Args:
        family: of q(z|x).
        params: of some examples, each (M, ...).
        prior: resolved.
        seed: of draws of the prior.

    Raises:
        UnavailableError: if they cannot, or cannot be annealed from at all, with the reason.

    Example:
        >>> from genprobe.families.gamma import gamma
        >>> from genprobe.priors.standard_normal import build
        >>> params = {name: torch.ones(1, 1) for name in gamma.constraints}
        >>> require_same_support(gamma, params, build(torch.Size([1]), {}))
        Traceback (most recent call last):
        genprobe.errors.UnavailableError: The inference gap is not known: the posterior gamma ...
    """
    q = suitable(family, params)
    with seeded(derived_seed(seed, "support")):
        z = prior.sample(TRIED)
    support = support_of(q)
    if not bool(support.check(z).all()):  # type: ignore[no-untyped-call]
        raise UnavailableError(
            f"The inference gap is not known: the posterior {family.name} lies on {support}, "
            f"and the prior {prior.name} goes beyond, where no chain would."
        )
