r"""A diffusion model as the prior of another model's codes, as in latent diffusion.

Its log p(z) is not known, but a bound on it is: minus what its chain and its last step cost,

.. math::

    \log p(z) \ge
      \mathbb E[\log \mathcal N(z; \hat z(z_0), \sigma_0^2)] - \mathrm{KL}_T - \sum_t R_t

So a rate under it is an upper bound in expectation, and R + D bounds −log p(x) as ever. The
expectation is over steps and noise that belong to z alone: the same z has the same value in every
batch. Vahdat et al. (2021), "Score-based generative modeling in latent space".
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float64
from torch import Tensor, nn
from torch.distributions import Distribution, Normal

from genprobe.datasets.row_hashes import row_hashes
from genprobe.diffusion.answers import answer_of
from genprobe.diffusion.octaves import octaves_of
from genprobe.diffusion.plan import Plan, steps_probability, stratified_steps
from genprobe.diffusion.predictions import error_of
from genprobe.diffusion.sampled import Chain, Predict
from genprobe.diffusion.terms import prior_term
from genprobe.errors import ModelError
from genprobe.priors.from_module import evaluating
from genprobe.runtime.seeds import generator
from genprobe.types import Diffusion, Family, Params, Prior

ROWS = 256
"""States that the network gets at once."""


def diffusion_prior(
    chain: Diffusion,
    latent_shape: Sequence[int],
    *,
    module: nn.Module | None = None,
    steps: int = 32,
    name: str = "diffusion",
) -> Prior:
    """The prior of codes z that a diffusion model was trained on.

    Args:
        chain: its states run on (z − mean)/std: of a latent diffusion model std is one over its
            scaling factor.
        latent_shape: of one z.
        module: behind ``chain.denoise``: it is put on the device, and its weights are hashed.
        steps: of the chain that are looked at for each z; more make the bound less noisy.
        name: of the prior.

    Returns:
        A prior whose ``log_prob`` is an unbiased estimate of a lower bound, nats, and whose samples
        are ancestral. It has no gradient and no closed-form KL.

    Raises:
        ModelError: if it takes less than one step.

    Example:
        >>> chain = Diffusion(alpha=[0.9, 0.1], sigma=[0.4, 0.99], denoise=lambda z, t: 0 * z)
        >>> prior = diffusion_prior(chain, (2,))
        >>> prior.log_prob(torch.zeros(3, 2)).shape, prior.sample(5).shape
        (torch.Size([3]), torch.Size([5, 2]))
    """
    if steps < 1:
        raise ModelError(f"The prior {name} looks at {steps} steps.", "Give one at least.")
    asked, shape = Chain(diffusion=chain, predict=predict_of(chain, module)), tuple(latent_shape)

    def log_prob(z: Tensor) -> Tensor:
        rows = z.detach().double().cpu().reshape(-1, *shape)
        with evaluating(module), torch.no_grad():
            found = -costs(asked, rows, steps)
        return found.view(z.shape[: z.dim() - len(shape)])

    def sample(n: int) -> Tensor:
        with evaluating(module), torch.no_grad():
            return ancestral(asked, (n, *shape))

    return Prior(name=name, log_prob=log_prob, sample=sample, kl=no_kl, module=module)


def no_kl(family: Family, params: Params) -> None:
    """No closed form, whatever the posteriors."""


def predict_of(chain: Diffusion, module: nn.Module | None) -> Predict:
    """What gives the network's prediction and log-variance on the CPU, in float64.

    Args:
        chain: of the user.
        module: in whose dtype and on whose device it is asked; float32 on the CPU without one.
    """

    def predict(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor | None]:
        tensors = (
            [] if module is None else [p for p in module.parameters() if p.is_floating_point()]
        )
        like = tensors[0] if tensors else torch.zeros(())
        each = [
            answer_of(
                chain,
                "The denoiser of a prior",
                chain.denoise(some.to(like.device, like.dtype), at.to(like.device)),
                some,
                at,
            )
            for some, at in zip(torch.split(x, ROWS), torch.split(t, ROWS), strict=True)
        ]
        variances = [values for _, values in each if values is not None]
        return torch.cat([found for found, _ in each]), torch.cat(variances) if variances else None

    return predict


def costs(chain: Chain, z: Float64[Tensor, "row *event"], steps: int) -> Float64[Tensor, " row"]:
    """What codes cost under a chain, nats: unbiased estimates of bounds on −log p(z).

    Args:
        chain: of the prior.
        z: codes.
        steps: that are looked at for each.
    """
    schedule = chain.schedule
    even = steps_probability(torch.zeros(schedule.steps).double(), schedule, octaves_of(schedule))
    plan = Plan(probability=even, steps=steps, decoded=1)
    few = max(1, ROWS // (steps + 1))
    return torch.cat([costs_of_few(chain, some, plan) for some in torch.split(z, few)])


def costs_of_few(
    chain: Chain, z: Float64[Tensor, "row *event"], plan: Plan
) -> Float64[Tensor, " row"]:
    """The same of a few codes, whose states the network gets at once.

    Args:
        chain: of the prior.
        z: codes.
        plan: which steps are looked at.
    """
    schedule, given, x = chain.schedule, chain.diffusion, chain.units(z)
    uniform, noise = noise_of(z, plan.steps)
    t = torch.cat([stratified_steps(plan, uniform), torch.zeros(1, len(z)).long()])
    places = (...,) + (None,) * (x.dim() - 1)
    alpha, sigma = schedule.alpha[t], schedule.sigma[t]
    states = alpha[places] * x + sigma[places] * noise
    found, log_variance = chain.predict(states.flatten(0, 1), t.flatten())
    flat = (
        x.expand(noise.shape).flatten(0, 1),
        noise.flatten(0, 1),
        alpha.flatten(),
        sigma.flatten(),
    )
    error = error_of(given.predicts, found, *flat, given.clip).reshape(noise.shape)
    learned = None if log_variance is None else log_variance.expand_as(found).reshape(noise.shape)
    kl = chain.kl(error[:-1], None if learned is None else learned[:-1], t[:-1])
    rate = (kl / plan.probability[t[:-1]]).mean(0) + chain.known_rate(z[0].numel()).sum()
    own = schedule.sigma[0] if learned is None else (learned[-1] / 2).exp()
    last: Distribution = Normal(torch.zeros_like(z), own * given.std)
    found_last = last.log_prob(error[-1] * given.std).flatten(1).sum(1)
    total: Tensor = prior_term(x, schedule) + rate - found_last
    return total


def noise_of(
    z: Float64[Tensor, "row *event"], steps: int
) -> tuple[Float64[Tensor, "steps row"], Float64[Tensor, "more row *event"]]:
    """Uniform numbers and normal noise that belong to each code, whatever others come with it.

    Args:
        z: codes.
        steps: of uniform numbers; of the noise there is one more.
    """
    uniform, noise = [], []
    for row, hashed in zip(z, row_hashes(z).tolist(), strict=True):
        chance = generator(0, "diffusion-prior", *hashed)
        uniform.append(torch.rand(steps, generator=chance, dtype=torch.float64))
        shape = (steps + 1, *row.shape)
        noise.append(torch.randn(shape, generator=chance, dtype=torch.float64))
    return torch.stack(uniform, 1), torch.stack(noise, 1)


def ancestral(chain: Chain, shape: tuple[int, ...]) -> Float64[Tensor, "n *event"]:
    """Samples of a chain, all its steps in turn, from the global generator.

    Args:
        chain: of the prior.
        shape: (n, *event).
    """
    schedule, given = chain.schedule, chain.diffusion
    state = torch.randn(shape, dtype=torch.float64)
    variances = schedule.upper if given.variance == "upper" else schedule.posterior
    for step in range(schedule.steps - 1, -1, -1):
        t = torch.full((shape[0],), step)
        alpha, sigma = schedule.alpha[t], schedule.sigma[t]
        found, log_variance = chain.predict(state, t)
        expected = expected_of(given, found, state, alpha, sigma)
        variance = variances[step] if log_variance is None else log_variance.exp()
        if step:
            mean = schedule.mean_factor[step] * expected + schedule.kept[step] * state
        else:
            mean = expected
        state = mean + variance.sqrt() * torch.randn(shape, dtype=torch.float64)
    return given.mean + given.std * state


def expected_of(
    chain: Diffusion, predicted: Tensor, state: Tensor, alpha: Tensor, sigma: Tensor
) -> Tensor:
    """x̂_0 of a prediction: what it errs by where x_0 is 0 and all of x_t is noise, less a sign."""
    noise = state / sigma[(...,) + (None,) * (state.dim() - 1)]
    zero = torch.zeros_like(state)
    return -error_of(chain.predicts, predicted, zero, noise, alpha, sigma, chain.clip)
