"""A mixture of normals over flattened z, Σ_c π_c N(z; loc_c, L_c L_cᵀ).

The covariances of a given mixture may be diagonal. The fit, of full ones, is
expectation-maximisation on posterior moments (Rao-Blackwellised: no draw enters). For component c
and example n with mean μ_n and covariance S_n,

    r_nc ∝ π_c exp(E_q[log N_c]) = π_c N(μ_n; loc_c, Σ_c) exp(−½ tr(Σ_c⁻¹ S_n)),

and Σ_c is shrunk, by k + 2 pseudo-observations (an inverse-Wishart prior), towards the overall
covariance scaled to a component's share of space. Without it large mixtures overfit.
"""

import math
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float64
from torch import Tensor
from torch.distributions import Normal

from genprobe.errors import ModelError
from genprobe.priors.factorised import broadcast, require_tensors
from genprobe.priors.flat import flat_prior
from genprobe.priors.full_normal import fit as fit_normal
from genprobe.priors.full_normal import log_density, require_factor
from genprobe.priors.weights import weights
from genprobe.runtime.outer_threads import outer_threads
from genprobe.runtime.seeds import generator
from genprobe.types import Codes, Params, Prior, PriorFactory

WIDEST = 128
SIZES = (4, 16, 64)
EXAMPLES_PER_COMPONENT = 40
ROWS = 2048
ITERATIONS = 30
ENOUGH = 3e-3
"""Nats per example: a round that improves the bound by less ends the fit."""


def build(event_shape: torch.Size, params: Params) -> Prior:
    """The mixture with ``loc`` (c, k) and its components' spread; equal ``probs`` (c,) by default.

    The spread is ``scale_tril`` (c, k, k), or for diagonal covariances ``scale`` (c, k); both it
    and ``loc`` may have z's own shape in the place of k.

    Raises:
        ModelError: if a tensor is missing, not finite, of another shape, or makes no mixture.
    """
    spread = "scale" if "scale" in params else "scale_tril"
    tensors = require_tensors("normal-mixture", params, ("loc", spread))
    k = event_shape.numel()
    loc = tensors["loc"] if tensors["loc"].dim() > 1 else tensors["loc"].reshape(-1, 1)
    if loc[0].numel() != k:
        raise ModelError(
            f"The prior normal-mixture has a loc of shape {tuple(tensors['loc'].shape)}; z has the "
            f"shape {tuple(event_shape)}.",
            "Give loc as (components, *shape of z).",
        )
    size, tensors["loc"] = len(loc), loc.flatten(1)
    if spread == "scale":
        tensors["scale"] = positive_scale(tensors["scale"], size, k)
    else:
        require_factor("normal-mixture", tensors["scale_tril"], torch.Size([size, k, k]))
    tensors = {"probs": weights("normal-mixture", params.get("probs"), size), **tensors}

    def log_prob(z: Tensor) -> Tensor:
        return torch.logsumexp(weighted_log_prob(z.double(), tensors), -1)

    def sample(shape: torch.Size) -> Tensor:
        chosen = torch.multinomial(tensors["probs"], shape.numel(), replacement=True)
        noise = torch.randn(len(chosen), k, dtype=torch.float64)
        if spread == "scale":
            return tensors["loc"][chosen] + tensors["scale"][chosen] * noise
        spun = tensors["scale_tril"][chosen] @ noise.unsqueeze(-1)
        return tensors["loc"][chosen] + spun.squeeze(-1)

    return flat_prior("normal-mixture", event_shape, log_prob, sample, tensors)


def positive_scale(scale: Tensor, size: int, k: int) -> Tensor:
    """Scales (size, k) of diagonal components, from any shape that broadcasts to it.

    Raises:
        ModelError: if one is not positive, or the shape does not fit.
    """
    if not (scale > 0).all():
        raise ModelError("The prior normal-mixture has a scale that is not positive.")
    flat = scale.flatten(1) if scale.dim() > 1 else scale
    return broadcast("normal-mixture", "scale", flat, torch.Size([size, k]))


def weighted_log_prob(z: Tensor, params: Params) -> Tensor:
    """The terms log π_c + log N_c(z), (..., c), for z (..., k).

    One component at a time: all together would need n × c × k of memory.
    """
    if "scale" in params:
        pairs = zip(params["loc"], params["scale"], strict=True)
        each = [Normal(*pair, validate_args=False).log_prob(z).sum(-1) for pair in pairs]  # type: ignore[no-untyped-call]
    else:
        normals = zip(params["loc"], params["scale_tril"], strict=True)
        each = [log_density(z, loc, scale_tril) for loc, scale_tril in normals]
    return torch.stack(each, -1) + params["probs"].log()


def sizes(n: int, k: int) -> tuple[int, ...]:
    """Numbers of components worth trying for n examples of k values."""
    return tuple(c for c in SIZES if k <= WIDEST and n >= EXAMPLES_PER_COMPONENT * c)


@outer_threads()
def fit(codes: Codes, size: int, seed: int) -> Params:
    """A mixture of ``size`` components fitted to posterior moments; see the top of this file."""
    centre, scale = codes.mean.mean(0), overall_scale(codes)
    standard = Codes(mean=(codes.mean - centre) / scale, variance=codes.variance / scale.square())
    params = start(standard, size, seed)
    spread = params["scale_tril"][0] @ params["scale_tril"][0].T
    before, stretches = -torch.inf, list(statistics(standard))
    for _ in range(ITERATIONS):
        bound, params = improve(stretches, params, spread)
        if bound - before < ENOUGH:
            break
        before = bound
    return {
        "probs": params["probs"],
        "loc": centre + scale * params["loc"],
        "scale_tril": scale[:, None] * params["scale_tril"],
    }


def overall_scale(codes: Codes) -> Float64[Tensor, " k"]:
    """Standard deviation of the aggregate posterior in each dimension."""
    return (codes.mean.var(0, correction=0) + codes.variance.mean(0)).sqrt()


def start(codes: Codes, size: int, seed: int) -> Params:
    """Centres far from each other among the posterior means (k-means++), equal covariances."""
    rng = generator(seed, "centres")
    whole = fit_normal(codes, 1, seed)
    white = torch.linalg.solve_triangular(whole["scale_tril"], codes.mean.T, upper=False).T
    chosen = torch.randint(len(white), (1,), generator=rng)
    distance = torch.full((len(white),), torch.inf, dtype=torch.float64)
    for _ in range(size - 1):
        distance = torch.minimum(distance, (white - white[chosen[-1]]).square().sum(1))
        reach = (distance + 1e-12).cumsum(0)  # an inverse CDF; torch.multinomial takes far longer
        place = torch.rand(1, generator=rng, dtype=torch.float64) * reach[-1]
        chosen = torch.cat([chosen, torch.searchsorted(reach, place).clamp(max=len(white) - 1)])
    k = codes.mean.shape[1]
    return {
        "probs": torch.full((size,), 1 / size, dtype=torch.float64),
        "loc": codes.mean[chosen],
        "scale_tril": (whole["scale_tril"] * size ** (-1 / k)).expand(size, k, k).clone(),
    }


def statistics(codes: Codes) -> Iterator[Float64[Tensor, "n statistic"]]:
    """The statistics of a normal expected under each q(z|x_n), for a stretch of examples at a time.

    They are [z zᵀ, z], the lower triangle of the first, and expected to be [μ_n μ_nᵀ + S_n, μ_n].
    """
    k = codes.mean.shape[1]
    row, column = torch.tril_indices(k, k)
    for mean, variance in zip(
        torch.split(codes.mean, ROWS), torch.split(codes.variance, ROWS), strict=True
    ):
        found = mean.new_empty(len(mean), len(row) + k)
        for d in range(k):  # the rows of the triangle: to pick them entry by entry takes longer
            low = d * (d + 1) // 2
            torch.mul(mean[:, : d + 1], mean[:, d, None], out=found[:, low : low + d + 1])
        found[:, : len(row)][:, row == column] += variance
        found[:, len(row) :] = mean
        yield found


def improve(
    stretches: Sequence[Float64[Tensor, "n statistic"]], params: Params, spread: Tensor
) -> tuple[float, Params]:
    """One round of expectation-maximisation; returns the bound before it, nats per example.

    A normal is an exponential family: both steps are one matrix product each, for a stretch of
    examples.

    Args:
        stretches: of examples, their ``statistics``.
        params: of the mixture.
        spread: as ``maximise`` takes it.
    """
    eta, log_partition = natural(params)
    totals, weight = torch.zeros_like(eta), torch.zeros_like(log_partition)
    bound, count = 0.0, 0
    for some in stretches:
        scores = torch.addmm(-log_partition, some, eta.T)
        top = scores.amax(1, keepdim=True)
        # What is below e⁻⁶⁰ of the largest adds nothing, and exp is slow where it underflows.
        share = scores.sub_(top).clamp_(min=-60).exp_()
        total = share.sum(1, keepdim=True)
        bound += float((top + total.log()).sum())
        share /= total
        totals += share.T @ some
        weight += share.sum(0)
        count += len(some)
    return bound / count, maximise(totals, weight.clamp(min=1e-12), spread)


def natural(params: Params) -> tuple[Tensor, Tensor]:
    """Natural parameters (c, k(k + 3)/2) and log-partition (c,), with the mixture's weights."""
    loc, scale_tril = params["loc"], params["scale_tril"]
    precision = torch.cholesky_inverse(scale_tril)
    linear = (precision @ loc[:, :, None]).squeeze(2)
    log_partition = (
        (linear * loc).sum(1) / 2
        + scale_tril.diagonal(dim1=1, dim2=2).log().sum(1)
        + loc.shape[1] * math.log(2 * math.pi) / 2
        - params["probs"].log()
    )
    row, column = torch.tril_indices(*precision.shape[1:])
    twice = torch.where(row == column, 1.0, 2.0).double()
    return torch.cat([-precision[:, row, column] * twice / 2, linear], 1), log_partition


def maximise(totals: Tensor, weight: Tensor, spread: Tensor) -> Params:
    """The most probable mixture under its inverse-Wishart prior.

    Args:
        totals: (c, k(k + 3)/2) statistics summed with the components' shares.
        weight: (c,) the shares themselves, summed.
        spread: (k, k) the covariance that the prior is centred on.
    """
    k = spread.shape[0]
    row, column = torch.tril_indices(k, k)
    loc = totals[:, len(row) :] / weight[:, None]
    second = totals.new_zeros(len(totals), k, k)
    second[:, row, column] = second[:, column, row] = totals[:, : len(row)]
    scatter = second - weight[:, None, None] * loc[:, :, None] * loc[:, None, :]
    covariance = (scatter + (k + 2) * spread) / (weight + k + 2)[:, None, None]
    return {
        "probs": weight / weight.sum(),
        "loc": loc,
        "scale_tril": torch.linalg.cholesky(covariance),
    }


normal_mixture = PriorFactory(
    name="normal-mixture", build=build, fit=fit, sizes=sizes, concurrent=True
)
