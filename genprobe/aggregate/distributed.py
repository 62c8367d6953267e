"""Sums over components that several ranks made, each over its share of them, as one.

With a_r the log of rank r's sum and H_r the entropy of its shares,

    log Σ_r exp(a_r) = t + log Σ_r exp(a_r − t),  t = max_r a_r
    H = Σ_r p_r (H_r − log p_r),                  p_r = exp(a_r) / Σ_s exp(a_s)

so one maximum and two sums of a few vectors are all that is exchanged, whatever the number of
components. The shares are disjoint: a query's own component is with one rank at most.
"""

import torch

from genprobe.aggregate.sums import LogSums
from genprobe.aggregate.tally import Tallied
from genprobe.runtime.ranks import Ranks, all_max, all_sum, broadcast


def combined(sums: LogSums, ranks: Ranks) -> LogSums:
    """The sums over all components, the same on every rank; those of a process alone as they are.

    Args:
        sums: over this rank's share, each (m,); −inf and entropy 0 where the share is empty.
        ranks: this process's place in the group.
    """
    if ranks.size == 1:
        return sums
    top, own, largest = all_max(torch.stack([sums.others, sums.own, sums.largest]), ranks)
    reference = top.where(top > -torch.inf, 0.0)
    weight = (sums.others - reference).exp()
    whole = all_sum(weight, ranks)
    part = (weight / whole).where(whole != 0, 0.0)
    entropy = all_sum(part * sums.entropy + torch.special.entr(part), ranks)
    # Sums over ranks may round differently on each: rank 0's are everyone's.
    others, own, largest, entropy = broadcast(
        torch.stack([reference + whole.log(), own, largest, entropy]), ranks
    )
    done = torch.tensor(sums.skipped, dtype=torch.float64)
    tallied = sums.tallied
    if tallied is not None:
        parts = tallied.weighted(part[: len(tallied.shares)])
        added = [broadcast(all_sum(values, ranks), ranks) for values in parts]
        tallied = Tallied(added[0], added[1], tallied.columns)
    return LogSums(
        others=others,
        own=own,
        largest=largest,
        entropy=entropy,
        rounded=all_max(sums.rounded, ranks),
        skipped=float(all_sum(done, ranks)) / ranks.size,
        tallied=tallied,
    )
