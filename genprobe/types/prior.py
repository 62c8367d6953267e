"""Priors p(z), and the many ways in which a model may give one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor
from torch.distributions import Distribution

from genprobe.types.family import Family, Params


@dataclass(frozen=True, kw_only=True, eq=False)
class Prior:
    """A prior p(z).

    Attributes:
        name: the registered name, such as ``standard-normal``.
        log_prob: z (..., *event) to log p(z) (...).
        sample: a count n to z (n, *event).
        kl: a family and its parameters (batch, ...) to KL(q‖p) (batch,), or None where there is
            no closed form.
        distribution: the prior as a torch distribution, where it is one.
        params: the tensors it was built from; the store keeps them so that the prior can be
            rebuilt without the model.
        module: what computes it, where that is a torch module; genprobe puts it on the device and
            hashes its weights. Such a prior cannot be rebuilt from a store.
    """

    name: str
    log_prob: Callable[[Tensor], Tensor]
    sample: Callable[[int], Tensor]
    kl: Callable[[Family, Params], Tensor | None]
    distribution: Distribution | None = None
    params: Params = field(default_factory=dict)
    module: torch.nn.Module | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class NamedPrior:
    """A prior by its registered name and the tensors it is built from, once z's shape is known.

    The tensors may be a module's own parameters: they are read when the model is evaluated, after
    a checkpoint was loaded into the module.

    Attributes:
        name: the registered name, such as ``normal-mixture``.
        params: what the prior of that name is built from.
        fitted_to: fingerprints of the model and data whose codes it was fitted to; empty if none.
    """

    name: str
    params: Params
    fitted_to: str = ""


def with_tensors(prior: "PriorLike", params: Params) -> "PriorLike":
    """A prior given by its name together with the tensors; any other as it is.

    Example:
        >>> with_tensors("standard-normal", {})
        'standard-normal'
    """
    return NamedPrior(name=prior, params=params) if isinstance(prior, str) and params else prior


PriorLike: TypeAlias = (
    Prior | NamedPrior | str | Path | Distribution | torch.nn.Module | Callable[[], "PriorLike"]
)
"""What a model may give as its prior: a registered name, or the path of an .npz file, among others;
a module, called without arguments, gives a distribution."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Codes:
    """Moments of the posteriors of n examples, over flattened z of k values, in float64.

    Attributes:
        mean: (n, k) posterior means.
        variance: (n, k) posterior variances.
        event_shape: of one z, of k values; None where all that is known is that there are k.
        classes: how many there are, where codes are class indices: the means are then these.
        levels: whether the first axis of z counts the levels of a residual stack of quantisers.
    """

    mean: Tensor
    variance: Tensor
    event_shape: torch.Size | None = None
    classes: int | None = None
    levels: bool = False


def no_defaults(family: Family, params: Params) -> Params:
    """No tensors, whatever the posteriors.

    Example:
        >>> from genprobe.families.diagonal_normal import diagonal_normal
        >>> no_defaults(diagonal_normal, {})
        {}
    """
    return {}


def one_size(n: int, k: int) -> Sequence[int]:
    """A single fit, whatever the number of examples n and of latent values k.

    Example:
        >>> one_size(1000, 10)
        (1,)
    """
    return (1,)


def any_codes(family: Family, event_shape: torch.Size) -> bool:
    """Whether a prior may be fitted to codes of a family and shape: to any, here.

    Example:
        >>> from genprobe.families.diagonal_normal import diagonal_normal
        >>> any_codes(diagonal_normal, torch.Size([10]))
        True
    """
    return True


@dataclass(frozen=True, kw_only=True, eq=False)
class PriorFactory:
    """How a registered prior is built once the shape of z is known, and perhaps fitted.

    A prior that can be fitted becomes one of the candidates by which genprobe certifies how much
    of the rate a better prior would save.

    Attributes:
        name: the registered name.
        build: event shape and saved tensors (empty for a prior without parameters) to the prior.
        fit: codes, a size and a seed to the tensors that ``build`` takes, such that the prior comes
            close to the aggregate posterior of the codes; None for a prior that is not fitted.
        sizes: number of examples and of latent values to the sizes worth trying, small ones first
            (numbers of components, say); empty if the prior cannot be fitted to so much or little.
        defaults: the posterior's family and the parameters (1, ...) of one example to the tensors
            that ``build`` takes when the user gives none: how many classes there are, say.
        suits: the posteriors' family and the shape of z to whether it may be fitted to such codes:
            only to latents with a place, say.
        discrete: whether it gives probabilities of whole numbers, not a density. Only such priors
            are fitted to discrete codes, and only others to codes with a density.
        concurrent: whether several fits, and ``build`` after each, may run at once in threads: they
            draw from generators that they made of their seed, never from torch's own, not even to
            put it back, and change nothing else that threads share.
    """

    name: str
    build: Callable[[torch.Size, Params], Prior]
    fit: Callable[[Codes, int, int], Params] | None = None
    sizes: Callable[[int, int], Sequence[int]] = one_size
    defaults: Callable[[Family, Params], Params] = no_defaults
    suits: Callable[[Family, torch.Size], bool] = any_codes
    discrete: bool = False
    concurrent: bool = False
