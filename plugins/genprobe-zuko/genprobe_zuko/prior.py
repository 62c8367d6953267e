"""A flow of the user's own as the prior p(z) of a model."""

import torch
from torch import nn

from genprobe.errors import ModelError
from genprobe.priors import prior_from_module
from genprobe.types import Prior


def flow_prior(flow: nn.Module, name: str | None = None) -> Prior:
    """The prior whose density is an unconditional flow's.

    The rate is then Monte Carlo. The weights are read when the model is evaluated. The store keeps
    log p(z) at every draw but no flow.

    Args:
        flow: a ``zuko.lazy.Flow`` without context, over z (k,).
        name: of the prior; by default the flow's class.

    Raises:
        ModelError: if the flow needs a context.
    """
    label = name or type(flow).__name__
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        try:
            flow().sample()
        except (RuntimeError, TypeError) as error:
            raise ModelError(
                f"The flow {label} has no density without a context.",
                "A prior needs a flow made with context=0; for q(z|x) use flow_posterior.",
            ) from error
    return prior_from_module(flow, label)
