"""The examples that expensive probes are asked about: a random subset of the data, drawn once.

Random, so that the spread over them says how far their mean is from that of all examples, in
whatever order the data come. Drawn from the run's seed for the whole data set, so that they are
the same ones however the run is cut into batches, segments and ranks.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from jaxtyping import Int64
from torch import Tensor

from genprobe.runtime.seeds import random_rows

EXAMPLES = 1024
"""So many examples are enough for a mean to two digits."""
LARGE = 1 << 10
FEWEST = 128
"""Where z has more values than LARGE fewer are taken, but these at least: what is probed is a sum
over values, so one such example says as much as many small ones, and costs as much."""

ABSENT = "probe-absent-"
"""What the code of a notice begins with that says why a probe does not apply."""

ON_REQUEST = frozenset({"rate_slope", "distortion_slope", "generative_information"})
"""Expensive probes that serve only the estimators that name them."""


def probes_for(
    probes: Mapping[str, Callable[..., Any]], estimators: Mapping[str, Callable[..., Any]]
) -> dict[str, Callable[..., Any]]:
    """The probes without those that serve none of some estimators.

    Args:
        probes: by name.
        estimators: by name; their parameters name what they need.

    >>> probes = {"rate": print, "rate_slope": print}
    >>> list(probes_for(probes, {"rate": lambda rate: rate}))
    ['rate']
    >>> list(probes_for(probes, {"slope": lambda rate_slope: rate_slope}))
    ['rate', 'rate_slope']
    """
    named = {name for each in estimators.values() for name in inspect.signature(each).parameters}
    return {k: v for k, v in probes.items() if k not in ON_REQUEST or k in named}


def probed_examples(n: int, values: int, seed: int) -> Int64[Tensor, " m"]:
    """Positions of the examples that are taken, in rising order; all of them if they are few.

    Args:
        n: number of examples in the data set.
        values: of one z.
        seed: of the run.

    >>> probed_examples(3, 64, seed=0)
    tensor([0, 1, 2])
    >>> len(probed_examples(60_000, 64, seed=0)), len(probed_examples(60_000, 4096, seed=0))
    (1024, 256)
    """
    most = max(FEWEST, min(EXAMPLES, EXAMPLES * LARGE // max(1, values)))
    return random_rows(n, most, seed, "probes")


def failure_code(name: str) -> str:
    """The code of the notice that a probe failed.

    >>> failure_code("distortion_slope")
    'probe-failed-distortion-slope'
    """
    return f"probe-failed-{name.replace('_', '-')}"


def absence_code(name: str) -> str:
    """The code of the notice that a probe does not apply, which is no warning.

    >>> absence_code("ms_ssim")
    'probe-absent-ms-ssim'
    """
    return f"{ABSENT}{name.replace('_', '-')}"


def within(rows: Int64[Tensor, " m"], start: int, stop: int) -> Int64[Tensor, " some"]:
    """Which rows lie from start to before stop, counted from start.

    Args:
        rows: positions in a data set.
        start: the first position of a stretch.
        stop: the one after its last.

    >>> from torch import tensor
    >>> within(tensor([1, 4, 6, 9]), 4, 8)
    tensor([0, 2])
    """
    return rows[(rows >= start) & (rows < stop)] - start
