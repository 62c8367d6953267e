"""A diffusion model: a noise schedule, and a network that takes the noise out again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.errors import ModelError

Predicts: TypeAlias = Literal["noise", "x", "v"]
Variance: TypeAlias = Literal["posterior", "upper", "learned"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Diffusion:
    r"""The chain of a diffusion model, x_t = α_t x_0 + σ_t ε with ε ~ N(0, I), t = 0 … T − 1.

    The states run on x_0 = (x − mean)/std, x as the data are given. x_{T−1} is coded under N(0, I),
    each further state under a normal around what the network expects, and x under the model's
    likelihood given the state at t = 0, which is the least noisy one. Ho et al. (2020), "Denoising
    diffusion probabilistic models"; Kingma et al. (2021), "Variational diffusion models".

    Attributes:
        alpha: (T,) share of the signal at each step, falling against sigma.
        sigma: (T,) standard deviation of the noise at each step.
        denoise: x_t (batch, *event) and t (batch,), whole numbers from 0 to T − 1, to the
            prediction (batch, *event); with learned variances to a pair of it and of the log of the
            reverse variance, which may be of any shape that broadcasts to it. A network of times
            looks them up: ``lambda x, t: network(x, times[t])``.
        predicts: ``noise``, ``x`` (x_0), or ``v`` = α ε − σ x_0 (Salimans & Ho 2022).
        variance: of a reverse step: ``posterior``, that of q(x_s|x_t,x_0), σ_s² σ_{t|s}²/σ_t²;
            ``upper``, σ_{t|s}² = σ_t² − (α_t/α_s)² σ_s² (β_t of a variance-preserving chain); or
            ``learned``.
        clip: x_0 is expected within [−clip, clip], as the sampler clips it; None for no clipping.
        mean: that is taken from the data, and
        std: by which they are then divided, as in torchvision's Normalize.

    Raises:
        ModelError: if the schedule is none, or a choice is unknown.

    Example:
        >>> alpha = torch.linspace(0.99, 0.05, 50)
        >>> chain = Diffusion(
        ...     alpha=alpha, sigma=(1 - alpha**2).sqrt(), denoise=lambda x, t: 0 * x
        ... )
        >>> chain.steps
        50
    """

    alpha: Sequence[float] | Tensor
    sigma: Sequence[float] | Tensor
    denoise: Callable[[Tensor, Tensor], Any]
    predicts: Predicts = "noise"
    variance: Variance = "posterior"
    clip: float | None = None
    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        for name in ("alpha", "sigma"):
            object.__setattr__(self, name, levels(name, getattr(self, name)))
        for name, known in (("predicts", Predicts), ("variance", Variance)):
            if getattr(self, name) not in get_args(known):
                raise ModelError(
                    f"A diffusion model has {name}={getattr(self, name)!r}.",
                    f"It can be {', '.join(get_args(known))}.",
                )
        if not callable(self.denoise):
            raise ModelError(
                f"A diffusion model has a {type(self.denoise).__name__} as denoise, which cannot "
                "be called.",
                "Give a function of x_t and t.",
            )
        for name in ("mean", "std", "clip"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, one_number(name, getattr(self, name)))
        if not self.std > 0 or (self.clip is not None and not self.clip > 0):
            raise ModelError("std and clip of a diffusion model must be above 0.")
        require_schedule(torch.as_tensor(self.alpha), torch.as_tensor(self.sigma), self.predicts)

    @property
    def steps(self) -> int:
        """The number of noise levels T."""
        return len(self.alpha)


def levels(name: str, given: Sequence[float] | Tensor) -> Float64[Tensor, " T"]:
    """A part of a schedule as float64 numbers on the CPU.

    Raises:
        ModelError: if it is no list of finite numbers.
    """
    each = "Give one finite number a step, at least two, the least noisy first."
    try:
        # By numpy: torch makes float32 of Python's numbers, and takes no array that is reversed.
        whole = given if isinstance(given, Tensor) else np.array(given, dtype=np.float64)
        found = torch.as_tensor(whole).detach().cpu().double()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"{name} of a diffusion model is no list of numbers.", each) from error
    if found.dim() != 1 or len(found) < 2:
        raise ModelError(
            f"{name} of a diffusion model has the shape {tuple(found.shape)}.",
            each,
        )
    if not bool(found.isfinite().all()):
        step = int((~found.isfinite()).nonzero()[0])
        raise ModelError(f"{name} of a diffusion model is not finite at step {step}.", each)
    return found


def one_number(name: str, given: object) -> float:
    """A number of the chain.

    Raises:
        ModelError: if it is none.
    """
    try:
        return float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"{name} of a diffusion model is a {type(given).__name__}, not one number.",
            "Where channels have their own, give data that are normalised, mean 0 and std 1.",
        ) from error


def require_schedule(
    alpha: Float64[Tensor, " T"], sigma: Float64[Tensor, " S"], predicts: Predicts
) -> None:
    """Check that the signal falls against the noise, step by step.

    Raises:
        ModelError: naming the first step at which it does not.
    """
    if len(alpha) != len(sigma):
        raise ModelError(f"A diffusion model has {len(alpha)} alpha and {len(sigma)} sigma.")
    if not bool((sigma > 0).all()) or not bool((alpha >= 0).all()):
        raise ModelError(
            "A diffusion model needs sigma above 0 and alpha of at least 0 at every step.",
            "alpha is the square root of DDPM's alphas_cumprod, sigma that of one minus it; leave "
            "out a step without noise.",
        )
    ratio = alpha / sigma
    rising = (ratio.diff() >= 0).nonzero()
    if len(rising):
        raise ModelError(
            f"alpha/sigma does not fall from step {int(rising[0])} to the next.",
            "Give the least noisy step first.",
        )
    if predicts == "noise" and float(alpha[-1]) == 0:
        raise ModelError(
            "The last step has no signal (alpha 0), and of it a prediction of noise says nothing "
            "of x_0.",
            "Let the network predict v or x, or leave that step out.",
        )
