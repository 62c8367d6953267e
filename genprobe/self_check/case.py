"""A case: a model whose numbers are known by other means, and one evaluation of it.

A case checks one of the two errors of an estimate. For ``se`` the examples stay and only the seed
of the evaluation changes; for ``se_data`` each seed has examples of its own, from one population.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from genprobe.plugins import plugins
from genprobe.report import Report
from genprobe.runs.evaluate import evaluate
from genprobe.runtime.seeds import derived_seed
from genprobe.types import Model

ErrorKind: TypeAlias = Literal["se", "se_data"]

CLOSED_FORM = "closed form"
QUADRATURE = "quadrature"
ENUMERATION = "sum over all z"
ROUNDING = 1e-5
"""Nats, and as a share of the truth: what float32 parameters and sums may be off by."""
LARGEST = 1 << 31
"""Seeds of an evaluation stay below this."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What an estimate is held against.

    Attributes:
        value: nats per example, or the estimate's own unit.
        error: its own standard error; 0 but for brute force.
        source: how it was worked out.
    """

    value: float
    error: float = 0.0
    source: str = CLOSED_FORM


Truths: TypeAlias = Mapping[str, Truth]


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """What one evaluation is of.

    Attributes:
        model: with its decoder, or a record of posteriors.
        data: as ``genprobe.evaluate`` takes them; None for a record.
    """

    model: Model
    data: Any = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """A model whose numbers are known, and what is evaluated of it.

    Attributes:
        name: letters, digits and hyphens; files are called so.
        regime: what is special about it, a clause.
        n: number of examples.
        error: the standard error that is checked.
        make: the seed of the examples to the subject; a partial of a function of a module.
        truths: makes the truth of each estimate; of one without, only the spread is checked.
        estimators: names of the estimates.
        options: further ones of ``genprobe.evaluate``.
        limits: makes what the bounds among the estimates bound: the population's numbers.
        seeds: as a share of those asked for, below 1 where a run takes long.
    """

    name: str
    regime: str
    n: int
    error: ErrorKind
    make: Callable[[int], Subject]
    truths: Callable[[], Truths]
    estimators: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    limits: Callable[[], Mapping[str, float]] = dict
    seeds: float = 1.0


def known(truths: Truths) -> Truths:
    """Truths as they are, for a case that has them at hand.

    Example:
        >>> known({"rate": Truth(value=1.0)})["rate"].value
        1.0
    """
    return truths


def evaluate_case(case: Case, seed: int) -> Report:
    """The report of a case for one seed.

    Args:
        case: to be evaluated.
        seed: of the evaluation, and of the examples where they are drawn each time. Cases do not
            share noise: each derives its own seed from this one.
    """
    subject = first_subject(case.make) if case.error == "se" else case.make(seed + 1)
    parts = plugins()
    return evaluate(
        subject.model,
        subject.data,
        device="cpu",
        seed=derived_seed(seed, case.name) % LARGEST,
        estimators={name: parts.get("estimators", name) for name in case.estimators},
        **case.options,
    )


@lru_cache(maxsize=2)
def first_subject(make: Callable[[int], Subject]) -> Subject:
    """The subject whose examples stay: that of seed 0."""
    return make(0)
