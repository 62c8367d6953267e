"""Truths by brute force: many draws in float64, all pairs, no part of the estimators.

Each carries its own error. They are worked out once and kept with the results.
"""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.distributions import Normal
from torch.nn.functional import binary_cross_entropy_with_logits

from genprobe.runtime.seeds import generator
from genprobe.self_check.case import Subject, Truth, Truths
from genprobe.self_check.codes import params_of
from genprobe.self_check.models import NOISE, line_gains
from genprobe.self_check.quadrature import COUNTED, index_truths

ROWS = 500_000
"""Values worked on at a time."""


def merged(*makers: Callable[[], Truths]) -> Truths:
    """The truths of several makers, the later ones over the earlier."""
    return {name: truth for make in makers for name, truth in make().items()}


def mean_of(found: Tensor, what: str) -> Truth:
    """The mean of independent values as a truth."""
    values = found.double()
    error = float(values.std()) / math.sqrt(len(values))
    return Truth(value=float(values.mean()), error=error, source=f"brute force, {what}")


def brute_index(make: Callable[[int], Subject], draws: int, joint: bool = True) -> Truths:
    """Truths of normal posteriors of one width in any number of dimensions, of all pairs.

    Args:
        make: of ``plane_codes``.
        draws: of every example.
        joint: whether the total correlation is among them.
    """
    params = params_of(make(0))
    loc, scale = params["loc"], params["scale"]
    n, k = loc.shape
    random = generator(0, "validation", "brute")
    standard = Normal(torch.zeros(()).double(), torch.ones(()).double())
    rate = torch.distributions.kl_divergence(Normal(loc, scale), standard).sum(1).mean()
    width = scale[0, 0]
    found: dict[str, list[float]] = {"information": [], "loo": [], "tc": []}
    for _ in range(draws):
        z = loc + scale * torch.randn(n, k, generator=random, dtype=torch.float64)
        pairs = -torch.cdist(z / width, loc / width).square() / 2
        total, own = pairs.logsumexp(1), pairs.diagonal().clone()
        share = (pairs - total[:, None]).exp()
        entropy = total - (share * pairs).sum(1)
        found["information"].append(math.log(n) - float(entropy.mean()))
        others = pairs.fill_diagonal_(-math.inf).logsumexp(1) - math.log(n - 1)
        found["loo"].append(float((own - others).mean()))
        if joint:
            gaps = (z[:, None] - loc) / width
            lines = (-gaps.square() / 2).logsumexp(1).sum(1)
            found["tc"].append(float((total - lines).mean() + (k - 1) * math.log(n)))
    what = f"{draws} draws an example"
    means = {name: mean_of(torch.tensor(v), what) for name, v in found.items() if v}
    information = means["information"]
    closed = index_truths(float(rate), information.value, math.log(n), information.source)
    rough = ("mutual_information", "marginal_kl")
    return {
        **{
            name: Truth(value=t.value, error=information.error, source=t.source)
            if name in rough
            else Truth(value=t.value)
            for name, t in closed.items()
        },
        "mutual_information_loo": means["loo"],
        **({"total_correlation": means["tc"]} if joint else {}),
        "active_units": Truth(value=float((loc.var(0) > COUNTED).sum())),
    }


def cube_iwae(d: int, a: float, s: float, draws: int, repeats: int) -> Truths:
    """The IWAE bound of the hypercube, the same for every corner.

    Args:
        d: bits.
        a: location of a code.
        s: its scale.
        draws: K.
        repeats: of K draws.
    """
    random, found = generator(0, "validation", "cube"), []
    for rows in pieces(repeats, draws * d):
        noise = torch.randn(rows, draws, d, generator=random, dtype=torch.float64)
        z = a + s * noise
        weight = -torch.nn.functional.softplus(-2 * a * z / s**2) - z.square() / 2
        weight = (weight + noise.square() / 2 + math.log(s)).sum(2)
        found.append(math.log(draws) - weight.logsumexp(1))
    return {"iwae_bound": mean_of(torch.cat(found), f"{repeats} times K draws")}


def pieces(count: int, values: int) -> list[int]:
    """A number of rows of so many values each, in pieces that fit into memory."""
    size = max(1, 8 * ROWS // values)
    return [min(size, count - low) for low in range(0, count, size)]


def line_iwae(
    make: Callable[[int], Subject], beta: float, draws: int, repeats: int, population: bool
) -> Truths:
    """The IWAE bound of a linear-Gaussian model, for its examples of seed 0 or the population.

    Args:
        make: of ``line``.
        beta: its β.
        draws: K.
        repeats: sets of examples.
        population: whether each set has examples of its own.
    """
    random, found = generator(0, "validation", "line"), []
    loc_gain, scale, gain = line_gains(beta)
    for repeat in range(repeats):
        x = make(repeat + 1 if population else 0).data.double()
        noise = torch.randn(draws, *x.shape, generator=random, dtype=torch.float64)
        z = x * loc_gain + scale * noise
        weight = -(x - gain * z).square() / (2 * NOISE) - math.log(2 * math.pi * NOISE) / 2
        weight = (weight - z.square() / 2 + noise.square() / 2 + scale.log()).sum(2)
        found.append((math.log(draws) - weight.logsumexp(0)).mean())
    return {"iwae_bound": mean_of(torch.stack(found), f"{repeats} times K draws an example")}


def spike_truths(
    make: Callable[[int], Subject], draws: int, repeats: int, population: bool = False
) -> Truths:
    """Truths where q = p and the decoder is sharp, so that few draws have nearly all the weight.

    Args:
        make: of ``validation.cases.heavy.spike``.
        draws: K.
        repeats: sets of examples.
        population: whether each set has examples of its own.
    """
    random, found = generator(0, "validation", "spike"), []
    gain, noise = 5.0, 0.25
    for repeat in range(repeats):
        x = make(repeat + 1 if population else 0).data.double()[:, 0]
        z = torch.randn(draws, len(x), generator=random, dtype=torch.float64)
        weight = -(x - gain * z).square() / (2 * noise)
        found.append((math.log(draws) - weight.logsumexp(0)).mean())
    constant = math.log(2 * math.pi * noise) / 2
    second = gain**2 + noise if population else float(make(0).data.double().square().mean())
    distortion = constant + (second + gain**2) / (2 * noise)
    return {
        "rate": Truth(value=0.0),
        "distortion": Truth(value=distortion),
        "elbo": Truth(value=-distortion),
        "iwae_bound": mean_of(torch.stack(found) + constant, f"{repeats} times K draws an example"),
    }


def digit_truths(
    make: Callable[[int], Subject], draws: int, repeats: int, binary: bool = True
) -> Truths:
    """Truths of a trained model for its examples of seed 0, in float64.

    The slope is a finite difference: D at σ e^{±ε} with common noise, in Richardson's two steps.

    Args:
        make: of ``validation.cases.decoders.digits``.
        draws: K of the IWAE bound.
        repeats: of K draws.
        binary: whether the data are.
    """
    subject = make(0)
    module, x = subject.model.module, subject.data.double().flatten(1)
    if module is None or not binary:
        raise ValueError("a trained model of binary data")
    module = module.double()
    with torch.no_grad():
        params = module.encode(x)
        loc, scale = params["loc"], params["scale"]
        rates = ((loc.square() + scale.square() - 1) / 2 - scale.log()).sum(1)
        rows = [brute_digits(module, x, loc, scale, draws, seed) for seed in range(repeats)]
    module.float()
    columns = {name: torch.tensor([row[name] for row in rows]) for name in rows[0]}
    what = f"{repeats} times {draws} draws an example"
    distortion = mean_of(columns["distortion"], what)
    answer = float((scale.square() - 1).sum(1).mean())
    p = x.mean(0)
    blind = -float((torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p)).sum())
    return {
        "rate": Truth(value=float(rates.mean())),
        "distortion": distortion,
        "elbo": Truth(
            value=-float(rates.mean()) - distortion.value,
            error=distortion.error,
            source=distortion.source,
        ),
        "iwae_bound": mean_of(columns["iwae"], what),
        "slope": mean_of(-columns["slope"] / answer, f"finite differences, {what}"),
        "generative_mutual_information": mean_of(columns["back"], f"{len(rows)} × {len(x)} codes"),
        "blind_distortion": Truth(value=blind),
        "active_units": Truth(value=float((loc.var(0) > COUNTED).sum())),
        "log_n": Truth(value=math.log(len(x))),
        "marginal_kl_floor": Truth(value=max(0.0, float(rates.mean()) - math.log(len(x)))),
    }


STEP = 0.05
"""ε of the finite differences."""


def brute_digits(
    module: torch.nn.Module, x: Tensor, loc: Tensor, scale: Tensor, draws: int, seed: int
) -> Mapping[str, float]:
    """Distortion, its derivative, IWAE bound and round trip of one set of draws of all examples."""
    random = generator(seed, "validation", "digits")
    noise = torch.randn(draws, *loc.shape, generator=random, dtype=torch.float64)

    def lost(widened: float) -> Tensor:
        z = loc + scale * math.exp(widened) * noise
        logits = module.decode(z.flatten(0, 1))["logits"].flatten(1)
        each = binary_cross_entropy_with_logits(logits, x.repeat(draws, 1), reduction="none")
        return each.sum(1).view(draws, len(x))

    answer = 0.0
    for step, weight in ((STEP, 4 / 3), (2 * STEP, -1 / 3)):
        answer += weight * float((lost(step) - lost(-step)).mean()) / (2 * step)
    at = lost(0.0)
    z = loc + scale * noise
    weight = (noise.square() / 2 + scale.log() - z.square() / 2).sum(2) - at
    return {
        "distortion": float(at.mean()),
        "slope": answer,
        "iwae": float((math.log(draws) - weight.logsumexp(0)).mean()),
        "back": round_trip(module, len(x), random),
    }


def round_trip(module: torch.nn.Module, count: int, random: torch.Generator) -> float:
    """Mean log q(z|x) − log p(z) of codes from the prior and the bits they decode to."""
    size = module.config["latent"]
    z = torch.randn(count, size, generator=random, dtype=torch.float64)
    logits = module.decode(z)["logits"]
    x = (
        torch.rand(logits.shape, generator=random, dtype=torch.float64) < logits.sigmoid()
    ).double()
    params = module.encode(x)
    q = Normal(params["loc"], params["scale"]).log_prob(z).sum(1)
    p = Normal(torch.zeros(()).double(), torch.ones(()).double()).log_prob(z).sum(1)
    return float((q - p).mean())
