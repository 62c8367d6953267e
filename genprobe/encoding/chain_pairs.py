"""Whether a chain's pairs without names are what they are read as: means and log-variances."""

from torch import Tensor

from genprobe.distributions.returned import require_log_variance
from genprobe.encoding.calls import Calls
from genprobe.encoding.chain_calls import Step, walk

ALIKE = 0.05
"""Relative difference of the scales of q and p below which a level may be as wide as its prior."""


def require_log_variances(calls: Calls, x: Tensor, z: Tensor) -> None:
    """Check that pairs without names are means and log-variances, at each level.

    A posterior is held to it where it is not as wide as its prior, which may have any width; a
    prior where all that would be its log-variance is 1.

    Args:
        calls: of a model with a chain.
        x: (n, *event), several examples.
        z: (n, K) packed draws.

    Raises:
        ModelError: naming the level at which the second of a pair may be a standard deviation.
    """
    assert calls.chain is not None
    draws = calls.chain.unpack(z)

    def choose(step: Step) -> Tensor:
        of_q, of_p = step.pairs
        place = f"of {calls.model.name}, at level {step.level + 1},"
        if of_p and bool((2 * step.p["scale"].log() - 1).abs().max() < 1e-5):
            require_log_variance(f"The prior {place}", [step.p["scale"]])
        if of_q and not bool((step.q["scale"] / step.p["scale"] - 1).abs().max() < ALIKE):
            require_log_variance(f"The chain {place}", [step.q["scale"]])
        return draws[step.level]

    walk(calls, x, choose)
