"""The names that the field has for parameters, as those of torch.distributions.

A mean is ``mean`` or ``mu``; a normal's width is a standard deviation (``std``, ``sigma``), a
variance (``var``) or the logarithm of one (``logvar``, ``log_std``). genprobe has ``loc`` and
``scale``, the standard deviation. Only of normals is a scale one: that of a Laplace distribution is
√½ of it, so there these names mean nothing.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor

from genprobe.errors import ModelError
from genprobe.types import Params

LOCATIONS = ("mean", "mu")
WIDTHS: dict[str, Callable[[Tensor], Tensor]] = {
    "std": lambda v: v,
    "stddev": lambda v: v,
    "sigma": lambda v: v,
    "var": torch.sqrt,
    "variance": torch.sqrt,
    "logvar": lambda v: (v / 2).exp(),
    "log_var": lambda v: (v / 2).exp(),
    "log_variance": lambda v: (v / 2).exp(),
    "logstd": torch.exp,
    "log_std": torch.exp,
    "log_scale": torch.exp,
}
"""From what a normal's width may be called to its standard deviation."""
COVARIANCES = ("cov", "covariance", "covariance_matrix")

NORMAL = frozenset({"diagonal-normal", "logistic-normal", "normal"})
"""Families and likelihoods whose scale is a normal's standard deviation."""
LOCATED = NORMAL | {
    "delta",
    "full-normal",
    "laplace",
    "low-rank-normal",
    "normal-optimal-sigma",
    "student-t",
    "von-mises-fisher",
}
"""Those that have a loc."""


def standard_names(
    params: Mapping[str, Any], part: str = "diagonal-normal", source: str = "The model"
) -> Params:
    """Parameters by the names of torch.distributions, of whatever they are called in the field.

    Names that are standard already, or mean nothing for that part, stay as they are.

    Args:
        params: tensors or arrays by name.
        part: registered name of the family or the likelihood that they are for.
        source: what gives them, as a message begins.

    Raises:
        ModelError: if two of them are the same parameter.

    Example:
        >>> found = standard_names({"mu": [[0.0, 1.0]], "logvar": [[0.0, 0.0]]})
        >>> {name: values.tolist() for name, values in found.items()}
        {'loc': [[0.0, 1.0]], 'scale': [[1.0, 1.0]]}
        >>> sorted(standard_names({"mu": [1.0], "theta": [2.0]}, "negative-binomial"))
        ['mu', 'theta']
    """
    found: dict[str, Tensor] = {}
    given: dict[str, str] = {}
    for name, values in params.items():
        standard, convert = meaning(name, part)
        if standard in found:
            raise ModelError(
                f"{source} gives both {given[standard]} and {name}, which are one parameter.",
                "Give one of them.",
            )
        tensor = values if isinstance(values, Tensor) else torch.as_tensor(values)
        found[standard] = tensor if convert is None else convert(precise(tensor))
        given[standard] = name
    return found


def meaning(name: str, part: str) -> tuple[str, Callable[[Tensor], Tensor] | None]:
    """The standard name of a parameter, and how its values become those of it; None: as they are.

    Args:
        name: that it was given.
        part: registered name of the family or the likelihood.

    >>> meaning("mu", "laplace")
    ('loc', None)
    >>> meaning("std", "laplace")
    ('std', None)
    """
    if name in LOCATIONS and part in LOCATED:
        return "loc", None
    if name in WIDTHS and part in NORMAL:
        return "scale", WIDTHS[name]
    if name in COVARIANCES and part == "full-normal":
        return "scale_tril", torch.linalg.cholesky
    return name, None


def renamed(names: Collection[str], part: str) -> dict[str, str]:
    """Which of some names stand for another, and for which.

    Args:
        names: that were given.
        part: registered name of the family or the likelihood.

    >>> renamed(["loc", "logvar"], "diagonal-normal")
    {'logvar': 'scale'}
    """
    meant = {name: meaning(name, part)[0] for name in names}
    return {name: standard for name, standard in meant.items() if standard != name}


def precise(values: Tensor) -> Tensor:
    """The same values in float32 at least: of a log-variance of 25 float16 has no exponential."""
    return values if values.dtype == torch.float64 else values.float()


def width_remedy(part: str) -> str:
    """What to give as the scale of a part, where what was given is not above 0 or is missing.

    Args:
        part: registered name of the family or the likelihood.

    >>> width_remedy("laplace")
    'scale is above 0: of a signed one give scale.abs(), of its logarithm log_scale.exp().'
    """
    if part in NORMAL:
        return (
            "scale is the standard deviation: of a signed sigma give sigma.abs(), of a raw "
            "log-variance (logvar / 2).exp()."
        )
    return "scale is above 0: of a signed one give scale.abs(), of its logarithm log_scale.exp()."
