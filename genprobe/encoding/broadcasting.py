"""Parameters that all examples share, made one row an example: once, and only where it is plain.

torch would broadcast them too, but again in every formula, and where shapes agree by chance along
the wrong axis. A shared parameter has no batch axis or one of length 1.
"""

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from genprobe.errors import ModelError
from genprobe.runtime.memory import out_of_memory
from genprobe.types import Family, Likelihood, Params

PER_EXAMPLE = ("loc", "logits", "index")
"""What must be of each example: one row of it for a batch is a mistake."""
ELEMENTWISE = frozenset(
    {
        "bernoulli",
        "beta",
        "delta",
        "diagonal-normal",
        "full-normal",
        "gamma",
        "laplace",
        "logistic-normal",
        "low-rank-normal",
        "poisson",
    }
)
"""Families whose parameters have a number for each of z, but for these matrices:"""
MATRICES = {"scale_tril": 1, "cov_factor": 1}
"""Parameters with more axes than z, and how many."""


def full_rows(source: str, posterior: Family, params: Params, count: int) -> Params:
    """Posterior parameters, each (count, ...), those that all examples share expanded.

    Args:
        source: what they come from, as a message begins.
        posterior: their family; they have its names.
        params: each (count, ...), or without the batch axis, or with one of length 1.
        count: number of examples.

    Raises:
        ModelError: naming the parameter that does not fit the others, with the shapes.

    Example:
        >>> from genprobe.families.diagonal_normal import diagonal_normal
        >>> params = {"loc": torch.zeros(3, 2), "scale": torch.tensor(1.0)}
        >>> full_rows("The encoder", diagonal_normal, params, 3)["scale"].shape
        torch.Size([3, 2])
    """
    if params.keys() != posterior.constraints.keys():  # said by the checks of names
        return params
    counting = {k: v for k, v in params.items() if v.shape[:1] == (count,)}
    for name, values in params.items():
        if not counting or (name in PER_EXAMPLE and name not in counting):
            raise ModelError(
                f"{source} returns {name} of shape {tuple(values.shape)} for {count} "
                "examples; its first axis must count them.",
                "Return one row an example.",
            )
    event = None
    if posterior.name in ELEMENTWISE:
        event = max((v.shape[1:] for k, v in counting.items() if k not in MATRICES), key=len)
    return {
        k: filled(source, k, params, wanted_shape(k, v, event, count)) for k, v in params.items()
    }


def wanted_shape(
    name: str, values: Tensor, event: torch.Size | None, count: int
) -> tuple[int, ...]:
    """The shape (count, ...) that a parameter must have.

    Args:
        name: of the parameter.
        values: of it.
        event: shape of one z; None where parameters need not have it.
        count: number of examples.
    """
    if event is None:
        return (count, *values.shape[1:])
    return (count, *event, *values.shape[values.dim() - MATRICES.get(name, 0) :])


def filled(source: str, name: str, params: Params, shape: tuple[int, ...]) -> Tensor:
    """A parameter of that shape.

    Raises:
        ModelError: if it cannot be expanded to it.
    """
    values = params[name]
    if values.shape == shape:
        return values
    try:
        return values.expand(shape)
    except RuntimeError:
        raise ModelError(
            f"{source} returns {shapes(params)} for {shape[0]} examples; {name} must be of shape "
            f"{shape}.",
            "Its first axis must count them. What is the same for all of them may have none.",
        ) from None


def shapes(params: Mapping[str, Tensor]) -> str:
    """Parameters with their shapes, as messages name them.

    >>> shapes({"loc": torch.zeros(3, 2), "scale": torch.ones(())})
    'loc (3, 2) and scale ()'
    """
    return " and ".join(f"{name} {tuple(values.shape)}" for name, values in params.items())


@contextlib.contextmanager
def fitting(source: str, likelihood: Likelihood, outputs: Params, count: int) -> Iterator[None]:
    """Turn torch's errors of shapes that do not go together into one that names the outputs.

    Args:
        source: what they come from, as a message begins.
        likelihood: that makes a distribution of them.
        outputs: of the decoder, by name.
        count: number of codes.

    Raises:
        ModelError: with the shapes.
    """
    try:
        yield
    except RuntimeError as error:
        if out_of_memory(error) or "size" not in str(error):
            raise
        raise ModelError(
            f"{source} returns {shapes(outputs)} for {count} codes, which do not go together "
            f"under the likelihood {likelihood.name}.",
            "Give each the shape of an example behind the axis that counts the codes, or no such "
            "axis.",
        ) from error


def require_batch(source: str, outputs: Params, batch_shape: torch.Size, count: int) -> None:
    """Check that a decoder returned one distribution an example.

    Args:
        source: what they come from, as a message begins.
        outputs: of the decoder, by name.
        batch_shape: of the distribution that was made of them.
        count: number of examples.

    Raises:
        ModelError: naming the outputs with their shapes, if it returned another number.
    """
    if batch_shape != (count,):
        raise ModelError(
            f"{source} returns {shapes(outputs)} for {count} codes; the first axis must count "
            "them.",
            "Return one row a code: of one row for all, the distortion would be another.",
        )
