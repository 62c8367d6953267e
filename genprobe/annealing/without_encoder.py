r"""Posteriors of a model that has no encoder: for each example a diagonal normal is fitted.

.. math::

    q^*(z|x) = \arg\max_q \mathbb E_q [\log p(x|z) + \log p(z) - \log q(z)]

A fit finds one mode of a posterior, and not always the best. So several short fits start at the
moments of the prior and at those of its draws that come nearest to x, and the best of them goes on;
all with the same noise in every run. It is no part of the model: chains start at it, and the bound
that they give on −log p(x) holds wherever they start.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from genprobe.annealing.of_model import target_of
from genprobe.annealing.posterior_fit import fit_posterior, score_posterior
from genprobe.encoding.calls import Calls
from genprobe.encoding.context import rows_of
from genprobe.encoding.latent_shape import latent_shape_of
from genprobe.encoding.parts import Fitting
from genprobe.encoding.resolve import bind_prior
from genprobe.errors import ModelError, UnavailableError
from genprobe.runtime.outer_threads import outer_threads
from genprobe.runtime.seeds import derived_seed, generator, seeded
from genprobe.types import FittedScale, Params, Prior

STEPS = 300
"""Of the fit that goes on; where chains start from it, it is fitted on."""
DRAWN, STARTS, FIRST = 128, 4, 150
"""Draws of the prior that are tried, short fits of each example, and steps of these."""
NARROW = 0.1
"""Scale at which a fit starts at a draw, as a share of the prior's: wider, it would forget it."""
JUDGED = 64
"""Draws by which the short fits are compared."""
SAMPLES = 4096
"""Of a prior without moments, to find them."""
TRIED = 256
"""Places at which a prior is asked for its density."""
BOUNDED = (
    "Let decode begin with the map from a normal, z = 2 * torch.special.ndtr(z) - 1 for a uniform "
    "prior on [-1, 1], and name prior='standard-normal': it is the same model."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """What every fit starts from.

    Attributes:
        prior: resolved.
        params: of a normal with its moments, each (1, *latent).
        seed: of the noise.
    """

    prior: Prior
    params: Params
    seed: int

    def rows(self, count: int) -> Params:
        """The parameters of so many examples, each (count, *latent)."""
        return {name: v.expand(count, *v.shape[1:]) for name, v in self.params.items()}


def start_of(calls: Calls, seed: int) -> Start:
    """Where fits start under the prior of a model without an encoder.

    Args:
        calls: of the model, in place.
        seed: of the run.

    Raises:
        ModelError: if nothing says the shape of z, or it is no row of real numbers.
    """
    latent = latent_shape_of(calls.model)
    prior = bind_prior(calls.model.prior, latent, {})
    mean, deviation = (values.expand(latent) for values in moments_of(prior, seed))
    require_real_line(prior, mean, deviation, seed)
    params = {
        "loc": mean[None].to(calls.dtype).clone(),
        "scale": deviation[None].to(calls.dtype).clone(),
    }
    return Start(prior=prior, params=params, seed=derived_seed(seed, "posteriors"))


def fitting_of(start: Start, scale: FittedScale | None = None) -> Fitting:
    """How posteriors are fitted to examples.

    Args:
        start: of every fit.
        scale: of the likelihood, where its one scale is fitted to all the data.
    """

    def fit(calls: Calls, x: Tensor) -> Params:
        """The parameters (n, ...) of examples (n, *event), on the CPU."""
        with outer_threads():  # many small operations, each of which would wait for all threads
            best = best_start(calls, x, start, scale)
            return fitted(calls, x, start, best, scale=scale, steps=STEPS)

    return Fitting(start=start.params, fit=fit)


def best_start(calls: Calls, x: Tensor, start: Start, scale: FittedScale | None) -> Params:
    """The best of several short fits to each example, its parameters each (n, *latent).

    Args:
        calls: of the decoder, with the context of these examples.
        x: (n, *event).
        start: the prior and the seed of the noise.
        scale: of the likelihood, where its one scale is fitted to all the data.

    Raises:
        ModelError: if the decoder or the prior fails, or has no gradient.
    """
    near, n = nearest_draws(calls, x, start), len(x)
    first = start.rows(n)
    params = {
        "loc": torch.cat([first["loc"], near.flatten(0, 1)]),
        "scale": torch.cat([first["scale"], *[NARROW * first["scale"]] * len(near)]),
    }
    copies = torch.arange(n).repeat(STARTS)
    every = calls.given(rows_of(calls.context, copies))
    short = fitted(every, x[copies], start, params, scale=scale, steps=FIRST)
    target = target_of(every, start.prior, x[copies], scale=scale)
    seed = derived_seed(start.seed, "choice")
    scores = score_posterior(target, calls.posterior, short, draws=JUDGED, seed=seed).mean(0)
    chosen = scores.nan_to_num(-torch.inf).view(STARTS, n).argmax(0) * n + torch.arange(n)
    return {name: values[chosen] for name, values in short.items()}


def nearest_draws(calls: Calls, x: Tensor, start: Start) -> Tensor:
    """Of some draws of the prior those with the largest log p(x|z) (STARTS − 1, n, *latent).

    Args:
        calls: of the decoder, with the context of these examples.
        x: (n, *event).
        start: the prior and the seed of the draws.
    """
    with seeded(derived_seed(start.seed, "draws")):
        z = start.prior.sample(DRAWN).detach().cpu().to(calls.dtype)
    each = torch.stack([calls.log_px_z(x, draw.expand(len(x), *draw.shape)) for draw in z])
    return z[each.nan_to_num(-torch.inf).topk(STARTS - 1, 0).indices]


def fitted(
    calls: Calls,
    x: Tensor,
    start: Start,
    params: Params,
    *,
    scale: FittedScale | None,
    steps: int,
) -> Params:
    """The posteriors of some examples after so many steps, each (n, ...), on the CPU.

    Args:
        calls: of the decoder, with the context of these examples.
        x: (n, *event).
        start: the prior and the seed of the noise.
        params: to go on from, each (n, ...).
        scale: of the likelihood, where its one scale is fitted to all the data.
        steps: of the optimiser.

    Raises:
        ModelError: if the decoder or the prior fails, or has no gradient.
    """
    try:
        target = target_of(calls, start.prior, x, scale=scale)
        found = fit_posterior(target, calls.posterior, params, steps=steps, seed=start.seed)
    except UnavailableError as error:
        why = error.what.partition(": ")[2] or error.what
        raise ModelError(f"{calls.model.name} has no encoder, and {why}", error.remedy) from error
    return {name: values.detach().to("cpu", calls.dtype) for name, values in found.items()}


def require_real_line(prior: Prior, mean: Tensor, deviation: Tensor, seed: int) -> None:
    """Check that a prior has a density wherever a normal of its moments goes.

    Args:
        prior: resolved.
        mean: (*latent) of z.
        deviation: (*latent) of z.
        seed: of the draws at which it is asked.

    Raises:
        ModelError: if it does not.
    """
    noise = torch.randn(TRIED, *mean.shape, generator=generator(seed, "support"))
    if not has_density(prior, mean + 2 * deviation * noise.double()):
        raise ModelError(
            f"The prior {prior.name} does not reach over all real numbers; the normals that are "
            "fitted to a model without an encoder do.",
            BOUNDED,
        )


def has_density(prior: Prior, z: Tensor) -> bool:
    """Whether a prior has a density at all of some places, and is no distribution over points.

    Args:
        prior: resolved.
        z: (m, *latent) the places.
    """
    try:
        if prior.distribution is not None:
            support: Any = prior.distribution.support
            if support.is_discrete or not support.check(z).all():
                return False
        return bool(prior.log_prob(z).isfinite().all())
    except NotImplementedError:  # it does not say where it is
        return bool(prior.log_prob(z).isfinite().all())
    except ModelError:  # of its own checks of z
        return False


def moments_of(prior: Prior, seed: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (*latent) of a prior: as it says, or of samples.

    Args:
        prior: resolved.
        seed: of the samples.

    >>> from genprobe.priors.standard_normal import build
    >>> moments_of(build(torch.Size([2]), {}), seed=0)
    (tensor([0., 0.], dtype=torch.float64), tensor([1., 1.], dtype=torch.float64))
    """
    try:
        if prior.distribution is not None:
            mean, scale = prior.distribution.mean, prior.distribution.stddev
            if mean.isfinite().all() and scale.isfinite().all() and (scale > 0).all():
                return mean.detach().cpu(), scale.detach().cpu()
    except NotImplementedError:
        pass
    with seeded(derived_seed(seed, "moments")):
        z = prior.sample(SAMPLES).detach().cpu().double()
    return z.mean(0), z.std(0).clamp_min(1e-6)
