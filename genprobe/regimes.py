"""The regime: where a model lives on the rate-distortion plane, and how sure that is.

Alemi et al. (2018) name the regimes and give exemplars but no thresholds; the cuts here are chosen
so that every published exemplar keeps its name. A label is read off (R, D, Ĥ), Ĥ being the
smallest known upper bound on the entropy of the data, for each replicate of (R, D) under their
joint uncertainty; its probability is the share of replicates that carry it.
"""

from collections import Counter
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.types import Estimate, Regime

AUTODECODER = "autodecoder"
SEMANTIC_DECODER = "semantic-decoder"
SEMANTIC_ENCODER = "semantic-encoder"
SYNTACTIC_ENCODER = "syntactic-encoder"
AUTOENCODER = "autoencoder"
UNDETERMINED = "undetermined"

MEANING = {
    AUTODECODER: "the decoder ignores the code",
    SEMANTIC_DECODER: "the code says little; the decoder fills in the rest",
    SEMANTIC_ENCODER: "the code says what examples share; the decoder adds detail",
    SYNTACTIC_ENCODER: "the code spells out most of each example",
    AUTOENCODER: "the code says everything; little is left to the decoder",
    UNDETERMINED: "no entropy bound to place it by",
}

REPLICATES = 2000
GROUPS = 2000
BLOCK = 50


@dataclass(frozen=True, kw_only=True)
class Cuts:
    """Every threshold of the regimes.

    Attributes:
        collapsed_nats: rate up to which a model is an autodecoder, nats.
        collapsed_share: the same as a share of Ĥ; the larger of the two counts.
        autoencoder: D/Ĥ up to which it is an autoencoder.
        syntactic: D/Ĥ up to which it is a syntactic encoder; beyond, it is semantic.
        semantic_rate: R/Ĥ above which a semantic model is an encoder, when no slope is known.
        certain: probability from which the label stands alone.
    """

    collapsed_nats: float = 0.1
    collapsed_share: float = 0.01
    autoencoder: float = 0.08
    syntactic: float = 0.5
    semantic_rate: float = 0.05
    certain: float = 0.95


DEFAULT_CUTS = Cuts()


@dataclass(frozen=True, kw_only=True)
class Entropy:
    """An upper bound on the entropy of the data, nats, and where it comes from."""

    value: float
    source: str


def smallest(bounds: list[Entropy]) -> Entropy | None:
    """The tightest of several upper bounds."""
    return min(bounds, key=lambda bound: bound.value, default=None)


def bootstrap(
    rate: Float64[Tensor, " n"], distortion: Float64[Tensor, " n"], seed: int = 0
) -> Float64[Tensor, "replicate 2"]:
    """Replicates of (R, D) with the examples resampled, jointly.

    Many examples are first averaged in random groups of equal size (the groups' mean has the same
    variance), so that the cost does not grow with N.

    Args:
        rate: (n,) per example, nats.
        distortion: (n,) per example, nats.
        seed: of the resampling.
    """
    generator = torch.Generator().manual_seed(seed)
    pairs = torch.stack([rate, distortion], 1)
    size = max(1, len(pairs) // GROUPS)
    shuffled = pairs[torch.randperm(len(pairs), generator=generator)]
    groups = shuffled[: len(pairs) // size * size].view(-1, size, 2).mean(1)
    centred = groups - groups.mean(0) + pairs.mean(0)
    picks = (
        torch.randint(len(centred), (BLOCK, len(centred)), generator=generator)
        for _ in range(REPLICATES // BLOCK)
    )
    return torch.cat([centred[pick].mean(1) for pick in picks])


def normal_replicates(
    rate: Estimate, distortion: Estimate, elbo: Estimate, seed: int = 0
) -> Float64[Tensor, "replicate 2"]:
    """Replicates of (R, D) from their standard errors, where the examples are not at hand.

    The covariance follows from that of the ELBO: Var(R + D) = Var R + Var D + 2 Cov(R, D).
    """
    r, d, sum_error = (e.se_data or 0.0 for e in (rate, distortion, elbo))
    covariance = (sum_error**2 - r**2 - d**2) / 2
    slope = covariance / r if r else 0.0
    rest = max(0.0, d**2 - slope**2) ** 0.5
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(REPLICATES, 2, generator=generator, dtype=torch.float64)
    return torch.stack(
        [rate.value + r * noise[:, 0], distortion.value + slope * noise[:, 0] + rest * noise[:, 1]],
        1,
    )


def label(
    rate: float, rate_upper: float, distortion: float, entropy: float, cuts: Cuts = DEFAULT_CUTS
) -> tuple[str, str]:
    """The regime at one point of the plane, and the sentence that says why.

    Args:
        rate: R, nats.
        rate_upper: upper 95 % limit of R, nats.
        distortion: D, nats.
        entropy: Ĥ, nats.
        cuts: thresholds.
    """
    collapsed = max(cuts.collapsed_nats, cuts.collapsed_share * entropy)
    if rate_upper <= collapsed:
        return AUTODECODER, f"R is below {collapsed:.3g} nats, so the code tells next to nothing"
    share = distortion / entropy
    if share <= cuts.autoencoder:
        return AUTOENCODER, f"D/Ĥ = {share:.3f} ≤ {cuts.autoencoder:g}"
    if share <= cuts.syntactic:
        return SYNTACTIC_ENCODER, f"D/Ĥ = {share:.3f} ≤ {cuts.syntactic:g}"
    cost = rate / entropy
    name, sign = (SEMANTIC_ENCODER, ">") if cost > cuts.semantic_rate else (SEMANTIC_DECODER, "≤")
    reason = (
        f"D/Ĥ = {share:.3f} > {cuts.syntactic:g}, R/Ĥ = {cost:.3f} {sign} {cuts.semantic_rate:g}"
    )
    return name, f"{reason} (no slope known)"


def place(
    rate: Estimate,
    distortion: Estimate | None,
    replicates: Float64[Tensor, "replicate 2"] | None,
    entropy: Entropy | None,
    cuts: Cuts = DEFAULT_CUTS,
) -> Regime:
    """The regime of a model by its position on the plane.

    Args:
        rate: the estimate of R.
        distortion: the estimate of D; None without a decoder.
        replicates: of (R, D) under their joint uncertainty.
        entropy: Ĥ; None where no bound holds (densities without a bin width, grey Bernoulli data).
        cuts: thresholds.
    """
    if distortion is None or replicates is None or entropy is None:
        return without_position(rate, distortion, entropy, cuts)
    margin = 1.96 * (rate.se_data or 0.0)
    _, reason = label(rate.value, rate.value + margin, distortion.value, entropy.value, cuts)
    votes = Counter(label(r, r + margin, d, entropy.value, cuts)[0] for r, d in replicates.tolist())
    ranked = [(name, count / len(replicates)) for name, count in votes.most_common()]
    top, probability = ranked[0]
    return Regime(
        label=top,
        probability=probability,
        alternatives=tuple(ranked[1:]),
        by_position=top,
        by_slope=None,
        entropy=entropy.value,
        entropy_source=entropy.source,
        reasons=(reason,),
    )


def without_position(
    rate: Estimate, distortion: Estimate | None, entropy: Entropy | None, cuts: Cuts
) -> Regime:
    """The regime where the plane has no scale: only a collapsed code can be told."""
    upper = rate.value + 1.96 * (rate.se_data or 0.0)
    threshold = cuts.collapsed_nats
    collapsed = upper <= threshold
    if collapsed:
        reason = f"R is below {threshold:.3g} nats, so the code tells next to nothing"
    elif distortion is None:
        reason = "there is no decoder, hence no distortion to place it by"
    else:
        reason = "the distortion is not a log-probability of the data, so D/Ĥ has no meaning"
    return Regime(
        label=AUTODECODER if collapsed else UNDETERMINED,
        probability=1.0,
        alternatives=(),
        by_position=None,
        by_slope=None,
        entropy=None if entropy is None else entropy.value,
        entropy_source=None if entropy is None else entropy.source,
        reasons=(reason,),
    )
