"""A model that is a record of its posteriors: their parameters, read by position."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genprobe.errors import ModelError
from genprobe.loaders.rows import REAL, Rows, fingerprint, rows_of
from genprobe.types import Family, Likelihood, Model, Params, PriorLike, Recorded, with_tensors

log = logging.getLogger("genprobe")

FAMILY = "diagonal-normal"
PRIOR = "standard-normal"
UNIFORM = "uniform-categorical"
"""The usual prior of class indices."""
OF_CODES = (FAMILY, "codes", "residual-codes")
"""Families that an index is of: where none was named, ``codes``."""
WHOLE = ("index", "classes")
"""The parameters of class indices."""
STRETCH = 1 << 22
"""Indices that are looked at together."""


def from_posteriors(
    params: Mapping[str, Any],
    *,
    family: Family | str = FAMILY,
    prior: PriorLike = PRIOR,
    prior_params: Mapping[str, Any] | None = None,
    distortion: Any = None,
    likelihood: Likelihood | str | None = None,
    name: str = "posteriors",
    dataset: str | None = None,
    event_shape: Sequence[int] | None = None,
) -> Model:
    """A model that is a record of its posteriors.

    Args:
        params: parameters of q(z|x) by the family's names, or by other usual ones such as ``mean``
            and ``logvar``, each (n, ...): numpy, torch, or anything that numpy takes.
        family: of the posteriors.
        prior: p(z).
        prior_params: tensors of a prior given by its name.
        distortion: −log p(x|z) in nats, (n,) or (draws, n).
        likelihood: what the distortion is minus the log of.
        name: what tables call the model.
        dataset: name of the data; records of one name and length can be compared.
        event_shape: shape of one example of the data.

    Raises:
        ModelError: if arrays disagree in length or do not hold real numbers.
    """
    return record(
        {k: rows_of(v) for k, v in params.items()},
        None if distortion is None else rows_of(distortion),
        {k: tensor_of(rows_of(v)) for k, v in (prior_params or {}).items()},
        name=name,
        family=family,
        prior=prior,
        likelihood=likelihood,
        dataset=dataset,
        event_shape=event_shape,
    )


def record(
    params: Mapping[str, Rows],
    distortion: Rows | None,
    prior_params: Params,
    *,
    name: str,
    family: Family | str = FAMILY,
    prior: PriorLike = PRIOR,
    likelihood: Likelihood | str | None = None,
    dataset: str | None = None,
    event_shape: Sequence[int] | None = None,
) -> Model:
    """The model that some rows are a record of.

    Example:
        >>> rows = {"loc": rows_of(np.zeros((5, 2))), "scale": rows_of(np.ones((5, 2)))}
        >>> record(rows, None, {}, name="five posteriors").recorded.n
        5
    """
    if "index" in params:
        params, family, prior = token_record(name, params, family, prior)
    arrays = dict(params) if distortion is None else {**params, "distortion": distortion}
    for key, rows in arrays.items():
        require_numbers(name, key, rows)
    n = count_examples(name, params)
    draws = 0 if distortion is None else count_draws(name, distortion, n)
    recorded = Recorded(
        n=n,
        params=lambda start, stop: {
            k: finite(name, k, rows.tensor(start, stop), start) for k, rows in params.items()
        },
        fingerprint=fingerprint(arrays),
        distortion=None if distortion is None else distortion_reader(name, distortion),
        distortion_draws=draws,
        likelihood=likelihood,
        dataset=dataset,
        event_shape=None if event_shape is None else torch.Size(event_shape),
    )
    return Model(
        name=name,
        encode=refuse_to_encode(name),
        posterior=family,
        prior=with_tensors(prior, prior_params),
        recorded=recorded,
    )


def token_record(
    name: str, params: Mapping[str, Rows], family: Family | str, prior: PriorLike
) -> tuple[Mapping[str, Rows], Family | str, PriorLike]:
    """Parameters, family and prior of class indices, which say by their name what they are.

    The number of classes is one for all examples; where it is missing, one more than the largest
    index, and the log says so.

    Args:
        name: of the record.
        params: with ``index`` among them.
        family: that was asked for, or the usual one.
        prior: that was asked for, or the usual one.

    Raises:
        ModelError: if there are other parameters, or an index is not a number.
    """
    for key in params:
        if key not in WHOLE and family in OF_CODES:
            raise ModelError(
                f"{name} holds {key} beside index, which is no parameter of codes.",
                "Give index and classes alone; of a residual stack say family residual-codes.",
            )
    index, classes = params["index"], params.get("classes")
    require_numbers(name, "index", index)
    n = index.shape[0]
    if classes is None:
        count = largest(index) + 1
        log.warning(
            "%s does not say how many classes there are: taken are %d, the largest index and one. "
            "Give classes, the size of the codebook.",
            name,
            count,
        )
        classes = rows_of(np.full(1, count))
    if classes.shape in ((), (1,)) and classes.dtype.kind in REAL:
        classes = rows_of(np.broadcast_to(classes.whole().reshape(1), (n,)))
    found = {**params, "classes": classes}
    return (
        found,
        "codes" if family == FAMILY else family,
        UNIFORM if isinstance(prior, str) and prior == PRIOR else prior,
    )


def largest(index: Rows) -> int:
    """The largest of some indices; 0 of none."""
    step = max(1, STRETCH // max(1, math.prod(index.shape[1:])))
    parts = [index.read(i, min(i + step, index.shape[0])) for i in range(0, index.shape[0], step)]
    return max((int(part.max()) for part in parts if part.size), default=0)


def refuse_to_encode(name: str) -> Callable[[Tensor], Params]:
    """An encoder that says why there is none."""

    def encode(x: Tensor) -> Params:
        raise ModelError(f"{name} is a record of posteriors: it cannot encode other examples.")

    return encode


def require_numbers(name: str, key: str, rows: Rows) -> None:
    """Check that an array holds real numbers and has an axis of examples.

    Raises:
        ModelError: if not.
    """
    if rows.dtype.kind not in REAL:
        raise ModelError(
            f"{name} holds {rows.dtype} as {key}, not real numbers.",
            "Save it as whole numbers." if key in WHOLE else "Save it as float32.",
        )
    if not rows.shape:
        raise ModelError(
            f"{name} holds a single number as {key}.", "Its first axis must count the examples."
        )


def count_examples(name: str, params: Mapping[str, Rows]) -> int:
    """How many examples the parameters are of.

    Raises:
        ModelError: if there is none, or they disagree.
    """
    lengths = {rows.shape[0] for rows in params.values()}
    if not lengths or lengths == {0}:
        raise ModelError(
            f"{name} holds no posteriors.",
            f"Save their parameters by name: of {FAMILY} loc and scale, the standard deviation.",
        )
    if len(lengths) > 1:
        shapes = ", ".join(f"{key} {tuple(rows.shape)}" for key, rows in params.items())
        raise ModelError(
            f"The arrays of {name} disagree in the number of examples: {shapes}.",
            "The first axis of each must count the examples.",
        )
    return lengths.pop()


def count_draws(name: str, distortion: Rows, n: int) -> int:
    """How many draws a distortion (n,) or (draws, n) is of.

    Raises:
        ModelError: if it has another shape.
    """
    shape = tuple(distortion.shape)
    if len(shape) > 2 or shape[-1] != n or not shape[0]:
        raise ModelError(
            f"The distortion of {name} has shape {shape} for {n} examples.",
            f"Give one value an example ({n},), or one a draw and example (draws, {n}).",
        )
    return shape[0] if len(shape) == 2 else 1


def distortion_reader(name: str, distortion: Rows) -> Callable[[int, int], Tensor]:
    """A function of start and stop to the distortion (draw, stop − start), nats, float64."""
    if len(distortion.shape) == 1:
        return lambda start, stop: finite(
            name, "distortion", distortion.tensor(start, stop), start
        ).double()[None]
    whole = distortion.tensor(0, distortion.shape[0]).double()
    return lambda start, stop: finite(name, "distortion", whole[:, start:stop].T, start).T


def finite(name: str, key: str, values: Tensor, start: int) -> Tensor:
    """Values (batch, ...) again, if each is finite.

    Raises:
        ModelError: naming the first example where one is not.
    """
    bad = ~values.isfinite().reshape(len(values), -1).all(1)
    if bad.any():
        row = start + int(bad.nonzero()[0])
        raise ModelError(
            f"{name} has a value of {key} that is not finite, at example {row}.",
            "Look at that example, or at how the file was written.",
        )
    return values


def tensor_of(rows: Rows) -> Tensor:
    """A whole array, of any number of axes, in float64."""
    return torch.from_numpy(np.array(rows.whole(), np.float64))
