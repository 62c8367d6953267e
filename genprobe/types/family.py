"""Families of posteriors q(z|x), and what they say of a stretch of examples."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.distributions.constraints import Constraint

from genprobe.errors import Notice

Params: TypeAlias = Mapping[str, Tensor]
"""Parameters of a distribution by the names of torch.distributions, each (batch, ...)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Family:
    """A family of posteriors q(z|x), described by functions of its parameters.

    Attributes:
        name: the registered name, such as ``diagonal-normal``.
        distribution: parameters, each (batch, ...), to a distribution of batch shape (batch,).
        constraints: what each parameter must satisfy, by name; checked on every encoded batch.
        natural: parameters to (eta (batch, k), log_partition (batch,)), for exponential families.
        sufficient: z (m, *event) to (statistics (m, k), log_base (m,)), so that
            log q(z_m|x_n) = statistics_m · eta_n − log_partition_n + log_base_m.
        translate: for location families, parameters and an offset (*event) to the parameters of
            z − offset. The engine centres with it, which keeps float32 matmuls accurate.
        cross_log_prob: z (m, *event) and parameters (n, ...) to (m, n), for every other family.
        widen: parameters and ε (batch,) to the parameters with every scale times e^ε; for families
            whose draws have a pathwise gradient. The operating slope is measured along it.
        upper: parameters in cells (cell, size, ...) to a function of z (m, *event), which gives
            (m, cell) no less than log q(z|x) of any component of the cell. With it, components
            too far from a query to matter are skipped.
        symmetric: whether every posterior is symmetric about its mean, so that the mirror image of
            a draw is a draw too; the slope is measured with such pairs.
        notice: what every report on such posteriors has to say, if anything.
        point: whether a posterior is a single point, so that there is neither a rate nor log q(z).
        certain: parameters to the one z (batch, *event) that has all the mass, for discrete codes
            without noise: the rate is then −log p(z), and equal codes are counted.
        levels: whether the first axis of z counts the levels of a residual stack of quantisers.
    """

    name: str
    distribution: Callable[[Params], Distribution]
    constraints: Mapping[str, Constraint]
    natural: Callable[[Params], tuple[Tensor, Tensor]] | None = None
    sufficient: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None
    translate: Callable[[Params, Tensor], Params] | None = None
    cross_log_prob: Callable[[Tensor, Params], Tensor] | None = None
    widen: Callable[[Params, Tensor], Params] | None = None
    upper: Callable[[Params], Callable[[Tensor], Tensor]] | None = None
    symmetric: bool = False
    notice: Notice | None = None
    point: bool = False
    certain: Callable[[Params], Tensor] | None = None
    levels: bool = False

    def event_shape(self, params: Params) -> torch.Size:
        """Shape of one latent z under these parameters."""
        return self.distribution(params).event_shape

    def sample(self, params: Params, draws: int) -> Tensor:
        """Draws z ~ q(z|x) (draw, batch, *event) from the global generator.

        They are floating point, of the parameters' dtype, also where they count or name classes:
        so decoders, priors and the store meet one dtype.
        """
        z = self.distribution(params).sample((draws,))
        return z if z.is_floating_point() else z.to(next(iter(params.values())).dtype)


@dataclass(frozen=True, kw_only=True, eq=False)
class PosteriorBatch:
    """A stretch of examples as the model sees them, draws first.

    Attributes:
        index: (batch,) positions in the data set.
        params: parameters of q(z|x), each (batch, ...).
        z: (draw, batch, *latent), z ~ q(z|x).
        log_qz_x: (draw, batch) log q(z|x), nats, float64.
        log_pz: (draw, batch) log p(z), nats, float64.
        log_px_z: (draw, batch) log p(x|z), nats, float64; None without a decoder.
    """

    index: Tensor
    params: Params
    z: Tensor
    log_qz_x: Tensor
    log_pz: Tensor
    log_px_z: Tensor | None
