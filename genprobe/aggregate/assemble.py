"""What a pass comes to: the sums over all components but a query's own, and then with it.

The own component is added last, in float64, to every sum alike: to q(z), to the entropy of the
shares and to what is tallied of them.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.aggregate.sums import LogSums, merged_entropy
from genprobe.aggregate.tally import Tallied, Tally, merged_tally


@dataclass(frozen=True, kw_only=True, eq=False)
class AggregateDensity:
    """The aggregate posterior at M queries.

    Attributes:
        log_qz: (m,) log q(z), nats, float64.
        log_qz_loo: (m,) without each query's own component; None if none was given, −inf if N = 1.
        largest_share: (m,) the largest q(z|x_n) / Σ_n q(z|x_n).
        index_entropy: (m,) H[q(n|z)] of these shares, nats; from 0 to log N.
        max_error: largest deviation of log q(z) and the entropy seen from the float64 difference
            form, nats; of the leave-one-out density what is beyond 1e-5 of how far it lies below.
        skipped: share of the pairs that were left out because they provably do not matter.
        tallied: shares by column of the first so many queries, if a tally was asked for.
        tallied_loo: the same of the components but each query's own, as shares of their sum.
    """

    log_qz: Float64[Tensor, " m"]
    log_qz_loo: Float64[Tensor, " m"] | None
    largest_share: Float64[Tensor, " m"]
    index_entropy: Float64[Tensor, " m"]
    max_error: float
    skipped: float
    tallied: Tallied | None = None
    tallied_loo: Tallied | None = None


def total(sums: LogSums) -> Float64[Tensor, " m"]:
    """Log Σ_n q(z|x_n), own component included."""
    return torch.logaddexp(sums.others, sums.own)


def index_entropy(sums: LogSums) -> Float64[Tensor, " m"]:
    """H[q(n|z)], own component included."""
    alone = torch.zeros_like(sums.own)
    return merged_entropy((sums.others, sums.entropy), (sums.own, alone))


def assemble(
    sums: LogSums,
    own: Int64[Tensor, " m"],
    n: int,
    max_error: float,
    tally: Tally | None = None,
) -> AggregateDensity:
    """Densities from the sums of a pass."""
    everything = total(sums)
    largest = torch.maximum(sums.largest, sums.own)
    drawn = bool((own >= 0).all())
    return AggregateDensity(
        log_qz=everything - math.log(n),
        log_qz_loo=sums.others - math.log(max(1, n - 1)) if drawn else None,
        largest_share=(largest - everything).exp().clamp(max=1.0),
        index_entropy=index_entropy(sums).clamp(max=math.log(n)),
        max_error=max_error,
        skipped=sums.skipped,
        tallied=None if tally is None else with_own(sums, everything, own, tally),
        tallied_loo=sums.tallied,
    )


def with_own(
    sums: LogSums, everything: Float64[Tensor, " m"], own: Int64[Tensor, " m"], tally: Tally
) -> Tallied | None:
    """The tally of all components, each query's own included."""
    if sums.tallied is None:
        return None
    first = slice(0, len(sums.tallied.shares))
    rows = tally.of(own[first].clamp(min=0)).double()
    alone = Tallied(rows, torch.zeros_like(sums.tallied.moments), sums.tallied.columns)
    share = (sums.own - everything)[first].exp().nan_to_num(0.0).clamp(max=1.0)
    return merged_tally([alone, sums.tallied], torch.stack([share, 1 - share]))
