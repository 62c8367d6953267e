"""Models, what was recorded of one that is not at hand, and how checkpoints are loaded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor

from genprobe.errors import GenprobeError, ModelError
from genprobe.types.diffusion import Diffusion
from genprobe.types.family import Family, Params
from genprobe.types.likelihood import Likelihood
from genprobe.types.prior import PriorLike

Plain: TypeAlias = Mapping[str, Any]

FITTED_FAMILY = "diagonal-normal"
"""The family that is fitted to each example where a model has no encoder."""
DIFFUSION_PRIOR = "standard-normal"
"""Under which the noisiest state of a diffusion model is coded."""


def not_given(x: Tensor) -> Any:
    """What stands for an encoder that nobody gave: a chain has none of its own."""
    raise NotImplementedError


NO_DECODER = (
    "Give decode= and likelihood= for −log p(x). A flow, or a network that inverts a generator, "
    "can be encode with posterior='delta': it then has a distortion, and no rate."
)
"""What genprobe can do for a model that has no encoder, and so far no decoder either."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Recorded:
    """What a model said of each example, worked out elsewhere and kept: the model is not at hand.

    Attributes:
        n: number of examples.
        params: start and stop to the parameters of q(z|x) of those examples, each
            (stop − start, ...).
        fingerprint: a hash of everything that was kept.
        distortion: start and stop to −log p(x|z) (draw, stop − start), nats, float64, at draws of
            its own; None where it was not kept.
        distortion_draws: how many draws that is.
        likelihood: what the distortion is minus the log of, or its registered name; None if
            nothing says.
        dataset: name of the data, None if nothing says.
        event_shape: shape of one example of the data, None if nothing says.
    """

    n: int
    params: Callable[[int, int], Params]
    fingerprint: str
    distortion: Callable[[int, int], Tensor] | None = None
    distortion_draws: int = 0
    likelihood: Likelihood | str | None = None
    dataset: str | None = None
    event_shape: torch.Size | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """A trained latent-variable model as a record of its parts.

    Attributes:
        name: what tables call it.
        encode: x (batch, *event), and the context as keywords, to the parameters of q(z|x, c) by
            name; or to a pair of a mean and a log-variance, or a torch distribution. A ``scale`` is
            a standard deviation where the family is a normal. Of each example alone: what depends
            on the rest of the batch, or on chance, is refused.
        decode: z (batch, *latent), and the context as keywords, to the parameters of p(x|z, c), in
            the same ways; None for the rate side only.
        posterior: a family, or the registered name of one; of a chain also one for each level.
            Without an encoder there is none to name: a diagonal normal is fitted to each example.
        prior: a prior, the registered name of one that needs no parameters, a NamedPrior with
            tensors, a torch distribution over one z, a module that returns one when called without
            arguments, or a function that makes any of these. The function is called when weights
            are loaded and the module is in evaluation mode, so give one where the prior depends on
            learned weights. A chain yields its own.
        likelihood: a likelihood, or the registered name of one; None without a decoder.
        codebook: of a quantiser, a function that gives the vectors (classes, width) that its class
            indices stand for; called when weights are loaded, to find copies among them.
        module: the torch module behind encode and decode, if there is one; genprobe puts it in
            evaluation mode, on the device and into the dtype of the run. Other modules that the
            functions reach are put in evaluation mode and on the device, and keep their dtype. All
            come back as they were.
        training: plain facts about how it was trained (data, binarize, beta), where known.
        condition: of a conditional model, x (batch, *event) and the data's covariates to the
            context c by name, each (batch, ...), on the CPU; None if there is no context.
        recorded: what it said of each example, if that was kept; ``encode`` is then not called.
        teacher_forced: whether ``decode`` is called as decode(z, x), as an autoregressive decoder
            is: its parameters of value i may use z and the values before i of x, and no other.
        latent_shape: of one z, for a model without an encoder whose prior does not say it, as the
            name of one does not; None elsewhere.
        chain: of a model with several latents, each given those before it, in the place of
            ``encode``: x (batch, *event), and the context as keywords, to a generator that yields a
            pair for each level, the first level first: the parameters of q(z_l|z_<l, x) and those
            of p(z_l|z_<l), in the ways that ``encode`` has, each (batch, ...). It is sent the draw
            z_l (batch, *latent_l). ``decode`` is then given the list of all draws. The first
            level's prior is the same for each x.
        diffusion: of a diffusion model, in the place of ``encode``, ``decode`` and ``prior``; its
            likelihood is one of ``loc`` and ``scale``.
    """

    name: str
    encode: Callable[..., Any] | None = not_given
    posterior: Family | str | Sequence[Family | str] = ""
    prior: PriorLike = ""
    decode: Callable[..., Any] | None = None
    likelihood: Likelihood | str | None = None
    codebook: Callable[[], Tensor] | None = None
    module: torch.nn.Module | None = None
    training: Plain = field(default_factory=dict)
    condition: Callable[[Tensor, Mapping[str, Any]], Params] | None = None
    recorded: Recorded | None = None
    teacher_forced: bool = False
    latent_shape: Sequence[int] | None = None
    chain: Callable[..., Any] | None = None
    diffusion: Diffusion | None = None

    def __post_init__(self) -> None:
        if self.diffusion is not None:
            self._require_diffusion_alone()
            return
        if self.chain is not None:
            self._require_chain_alone()
        self._require_given()
        if self.chain is not None:
            pass
        elif self.encode is None:
            self._require_decoder_alone()
        elif not callable(self.encode):
            raise ModelError(
                f"Model {self.name!r} has a {type(self.encode).__name__} as encode, which cannot "
                "be called.",
                "Give a function of x, or encode=None for a decoder and a prior alone.",
            )
        elif not self.posterior:
            raise ModelError(
                f"Model {self.name!r} has an encoder and no posterior.",
                "Name the family of q(z|x) that it gives: posterior='diagonal-normal', say.",
            )
        if (self.decode is None) != (self.likelihood is None):
            present, absent = (
                ("decode", "likelihood") if self.likelihood is None else ("likelihood", "decode")
            )
            raise GenprobeError(
                f"Model {self.name!r} has {present} but no {absent}.",
                "Give both for the distortion, or neither for the rate side only."
                if self.encode is not None
                else "Give both; of a generator that gives x̂ alone genprobe.from_generator makes a "
                "model.",
            )

    @property
    def encodes(self) -> bool:
        """Whether there is an encoder; without one there is −log p(x), and nothing of a code."""
        return any(part is not None for part in (self.encode, self.chain, self.diffusion))

    def _require_given(self) -> None:
        """Check that what every model but a chain needs was given, if only as None."""
        unnamed = isinstance(self.prior, str) and not self.prior
        absent = {"encode": self.encode is not_given, "prior": unnamed}
        for name, missing in absent.items():
            if missing and self.chain is None:
                raise TypeError(f"Model() is missing the keyword argument {name!r}.")

    def _require_chain_alone(self) -> None:
        """Check what a chain comes with; it takes the place of an encoder and yields its priors."""
        others = {
            "encode": self.encode is not None and self.encode is not not_given,
            "prior": not isinstance(self.prior, str) or bool(self.prior),
            "teacher_forced": self.teacher_forced,
        }
        given = ", ".join(name for name, there in others.items() if there)
        if given:
            raise ModelError(
                f"Model {self.name!r} has a chain, and {given}.",
                "A chain yields the posterior and the prior of each level: leave the rest out.",
            )
        if not callable(self.chain) or not self.posterior:
            raise ModelError(
                f"Model {self.name!r} has a chain and no posterior."
                if callable(self.chain)
                else f"Model {self.name!r} has a {type(self.chain).__name__} as chain.",
                "Give a generator function of x, and name the family of what it yields: "
                "posterior='diagonal-normal', say, or a name for each level.",
            )
        object.__setattr__(self, "encode", None)

    def _require_diffusion_alone(self) -> None:
        """Check what a diffusion model comes with; its states take the place of a code."""
        others = {
            "encode": self.encode not in (None, not_given),
            "decode": self.decode is not None,
            "posterior": self.posterior not in ("", FITTED_FAMILY),
            "prior": self.prior not in ("", DIFFUSION_PRIOR),
            "condition": self.condition is not None,
            "chain": self.chain is not None,
            "teacher_forced": self.teacher_forced,
        }
        given = ", ".join(name for name, there in others.items() if there)
        if given:
            raise ModelError(
                f"Model {self.name!r} has a diffusion, and {given}.",
                "Its states are their own code, under a standard normal: leave the rest out.",
            )
        if not isinstance(self.diffusion, Diffusion):
            raise ModelError(
                f"Model {self.name!r} has a {type(self.diffusion).__name__} as diffusion.",
                "Give genprobe.Diffusion(alpha=…, sigma=…, denoise=…).",
            )
        if self.likelihood is None:
            raise ModelError(
                f"Model {self.name!r} has a diffusion and no likelihood.",
                "Name what x is given the least noisy state: 'discretised-normal' of 8-bit images, "
                "or 'normal'.",
            )
        for name, value in (("encode", None), ("posterior", FITTED_FAMILY)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "prior", DIFFUSION_PRIOR)

    def _require_decoder_alone(self) -> None:
        """Check what a model without an encoder needs; the family is the one that is fitted."""
        if self.decode is None and self.likelihood is None:
            raise ModelError(
                f"Model {self.name!r} has neither an encoder nor a decoder: nothing to evaluate.",
                NO_DECODER,
            )
        if self.posterior not in ("", FITTED_FAMILY):
            named = getattr(self.posterior, "name", self.posterior)
            raise ModelError(
                f"Model {self.name!r} has no encoder, and a posterior: {named}.",
                f"Leave posterior out: a {FITTED_FAMILY} is fitted to each example.",
            )
        object.__setattr__(self, "posterior", FITTED_FAMILY)


@dataclass(frozen=True, kw_only=True, eq=False)
class Loader:
    """How checkpoints of one kind are loaded: ``bundle:model.pt`` names one outright.

    Attributes:
        scheme: the registered name.
        recognises: whether a path looks like this kind; reads names and bytes, executes nothing.
        load: path and trust to the model. Without trust nothing in the file may run.
    """

    scheme: str
    recognises: Callable[[Path], bool]
    load: Callable[[Path, bool], Model]
