"""The VampPrior: a mixture of posteriors of pseudo-inputs, p(z) = Σ_k w_k q(z|u_k).

Tomczak & Welling (2018), "VAE with a VampPrior", eq. 9. Its tensors are the components' parameters
under ``FAMILY.NAME`` and the weights ``probs``: they, not the encoder, are what it is rebuilt from.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from genprobe.distributions.returned import understood
from genprobe.errors import ModelError
from genprobe.plugins import plugins
from genprobe.priors.weights import weights as mixture_weights
from genprobe.types import Family, NamedPrior, Params, Prior, PriorFactory

NAME = "vamp"
VALUES = 1 << 22
"""Values of z, times components, at once."""
LARGEST = 1e8
"""Parts of an exponent that cancel, nats: beyond it float64 would lose more than 1e-7 of them."""


def vamp_prior(
    encode: Callable[[Tensor], Any],
    pseudo_inputs: Tensor,
    family: Family | str,
    weights: Tensor | None = None,
) -> Prior | NamedPrior:
    """The mixture of the posteriors of pseudo-inputs.

    Give a model a function that calls this, ``prior=lambda: vamp_prior(…)``, and it is called when
    the weights are loaded and the module is in evaluation mode.

    Args:
        encode: the model's encoder, which returns what a Model's may.
        pseudo_inputs: (c, *event), as the encoder takes them.
        family: of the posteriors, or its registered name.
        weights: (c,) probabilities of the components; equal by default.

    Raises:
        ModelError: if the encoder's answer does not fit the family.

    Example:
        >>> encode = lambda x: {"loc": x, "scale": torch.ones_like(x)}
        >>> prior = vamp_prior(encode, torch.tensor([[-1.0], [1.0]]), "diagonal-normal")
        >>> prior.name, prior.params["probs"].tolist()
        ('vamp', [0.5, 0.5])
    """
    size = len(pseudo_inputs)
    name = family if isinstance(family, str) else family.name
    wanted = () if isinstance(family, str) else family.constraints
    with torch.no_grad():  # the encoder is lent a copy: it may work in place
        returned = encode(pseudo_inputs.detach().clone())
    components = understood("The encoder of the pseudo-inputs", returned, name, wanted).params
    params = {f"{name}.{k}": v.detach().cpu().double() for k, v in components.items()}
    params["probs"] = mixture_weights(NAME, weights, size)
    if isinstance(family, str):
        return NamedPrior(name=NAME, params=params)
    return mixture(family, params)


def vamp_factory(family_of: Callable[[str], Family]) -> PriorFactory:
    """The registered prior, which finds the family of its components by name.

    Args:
        family_of: a registered name to the family.
    """

    def build(event_shape: torch.Size, params: Params) -> Prior:
        names = {k.rpartition(".")[0] for k in params} - {""}
        if len(names) != 1:
            raise ModelError(
                "The prior vamp needs the parameters of its components.",
                "Make it from the encoder and pseudo-inputs: genprobe.vamp_prior(…).",
            )
        return mixture(family_of(*names), params, event_shape)

    return PriorFactory(name=NAME, build=build)


vamp = vamp_factory(lambda name: plugins().get("families", name))


def mixture(family: Family, params: Params, event_shape: torch.Size | None = None) -> Prior:
    """The mixture of a family's members.

    Args:
        family: of the components.
        params: their parameters (c, ...) under ``FAMILY.NAME``, and ``probs`` (c,).
        event_shape: that of z, where it is known.

    Raises:
        ModelError: if the parameters do not fit the family, or its z are of another shape.
    """
    components = components_of(family, params)
    size = len(next(iter(components.values())))
    probs = mixture_weights(NAME, params.get("probs"), size)
    shape = family.event_shape(components)
    if event_shape is not None and shape != event_shape:
        raise ModelError(
            f"The prior vamp is over z of shape {tuple(shape)}; the model's have "
            f"{tuple(event_shape)}."
        )
    each = log_densities(family, components)

    def log_prob(z: Tensor) -> Tensor:
        batch = z.shape[: z.dim() - len(shape)]
        rows = z.double().reshape(-1, *shape)
        stretch = max(1, VALUES // (size * max(1, shape.numel())))
        found = [
            torch.logsumexp(each(some) + probs.log(), 1) for some in torch.split(rows, stretch)
        ]
        return torch.cat(found).view(batch)

    def sample(n: int) -> Tensor:
        chosen = torch.multinomial(probs, n, replacement=True)
        drawn: Tensor = family.distribution({k: v[chosen] for k, v in components.items()}).sample()
        return drawn.double()

    def no_kl(family: Family, params: Params) -> Tensor | None:
        return None

    named = {f"{family.name}.{k}": v for k, v in components.items()}
    return Prior(
        name=NAME, log_prob=log_prob, sample=sample, kl=no_kl, params={"probs": probs, **named}
    )


def log_densities(family: Family, components: Params) -> Callable[[Tensor], Tensor]:
    """From z (m, *event) to the log density of each under each component (m, c), nats.

    One matrix product where the family is exponential, unless its terms would cancel too much.
    """
    if family.natural is not None and family.sufficient is not None:
        eta, log_partition = family.natural(components)
        if float(log_partition.abs().max()) < LARGEST:
            sufficient = family.sufficient

            def product(z: Tensor) -> Tensor:
                statistics, log_base = sufficient(z)
                return torch.addmm(log_base[:, None] - log_partition, statistics, eta.T)

            return product
    each = family.distribution(components)

    def broadcast(z: Tensor) -> Tensor:
        found: Tensor = each.log_prob(z.unsqueeze(1))
        return found

    return broadcast


def components_of(family: Family, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The family's parameters (c, ...) among the prior's tensors, in float64.

    Raises:
        ModelError: naming what is missing, of another length, or not valid.
    """
    found = {}
    for key, constraint in family.constraints.items():
        values = params.get(f"{family.name}.{key}")
        if values is None:
            raise ModelError(
                f"The prior vamp needs {key} of its components, of the family {family.name}.",
                f"The encoder must return {', '.join(family.constraints)}.",
            )
        found[key] = values.detach().cpu().double()
        valid = constraint.check(found[key]) & found[key].isfinite().all()  # type: ignore[no-untyped-call]
        if not valid.all():
            raise ModelError(f"The prior vamp has components with a {key} that is not valid.")
    if len({len(values) for values in found.values()}) > 1:
        raise ModelError("The prior vamp has parameters of different numbers of components.")
    return found
