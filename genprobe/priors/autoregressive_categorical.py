"""A prior over a grid of class indices, one position after another: p(z) = Π_t p(z_t | z_<t).

A module gives all the conditionals at once, as a PixelCNN or a causal transformer does, so that
log p(z) takes a single call, and a draw one call a position. Positions are in raster order, that of
the flattened grid. It is a density only if the logits at t depend on nothing from t on: that is
tried before the prior is used.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from genprobe.errors import ModelError
from genprobe.priors.categorical import class_indices
from genprobe.priors.from_module import evaluating
from genprobe.runtime.seeds import generator
from genprobe.types import Family, Params, Prior

NAME = "autoregressive-categorical"
VALUES = 1 << 22
"""Logits for one call of the module."""
TRIED = 256
"""Positions at which causality is tried; all of them, in grids that have no more."""
ROUNDING = 1e-3
"""Logits that differ by less, as a share of the largest, differ by rounding."""

Logits = Callable[[Tensor], Tensor]


def autoregressive_prior(
    module: nn.Module | Logits, event_shape: tuple[int, ...], classes: int, name: str = NAME
) -> Prior:
    """The prior of a module from indices ``(n, *grid)`` to logits ``(n, *grid, classes)``.

    It cannot be rebuilt from a store; what the store says of log p(z) then stands.

    Args:
        module: takes whole numbers; its logits at a position may depend on earlier ones only.
        event_shape: the grid.
        classes: how many there are.
        name: of the prior.

    Raises:
        ModelError: if the logits are not finite or of another shape, or if those at a position
            depend on it or on a later one.

    Example:
        >>> import torch
        >>> fair = lambda z: torch.zeros(*z.shape, 2)  # logits of two classes at each place
        >>> prior = autoregressive_prior(fair, (3,), classes=2)
        >>> round(float(prior.log_prob(torch.zeros(1, 3))), 4)  # 3 log ½
        -2.0794
    """
    grid = torch.Size(event_shape)

    def logits(z: Tensor) -> Tensor:
        return conditionals(module, z, classes, name)

    def log_prob(z: Tensor) -> Tensor:
        batch = z.shape[: z.dim() - len(grid)]
        index = class_indices(name, z, classes).reshape(-1, *grid)
        with evaluating(module):
            found = [joint(precise(logits(some), name), some) for some in stretches(index, classes)]
        return torch.cat(found).view(batch)

    def sample(n: int) -> Tensor:
        empty = torch.zeros(n, *grid, dtype=torch.long)
        with evaluating(module):
            drawn = [draw(logits, some, name) for some in stretches(empty, classes)]
        return torch.cat(drawn).double()

    def no_kl(family: Family, params: Params) -> Tensor | None:
        return None

    with evaluating(module):
        require_causal(logits, grid, classes, name)
    return Prior(
        name=name,
        log_prob=log_prob,
        sample=sample,
        kl=no_kl,
        module=module if isinstance(module, nn.Module) else None,
    )


def conditionals(module: nn.Module | Logits, z: Tensor, classes: int, name: str) -> Tensor:
    """The module's logits (n, *grid, classes) of indices z (n, *grid), where the module lies.

    Raises:
        ModelError: if they are of another shape.
    """
    weights = next(module.parameters(), None) if isinstance(module, nn.Module) else None
    with torch.no_grad():
        found = module(z.clone() if weights is None else z.to(weights.device, copy=True))
    if found.shape != (*z.shape, classes):
        raise ModelError(
            f"The prior {name} gives logits of shape {tuple(found.shape)} for z of shape "
            f"{tuple(z.shape)}; they must be (n, *grid, classes) with {classes} classes.",
            "Move the axis of the classes to the end, if it is elsewhere.",
        )
    return found


def precise(logits: Tensor, name: str) -> Tensor:
    """Logits in float64, on the CPU.

    Raises:
        ModelError: if they are not finite.
    """
    if not logits.isfinite().all():
        raise ModelError(f"The prior {name} gives logits that are not finite.")
    return logits.double().cpu().contiguous()


def joint(logits: Tensor, z: Tensor) -> Tensor:
    """Log p(z) (n,) of indices z (n, *grid) under their conditionals (n, *grid, classes)."""
    each = logits.log_softmax(-1).gather(-1, z.unsqueeze(-1))
    return each.view(len(z), -1).sum(1)


def draw(logits: Logits, empty: Tensor, name: str) -> Tensor:
    """Indices (n, *grid) drawn position by position."""
    z = empty.clone()
    flat = z.view(len(z), -1)
    for t in range(flat.shape[1]):
        here = precise(logits(z).reshape(*flat.shape, -1)[:, t], name)
        flat[:, t] = torch.multinomial(here.softmax(-1), 1).squeeze(1)
    return z


def stretches(z: Tensor, classes: int) -> tuple[Tensor, ...]:
    """Rows of z (n, *grid) for one call of the module each."""
    return torch.split(z, max(1, VALUES // (math.prod(z.shape[1:]) * classes)))


def require_causal(logits: Logits, grid: torch.Size, classes: int, name: str) -> None:
    """Check that the logits at t stay as they are when everything from t on changes.

    Two grids that differ everywhere are put together, the first up to t and the second from t on;
    the logits up to and at t must be those of the first grid.

    Raises:
        ModelError: naming the first position at which they are not.
    """
    if classes < 2:
        return
    rng = generator(0, "causality")
    one = torch.randint(classes, (1, grid.numel()), generator=rng)
    other = (one + torch.randint(1, classes, one.shape, generator=rng)) % classes
    size = grid.numel()
    tried = torch.linspace(0, size - 1, min(size, TRIED)).long()
    mixed = torch.where(torch.arange(size) < tried[:, None], one, other)
    for some, places in zip(
        stretches(mixed.view(-1, *grid), classes), split_like(tried, classes, size), strict=True
    ):
        # The reference goes in the same call: another batch size rounds otherwise.
        found = precise(logits(torch.cat([one.view(1, *grid), some])), name)
        found = found.view(-1, size, classes)
        change = (found[1:] - found[:1]).abs().amax(2)
        change[torch.arange(size) > places[:, None]] = 0
        wrong = (change > ROUNDING * found.abs().max().clamp(min=1e-6)).nonzero()
        if len(wrong):
            row, position = wrong[0].tolist()
            raise ModelError(
                f"The prior {name} is not autoregressive: its logits at position {position} "
                f"depend on position {int(places[row])} or later.",
                "Shift the input by one position, or mask the centre of the first layer.",
            )


def split_like(tried: Tensor, classes: int, size: int) -> tuple[Tensor, ...]:
    """The positions tried, as ``stretches`` cuts their rows."""
    return torch.split(tried, max(1, VALUES // (size * classes)))
