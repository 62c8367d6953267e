"""Examples of a data set, and what the model's encoder says of them."""

import contextlib
import logging
from collections.abc import Iterator

import torch
from torch import Tensor

from genprobe.distributions.parameter_names import renamed, standard_names
from genprobe.encoding.calls import Calls
from genprobe.encoding.checks import require_params
from genprobe.errors import DataError, SupportError
from genprobe.types import Dataset, Params

log = logging.getLogger("genprobe")


def read_examples(dataset: Dataset, start: int, stop: int, dtype: torch.dtype) -> Tensor:
    """Examples (stop − start, *event) of a data set.

    Raises:
        DataError: naming the first example that is not finite.
    """
    return in_dtype(dataset, dataset.read(start, stop), start, dtype)


def in_dtype(dataset: Dataset, given: Tensor, start: int, dtype: torch.dtype) -> Tensor:
    """Examples in the dtype of a run.

    Args:
        dataset: that gave them.
        given: (batch, *event).
        start: position of the first.
        dtype: of the run.

    Raises:
        DataError: naming the first example that is not finite.
    """
    x = given.to(dtype)
    if x.sum().isfinite():  # one pass, where looking at each value takes ten
        return x
    bad = ~x.isfinite().reshape(len(x), -1).all(1)
    if bad.any():
        raise DataError(
            f"Example {start + int(bad.nonzero()[0])} of {dataset.name} has a value that is not "
            "finite.",
            "Remove or repair it.",
        )
    return x


def encode_examples(calls: Calls, x: Tensor, start: int) -> Params:
    """Checked posterior parameters, each (batch, ...), on the CPU: encoded, fitted, or as recorded.

    Args:
        calls: of the model, with the context of these examples.
        x: (batch, *event).
        start: position of the first in the data set.

    Raises:
        ModelError: if the encoder fails, or without one the decoder; or naming the first example
            whose parameters are not finite or not valid.
    """
    model, source = calls.model, f"The encoder of {calls.model.name}"
    if calls.fitting is not None:
        params, source = calls.fitting.fit(calls, x), f"What is fitted to {calls.model.name}"
    elif model.recorded is None:
        params = calls.encode(x)
    else:
        given = model.recorded.params(start, start + len(x))
        found = standard_names(given, calls.posterior.name, model.name)
        params, source = {k: v.to(x.dtype) for k, v in found.items()}, model.name
    require_params(source, calls.posterior, params, len(x), start)
    return params


def say_what_names_mean(calls: Calls) -> None:
    """Log which recorded parameters are read as others.

    Args:
        calls: of the model.
    """
    recorded, name = calls.model.recorded, calls.model.name
    given = renamed(recorded.params(0, 1), calls.posterior.name) if recorded else {}
    if given:
        said = {"scale": "scale (the standard deviation)"}
        words = [f"{key} as {said.get(meant, meant)}" for key, meant in sorted(given.items())]
        log.info("%s: read %s.", name, " and ".join(words))


@contextlib.contextmanager
def counted_from(start: int) -> Iterator[None]:
    """Let a likelihood's complaint name the example by its position in the data set.

    Args:
        start: position of the first example that the likelihood was given.

    Raises:
        SupportError: as it came, ``start`` added to its example.
    """
    try:
        yield
    except SupportError as error:
        raise error.after(start) from None
