"""Ways to compute log q(z) over all N diagonal normals: what people use, and the engine.

Each takes queries z (m, k), loc and scale (n, k), float32, and gives (m,) nats.
"""

import importlib.util
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal
from torch.nn.functional import pad

from genprobe.aggregate.blocks import in_memory
from genprobe.aggregate.pairs import BOUND
from genprobe.aggregate.plan import plan_tile
from genprobe.aggregate.reduction import compiled, plain
from genprobe.aggregate.tiles import log_sums
from genprobe.families.diagonal_normal import diagonal_normal

Method = Callable[[Tensor, Tensor, Tensor], Tensor]
ALIGNED = 8
"""Statistics of an example, for the attention of GPUs."""
ROOM = 1 << 26
"""Values that the methods which make all of queries × components × k may hold at a time."""


def broadcast(z: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    """Normal.log_prob on broadcast tensors, as in most scripts."""
    return in_chunks(
        z,
        loc,
        lambda some: Normal(loc, scale, validate_args=False).log_prob(some[:, None]).sum(2),
    )


def mixture_same_family(z: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    """Torch's own mixture."""
    mixture = MixtureSameFamily(
        Categorical(torch.ones_like(loc[:, 0])), Independent(Normal(loc, scale), 1)
    )
    rows = max(1, ROOM // loc.numel())
    return torch.cat([mixture.log_prob(some) for some in z.split(rows)])


def keops(z: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    """KeOps' symbolic tensors."""
    from pykeops.torch import LazyTensor

    precision = scale.reciprocal()
    difference = LazyTensor(z[:, None]) - LazyTensor(loc[None])
    scaled = difference * LazyTensor(precision[None])
    constant = LazyTensor(
        (-scale.log().sum(1) - loc.shape[1] * math.log(2 * math.pi) / 2)[None, :, None]
    )
    exponent = constant - (scaled * scaled).sum(2) / 2
    return exponent.logsumexp(1).squeeze(1) - math.log(len(loc))


def matmul_logsumexp(z: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    """Tiles of an expanded quadratic form and torch.logsumexp, uncentred."""
    precision = scale.square().reciprocal()
    weights = torch.cat([loc * precision, -precision / 2], 1).T.contiguous()
    constant = (loc.square() * precision / 2 + scale.log()).sum(1)
    constant += loc.shape[1] * math.log(2 * math.pi) / 2
    found = []
    for some in z.split(256):
        statistics = torch.cat([some, some.square()], 1)
        parts = [
            torch.logsumexp(torch.addmm(-c, statistics, w), 1)
            for w, c in zip(weights.split(2048, 1), constant.split(2048), strict=True)
        ]
        found.append(torch.stack(parts).logsumexp(0))
    return torch.cat(found) - math.log(len(loc))


def flash_attention(z: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    """The log-sum-exp that torch's fused attention returns beside its output."""
    precision = scale.square().reciprocal()
    constant = (loc.square() * precision / 2 + scale.log()).sum(1)
    key = torch.cat([loc * precision, -precision / 2, -constant[:, None]], 1)
    query = torch.cat([z, z.square(), torch.ones_like(z[:, :1])], 1)
    missing = -key.shape[1] % ALIGNED
    key, query = (pad(rows, (0, missing))[None, None].contiguous() for rows in (key, query))
    if z.is_cuda:
        attend = torch.ops.aten._scaled_dot_product_efficient_attention
        _, log_sum, *_ = attend(query, key, key, None, True, scale=1.0)
    else:
        attend = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
        _, log_sum = attend(query, key, key, scale=1.0)
    found = log_sum.flatten()[: len(z)]
    return found - math.log(len(loc)) - loc.shape[1] * math.log(2 * math.pi) / 2


def engine(z: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    """One pass of the engine in plain torch, with entropies and largest shares."""
    return one_pass(z, loc, scale, fused=False)


def engine_compiled(z: Tensor, loc: Tensor, scale: Tensor) -> Tensor:
    """The same, with the sum of a tile compiled."""
    return one_pass(z, loc, scale, fused=True)


def one_pass(z: Tensor, loc: Tensor, scale: Tensor, *, fused: bool) -> Tensor:
    """One pass over all components, none of them a query's own."""
    sums = log_sums(
        z,
        diagonal_normal,
        in_memory({"loc": loc, "scale": scale}),
        torch.full((len(z),), -1),
        tile=plan_tile(len(z), loc.shape[1], z.device),
        margin=BOUND if loc.shape[1] < 256 else 0.1,
        reduce=compiled() if fused else plain,
    )
    return sums.others - math.log(len(loc))


def in_chunks(z: Tensor, loc: Tensor, pairs: Callable[[Tensor], Tensor]) -> Tensor:
    """Log of the mean over components, a few queries at a time."""
    rows = max(1, ROOM // loc.numel())
    return torch.cat([pairs(some).logsumexp(1) for some in z.split(rows)]) - math.log(len(loc))


def methods() -> dict[str, Method]:
    """Those that can be had here."""
    found: dict[str, Method] = {
        "broadcast": broadcast,
        "MixtureSameFamily": mixture_same_family,
        "matmul + logsumexp": matmul_logsumexp,
        "flash attention": flash_attention,
        "engine": engine,
        "engine, compiled": engine_compiled,
    }
    if importlib.util.find_spec("pykeops"):
        found["KeOps"] = keops
    return found
