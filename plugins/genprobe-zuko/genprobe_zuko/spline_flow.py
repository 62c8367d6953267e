"""A neural spline flow over flattened z: m(z) = N(f(y); 0, I) |∂f/∂y| / Π scale.

y = (z − loc) / scale, and f is a chain of autoregressive rational-quadratic splines (Durkan et al.,
2019, Neural Spline Flows, arXiv:1906.04032), each the identity beyond 5. It is fitted by maximum
likelihood to draws N(μ_n, diag(S_n)) about the posterior moments, new ones at each step, until
those of a held-out tenth of the examples no longer gain. It follows curved and connected codes, for
which a mixture would need very many normals.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.errors import ModelError
from genprobe.priors import flat_prior
from genprobe.runtime import derived_seed, generator
from genprobe.types import Codes, Params, Prior, PriorFactory
from genprobe_zuko.stretches import rows_at_a_time

NAME = "spline-flow"
WIDEST = 64
FEWEST = 500
"""Fewer examples are not fitted."""
ARCHITECTURE = {"transforms": 2, "bins": 8, "hidden": 64}
BATCH = 256
STEPS = 400
LOOK = 25
"""Steps between two looks at the held-out draws."""
PATIENCE = 4
"""Looks without a gain that end the fit."""
HELD_OUT = 0.1
HELD_OUT_DRAWS = 4096
LEARNING_RATE = 1e-2
LARGEST_GRADIENT = 5.0


def new_flow(k: int, *, transforms: int, bins: int, hidden: int) -> Any:
    """A flow over z (k,) with weights from the global generator, float32."""
    from zuko.flows import NSF  # turns off torch's argument checks: only where it is used

    return NSF(k, transforms=transforms, bins=bins, hidden_features=(hidden, hidden))


def build(event_shape: torch.Size, params: Params) -> Prior:
    """The flow with ``loc`` (k,), ``scale`` (k,), ``architecture`` (3,) and its weights.

    Raises:
        ModelError: if one of them is missing, or of another shape.
    """
    k = event_shape.numel()
    loc, scale = (needed(params, name).double() for name in ("loc", "scale"))
    numbers = needed(params, "architecture").long().tolist()
    with torch.random.fork_rng(devices=[]):
        flow = new_flow(k, **dict(zip(ARCHITECTURE, numbers, strict=True))).double()
    flow.load_state_dict(weights(flow, params), strict=False)
    flow = flow.eval().requires_grad_(False)
    p, rows = flow(), rows_at_a_time(flow)

    def log_prob(z: Tensor) -> Tensor:
        y = ((z.double() - loc) / scale).reshape(-1, k)
        log_density = torch.cat([p.log_prob(some) for some in torch.split(y, rows)])
        return log_density.view(z.shape[:-1]) - scale.log().sum()

    def sample(shape: torch.Size) -> Tensor:
        z: Tensor = loc + scale * p.sample(shape)
        return z

    return flat_prior(NAME, event_shape, log_prob, sample, params)


def needed(params: Params, name: str) -> Tensor:
    """A tensor of the prior.

    Raises:
        ModelError: if it is missing.
    """
    if name not in params:
        raise ModelError(
            f"The prior {NAME} needs {name}.",
            "Its tensors come from its fit; a flow of your own is given by flow_prior.",
        )
    return params[name]


def weights(flow: torch.nn.Module, params: Params) -> dict[str, Tensor]:
    """The weights of a flow among the tensors of the prior.

    Raises:
        ModelError: if one is missing.
    """
    return {name: needed(params, name) for name, _ in flow.named_parameters()}


def sizes(n: int, k: int) -> tuple[int, ...]:
    """One fit, where there are examples enough and z is not too wide for it to take seconds."""
    return (1,) if k <= WIDEST and n >= FEWEST else ()


def fit(codes: Codes, size: int, seed: int) -> Params:
    """A flow fitted to posterior moments; see the top of this file.

    Raises:
        torch.linalg.LinAlgError: if the codes lie on a plane, and have no density.
    """
    loc, scale = codes.mean.mean(0), overall_scale(codes)
    if not (scale > 0).all():
        raise torch.linalg.LinAlgError("a latent dimension has no variance")  # type: ignore[attr-defined]
    standard = Codes(mean=(codes.mean - loc) / scale, variance=codes.variance / scale.square())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, NAME))
        flow = new_flow(len(loc), **ARCHITECTURE)
    best = maximise(flow, standard, generator(seed, NAME, "draws"))
    return {
        "loc": loc,
        "scale": scale,
        "architecture": torch.tensor(list(ARCHITECTURE.values()), dtype=torch.float64),
        **{name: values.double() for name, values in best.items()},
    }


def overall_scale(codes: Codes) -> Float64[Tensor, " k"]:
    """Standard deviation of the aggregate posterior in each dimension."""
    return (codes.mean.var(0, correction=0) + codes.variance.mean(0)).sqrt()


def maximise(flow: Any, codes: Codes, chance: torch.Generator) -> Mapping[str, Tensor]:
    """The weights at which the held-out draws had the highest likelihood.

    Args:
        flow: to be fitted, in place.
        codes: standardised.
        chance: of batches and draws.
    """
    order = torch.randperm(len(codes.mean), generator=chance)
    held, kept = order.tensor_split([math.ceil(HELD_OUT * len(order))])
    held_out = draws(codes, held.repeat(math.ceil(HELD_OUT_DRAWS / len(held))), chance)
    optimizer = torch.optim.Adam(flow.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    best, highest, since = current(flow), likelihood(flow, held_out), 0
    for step in range(1, STEPS + 1):
        chosen = kept[torch.randint(len(kept), (BATCH,), generator=chance)]
        with torch.enable_grad():
            climb(flow, draws(codes, chosen, chance), optimizer)
        schedule.step()
        if step % LOOK:
            continue
        found = likelihood(flow, held_out)
        since += 1
        if found > highest:
            best, highest, since = current(flow), found, 0
        if since == PATIENCE:
            break
    return best


def climb(flow: Any, y: Tensor, optimizer: torch.optim.Optimizer) -> None:
    """One step up the likelihood of some draws."""
    optimizer.zero_grad()
    loss = -flow().log_prob(y).mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(flow.parameters(), LARGEST_GRADIENT)
    optimizer.step()


def draws(codes: Codes, chosen: Tensor, chance: torch.Generator) -> Tensor:
    """One draw about the moments of each chosen example, float32."""
    mean = codes.mean[chosen]
    noise = torch.randn(mean.shape, generator=chance, dtype=mean.dtype)
    return (mean + codes.variance[chosen].sqrt() * noise).float()


@torch.no_grad()
def likelihood(flow: Any, y: Tensor) -> float:
    """Mean log density of some draws, nats."""
    return float(flow().log_prob(y).mean())


def current(flow: torch.nn.Module) -> dict[str, Tensor]:
    """A copy of a flow's weights."""
    return {name: values.detach().clone() for name, values in flow.named_parameters()}


spline_flow = PriorFactory(name=NAME, build=build, fit=fit, sizes=sizes)
