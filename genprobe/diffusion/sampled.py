"""The terms of the bound for some examples, from as many steps as a plan says, and the pilot.

Noise comes from torch's global generator, draw by draw, so that it does not depend on how many
rows the network takes at once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.diffusion.octaves import Octaves
from genprobe.diffusion.plan import REPLICATES, Plan, stratified_steps
from genprobe.diffusion.predictions import error_of
from genprobe.diffusion.schedule import Schedule, schedule_of
from genprobe.diffusion.terms import learned_kl, step_factors
from genprobe.types.diffusion import Diffusion

Predict = Callable[[Tensor, Tensor], tuple[Tensor, Tensor | None]]
"""x_t (row, *event) and t (row,) to the network's prediction and log-variance, float64."""
DecoderTerm = Callable[[Tensor, Tensor | None], Tensor]
"""x̂_0 (row, *event) and log-variance at t = 0, rows draw by draw, to −log p(x|x_1) (row,)."""
ROWS = 256
"""Rows of one call of the network: draws of an example go together where examples are few."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Chain:
    """A diffusion model, ready to be asked.

    Attributes:
        diffusion: as the user gave it.
        predict: its network.
    """

    diffusion: Diffusion
    predict: Predict

    @property
    def schedule(self) -> Schedule:
        """Its schedule."""
        return schedule_of(self.diffusion)

    def units(self, x: Tensor) -> Float64[Tensor, "batch *event"]:
        """Data in the units of the chain, x_0."""
        return (x.double() - self.diffusion.mean) / self.diffusion.std

    def noisy(
        self, x: Float64[Tensor, "batch *event"], t: Int64[Tensor, "draw batch"]
    ) -> Iterator[tuple[slice, Int64[Tensor, "some batch"], Tensor, Tensor | None]]:
        """Errors x_0 − x̂_0 of every draw, some draws at a time.

        Args:
            x: x_0.
            t: the step of each draw of each example.

        Yields:
            Which draws, their steps, their errors (some, batch, *event), and the log-variances of
            the same shape where they are learned.
        """
        together, event = max(1, ROWS // max(1, len(x))), x.shape[1:]
        schedule, given = self.schedule, self.diffusion
        for low in range(0, len(t), together):
            some = t[low : low + together]
            noise = torch.stack([torch.randn(x.shape, dtype=torch.float64) for _ in some])
            step, x_0 = some.flatten(), x.expand(len(some), *x.shape).flatten(0, 1)
            noise, alpha, sigma = noise.flatten(0, 1), schedule.alpha[step], schedule.sigma[step]
            places = (...,) + (None,) * len(event)
            found, log_variance = self.predict(alpha[places] * x_0 + sigma[places] * noise, step)
            error = error_of(given.predicts, found, x_0, noise, alpha, sigma, given.clip)
            shape = (len(some), len(x), *event)
            log_variance = None if log_variance is None else log_variance.expand_as(x_0)
            yield (
                slice(low, low + len(some)),
                some,
                error.reshape(shape),
                None if log_variance is None else log_variance.reshape(shape),
            )

    def kl(self, error: Tensor, log_variance: Tensor | None, t: Tensor) -> Float64[Tensor, "d b"]:
        """The KL of steps, without what ``known_rate`` counts, nats (some, batch).

        Args:
            error: (some, batch, *event).
            log_variance: of the same shape, where variances are learned.
            t: (some, batch), above 0.
        """
        if log_variance is not None:
            flat = [each.flatten(0, 1) for each in (error, log_variance, t)]
            return learned_kl(flat[0], flat[1], self.schedule, flat[2]).reshape(t.shape)
        of_error, _ = step_factors(self.schedule, self.diffusion.variance)
        return of_error[t] * error.flatten(2).square().sum(2)

    def known_rate(self, values: int) -> Float64[Tensor, " T"]:
        """What every step costs whatever the network predicts, nats.

        Args:
            values: of an example.
        """
        if self.diffusion.variance == "learned":
            return torch.zeros(self.schedule.steps).double()
        return values * step_factors(self.schedule, self.diffusion.variance)[1]


def octave_rates(
    chain: Chain, x: Float64[Tensor, "batch *event"], plan: Plan, octaves: Octaves
) -> Float64[Tensor, "replicate octave batch"]:
    """What the steps in each octave cost, estimated several times independently, nats.

    Args:
        chain: of the model.
        x: x_0.
        plan: which steps are looked at.
        octaves: of the schedule.
    """
    found = torch.zeros(REPLICATES, len(octaves.numbers), len(x)).double()
    known = torch.zeros(len(octaves.numbers)).double()
    known.index_add_(0, octaves.of_step, chain.known_rate(x[0].numel()))
    for replicate in found:
        t = stratified_steps(plan, torch.rand(plan.steps, len(x), dtype=torch.float64))
        weight = 1 / (plan.steps * plan.probability[t])
        for part, some, error, log_variance in chain.noisy(x, t):
            replicate.scatter_add_(
                0, octaves.of_step[some], weight[part] * chain.kl(error, log_variance, some)
            )
    return found + known[:, None]


def decoder_terms(
    chain: Chain, x: Float64[Tensor, "batch *event"], draws: int, term: DecoderTerm
) -> Float64[Tensor, "replicate batch"]:
    """−log p(x|state at t = 0), its mean over some draws, several times independently, nats.

    Args:
        chain: of the model.
        x: x_0.
        draws: of a replicate.
        term: x̂_0 to nats.
    """
    zero = torch.zeros(REPLICATES * draws, len(x)).long()
    found = torch.zeros(zero.shape).double()
    for part, some, error, log_variance in chain.noisy(x, zero):
        flat = None if log_variance is None else log_variance.flatten(0, 1)
        found[part] = term((x - error).flatten(0, 1), flat).reshape(some.shape)
    return found.reshape(REPLICATES, draws, len(x)).mean(1)


def squared_errors(
    chain: Chain, x: Float64[Tensor, "batch *event"], steps: Int64[Tensor, " k"]
) -> Float64[Tensor, "k batch"]:
    """‖x − x̂(x_t)‖² at some steps, one noise each, in the units of the data, squared.

    Args:
        chain: of the model.
        x: x_0.
        steps: t of each.
    """
    return torch.stack([each.flatten(1).square().sum(1) for each in along(chain, x, steps)])


def along(
    chain: Chain, x: Float64[Tensor, "batch *event"], steps: Int64[Tensor, " k"]
) -> Iterator[Float64[Tensor, "batch *event"]]:
    """Errors x − x̂(x_t) at some steps, one noise each, in the units of the data.

    Args:
        chain: of the model.
        x: x_0.
        steps: t of each.
    """
    t = steps[:, None].expand(-1, len(x))
    for _, _, error, _ in chain.noisy(x, t):
        yield from error * chain.diffusion.std


def pilot_rates(
    chain: Chain, x: Float64[Tensor, "batch *event"], steps: Int64[Tensor, " k"]
) -> Float64[Tensor, "pair k batch"]:
    """R_t of some examples at some steps, under two noises each, nats.

    Args:
        chain: of the model.
        x: x_0.
        steps: t of each, above 0.
    """
    t = torch.cat([steps, steps])[:, None].expand(-1, len(x))
    found = [chain.kl(error, v, some) for _, some, error, v in chain.noisy(x, t)]
    return torch.cat(found).reshape(2, len(steps), len(x))
