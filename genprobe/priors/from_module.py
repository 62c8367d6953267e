"""A prior whose distribution a module makes, anew at each use: a flow, or learned parameters.

What is made of torch's own distributions is worked out in float64. Anything else runs where the
module lies and in its dtype, a stretch of z at a time, with the module in evaluation mode.
"""

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent

from genprobe.errors import ModelError
from genprobe.priors.from_distribution import known_kl, over_events
from genprobe.priors.full_precision import full_precision
from genprobe.types import Family, Params, Prior

VALUES = 1 << 20
"""Values of z for one call of a distribution."""


def prior_from_module(
    module: nn.Module | Callable[[], Distribution], name: str | None = None
) -> Prior:
    """The prior of a module that returns a distribution over one z when called with nothing.

    It cannot be rebuilt from a store; what the store says of log p(z) then stands.

    Args:
        module: a module, or any function without arguments.
        name: of the prior; by default the module's class.

    Raises:
        ModelError: when used, if the module returns anything but a distribution.

    Example:
        >>> from torch.distributions import Independent, Normal
        >>> prior = prior_from_module(lambda: Independent(Normal(torch.zeros(2), torch.ones(2)), 1))
        >>> round(float(prior.log_prob(torch.zeros(2))), 4)  # −log 2π
        -1.8379
    """
    label = name or label_of(module)

    def log_prob(z: Tensor) -> Tensor:
        with evaluating(module), torch.set_grad_enabled(z.requires_grad):
            p, dtype, device = made_by(module, label)
            return in_stretches(p, z.to(device, dtype)).double().cpu()

    def sample(n: int) -> Tensor:
        with evaluating(module), torch.no_grad():
            return made_by(module, label)[0].sample(torch.Size([n])).double().cpu()

    def kl(family: Family, params: Params) -> Tensor | None:
        wanted = any(v.requires_grad for v in params.values())
        with evaluating(module), torch.set_grad_enabled(wanted):
            p, dtype, device = made_by(module, label)
            found = known_kl(
                family.distribution({k: v.to(device, dtype) for k, v in params.items()}), p
            )
        return None if found is None else found.double().cpu()

    return Prior(
        name=label,
        log_prob=log_prob,
        sample=sample,
        kl=kl,
        module=module if isinstance(module, nn.Module) else None,
    )


def label_of(module: nn.Module | Callable[[], Distribution]) -> str:
    """The name of a module's class, or of a function."""
    return getattr(module, "__name__", type(module).__name__)


def made_by(
    module: nn.Module | Callable[[], Distribution], label: str
) -> tuple[Distribution, torch.dtype, torch.device]:
    """What a module makes, and the dtype and device that it takes z in.

    Raises:
        ModelError: if that is no distribution.
    """
    made = module()
    if not isinstance(made, Distribution):
        raise ModelError(
            f"The prior {label} gives a {type(made).__name__} when called, not a distribution.",
            "Let it return a torch.distributions.Distribution over one z.",
        )
    precise = full_precision(made)
    if precise is not None:
        return over_events(precise), torch.float64, torch.device("cpu")
    like = first_tensor(module, made)
    return over_events(made), like.dtype, like.device


def first_tensor(module: nn.Module | Callable[[], Distribution], made: Distribution) -> Tensor:
    """A floating tensor of a module's state, or a draw where it has none."""
    if isinstance(module, nn.Module):
        for values in (*module.parameters(), *module.buffers()):
            if values.is_floating_point():
                return values
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        return made.sample()


def in_stretches(p: Distribution, z: Tensor) -> Tensor:
    """Log p(z) (...) of z (..., *event), a stretch of rows at a time."""
    axes = z.dim() - len(p.event_shape)
    rows = z.reshape(-1, *z.shape[axes:])
    size = max(1, VALUES // max(1, p.event_shape.numel()))
    require_inside(p, rows)
    found = [p.log_prob(some) for some in torch.split(rows, size)]
    return torch.cat(found).view(z.shape[:axes])


def require_inside(p: Distribution, z: Tensor) -> None:
    """Check that z (n, *event) is where a distribution has a density.

    torch.distributions check that themselves, until somebody uses torch.compile: it lets all of
    them check nothing from then on, and some then have a density where there is none. One that was
    told by itself not to check is not checked here.

    Raises:
        ValueError: if any z is outside of its support.
    """
    while isinstance(p, Independent):
        p = p.base_dist
    if "_validate_args" in vars(p) or Distribution._validate_args:
        return
    with contextlib.suppress(NotImplementedError):  # it does not say where it is
        if not p.support.check(z).all():  # type: ignore[union-attr]
            raise ValueError(f"some are outside of its support, {p.support}")


@contextlib.contextmanager
def evaluating(module: object) -> Iterator[None]:
    """A module in evaluation mode, if it is one; afterwards as it was."""
    modes = {m: m.training for m in module.modules()} if isinstance(module, nn.Module) else {}
    for part in modes:
        part.training = False
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode
