r"""Hamiltonian Monte Carlo along the path from a start to a target.

At temperature b the density of the coordinates u of z is

.. math::

    f_b(u) = q(z)^{1 - b} \, \big(p(z) p(x|z)^\beta\big)^b \, |\det dz/du| .

Momenta are drawn in units of the start's scale; whatever is not finite on the way of a trajectory
is a rejection. Neal (2011), "MCMC using Hamiltonian dynamics".
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from genprobe.annealing.posterior_fit import every_row
from genprobe.annealing.space import Space
from genprobe.annealing.target import Target, Values


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """Where chains are, and the densities there.

    Attributes:
        u: coordinates (chain, M, *u).
        z: (chain, M, *latent).
        log_start: log q(z) (chain, M), nats.
        log_target: log p(z) + β log p(x|z) (chain, M), nats.
        log_px_z: log p(x|z) (chain, M), nats.
        log_volume: log |det dz/du| (chain, M).
        start_pull: gradient of ``log_start`` with respect to u.
        target_pull: of ``log_target``.
        volume_pull: of ``log_volume``.
    """

    u: Tensor
    z: Tensor
    log_start: Tensor
    log_target: Tensor
    log_px_z: Tensor
    log_volume: Tensor
    start_pull: Tensor
    target_pull: Tensor
    volume_pull: Tensor

    def log_density(self, b: float) -> Tensor:
        """The density at temperature b (chain, M), nats."""
        return (1 - b) * self.log_start + b * self.log_target + self.log_volume

    def pull(self, b: float) -> Tensor:
        """Its gradient with respect to u."""
        return (1 - b) * self.start_pull + b * self.target_pull + self.volume_pull


@dataclass(frozen=True, kw_only=True, eq=False)
class Path:
    """From a start to a target.

    Attributes:
        log_start: z (chain, M, *latent), and the target there, to the start's log density
            (chain, M) and its gradient with respect to z.
        target: at the other end.
        space: in whose coordinates and units chains move.
    """

    log_start: Callable[[Tensor, Values], tuple[Tensor, Tensor]]
    target: Target
    space: Space

    def at(self, u: Tensor) -> State:
        """The densities at u (chain, M, *u)."""
        place = u.detach().requires_grad_()
        with torch.enable_grad():
            z, log_volume = self.space.z_of(place)
        code = z.detach()
        values = self.target.at(code.flatten(0, 1), every_row(code))
        log_start, start_pull = self.log_start(code, values)
        target_pull, volume_pull = values.gradient.view_as(code), torch.zeros_like(u)
        if not self.space.straight:
            start_pull = gradient(z, place, start_pull)
            target_pull = gradient(z, place, target_pull)
            volume_pull = gradient(log_volume, place, torch.ones_like(log_volume))
        return State(
            u=u,
            z=code,
            log_start=log_start,
            log_target=values.log_density.view(code.shape[:2]),
            log_px_z=values.log_px_z.view(code.shape[:2]),
            log_volume=log_volume.detach(),
            start_pull=start_pull,
            target_pull=target_pull,
            volume_pull=volume_pull,
        )


def gradient(of: Tensor, place: Tensor, pull: Tensor) -> Tensor:
    """The gradient with respect to a place of what has such gradients with respect to a function.

    Args:
        of: the function's values there.
        place: what they were made of.
        pull: gradients with respect to the values.
    """
    (found,) = torch.autograd.grad(of, place, pull, retain_graph=True, materialize_grads=True)
    return found


def move(
    path: Path, state: State, b: float, step: Tensor, leaps: int, generator: torch.Generator
) -> tuple[State, Tensor]:
    """One move of every chain, which leaves f_b as it is.

    Args:
        path: that the chains are on.
        state: before the move.
        b: the temperature.
        step: sizes (M,) in units of the scale.
        leaps: steps of a trajectory, each of one gradient.
        generator: of momenta and acceptance.

    Returns:
        The state after it, and the probability (chain, M) with which it was accepted.
    """
    size = step.reshape(-1, *[1] * (state.u.dim() - 2))
    momentum = torch.randn(state.u.shape, dtype=state.u.dtype, generator=generator)
    energy = state.log_density(b) - half_square(momentum)
    there, fine = state, torch.ones_like(energy, dtype=torch.bool)
    for _ in range(leaps):
        momentum = momentum + size / 2 * path.space.pulled(there.pull(b))
        u = there.u + path.space.stretched(size * momentum)
        there = path.at(chosen(fine, u, state.u))
        fine = fine & finite(there, b)
        momentum = momentum + size / 2 * path.space.pulled(there.pull(b))
    gain = there.log_density(b) - half_square(momentum) - energy
    accepted = torch.where(fine, gain.exp().clamp(max=1), 0).nan_to_num(0.0)
    moved = torch.rand(accepted.shape, dtype=accepted.dtype, generator=generator) < accepted
    both = {f.name: (getattr(there, f.name), getattr(state, f.name)) for f in fields(State)}
    return State(**{name: chosen(moved, new, old) for name, (new, old) in both.items()}), accepted


def finite(state: State, b: float) -> Tensor:
    """Which chains are where the density at b and its gradient are finite (chain, M)."""
    pull = state.pull(b)
    if pull.dim() > 2:
        pull = pull.flatten(2).sum(2)
    return state.log_density(b).isfinite() & pull.isfinite()


def half_square(momentum: Tensor) -> Tensor:
    """Kinetic energy (chain, M) of momenta (chain, M, *u)."""
    square = momentum.square()
    return (square.flatten(2).sum(2) if square.dim() > 2 else square) / 2


def chosen(which: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """``new`` where chains (chain, M) are chosen, else ``old``; both (chain, M, ...)."""
    return torch.where(which.reshape(*which.shape, *[1] * (new.dim() - 2)), new, old)
