"""Posteriors q(z|x) that are a conditional flow, given what an encoder says of x."""

import copy
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint

from genprobe.types import Family, Params
from genprobe_zuko.stretches import rows_at_a_time

ONE = torch.Size()
"""The shape of a single draw."""


class Flowing(Distribution):
    """A flow's distribution over real vectors, which says so: zuko's own do not state a support.

    Args:
        flow: what it is, of batch shape (batch,).
    """

    arg_constraints: ClassVar[dict[str, Constraint]] = {}
    has_rsample = True

    def __init__(self, flow: Distribution) -> None:
        self.flow = flow
        super().__init__(flow.batch_shape, flow.event_shape, validate_args=False)

    @property
    def support(self) -> Constraint:
        """Any real vector."""
        return constraints.real_vector

    def rsample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ONE) -> Tensor:
        """Draws (*sample_shape, batch, k), with a gradient to the context."""
        z: Tensor = self.flow.rsample(torch.Size(sample_shape))
        return z

    def log_prob(self, value: Tensor) -> Tensor:
        """Log q(z|x) of z (..., batch, k), nats."""
        return log_density(self.flow, value)


def log_density(flow: Distribution, z: Tensor) -> Tensor:
    """Log density of z (..., k), nats, for any shapes that broadcast.

    Some transforms of zuko take z of the whole batch only, so it is expanded.
    """
    batch = torch.broadcast_shapes(z.shape[:-1], flow.batch_shape)  # type: ignore[no-untyped-call]
    log_q: Tensor = flow.log_prob(z.expand(*batch, z.shape[-1]))
    return log_q


def flow_posterior(flow: nn.Module, name: str = "zuko-flow") -> Family:
    """The family of posteriors flow(context), with parameters ``context`` (batch, c).

    The flow is evaluated in the precision of the context, in evaluation mode and without gradients
    to its weights, which are read anew at each use. A flow has no closed form for anything: the
    rate is Monte Carlo, and one pair of the aggregate posterior costs one pass of its networks.

    Args:
        flow: a ``zuko.lazy.Flow`` over z (k,) with c context features.
        name: of the family, as a store has it.
    """

    def distribution(params: Params) -> Distribution:
        context = params["context"]
        return Flowing(as_precise(flow, context)(context))

    def cross_log_prob(z: Tensor, params: Params) -> Tensor:
        precise = torch.promote_types(z.dtype, params["context"].dtype)
        return all_pairs(flow, z.to(precise), params["context"].to(precise))

    return Family(
        name=name,
        distribution=distribution,
        constraints={"context": constraints.real},
        cross_log_prob=cross_log_prob,
    )


def as_precise(flow: nn.Module, like: Tensor) -> nn.Module:
    """A copy of a flow in the dtype and on the device of a tensor, for evaluation."""
    twin = copy.deepcopy(flow).to(device=like.device, dtype=like.dtype)
    return twin.eval().requires_grad_(False)


def all_pairs(flow: nn.Module, z: Tensor, context: Tensor) -> Tensor:
    """Log q(z_m|x_n) of every pair (m, n), as many at once as suit the flow's widest layer.

    Args:
        flow: conditional.
        z: (m, k).
        context: (n, c), of the same dtype.
    """
    twin, size = as_precise(flow, z), rows_at_a_time(flow)
    columns = []
    for some in torch.split(context, size):
        q = twin(some)
        rows = [log_density(q, part[:, None]) for part in torch.split(z, max(1, size // len(some)))]
        columns.append(torch.cat(rows))
    return torch.cat(columns, 1)
