"""The uniform prior over a grid of class indices: log p(z) = −positions · log classes.

With it the rate of a one-hot posterior, as of a VQ-VAE, is positions · log classes exactly.
"""

import math
from dataclasses import replace

import torch
from torch import Tensor

from genprobe.distributions.certain_codes import classes_of
from genprobe.errors import ModelError
from genprobe.priors.categorical import class_indices, over_classes
from genprobe.types import Family, Params, Prior, PriorFactory


def build(event_shape: torch.Size, params: Params) -> Prior:
    """The prior with ``classes``, their number.

    Raises:
        ModelError: if it is missing or not a positive whole number.
    """
    if "classes" not in params:
        raise ModelError(
            "The prior uniform-categorical needs classes, their number.",
            "The posterior is not categorical: give a prior of its own kind.",
        )
    classes = float(params["classes"])
    if classes < 1 or classes != int(classes):
        raise ModelError(f"The prior uniform-categorical has {classes:g} classes.")
    logits = torch.zeros(int(classes), dtype=torch.float64)
    tensors = {"classes": torch.tensor(int(classes))}
    prior = over_classes("uniform-categorical", event_shape, logits, tensors)

    def log_prob(z: Tensor) -> Tensor:
        index = class_indices("uniform-categorical", z, int(classes))
        batch = index.shape[: index.dim() - len(event_shape)]
        return torch.full(batch, -event_shape.numel() * math.log(classes), dtype=torch.float64)

    return replace(prior, log_prob=log_prob)


def defaults(family: Family, params: Params) -> Params:
    """As many classes as the posterior has, where it is over class indices."""
    classes = classes_of(family.distribution(params))
    return {} if classes is None else {"classes": torch.tensor(classes)}


uniform_categorical = PriorFactory(name="uniform-categorical", build=build, defaults=defaults)
