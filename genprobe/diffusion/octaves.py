"""Where along time the nats go: steps by the octave of their signal-to-noise ratio."""

from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from genprobe.diffusion.schedule import Schedule

LOWEST, HIGHEST = -12, 24
"""Octaves beyond are put together with these: nearly pure noise, and nearly no noise."""
POINTS = 16
"""Of the progressive curve, at most."""
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, kw_only=True, eq=False)
class Octaves:
    """The octaves of SNR that a schedule has steps in, the noisiest first.

    Attributes:
        numbers: k of each, 2^k ≤ SNR(t) < 2^(k+1).
        of_step: (T,) which of them each step is in; of t = 0, which is no step, that of t = 1.
        first: (K,) the noisiest step t of each.
    """

    numbers: tuple[int, ...]
    of_step: Int64[Tensor, " T"]
    first: Int64[Tensor, " K"]

    @property
    def names(self) -> tuple[str, ...]:
        """What tables call them."""
        return tuple(octave_name(k) for k in self.numbers)

    @property
    def points(self) -> tuple[tuple[int, int], ...]:
        """Of the progressive curve: a step t, and how many octaves are paid for by then.

        The first is the noisiest state, the last that at t = 0, with all octaves.
        """
        count = len(self.numbers)
        shares = torch.linspace(0, count, min(count + 1, POINTS)).round().long()
        kept = sorted(set(shares.tolist()))
        firsts = [*self.first.tolist(), 0]
        return tuple((firsts[i], i) for i in kept)


def octave_name(number: int) -> str:
    """An octave in words.

    >>> octave_name(-3), octave_name(LOWEST)
    ('SNR 2⁻³–2⁻²', 'SNR below 2⁻¹¹')
    """
    low, high = (f"2{str(k).translate(SUPERSCRIPT)}" for k in (number, number + 1))
    if number == LOWEST:
        return f"SNR below {high}"
    return f"SNR above {low}" if number == HIGHEST else f"SNR {low}–{high}"


def octaves_of(schedule: Schedule) -> Octaves:
    """The octaves of a schedule.

    Args:
        schedule: of a chain.

    Example:
        >>> sigma = torch.tensor([0.1, 1.0, 1.2, 4.0]).double()
        >>> found = octaves_of(Schedule(alpha=torch.ones(4).double(), sigma=sigma))
        >>> found.numbers, found.of_step.tolist(), found.points
        ((-4, -1, 0), [2, 2, 1, 0], ((3, 0), (2, 1), (1, 2), (0, 3)))
    """
    octave = schedule.log2_snr.floor().clamp(LOWEST, HIGHEST).long()
    octave[0] = octave[1]
    numbers, of_step = torch.unique(octave, return_inverse=True)
    steps = torch.arange(schedule.steps)
    first = torch.stack([steps[of_step == k].max() for k in range(len(numbers))])
    return Octaves(numbers=tuple(numbers.tolist()), of_step=of_step, first=first)
