"""What an expensive probe said of the examples it was asked about, from a store.

NaN is a value that a probe gave and is never passed over: the mean of the others would be one of
examples that the fault selected.
"""

import math
from typing import TypeAlias

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.encoding.probed import failure_code
from genprobe.errors import UnavailableError
from genprobe.probes.generative_information import WHOLE_RANGE
from genprobe.store.read import Store

Column: TypeAlias = Float64[Tensor, "draw m"]
FAULT = "it is NaN at {lost} of the {asked} examples asked about, the first of them example {first}"
LOOK = "Look at that example, and at what the model gives there."


def probed_column(store: Store, name: str, fault: str = FAULT, remedy: str = LOOK) -> Column:
    """The column of a probe of some examples (draw, m).

    Args:
        store: finished.
        name: of the probe.
        fault: what it means that so many values are NaN, a clause with places for their number.
        remedy: what to do about it.

    Raises:
        UnavailableError: if the probe did not apply to the model, failed, gave NaN, or was asked
            about other examples in a part of the store.
    """
    before = store.has(f"probes/{name}")
    if not store.has(f"subset/{name}"):
        if before:
            return require_numbers(*stored_with_gaps(store, name), name, fault, remedy)
        for notice in store.notices():
            if notice.code == failure_code(name):
                raise UnavailableError(notice.message)
        raise UnavailableError(
            f"The store has no {name}: the probe did not apply to the model, or was left out as no "
            "estimator of that run needs it."
        )
    if before:
        raise UnavailableError(
            f"No {name}: a part of the store was encoded by an earlier version, which asked about "
            "other examples. Encode again with --fresh."
        )
    return require_numbers(store.column(f"subset/{name}"), store.probed(), name, fault, remedy)


def generative_samples(store: Store) -> Column:
    """Values of log q(z|x) − log p(z) of prior samples and what they decode to (1, m), nats.

    Args:
        store: finished.

    Raises:
        UnavailableError: if the decoder is teacher-forced, or the encoder failed on any of them.
    """
    if store.header.teacher_forced:
        raise UnavailableError(
            "No I of the generative joint: the decoder is teacher-forced, and to sample from it "
            "takes ancestral decoding."
        )
    if store.header.levels:
        raise UnavailableError(
            "No I of the generative joint: of a chain of latents genprobe does not work out "
            "log q(z|x) at all levels for samples."
        )
    fault = "the encoder gives no valid posterior for {lost} of the {asked} samples of the decoder"
    return probed_column(store, "generative_information", fault, WHOLE_RANGE)


def require_numbers(
    column: Column, probed: Int64[Tensor, " m"], name: str, fault: str, remedy: str
) -> Column:
    """The column, if none of it is NaN.

    Args:
        column: (draw, m).
        probed: (m,) the examples it is of.
        name: of the probe.
        fault: what it means that so many values are NaN, a clause with places for their number.
        remedy: what to do about it.

    Raises:
        UnavailableError: with how many are, and the first.

    >>> column = torch.tensor([[1.0, torch.nan, 2.0]]).double()
    >>> require_numbers(column, torch.tensor([4, 7, 9]), "slope", "{lost} of {asked} lost", LOOK)
    Traceback (most recent call last):
    genprobe.errors.UnavailableError: No slope: 1 of 3 lost.
    Look at that example, and at what the model gives there.
    """
    lost = column.isnan().any(0)
    if lost.any():
        said = fault.format(lost=int(lost.sum()), asked=len(lost), first=int(probed[lost][0]))
        raise UnavailableError(f"No {name.replace('_', ' ')}: {said}.", remedy)
    return column


def stored_with_gaps(store: Store, name: str) -> tuple[Column, Int64[Tensor, " m"]]:
    """The same from a store of an earlier version, and the examples asked about.

    Every so many-th was. The others have NaN, and so has what was lost among them.
    """
    column = store.column(f"probes/{name}")
    there = (~column.isnan().any(0)).nonzero()[:, 0]
    probed = torch.arange(0, column.shape[1], max(1, math.gcd(*there.tolist())))
    return column[:, probed], probed
