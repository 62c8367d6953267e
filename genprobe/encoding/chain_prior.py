"""The prior that a chain yields at its first level, as a prior of the model."""

from torch import Tensor

from genprobe.encoding.parts import Chain
from genprobe.priors.from_distribution import for_each, known_kl
from genprobe.priors.recognise import recognise
from genprobe.types import Family, NamedPrior, Params, Prior


def first_prior(chain: Chain) -> Prior | NamedPrior | str:
    """The first level's prior: a registered one with its tensors, where there is such a one.

    Args:
        chain: of the model.

    Example:
        >>> import torch
        >>> from torch import Size
        >>> from genprobe.families.diagonal_normal import diagonal_normal
        >>> top = {"loc": torch.zeros(1, 2), "scale": torch.ones(1, 2)}
        >>> first_prior(Chain(families=(diagonal_normal,), shapes=(Size([2]),), top=top))
        'standard-normal'
    """
    family, top = chain.families[0], {k: v.double() for k, v in chain.top.items()}
    found = recognise(family.distribution(top))
    if found is None:
        return of_family(family, top)
    params = {name: values[0] for name, values in found.params.items()}
    if found.name == "diagonal-normal" and is_standard(params):
        return "standard-normal"
    return NamedPrior(name=found.name, params=params)


def is_standard(params: Params) -> bool:
    """Whether all means are 0 and all scales 1."""
    return not params["loc"].any() and bool((params["scale"] == 1).all())


def of_family(family: Family, top: Params) -> Prior:
    """A prior of a family of which there is no registered prior; a store cannot rebuild it.

    Args:
        family: of the first level.
        top: its parameters (1, ...).
    """
    one = family.distribution(top)
    axes = len(one.event_shape)

    def log_prob(z: Tensor) -> Tensor:
        found: Tensor = one.log_prob(z.unsqueeze(z.dim() - axes)).squeeze(-1)
        return found

    def sample(n: int) -> Tensor:
        return family.sample(top, n)[:, 0]

    def kl(other: Family, params: Params) -> Tensor | None:
        q = other.distribution(params)
        return known_kl(q, for_each(one, q.batch_shape))

    return Prior(name=f"{family.name} of the chain", log_prob=log_prob, sample=sample, kl=kl)
