"""Likelihoods p(x|z)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.distributions import Distribution

from genprobe.errors import Notice
from genprobe.types.family import Params


@dataclass(frozen=True, kw_only=True)
class FittedScale:
    """The best single scale of a likelihood for a whole data set, and what it makes of D.

    Attributes:
        scale: the scale.
        factor: with which the distortion at scale 1 is multiplied, and its derivatives.
        offset: what is then added, nats per example.
    """

    scale: float
    factor: float
    offset: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Likelihood:
    """A likelihood p(x|z), with every constant of its density.

    Attributes:
        name: the registered name, such as ``bernoulli``.
        distribution: decoder output, each (batch, ...), to a distribution of batch shape (batch,)
            whose event is one whole example.
        discrete: whether it gives probabilities (so that D ≥ 0 and H − D bounds I) rather than
            densities.
        support: data (batch, *event) to None, or to a notice when the data make the bound void.
            Raises SupportError where the likelihood is not defined at all.
        blind: means over the data of x and of x², each (*event), then of each of ``statistics`` by
            name, to the zero-rate distortion in nats: that of the best constant parameters; None
            where it is not defined.
        blind_at: means of x and of x² and one scale to the same at that scale, for a decoder whose
            scale is a constant; None where there is no scale.
        statistics: data (batch, *event) to further numbers per example that ``blind`` needs, by
            name, each (batch, ...).
        fit_scale: for a likelihood whose one scale is fitted to the whole data set: the mean
            distortion at scale 1, in nats, and the number of values of an example to the best
            scale. Its ``distribution`` then has scale 1.
        logits_of_probs: for a likelihood of ``logits``: what a decoder gives under that name to
            the logits that it would have, if it were probabilities; None where it cannot be. With
            it, a decoder that gives its probabilities as logits is found out.
    """

    name: str
    distribution: Callable[[Params], Distribution]
    discrete: bool
    support: Callable[[Tensor], Notice | None]
    blind: Callable[..., float] | None = None
    blind_at: Callable[[Tensor, Tensor, float], float] | None = None
    statistics: Callable[[Tensor], Mapping[str, Tensor]] | None = None
    fit_scale: Callable[[float, int], FittedScale] | None = None
    logits_of_probs: Callable[[Tensor], Tensor | None] | None = None
