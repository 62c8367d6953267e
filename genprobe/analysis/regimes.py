"""The regime: where a model lives on the rate-distortion plane, and how sure that is.

Alemi et al. (2018) name the regimes and give exemplars but no thresholds; the cuts here are chosen
so that every published exemplar keeps its name. A label is read off (R, D, s, Ĥ), s being the
operating slope and Ĥ the smallest known upper bound on the entropy of the data, for each bootstrap
replicate of (R, D, Ĥ, s); its probability is the share of replicates that carry it. Where Ĥ is a
model's own R + D it moves with R and D, and held fixed it would make a certain label look doubtful.
Of a handful of examples replicates say little: fewer than ``FEWEST`` have no label. Models trained
with β = 1 have slopes about 1, where one cut would be the toss of a coin: hence three bands.
"""

from __future__ import annotations

import math
import reprlib
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genprobe.errors import GenprobeError
from genprobe.report import Estimate, Regime
from genprobe.runtime.untrusted import reading, require_readable

if TYPE_CHECKING:
    from jaxtyping import Float64
    from torch import Tensor

AUTODECODER = "autodecoder"
SEMANTIC_DECODER = "semantic-decoder"
KNEE = "knee"
SEMANTIC_ENCODER = "semantic-encoder"
SYNTACTIC_ENCODER = "syntactic-encoder"
AUTOENCODER = "autoencoder"
UNDETERMINED = "undetermined"

MEANING = {
    AUTODECODER: "the decoder does without the code, or nearly",
    SEMANTIC_DECODER: "more rate would still pay; the decoder fills in the rest",
    KNEE: "one more nat of rate would buy about one nat of distortion",
    SEMANTIC_ENCODER: "the encoder has bought what pays; the decoder adds detail",
    SYNTACTIC_ENCODER: "the code carries detail besides what examples share",
    AUTOENCODER: "the code carries almost the whole of each example",
    UNDETERMINED: "not enough is known to place it",
}
ORDER = tuple(MEANING)[:-1]
"""By rising rate: from the corner where the decoder has no code to the one where it is all code."""
SEMANTIC_SLOPE = "semantic_slope"
"""The older name, of a single cut without a knee."""
FEWEST = 30
"""Distinct examples from which on resampling them says how sure a label is."""


@dataclass(frozen=True, kw_only=True)
class Cuts:
    """Every threshold of the regimes.

    Attributes:
        collapsed_nats: rate up to which a model is an autodecoder, nats.
        collapsed_share: the same as a share of Ĥ; the larger of the two counts.
        autoencoder: D/Ĥ up to which it is an autoencoder.
        syntactic: D/Ĥ up to which it is a syntactic encoder; beyond, it is semantic.
        semantic_rate: R/Ĥ above which it is an encoder, where no slope is known.
        autoencoder_slope: slope up to which it is an autoencoder, where position is undefined.
        syntactic_slope: the same for a syntactic encoder.
        knee_low: slope below which a semantic model is an encoder.
        knee_high: slope above which it is a decoder; from knee_low to here is the knee.
        certain: probability from which the label stands alone.
        fewest: distinct examples from which on there is a label.
        semantic_slope: the older name of both ends of the knee at once: a single cut.

    Raises:
        GenprobeError: if the ends of the knee are the wrong way round or given twice.
    """

    collapsed_nats: float = 0.1
    collapsed_share: float = 0.01
    autoencoder: float = 0.08
    syntactic: float = 0.5
    semantic_rate: float = 0.05
    autoencoder_slope: float = 0.125
    syntactic_slope: float = 0.5
    knee_low: float = 0.8
    knee_high: float = 1.25
    certain: float = 0.95
    fewest: float = FEWEST
    semantic_slope: InitVar[float | None] = None

    def __post_init__(self, semantic_slope: float | None) -> None:
        """Read the older name; refuse a knee that ends before it begins."""
        if semantic_slope is not None:
            self._cut_once(semantic_slope)
        if self.knee_low > self.knee_high:
            raise GenprobeError(
                f"knee_low = {self.knee_low:g} is above knee_high = {self.knee_high:g}.",
                "The knee is the slopes from knee_low to knee_high.",
            )

    def _cut_once(self, slope: float) -> None:
        # A list of every cut of the older rule has the ends of the knee too, at their defaults.
        if (self.knee_low, self.knee_high) != (Cuts.knee_low, Cuts.knee_high):
            raise GenprobeError(
                f"{SEMANTIC_SLOPE} is given and knee_low or knee_high, too.",
                f"Leave {SEMANTIC_SLOPE} out: it is an older name that sets both.",
            )
        for end in ("knee_low", "knee_high"):
            object.__setattr__(self, end, slope)


DEFAULT_CUTS = Cuts()


def read_cuts(path: str | Path) -> Cuts:
    """Cuts from a TOML file of ``name = number``; names left out keep their default.

    Raises:
        GenprobeError: if it does not read, or a name or value is not a cut.
    """
    require_readable(Path(path), "file of regime cuts")
    with reading(Path(path), "regime cuts in TOML"):
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    known = {field.name for field in fields(Cuts)}
    for name, value in content.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        named = name in known or name == SEMANTIC_SLOPE
        if not named or not number or not (abs(value) < 1e300 or value == math.inf):
            raise GenprobeError(
                f"{path} sets {reprlib.repr(name)[1:-1]} = {reprlib.repr(value)}, which is not a "
                "cut.",
                f"Cuts are numbers: {', '.join(sorted(known))}.",
            )
    try:
        return Cuts(**content)
    except GenprobeError as error:
        raise GenprobeError(f"{path}: {error.what}", error.remedy) from None


@dataclass(frozen=True, kw_only=True)
class Entropy:
    """An upper bound on the entropy of the data.

    Attributes:
        value: the bound, nats.
        source: where it comes from.
        each: (n,) of which it is the mean over examples, nats; None where it is no such mean, or
            the examples are not at hand.
    """

    value: float
    source: str
    each: Float64[Tensor, " n"] | None = field(default=None, compare=False, repr=False)


def smallest(bounds: Sequence[Entropy]) -> Entropy | None:
    """The tightest of several upper bounds."""
    return min(bounds, key=lambda bound: bound.value, default=None)


class Point(NamedTuple):
    """What a label is read from, nats; what is not known is None.

    Attributes:
        rate: R.
        margin: what is added to R for its upper 95 % limit.
        distortion: D, where it is minus the log of a probability of the data.
        entropy: Ĥ.
        slope: the operating slope.
    """

    rate: float
    margin: float = 0.0
    distortion: float | None = None
    entropy: float | None = None
    slope: float | None = None


def label(point: Point, cuts: Cuts = DEFAULT_CUTS) -> tuple[str, str]:
    """The regime at one point of the plane, and the sentence that says why.

    Args:
        point: to be placed.
        cuts: thresholds.
    """
    limit = max(cuts.collapsed_nats, cuts.collapsed_share * (point.entropy or 0.0))
    if point.rate + point.margin <= limit:
        upper = point.rate + point.margin
        return AUTODECODER, f"the upper 95 % limit of R, {upper:.3g}, is at most {limit:.3g} nats"
    if point.distortion is None or not point.entropy:
        return label_by_slope(point, cuts)
    share = point.distortion / point.entropy
    if share <= cuts.autoencoder:
        return AUTOENCODER, f"D/Ĥ = {share:.3f} ≤ {cuts.autoencoder:g}"
    if share <= cuts.syntactic:
        return SYNTACTIC_ENCODER, f"D/Ĥ = {share:.3f} ≤ {cuts.syntactic:g}"
    semantic = f"D/Ĥ = {share:.3f} > {cuts.syntactic:g}"
    if point.slope is not None:
        name, reason = semantic_by_slope(point.slope, cuts)
        return name, f"{semantic}, {reason}"
    cost = point.rate / point.entropy
    encoder = cost > cuts.semantic_rate
    sign = ">" if encoder else "≤"
    reason = f"{semantic}, R/Ĥ = {cost:.3f} {sign} {cuts.semantic_rate:g} (no slope known)"
    return (SEMANTIC_ENCODER if encoder else SEMANTIC_DECODER), reason


def semantic_by_slope(slope: float, cuts: Cuts) -> tuple[str, str]:
    """Which of the three bands of the slope a semantic model is in, and why."""
    low, high = cuts.knee_low, cuts.knee_high
    if slope < low:
        return SEMANTIC_ENCODER, f"slope {slope:.3f} < {low:g}"
    if slope > high:
        return SEMANTIC_DECODER, f"slope {slope:.3f} > {high:g}"
    return KNEE, f"slope {slope:.3f} within [{low:g}, {high:g}]"


def label_by_slope(point: Point, cuts: Cuts) -> tuple[str, str]:
    """The regime where position is undefined, from the slope alone."""
    if point.slope is None:
        return UNDETERMINED, "neither an entropy bound nor a slope is known"
    upper = {AUTOENCODER: cuts.autoencoder_slope, SYNTACTIC_ENCODER: cuts.syntactic_slope}
    for name, cut in upper.items():
        if point.slope <= cut:
            return name, f"by slope alone, {point.slope:.3f} ≤ {cut:g}"
    name, reason = semantic_by_slope(point.slope, cuts)
    return name, f"by slope alone: {reason}"


def place(
    rate: Estimate,
    distortion: Estimate | None,
    slope: Estimate | None,
    entropy: Entropy | None,
    replicates: Float64[Tensor, "replicate 3"] | None,
    slopes: Float64[Tensor, " replicate"] | None,
    cuts: Cuts = DEFAULT_CUTS,
    *,
    n: int,
) -> Regime:
    """The regime of a model, by its position on the plane and its slope.

    Args:
        rate: the estimate of R.
        distortion: the estimate of D; None without a decoder.
        slope: the operating slope; None where it is unknown.
        entropy: Ĥ; None where no bound holds (densities without a bin width, grey Bernoulli data).
        replicates: of (R, D, Ĥ) under their joint uncertainty; None where D or Ĥ is.
        slopes: replicates of the slope.
        cuts: thresholds.
        n: number of distinct examples.
    """
    if n < cuts.fewest:
        some = "1 distinct example is" if n == 1 else f"{n} distinct examples are"
        why = f"{some} too few to say how sure a label is; it takes {cuts.fewest:g}"
        return undetermined(entropy, why)
    positioned = distortion is not None and entropy is not None and replicates is not None
    # A report of few examples states no error over the data; its replicates have it.
    error = rate.se_data if replicates is None else float(replicates[:, 0].std(correction=0))
    margin = 1.96 * (error or 0.0)
    centre = Point(
        rate=rate.value,
        margin=margin,
        distortion=distortion.value if positioned and distortion else None,
        entropy=entropy.value if entropy else None,
        slope=slope.value if slope else None,
    )
    points = spread(centre, replicates if positioned else None, slopes)
    votes = Counter(label(point, cuts)[0] for point in points)
    ranked = [(name, count / len(points)) for name, count in votes.most_common()]
    readings = by_position, by_slope = (
        label(centre._replace(slope=None), cuts)[0] if positioned else None,
        label(centre._replace(distortion=None), cuts)[0] if slope else None,
    )
    return Regime(
        label=ranked[0][0],
        probability=ranked[0][1],
        alternatives=tuple(ranked[1:]),
        by_position=by_position,
        by_slope=by_slope,
        entropy=centre.entropy,
        entropy_source=entropy.source if entropy else None,
        reasons=reasons(centre, ranked[0][0], distortion is not None, readings, cuts),
    )


def undetermined(entropy: Entropy | None, reason: str) -> Regime:
    """No label, and why."""
    return Regime(
        label=UNDETERMINED,
        probability=1.0,
        alternatives=(),
        by_position=None,
        by_slope=None,
        entropy=entropy.value if entropy else None,
        entropy_source=entropy.source if entropy else None,
        reasons=(reason,),
    )


def spread(
    centre: Point,
    replicates: Float64[Tensor, "replicate 3"] | None,
    slopes: Float64[Tensor, " replicate"] | None,
) -> list[Point]:
    """The centre once for every replicate, with its R, D, Ĥ and slope; once alone without any."""
    count = max(0 if r is None else len(r) for r in (replicates, slopes))
    if count == 0:
        return [centre]
    own = (centre.rate, centre.distortion, centre.entropy)
    places = [own] * count if replicates is None else replicates.tolist()
    each = [centre.slope] * count if slopes is None or centre.slope is None else slopes.tolist()
    return [
        Point(rate=r, margin=centre.margin, distortion=d, entropy=h, slope=s)
        for (r, d, h), s in zip(places, each, strict=True)
    ]


def reasons(
    centre: Point,
    winner: str,
    decodes: bool,
    readings: tuple[str | None, str | None],
    cuts: Cuts,
) -> tuple[str, ...]:
    """Which cut decided, and both readings, with how far they are apart.

    Args:
        centre: the estimates themselves.
        winner: the label of most replicates.
        decodes: whether there is a distortion.
        readings: the label by position and the label by slope; None where there is none.
        cuts: thresholds.
    """
    name, reason = label(centre, cuts)
    if name == UNDETERMINED:
        return (
            "the distortion is not a log-probability of the data, and no slope is known"
            if decodes
            else "there is no decoder, hence no distortion to place it by",
        )
    if name != winner:
        reason = f"the estimates themselves read {name}: {reason}"
    by_position, by_slope = readings
    if by_position is None or by_slope is None or name == AUTODECODER:
        return (reason,)
    both = f"by position {by_position}, by slope {by_slope}"
    apart = abs(ORDER.index(by_position) - ORDER.index(by_slope))
    return reason, f"{both}: they disagree by {apart} regimes" if apart > 1 else both
