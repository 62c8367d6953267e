"""What is found about the values a decoder gives: probabilities called logits, and rounded ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from genprobe.analysis.notices import distortion_above_blind
from genprobe.errors import Notice
from genprobe.report import Estimate

if TYPE_CHECKING:
    from torch import Tensor

ROUNDING_NATS = 1e-4
"""By which rounded probabilities may put the distortion off without a word."""


def may_be_probabilities(saved: Tensor | None, estimates: Mapping[str, Estimate]) -> Notice | None:
    """All logits could be probabilities, and the distortion looks as if they were.

    Args:
        saved: what D loses when logits are read as probabilities, nats an example; None where
            they cannot be any.
        estimates: by name.
    """
    if saved is None:
        return None
    gain, judged = float(saved.mean()), "blind_distortion" in estimates
    if gain <= 0 and judged and distortion_above_blind(estimates) is None:
        return None
    return Notice(
        code="logits-may-be-probabilities",
        message=f"Read as probabilities, D is {abs(gain):.3g} nats "
        f"{'smaller' if gain > 0 else 'larger'}.",
        remedy="All of the decoder's logits could be probabilities. If it ends in a sigmoid or "
        "softmax, return that as probs, or what goes into it as logits.",
    )


def probs_rounded(off: Tensor | None) -> Notice | None:
    """Probabilities near 1 are rounded, and the data met the other side of some.

    Args:
        off: by which that may put D off, nats an example; None where it is not known.
    """
    if off is None or off.mean() < ROUNDING_NATS:
        return None
    return Notice(
        code="probs-rounded",
        message=f"Some probs are rounded to 0 or 1: D may be off by {off.mean():.2g} nats.",
        remedy="They are too near 0 or 1 for their dtype. Return logits instead of probs, or run "
        "with --dtype float64.",
    )
