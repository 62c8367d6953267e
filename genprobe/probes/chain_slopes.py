"""dR/dε and dD/dε of a chain of latents, as the posteriors of all levels widen, σ_l → e^ε σ_l.

Draws are reparameterised down the chain with common noise, so a wider parent also moves what its
children's posteriors and priors are: both derivatives are total ones, paths through parents
included. An encoder that minimises D + βR cannot gain along this direction either, so
−(dD/dε)/(dR/dε) is β. The two are of draws of their own (see ``genprobe.estimators.slope``).
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.encoding.batches import batches
from genprobe.encoding.calls import Calls
from genprobe.encoding.chain import PIECE, in_double
from genprobe.encoding.chain_calls import Step, walk
from genprobe.encoding.parts import packed
from genprobe.encoding.recurrent_gradients import recurrent_gradients
from genprobe.priors.from_distribution import known_kl
from genprobe.probes.pathwise import DRAWS, derivative

Slopes = Float64[Tensor, "draw some"]


def for_chain(probes: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """The probes as they are for a chain of latents.

    Without the round trip of samples, which needs the density of a code under all posteriors.

    Args:
        probes: by name.
    """
    own = {"rate_slope": chain_rate_slope, "distortion_slope": chain_distortion_slope}
    asked = {name: own.get(name, probe) for name, probe in probes.items()}
    return {k: v for k, v in asked.items() if k != "generative_information"}


def chain_rate_slope(calls: Calls, x: Tensor, chosen: Int64[Tensor, " some"]) -> Slopes | None:
    """dR/dε of some examples (draw, some), R of all levels; None without a pathwise gradient.

    Args:
        calls: of a model with a chain.
        x: the examples (batch, *event).
        chosen: (some,) positions in the batch of the examples that are asked about.
    """

    def answer(epsilon: Tensor, z: Tensor, rate: Tensor, rows: Tensor) -> Tensor:
        return derivative(rate, epsilon)

    return over_draws(calls, x, chosen, answer)


def chain_distortion_slope(
    calls: Calls, x: Tensor, chosen: Int64[Tensor, " some"]
) -> Slopes | None:
    """dD/dε of the same examples (draw, some), at other draws; None without such a gradient.

    Args:
        calls: of a model with a chain.
        x: the examples (batch, *event).
        chosen: (some,) positions in the batch of the examples that are asked about.
    """
    if not calls.decodes:
        return None

    def answer(epsilon: Tensor, z: Tensor, rate: Tensor, rows: Tensor) -> Tensor | None:
        pull = calls.log_px_z_gradient(x[rows], z.detach(), rows)
        return None if pull is None else -derivative((z * pull).sum(1), epsilon)

    return over_draws(calls, x, chosen, answer)


Answer = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor | None]
"""From ε (n,), packed draws (n, K), rates (n,) and rows (n,) to derivatives (n,)."""


def over_draws(
    calls: Calls, x: Tensor, chosen: Int64[Tensor, " some"], answer: Answer
) -> Slopes | None:
    """What is answered at each draw (draw, some); None where something has no gradient.

    Where every family is symmetric each draw is averaged with its mirror image.
    """
    assert calls.chain is not None
    families = calls.chain.families
    if any(family.widen is None for family in families):
        return None
    symmetric = all(family.symmetric for family in families)
    signs = (1, -1) if symmetric else (1,)
    found = torch.zeros(DRAWS // len(signs), len(chosen), dtype=torch.float64)
    for draw in range(len(found)):
        for piece in batches(len(chosen), PIECE):
            before = torch.get_rng_state()
            for sign in signs:
                torch.set_rng_state(before)
                with torch.enable_grad(), recurrent_gradients(calls.model.chain, calls.device):
                    values = one_answer(calls, x, chosen[piece], sign, answer)
                if values is None:
                    return None
                found[draw, piece] += values.double() / len(signs)
    return found


def one_answer(
    calls: Calls, x: Tensor, rows: Int64[Tensor, " some"], sign: int, answer: Answer
) -> Tensor | None:
    """What is answered at one draw of every level, or its mirror image; None without a gradient."""
    epsilon = torch.zeros(len(rows), dtype=torch.float64, requires_grad=True)
    rates: list[Tensor] = []
    pathwise: list[bool] = []

    def choose(step: Step) -> Tensor:
        assert step.family.widen is not None
        wide = step.family.widen(in_double(step.q), epsilon)
        q, p = step.family.distribution(wide), step.family.distribution(in_double(step.p))
        pathwise.append(q.has_rsample)
        z = q.rsample() if q.has_rsample else q.sample()
        z = z if sign > 0 else 2 * q.mean - z
        kl = known_kl(q, p)
        rates.append(q.log_prob(z) - p.log_prob(z) if kl is None else kl)
        return z

    z = packed(walk(calls, x[rows], choose, rows, gradients=True))
    if not all(pathwise):
        return None
    return answer(epsilon, z, torch.stack(rates).sum(0), rows)
