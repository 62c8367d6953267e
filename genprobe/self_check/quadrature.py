"""Truths of records of posteriors by quadrature or enumeration, float64, without the estimators.

In the plane q(z) is a product of two matrices on a grid, which the trapezoid rule integrates: to
all digits for normals, whose Fourier transforms die out. On the sphere the rule is that of Gauss
and Legendre in one angle. Discrete codes are summed over.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor
from torch.distributions import (
    Categorical,
    Independent,
    Laplace,
    MixtureSameFamily,
    Normal,
    kl_divergence,
)

from genprobe.self_check.case import ENUMERATION, QUADRATURE, Subject, Truth, Truths
from genprobe.self_check.codes import MIXTURE, params_of
from genprobe.types import Params

REACH = {"diagonal-normal": 9.0, "laplace": 25.0}
"""Scales from the mean beyond which a posterior has less than 1e-15 of its mass."""
STEPS = {"diagonal-normal": 4.0, "laplace": 16.0}
"""Points of the grid a scale: the error of the rule is e^{-2π² STEPS²} for a normal, and of second
order in one over STEPS for a Laplace, which has a kink."""
MOST_STEPS = 6000
ENTRIES: Mapping[str, Any] = {"diagonal-normal": Normal, "laplace": Laplace}
LOST = 1e-6
"""A difference that is a smaller share than this of what it is taken from is summed afresh."""
NEGLIGIBLE = 1e-14
"""Mass of a cell that may be lost."""
TINY = 1e-250
NEAREST = 64
"""So many examples are summed where all others are too far for a density above zero."""
COUNTED = 0.01
"""Variance of a posterior mean over examples beyond which a dimension is an active unit."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Points of both axes of the plane and the posteriors' densities at them.

    Attributes:
        points: of either axis, each (g,).
        densities: of every posterior along either axis, each (n, g).
        area: of a cell.
    """

    points: tuple[Float64[Tensor, " g"], Float64[Tensor, " h"]]
    densities: tuple[Float64[Tensor, "n g"], Float64[Tensor, "n h"]]
    area: float


def plane_grid(params: Params, family: str) -> Grid:
    """A grid over all posteriors of the plane, fine enough for the narrowest.

    Args:
        params: loc and scale, each (n, 2), float64.
        family: ``diagonal-normal`` or ``laplace``.
    """
    points, densities, area = [], [], 1.0
    for loc, scale in zip(params["loc"].T, params["scale"].T, strict=True):
        low = float((loc - REACH[family] * scale).min())
        high = float((loc + REACH[family] * scale).max())
        count = math.ceil(STEPS[family] * (high - low) / float(scale.min()))
        axis = torch.linspace(low, high, min(count, MOST_STEPS) + 1, dtype=torch.float64)
        q = ENTRIES[family](loc[:, None], scale[:, None])
        points.append(axis)
        densities.append(q.log_prob(axis).exp())
        area *= float(axis[1] - axis[0])
    return Grid((points[0], points[1]), (densities[0], densities[1]), area)


def plane_truths(make: Callable[[int], Subject], seed: int = 0) -> Truths:
    """Truths for the examples of a seed whose posteriors are in the plane.

    Args:
        make: of ``plane_codes``.
        seed: of the examples.
    """
    subject = make(seed)
    params, family = params_of(subject), str(subject.model.posterior)
    grid = plane_grid(params, family)
    n = len(params["loc"])
    q = grid.densities[0].T @ (grid.densities[1] / n)
    entropy = float(posterior_entropies(params, family).mean())
    aggregate = -float(torch.xlogy(q, q).sum()) * grid.area
    marginals = [
        -float(torch.xlogy(d.mean(0), d.mean(0)).sum() * (axis[1] - axis[0]))
        for d, axis in zip(grid.densities, grid.points, strict=True)
    ]
    others = leave_one_out(grid, q, params, family) if n > 1 else math.nan
    return {
        **index_truths(
            plane_rate(subject, params, grid, q), aggregate - entropy, cap_of(params), QUADRATURE
        ),
        "total_correlation": Truth(value=sum(marginals) - aggregate, source=QUADRATURE),
        "mutual_information_loo": Truth(value=others - entropy, source=QUADRATURE),
        "active_units": Truth(value=float((params["loc"].var(0) > COUNTED).sum())),
    }


def which_of(params: Params) -> Int64[Tensor, " n"]:
    """Which distinct example each of some with their own means is (n,)."""
    which: Tensor = torch.unique(params["loc"], dim=0, return_inverse=True)[1]
    return which


def cap_of(params: Params) -> float:
    """The entropy of which distinct example one is, the most that I(n;z) can be; nats."""
    which = which_of(params)
    shares = which.bincount().double() / len(which)
    return float(torch.special.entr(shares).sum())


def index_truths(rate: float, information: float, cap: float, source: str) -> dict[str, Truth]:
    """Truths that follow from R, I(n;z) and the most that it can be, nats.

    Example:
        >>> index_truths(3.0, 1.0, 2.3, "closed form")["marginal_kl"].value
        2.0
    """
    numbers = {
        "rate": rate,
        "mutual_information": information,
        "marginal_kl": rate - information,
        "marginal_kl_floor": max(0.0, rate - cap),
        "log_n": cap,
    }
    return {name: Truth(value=value, source=source) for name, value in numbers.items()}


def posterior_entropies(params: Params, family: str) -> Float64[Tensor, " n"]:
    """Entropy of every posterior of independent dimensions, nats."""
    found: Tensor = ENTRIES[family](params["loc"], params["scale"]).entropy().sum(1)
    return found


def plane_rate(subject: Subject, params: Params, grid: Grid, q: Float64[Tensor, "g h"]) -> float:
    """R of posteriors in the plane: closed under a standard normal, else by quadrature; nats."""
    family = str(subject.model.posterior)
    if subject.model.prior == "standard-normal":
        standard = Normal(torch.zeros(()).double(), torch.ones(()).double())
        each = kl_divergence(ENTRIES[family](params["loc"], params["scale"]), standard)
        return float(each.sum(1).mean())
    first, second = grid.points
    mixture: Any = mixture_plane()
    rows = [torch.stack([value.expand_as(second), second], 1) for value in first]
    log_p = torch.stack([mixture.log_prob(row) for row in rows])
    loss = -float((q * log_p).sum()) * grid.area
    return loss - float(posterior_entropies(params, family).mean())


def leave_one_out(grid: Grid, q: Float64[Tensor, "g h"], params: Params, family: str) -> float:
    """Mean over examples of −E log of the others' mean density at the example's codes, nats.

    The others are those that are no copies of it.

    Args:
        grid: over the plane.
        q: the aggregate posterior on it.
        params: of the posteriors.
        family: of them.
    """
    n, which, found = len(params["loc"]), which_of(params), 0.0
    for i in range(n):
        copies = which == which[i]
        c = int(copies.sum())
        windows = []
        for axis, loc, scale in zip(grid.points, params["loc"][i], params["scale"][i], strict=True):
            reach = REACH[family] * scale
            low, high = torch.searchsorted(axis, torch.stack([loc - reach, loc + reach])).tolist()
            windows.append(slice(low, high + 1))
        own = grid.densities[0][i, windows[0], None] * grid.densities[1][i, windows[1]]
        total = n * q[windows[0], windows[1]]
        rest = total - c * own
        if bool(((rest < LOST * total) & (own * grid.area > NEGLIGIBLE)).any()):
            log_rest = log_others(grid, windows, params, family, copies)
        else:
            log_rest = rest.clamp(min=TINY).log()
        found -= float((own * log_rest).sum() - own.sum() * math.log(n - c)) * grid.area / n
    return found


def log_others(
    grid: Grid, windows: list[slice], params: Params, family: str, copies: Bool[Tensor, " n"]
) -> Float64[Tensor, "g h"]:
    """Log of the sum of the other examples' densities where an example has its mass, nats.

    Summed without the example and its copies, and in logarithms where the others are so far that
    densities are 0.
    """
    densities = [d[:, w].clone() for d, w in zip(grid.densities, windows, strict=True)]
    densities[0][copies] = 0
    rest = densities[0].T @ densities[1]
    if bool((rest > TINY).all()):
        return rest.log()
    own = params["loc"][copies][0]
    apart = ((params["loc"] - own) / params["scale"]).square().sum(1)
    apart[copies] = math.inf
    near = apart.argsort()[: min(NEAREST, int((~copies).sum()))]
    lines = [
        ENTRIES[family](params["loc"][near, d, None], params["scale"][near, d, None]).log_prob(
            grid.points[d][windows[d]]
        )
        for d in range(2)
    ]
    return torch.logsumexp(lines[0][:, :, None] + lines[1][:, None], 0)


def discrete_truths(make: Callable[[int], Subject], seed: int = 0) -> Truths:
    """Truths for the examples of a seed whose posteriors are of bits or classes, under even priors.

    Args:
        make: of ``bit_codes`` or ``class_codes``.
        seed: of the examples.
    """
    subject = make(seed)
    logits = params_of(subject)["logits"]
    if subject.model.posterior == "bernoulli":
        logits = torch.stack([torch.zeros_like(logits), logits], 2)
    entries = logits.log_softmax(2)  # (n, place, class)
    n, places, classes = entries.shape
    states = torch.cartesian_prod(*[torch.arange(classes)] * places).reshape(-1, places)
    chosen = [entries[:, place, states[:, place]] for place in range(places)]
    log_q = torch.stack(chosen).sum(0)
    every = log_q.exp()
    q = every.mean(0)
    entropy = -float(torch.xlogy(every, every).sum()) / n
    aggregate = -float(torch.xlogy(q, q).sum())
    marginals = entries.exp().mean(0)
    rest = ((1 - torch.eye(n).double()) @ every / (n - 1)).clamp(min=TINY)
    others = -float((every * rest.log()).sum()) / n
    return {
        **index_truths(
            places * math.log(classes) - entropy, aggregate - entropy, math.log(n), ENUMERATION
        ),
        "total_correlation": Truth(
            value=-float(torch.xlogy(marginals, marginals).sum()) - aggregate, source=ENUMERATION
        ),
        "mutual_information_loo": Truth(value=others - entropy, source=ENUMERATION),
    }


def sphere_truths(make: Callable[[int], Subject], seed: int = 0, rows: int = 400) -> Truths:
    """Truths for the examples of a seed whose posteriors are on the sphere.

    The density is κ e^{κ loc·z} / 4π sinh κ (Mardia & Jupp 2000, section 9.3.2).

    Args:
        make: of ``sphere_codes``.
        seed: of the examples.
        rows: of the grid; it has twice as many columns.
    """
    params = params_of(make(seed))
    n, kappa = len(params["loc"]), params["concentration"].reshape(-1)
    nodes, weights = np.polynomial.legendre.leggauss(rows)
    height, weight = torch.tensor(nodes), torch.tensor(weights)
    angle = torch.arange(2 * rows, dtype=torch.float64) * math.pi / rows
    radius = (1 - height.square()).sqrt()[:, None]
    z = torch.stack(
        [radius * angle.cos(), radius * angle.sin(), height[:, None].expand(-1, 2 * rows)], 2
    )
    area = (weight * math.pi / rows)[:, None].expand(-1, 2 * rows).flatten()
    constant = kappa.log() - math.log(2 * math.pi) - kappa - torch.log1p(-(-2 * kappa).exp())
    log_q = torch.logsumexp(z.view(-1, 3) @ (kappa[:, None] * params["loc"]).T + constant, 1)
    log_q = log_q - math.log(n)
    aggregate = -float((log_q.exp() * log_q) @ area)
    own = constant + kappa / kappa.tanh() - 1  # κ (coth κ − 1/κ) is κ times the mean of loc·z
    entropy = -float(own.mean())
    rate, information = math.log(4 * math.pi) - entropy, aggregate - entropy
    return index_truths(rate, information, math.log(n), QUADRATURE)


def mixture_plane() -> MixtureSameFamily:
    """The mixture of ``codes`` as a torch distribution, float64."""
    given = {name: values.double() for name, values in MIXTURE["prior_params"].items()}
    parts = Independent(Normal(given["loc"], given["scale"]), 1)
    return MixtureSameFamily(Categorical(given["probs"]), parts)
