"""A model with its parts resolved: what every later step takes instead of names."""

from dataclasses import dataclass

from genprobe.types import Family, Likelihood, Model, Prior


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """A model whose posterior, prior and likelihood are at hand rather than named.

    Attributes:
        model: as the user gave it.
        posterior: the family of q(z|x).
        prior: p(z), its errors reported as the user's (see ``genprobe.encoding.prior_calls``).
        likelihood: of the decoder's output; None without a decoder.
    """

    model: Model
    posterior: Family
    prior: Prior
    likelihood: Likelihood | None
