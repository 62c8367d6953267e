"""The noise schedule of a scheduler's config, in float64: diffusers keeps it in float32.

In float32 the noisiest and the cleanest steps are off by their last digits, which the differences
of signal-to-noise ratios are made of. Only the config is read; no scheduler is built.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor

from genprobe.errors import ModelError

Config: TypeAlias = Mapping[str, Any]
MOST = 0.999
"""The largest β of a cosine schedule."""


def linear(steps: int, start: float, end: float) -> Tensor:
    """Rising evenly (Ho et al. 2020)."""
    return torch.linspace(start, end, steps, dtype=torch.float64)


def scaled_linear(steps: int, start: float, end: float) -> Tensor:
    """Roots rising evenly, as latent diffusion has it."""
    return torch.linspace(math.sqrt(start), math.sqrt(end), steps, dtype=torch.float64).square()


def sigmoid(steps: int, start: float, end: float) -> Tensor:
    """Rising as a sigmoid from −6 to 6 (GeoDiff)."""
    return torch.linspace(-6, 6, steps, dtype=torch.float64).sigmoid() * (end - start) + start


def squaredcos_cap_v2(steps: int, start: float, end: float) -> Tensor:
    """From a squared cosine of the share of the signal (Nichol & Dhariwal 2021)."""
    at = torch.arange(steps + 1, dtype=torch.float64) / steps
    kept = ((at + 0.008) / 1.008 * math.pi / 2).cos().square()
    return (1 - kept[1:] / kept[:-1]).clamp(max=MOST)


SCHEDULES: Mapping[str, Callable[[int, float, float], Tensor]] = {
    "linear": linear,
    "scaled_linear": scaled_linear,
    "squaredcos_cap_v2": squaredcos_cap_v2,
    "sigmoid": sigmoid,
}
"""What diffusers calls them."""


def levels(config: Config) -> tuple[Tensor, Tensor]:
    """Alpha and sigma of each step, (T,) float64.

    Args:
        config: of a scheduler.

    Raises:
        ModelError: if it names no schedule that is known.

    Example:
        >>> config = {"num_train_timesteps": 1000, "beta_schedule": "linear"}
        >>> alpha, sigma = levels({**config, "beta_start": 1e-4, "beta_end": 0.02})
        >>> round(float(sigma[0]), 4), round(float(alpha[-1]), 4)
        (0.01, 0.0064)
    """
    kept = (1 - betas(config)).cumprod(0)
    if config.get("rescale_betas_zero_snr"):
        root = kept.sqrt()
        kept = ((root - root[-1]) * root[0] / (root[0] - root[-1])).square()
    return kept.sqrt(), (1 - kept).sqrt()


def betas(config: Config) -> Tensor:
    """β of each step, (T,) float64.

    Raises:
        ModelError: if the config names no schedule that is known.
    """
    if config.get("trained_betas") is not None:
        return torch.tensor(config["trained_betas"], dtype=torch.float64)
    name = config.get("beta_schedule")
    if name not in SCHEDULES:
        raise ModelError(
            f"The scheduler {config.get('_class_name')} has the noise schedule {name!r}.",
            f"Schedules read: {', '.join(SCHEDULES)}; or trained_betas.",
        )
    try:
        steps, start, end = (config[k] for k in ("num_train_timesteps", "beta_start", "beta_end"))
        return SCHEDULES[name](int(steps), float(start), float(end))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"The config of the scheduler does not say its betas: {error}.",
            "Save the pipeline again.",
        ) from error
