"""A generator as a model: what gives an x̂ for each z, and has no likelihood of its own, as a GAN.

A density of data needs one: x is x̂ with normal noise, p(x|z) = N(x; x̂(z), σ²), at a scale σ that
the user states, or at the one that fits the data best (Wu et al. 2017, "On the quantitative
analysis of decoder-based generative models").
"""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor, nn

from genprobe.errors import ModelError, UsageError
from genprobe.types import Model, PriorLike

log = logging.getLogger("genprobe")

OPTIMAL = "optimal"
"""Instead of a scale: the best one for the whole data set."""


def from_generator(
    generator: Callable[[Tensor], Any],
    *,
    scale: float | str,
    latent_shape: Sequence[int] | None = None,
    prior: PriorLike = "standard-normal",
    name: str = "generator",
    module: nn.Module | None = None,
) -> Model:
    """The model of a generator, which has no encoder: its −log p(x) can be evaluated.

    Args:
        generator: z (batch, *latent) to x̂ (batch, *event), in the range and shape of the data.
        scale: σ of the normal noise that makes x of x̂; ``optimal`` takes the best for the data.
        latent_shape: of one z; by default what the first layer of a module takes, unless the prior
            says it.
        prior: p(z) that it was trained with.
        name: what tables call it.
        module: behind the generator, if that is a function.

    Raises:
        UsageError: if the scale is neither positive nor ``optimal``.
        ModelError: if nothing says the shape of z.

    Example:
        >>> model = from_generator(nn.Linear(2, 5), scale=0.1)
        >>> model.latent_shape, model.likelihood
        ((2,), 'normal')
        >>> from_generator(nn.Linear(2, 5), scale="optimal").likelihood
        'normal-optimal-sigma'
    """
    require_scale(scale)
    if module is None and isinstance(generator, nn.Module):
        module = generator
    if latent_shape is None and isinstance(prior, str) and module is not None:
        latent_shape = taken_by(module)
        log.info("z of %s has the shape %s, which its first layer takes.", name, latent_shape)

    def decode(z: Tensor) -> dict[str, Tensor]:
        loc = image_of(generator(z))
        return {"loc": loc} if scale == OPTIMAL else {"loc": loc, "scale": loc.new_tensor(scale)}

    return Model(
        name=name,
        encode=None,
        decode=decode,
        prior=prior,
        likelihood="normal-optimal-sigma" if scale == OPTIMAL else "normal",
        module=module,
        latent_shape=None if latent_shape is None else tuple(latent_shape),
    )


def require_scale(scale: float | str) -> None:
    """Check a scale that a user chose.

    Raises:
        UsageError: if it is neither a positive number nor ``optimal``.
    """
    fine = isinstance(scale, int | float) and 0 < scale < math.inf
    if scale != OPTIMAL and (not fine or isinstance(scale, bool)):
        raise UsageError(f"observation_scale must be a positive number or {OPTIMAL}, not {scale}.")


def image_of(returned: Any) -> Tensor:
    """What a generator returned, as x̂.

    Raises:
        ModelError: if it is no tensor.
    """
    if not isinstance(returned, Tensor):
        raise ModelError(
            f"The generator returns a {type(returned).__name__}, not a tensor x̂.",
            "Give a function of z that returns x̂ alone, or a Model with a likelihood.",
        )
    return returned


def taken_by(module: nn.Module) -> tuple[int, ...]:
    """The shape of one z, from the first layer with weights.

    Args:
        module: a generator.

    Raises:
        ModelError: if it has no layer that says so.

    >>> taken_by(nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(64, 8, 4)))
    (64, 1, 1)
    """
    found = next(shapes_taken(module), None)
    if found is None:
        raise ModelError(
            f"Nothing says the shape of z: the first layer of {type(module).__name__} is neither "
            "linear nor a convolution.",
            "Let the factory return genprobe.from_generator(…, scale=…, latent_shape=(64,)), say.",
        )
    return found


def shapes_taken(module: nn.Module) -> Iterator[tuple[int, ...]]:
    """The shape that each layer takes, from the first with weights on; none of other kinds."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear) and layer.in_features:
            yield (layer.in_features,)
        elif isinstance(layer, nn.modules.conv._ConvNd) and layer.in_channels:
            yield (layer.in_channels, *(1 for _ in layer.kernel_size))
        elif next(layer.parameters(recurse=False), None) is not None:
            return
