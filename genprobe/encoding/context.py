"""The context c of a conditional model: what encoder and decoder are given besides x and z.

A label, a batch, the size of x itself: q(z|x, c) and p(x|z, c). A model says what it needs with
``condition``; the data bring covariates; both encode and decode take the context as keywords.
A teacher-forced decoder is given the examples themselves, which go with the context.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from genprobe.encoding.lending import lent
from genprobe.encoding.user_errors import user_errors
from genprobe.errors import ModelError
from genprobe.types import Dataset, Model, Params

TEACHER = "x (teacher-forced)"
"""What the examples are called in the context of a teacher-forced decoder: no keyword has it."""


def keywords(context: Params) -> Params:
    """The context that encoder and decoder are given as keywords."""
    return {name: values for name, values in context.items() if name != TEACHER}


def context_of(model: Model, dataset: Dataset, x: Tensor, start: int) -> Params:
    """The context of examples, by name, each (batch, ...); empty unless the model is conditional.

    Args:
        model: that may be conditional.
        dataset: that may have covariates.
        x: examples (batch, *event) of the data set.
        start: position of the first.

    Raises:
        ModelError: if the data lack what the model needs, or the context is not one row an example.
    """
    teacher = {TEACHER: x} if model.teacher_forced else {}
    if model.condition is None:
        return teacher
    covariates = {} if dataset.covariates is None else dataset.covariates(start, start + len(x))
    with user_errors(f"condition of {model.name}", x.shape, "Check the data's covariates."):
        try:
            context = model.condition(lent(x), lent(covariates))
        except KeyError as missing:
            raise ModelError(
                f"{model.name} needs the covariate {missing}; {dataset.name} has "
                f"{', '.join(covariates) or 'none'}.",
                "Give it: --covariates NAME=SOURCE, covariates={...}, or data that have it.",
            ) from missing
    require_rows(model.name, context, len(x), start)
    cast = {k: v.to(x.dtype) if v.is_floating_point() else v for k, v in context.items()}
    return cast | teacher


def require_rows(name: str, context: Params, count: int, start: int) -> None:
    """Check that a context has one finite row an example.

    Raises:
        ModelError: naming the part of the context, and the first example at fault.
    """
    for key, values in context.items():
        if not isinstance(values, Tensor) or values.shape[:1] != (count,):
            raise ModelError(
                f"The context of {name} has a {key} that is not a tensor of {count} rows.",
                "condition must return tensors by name, one row an example.",
            )
        bad = ~values.isfinite().reshape(count, -1).all(1)
        if bad.any():
            raise ModelError(
                f"The context of {name} has a {key} that is not finite, at example "
                f"{start + int(bad.nonzero()[0])}.",
                "Look at that example and its covariates.",
            )


def join_contexts(contexts: Sequence[Params]) -> Params:
    """The context of several stretches of examples from that of each, in their order."""
    return {name: torch.cat([one[name] for one in contexts]) for name in contexts[0]}


def rows_of(context: Params, rows: slice | Tensor, device: torch.device | None = None) -> Params:
    """Copies of the context of some of its examples, on a device."""
    return {key: values[rows].to(device, copy=True) for key, values in context.items()}
