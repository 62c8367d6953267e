"""Whether a chain's pairs without names are what they are read as: means and log-variances."""

from torch import Tensor

from genprobe.distributions.returned import require_log_variance
from genprobe.encoding.calls import Calls
from genprobe.encoding.chain_calls import Step, walk


def require_log_variances(calls: Calls, x: Tensor, z: Tensor) -> None:
    """Check that pairs without names are means and log-variances, of q and p at each level.

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
        named = zip(("chain", "prior"), (step.q, step.p), step.pairs, strict=True)
        for part, params, pair in named:
            source = f"The {part} of {calls.model.name}, at level {step.level + 1},"
            require_log_variance(source, [params["scale"]] if pair else [])
        return draws[step.level]

    walk(calls, x, choose)
