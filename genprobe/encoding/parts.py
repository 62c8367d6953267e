"""A model with its parts resolved: what every later step takes instead of names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from genprobe.types import Family, Likelihood, Model, Params, Prior


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitting:
    """What takes the place of an encoder: a posterior is fitted to each example.

    Attributes:
        start: parameters (1, ...) at which every fit starts.
        fit: calls of the decoder, with the context of some examples, and the examples (n, *event)
            to the parameters of their posteriors, each (n, ...).
    """

    start: Params
    fit: Callable[[Any, Tensor], Params]


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """A model whose posterior, prior and likelihood are at hand rather than named.

    Attributes:
        model: as the user gave it.
        posterior: the family of q(z|x).
        prior: p(z), its errors reported as the user's (see ``genprobe.encoding.prior_calls``).
        likelihood: of the decoder's output; None without a decoder.
        fitting: of posteriors, for a model without an encoder.
    """

    model: Model
    posterior: Family
    prior: Prior
    likelihood: Likelihood | None
    fitting: Fitting | None = None
