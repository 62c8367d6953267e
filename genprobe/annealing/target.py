r"""What is annealed towards: log p(z) + β log p(x|z) of some examples, by callables.

At β = 1 it is the joint density, whose integral over z is p(x). Other β give the density of the
decoder's own curve, :math:`q_\beta \propto p(z) p(x|z)^\beta` (Huang et al. 2020).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """log p(z) + β log p(x|z) of M examples.

    Attributes:
        log_px_z: z (m, *latent) and rows (m,), the position among the M examples that each is of,
            to values (m,) float64, nats, and gradients with respect to z (m, *latent). A value
            that is not finite rules its z out.
        log_pz: z (m, *latent) to values (m,) and gradients (m, *latent), in the same way.
        beta: with which log p(x|z) is multiplied.
        sample: a count n to draws (n, *latent) of the prior; None if it cannot be drawn from.

    Example:
        One example x = 1 of a decoder N(z, 1) with a standard normal prior.

        >>> target = Target(
        ...     log_px_z=lambda z, rows: (-(1 - z[:, 0]).square() / 2 - 0.919, 1 - z),
        ...     log_pz=lambda z: (-z[:, 0].square() / 2 - 0.919, -z),
        ... )
        >>> values = target.at(torch.zeros(2, 1, dtype=torch.float64), torch.tensor([0, 0]))
        >>> values.log_density, values.gradient.tolist()
        (tensor([-2.3380, -2.3380], dtype=torch.float64), [[1.0], [1.0]])
    """

    log_px_z: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    log_pz: Callable[[Tensor], tuple[Tensor, Tensor]]
    beta: float = 1.0
    sample: Callable[[int], Tensor] | None = None

    def at(self, z: Tensor, rows: Tensor) -> "Values":
        """The density and its parts at z (m, *latent) of these examples (m,).

        Where a part is not finite log p(x|z) is −∞.
        """
        log_px_z, pull = self.log_px_z(z, rows)
        log_pz, prior_pull = self.log_pz(z)
        fine = log_px_z.isfinite() & log_pz.isfinite()
        log_px_z = torch.where(fine, log_px_z, -torch.inf)
        log_pz = torch.where(fine, log_pz, 0.0)
        return Values(
            log_density=log_pz + self.beta * log_px_z,
            log_px_z=log_px_z,
            log_pz=log_pz,
            prior_pull=prior_pull,
            gradient=prior_pull + self.beta * pull,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Values:
    """A target at some z.

    Attributes:
        log_density: log p(z) + β log p(x|z) (m,), nats, float64.
        log_px_z: log p(x|z) (m,), nats, float64.
        log_pz: log p(z) (m,), nats, float64.
        prior_pull: its gradient with respect to z (m, *latent).
        gradient: of ``log_density`` with respect to z (m, *latent).
    """

    log_density: Tensor
    log_px_z: Tensor
    log_pz: Tensor
    prior_pull: Tensor
    gradient: Tensor
