"""What the suite of a family checks: densities of pairs, means of draws, wider posteriors."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from genprobe.testing.measure import RARE
from genprobe.testing.suite import double, rows, where_defined
from genprobe.types import Family, Params


def functions_of(
    family: Family, params: Params, z: Tensor
) -> list[tuple[str, Callable[[torch.device], Tensor]]]:
    """What of a family can be computed on a device, by name.

    Args:
        family: under test.
        params: of its posteriors, each (batch, ...).
        z: (m, *event) where densities are taken.
    """

    def on(device: torch.device) -> Params:
        return {k: v.to(device) for k, v in double(params).items()}

    natural, sufficient, cross = family.natural, family.sufficient, family.cross_log_prob
    found: list[tuple[str, Callable[[torch.device], Tensor]]] = [
        ("log_prob", lambda d: family.distribution(on(d)).log_prob(z.to(d)[:, None]))
    ]
    if natural is not None:
        found.append(("natural", lambda d: natural(on(d))[0]))
    if sufficient is not None:
        found.append(("sufficient", lambda d: sufficient(z.to(d))[0]))
    if cross is not None:
        found.append(("cross_log_prob", lambda d: cross(z.to(d), on(d))))
    return found


def require_wider(family: Family, wide: Params, params: Params) -> None:
    """Check that ε = 0.5 makes the second posterior's draws lie further apart.

    Raises:
        AssertionError: if their variance is known and no larger.
    """
    narrow, grown = (family.distribution(rows(p, slice(1, 2))) for p in (params, wide))
    before, after = (where_defined(lambda q=q: q.variance) for q in (narrow, grown))  # type: ignore[misc]
    if before is None or after is None:
        return
    assert after.sum() > before.sum(), "widen by ε > 0 makes the posterior narrower"


def require_pairs(found: Any, truth: Tensor, what: str) -> None:
    """Check log densities of pairs.

    Raises:
        AssertionError: naming what is wrong, by how much at most.
    """
    assert found.shape == truth.shape, (
        f"{what} has the shape {tuple(found.shape)}, not {tuple(truth.shape)}"
    )
    close = torch.isclose(found.double(), truth, rtol=1e-6, atol=1e-6)
    gap = (found.double() - truth).abs().nan_to_num(torch.inf)[~close]
    assert close.all(), f"{what} is not log_prob: off by up to {float(gap.max()):.4g} nats"


def require_mean(found: Tensor, terms: Tensor, what: str) -> None:
    """Check a value (batch, ...) against the mean of terms (draw, batch, ...).

    Raises:
        AssertionError: if it lies further off than five standard errors.
    """
    assert found.shape == terms.shape[1:], (
        f"{what} has the shape {tuple(found.shape)}, not {tuple(terms.shape[1:])}"
    )
    n, mean, spread = len(terms), terms.mean(0), terms.std(0)
    error = torch.where(spread > 0, spread / n**0.5, RARE * (1 + mean.abs()) / n)
    wrong = (found - mean).abs() > 5 * error + 1e-9 * (1 + mean.abs())
    if wrong.any():
        raise AssertionError(
            f"{what} is {found[wrong][0]:.5g}, where the draws say "
            f"{mean[wrong][0]:.5g} ± {error[wrong][0]:.2g}"
        )
