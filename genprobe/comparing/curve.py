"""Whether models trained at rising β make the curve they must: falling, and convex.

Models that minimise D + βR over one family of networks lie on its lower-left hull: as β rises, R
falls, D rises, and the chord between two neighbours β₁ < β₂ falls by some slope in [β₁, β₂] (each
does best at its own β: D₁ + β₁R₁ ≤ D₂ + β₁R₂ and D₂ + β₂R₂ ≤ D₁ + β₂R₁). A break of this says
that a model is not trained out. Errors are of paired differences over the examples, by the delta
method: far smaller than those of the points, because all models see the same examples.

Reference: Alemi et al. 2018, "Fixing a Broken ELBO", section 2.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from jaxtyping import Float64
from torch import Tensor

from genprobe.errors import GenprobeError
from genprobe.estimators.students_t import students_t

LEVEL = math.erfc(3 / math.sqrt(2))
"""How often a mean of zero may look like none, on either side: three errors of very many values."""
LEAST_NATS = 0.01
"""Nats below which a break is none, whatever its error: two models that both ignore their code
differ by less."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One condition that a curve must meet, and by how much it does.

    Attributes:
        name: ``rate falls``, ``distortion rises``, ``convex`` or ``best at its β``.
        betas: of the models it is about, the one that it is asked of first.
        value: nats; negative where it is broken.
        se: of the value.
        n: number of examples.
    """

    name: str
    betas: tuple[float, ...]
    value: float
    se: float
    n: int

    @property
    def z(self) -> float:
        """The value in standard errors."""
        if self.se == 0:
            return math.copysign(math.inf, self.value) if self.value else 0.0
        return self.value / self.se

    @property
    def broken(self) -> bool:
        """Whether it is broken by more than the error and by more than a trifle."""
        return self.z < -least_z(self.n) and self.value < -LEAST_NATS


@dataclass(frozen=True, kw_only=True)
class Chord:
    """The line between two neighbours on the curve.

    Attributes:
        betas: of its ends, the lower first.
        slope: −ΔD/ΔR; between the two β if both models are trained out.
        se: of the slope.
    """

    betas: tuple[float, float]
    slope: float
    se: float


@dataclass(frozen=True, kw_only=True)
class CurveTest:
    """Whether a curve falls and bends as it must: every condition, and the slopes between.

    Attributes:
        conditions: all that were asked.
        chords: between neighbours whose rates differ.
    """

    conditions: tuple[Condition, ...]
    chords: tuple[Chord, ...]

    @property
    def broken(self) -> tuple[Condition, ...]:
        """The conditions that do not hold, the worst first."""
        return tuple(sorted((c for c in self.conditions if c.broken), key=lambda c: c.value))


def curve_test(
    betas: Sequence[float],
    rates: Float64[Tensor, "k n"],
    distortions: Float64[Tensor, "k n"],
    *,
    trained_here: bool = True,
) -> CurveTest:
    """Ask of a curve whether it falls and bends as it must.

    Args:
        betas: k, rising.
        rates: of each model and example, nats.
        distortions: of the same models and examples, nats.
        trained_here: whether these are the examples the models were trained on; of others nothing
            says that a model does best at its own β.

    Raises:
        GenprobeError: if the β do not rise.

    >>> import torch
    >>> rates = torch.tensor([[8.0, 8.2], [5.0, 5.2], [2.0, 2.2]])
    >>> distortions = torch.tensor([[60.0, 60.1], [62.0, 62.1], [66.5, 66.6]])
    >>> test = curve_test([0.5, 1.0, 2.0], rates.double(), distortions.double())
    >>> test.broken, [round(chord.slope, 3) for chord in test.chords]
    ((), [0.667, 1.5])
    """
    if any(a >= b for a, b in pairwise(betas)):
        raise GenprobeError("The β of a curve must rise.")
    conditions, chords = [], []
    for i, j in pairwise(range(len(betas))):
        ends = (betas[i], betas[j])
        conditions.append(condition("rate falls", ends, rates[i] - rates[j]))
        conditions.append(condition("distortion rises", ends, distortions[j] - distortions[i]))
        chords.append(chord(ends, rates[i] - rates[j], distortions[j] - distortions[i]))
    middle = range(1, len(betas) - 1)
    conditions += [convexity(betas, rates, distortions, i) for i in middle]
    for i, j in combinations(range(len(betas)), 2) if trained_here else ():
        for own, other in ((i, j), (j, i)):
            gain = distortions[other] - distortions[own]
            gain = gain + betas[own] * (rates[other] - rates[own])
            conditions.append(condition("best at its β", (betas[own], betas[other]), gain))
    return CurveTest(
        conditions=tuple(conditions), chords=tuple(c for c in chords if c.se < math.inf)
    )


def least_z(n: int) -> float:
    """Standard errors, of n values, beyond which a mean is not zero by accident.

    >>> round(least_z(10), 2), round(least_z(10_000), 2)
    (4.09, 3.0)
    """
    return students_t(LEVEL, max(1, n - 1))


def condition(name: str, betas: tuple[float, ...], values: Float64[Tensor, " n"]) -> Condition:
    """The mean of per-example values, and its error."""
    mean, n = float(values.mean()), len(values)
    return Condition(name=name, betas=betas, value=mean, se=error(values), n=n)


def chord(
    betas: tuple[float, float], fall: Float64[Tensor, " n"], rise: Float64[Tensor, " n"]
) -> Chord:
    """The slope rise / fall; its error is infinite where the fall is within its own.

    Args:
        betas: of the ends.
        fall: of the rate, per example.
        rise: of the distortion, per example.
    """
    mean = float(fall.mean())
    if abs(mean) <= least_z(len(fall)) * error(fall):
        return Chord(betas=betas, slope=math.nan, se=math.inf)
    slope = float(rise.mean()) / mean
    return Chord(betas=betas, slope=slope, se=error(rise - slope * fall) / abs(mean))


def convexity(
    betas: Sequence[float],
    rates: Float64[Tensor, "k n"],
    distortions: Float64[Tensor, "k n"],
    i: int,
) -> Condition:
    """How far model i lies below the line between its neighbours, nats of distortion.

    Where the neighbours have one rate there is no line, and the height is that above the lower.
    """
    before, after = rates[i - 1].mean(), rates[i + 1].mean()
    span = float(before - after)
    share = 0.0 if span <= 0 else min(1.0, max(0.0, float(before - rates[i].mean()) / span))
    line = (1 - share) * distortions[i - 1] + share * distortions[i + 1]
    slope = 0.0 if span <= 0 else float((distortions[i + 1] - distortions[i - 1]).mean()) / span
    # The share is itself uncertain: its error moves the foot along the line.
    foot = rates[i - 1] - rates[i] - share * (rates[i - 1] - rates[i + 1])
    below = line - distortions[i] + slope * (foot - foot.mean())
    return condition("convex", tuple(betas[j] for j in (i, i - 1, i + 1)), below)


def error(values: Float64[Tensor, " n"]) -> float:
    """Standard error of a mean; infinite for a single value."""
    n = len(values)
    return float(values.std()) / math.sqrt(n) if n > 1 else math.inf
