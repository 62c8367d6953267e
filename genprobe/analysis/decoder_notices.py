"""Warnings about what the decoder gives: probabilities called logits, and rounded ones."""

from collections.abc import Mapping

from torch import Tensor

from genprobe.analysis.notices import distortion_above_blind
from genprobe.errors import Notice, UnavailableError
from genprobe.estimators.probed import probed_column
from genprobe.report import Estimate
from genprobe.store.read import Store

ROUNDING_NATS = 1e-4
"""By which rounded probabilities may put the distortion off without a word."""


def may_be_probabilities(store: Store, estimates: Mapping[str, Estimate]) -> Notice | None:
    """All logits could be probabilities, and the distortion looks as if they were.

    Args:
        store: finished.
        estimates: by name.
    """
    saved = probed(store, "logits_as_probs")
    if saved is None:
        return None
    gain, judged = float(saved.mean()), "blind_distortion" in estimates
    if gain <= 0 and judged and distortion_above_blind(estimates) is None:
        return None
    return Notice(
        code="logits-may-be-probabilities",
        message="Are the decoder's logits probabilities? All of them could be; read as such they "
        f"make the distortion {abs(gain):.3g} nats {'smaller' if gain > 0 else 'larger'}.",
        remedy="If it ends in a sigmoid or softmax, return that as probs, or what goes into it as "
        "logits.",
    )


def probs_rounded(store: Store) -> Notice | None:
    """Probabilities near 1 are rounded, and the data met the other side of some.

    Args:
        store: finished.
    """
    off = probed(store, "probs_rounding")
    if off is None or off.mean() < ROUNDING_NATS:
        return None
    return Notice(
        code="probs-rounded",
        message="Some of the decoder's probs are so near 0 or 1 that they are rounded: the "
        f"distortion may be off by {off.mean():.2g} nats.",
        remedy="Return logits instead of probs, or run with --dtype float64.",
    )


def probed(store: Store, name: str) -> Tensor | None:
    """What a probe said of every example it was asked about; None where it did not of some."""
    try:
        return probed_column(store, name)
    except UnavailableError:
        return None
