r"""What annealing found of some of a store's examples, as the estimators of inference take it.

Annealing is expensive, so only M of the N examples are taken, while R and D are known of all. What
is wanted is the mean of some a_n over all N. With c_n = R_n + D_n, say, it is

.. math::

    \bar a_N = \bar c_N + \overline{(a - c)}_M

(the difference estimator, Cochran 1977, section 7.3). As a and c are large and small for the same
examples, that errs far less than the mean of the M. The c of the M are of many draws, those of all
N of the few in the store; where these draws err more than is won, the mean of the M stands.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.errors import UnavailableError
from genprobe.estimators.pointwise import log_bin
from genprobe.estimators.standard_error import data_error, noise_of, two_stage_error, within_error
from genprobe.report import Estimate, Kind
from genprobe.store.inference import KeptInference, read_inference
from genprobe.store.read import Store
from genprobe.types import Prior

NOT_ASKED = "Not asked for: --inference N (inference=N) looks into N examples."
SAME_PRIOR = 1e-3
"""Nats by which log p(z) under one prior may differ between devices and precisions."""


class Terms(NamedTuple):
    """What a mean over M examples is of.

    Attributes:
        values: (M,) nats.
        noise: (M,) the variance of each, from its own draws.
        draws: of each, at least 2.
    """

    values: Float64[Tensor, " m"]
    noise: Float64[Tensor, " m"]
    draws: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Beside:
    """What goes with the values of M examples and is known of all N.

    Attributes:
        mean: over all N, nats.
        se: its Monte Carlo error.
        own: (M,) the same of each of the M, nats.
        noise: (M,) the variance of each.
    """

    mean: float
    se: float
    own: Float64[Tensor, " m"]
    noise: Float64[Tensor, " m"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Annealing:
    """What annealing found of M of N examples; log weights of log p(x), nats, of bins if known.

    Attributes:
        n: number of examples N.
        log_weight: (chain, M) of the chains.
        elbo: (draw, M) log weights of the encoder's posterior.
        best_elbo: (draw, M) of the best posterior of the family, of the same noise.
        which: (M,) the distinct example that each is; None where all differ.
        index: (M,) the examples; None for the first M.
        bins: log of the volume of a bin, nats, which the log weights have in them.
        kept: all that the store has of it, as densities; None outside one.
    """

    n: int
    log_weight: Float64[Tensor, "chain m"]
    elbo: Float64[Tensor, "draw m"]
    best_elbo: Float64[Tensor, "draw m"]
    which: Int64[Tensor, " m"] | None = None
    index: Int64[Tensor, " m"] | None = None
    bins: float = 0.0
    kept: KeptInference | None = None

    def of_all(
        self,
        name: str,
        terms: Terms,
        *,
        kind: Kind,
        beside: Beside | None = None,
    ) -> Estimate:
        """The mean over all N examples of values of these M.

        Args:
            name: of the estimate.
            terms: of these M.
            kind: of the estimate.
            beside: what goes with the values and is known of all examples; None without.
        """
        values, noise, draws = terms
        value, se = float(values.mean()), two_stage_error(values, noise, draws, self.n)
        spread = data_error(values[None], self.which)
        if beside is not None and se is not None and len(values) < self.n:
            apart = values - beside.own
            least = two_stage_error(apart, noise + beside.noise, draws, self.n)
            least = None if least is None else math.hypot(least, beside.se)
            if least is not None and least < se:
                value, se = beside.mean + float(apart.mean()), least
                if spread is not None:
                    spread = math.hypot(spread * math.sqrt(len(values) / self.n), se)
        return Estimate(name=name, value=value, se=se, se_data=spread, kind=kind, n=len(values))


def beside_of(
    annealing: Annealing,
    rate: Float64[Tensor, "1 n"],
    distortion: Float64[Tensor, "draw n"],
    of_rate: float = 1.0,
    of_distortion: float = 1.0,
) -> Beside:
    """A sum of R and D, each with a factor, as it goes with what annealing finds.

    Args:
        annealing: of some examples.
        rate: (1, n) of all examples, a closed form, nats.
        distortion: (draw, n) of all examples, nats.
        of_rate: factor of R.
        of_distortion: factor of D.
    """
    elbo = annealing.elbo
    index = torch.arange(elbo.shape[1]) if annealing.index is None else annealing.index
    own_rate = rate[0, index]
    return Beside(
        mean=of_rate * float(rate.mean()) + of_distortion * float(distortion.mean()),
        se=of_distortion * (within_error(distortion) or 0.0),
        own=(of_rate - of_distortion) * own_rate - of_distortion * elbo.mean(0),
        noise=of_distortion**2 * noise_of(elbo),
    )


def annealing_of(
    store: Store,
    prior: Prior | None,
    bin_width: float | None,
    which: Int64[Tensor, " n"] | None,
) -> Annealing:
    """What a store has of annealing.

    Args:
        store: finished.
        prior: another than the store was made with; None under its own.
        bin_width: δ of quantised data, by which a density becomes a probability.
        which: (n,) the distinct example that each is; None where all differ.

    Raises:
        UnavailableError: if it has nothing, or only of another prior.
    """
    kept = read_inference(store)
    if kept is None:
        raise UnavailableError(NOT_ASKED)
    if not same_log_prior(kept.arrays["log_pz"], log_prior_of(store, prior, kept.index)):
        raise UnavailableError(
            f"No annealing under this prior: the store's is under {kept.facts['prior']}. Evaluate "
            "the model with this prior and --inference N."
        )
    bins = log_bin(store.header, bin_width)
    return Annealing(
        n=store.header.n,
        log_weight=kept.arrays["log_weight"] + bins,
        elbo=kept.arrays["elbo"] + bins,
        best_elbo=kept.arrays["best_elbo"] + bins,
        which=None if which is None else which[kept.index],
        index=kept.index,
        bins=bins,
        kept=kept,
    )


def log_prior_of(
    store: Store, prior: Prior | None, index: Int64[Tensor, " m"]
) -> Float64[Tensor, " m"]:
    """Values of log p(z) (m,) at the first stored draw of some examples: they tell a prior.

    Args:
        store: finished.
        prior: another than the store was made with; None for its own.
        index: (m,) the examples, rising.
    """
    if prior is None:
        return store.column("draws/log_pz")[0, index]
    z = store.gather("draws/z", 0, index)
    return prior.log_prob(z.double()).detach().cpu().double()


def same_log_prior(one: Float64[Tensor, " m"], other: Float64[Tensor, " m"]) -> bool:
    """Whether values at some draws are of one prior.

    >>> same_log_prior(torch.zeros(2).double(), torch.tensor([0.0, 1e-5]).double())
    True
    """
    return len(one) == len(other) and torch.allclose(one, other, rtol=1e-5, atol=SAME_PRIOR)
