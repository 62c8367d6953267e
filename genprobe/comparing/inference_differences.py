r"""Differences of what inference loses of several models, paired over the examples they share.

.. math::

    \Delta = \frac1M \sum_n a_n - b_n

over the M examples that were annealed of both models, which are the same ones for the same data and
seed. An example that is hard to infer for one model is hard for the other, and that cancels.
"""

import contextlib
from collections.abc import Callable, Mapping

import torch

from genprobe.comparing.difference import Difference
from genprobe.comparing.differences import added, copies_of
from genprobe.errors import UnavailableError
from genprobe.estimators.ais_bound import bound_terms
from genprobe.estimators.amortization_gap import encoder_terms
from genprobe.estimators.annealing import Annealing, Terms, annealing_of
from genprobe.estimators.approximation_gap import family_terms
from genprobe.estimators.inference_gap import gap_terms
from genprobe.estimators.standard_error import cluster_means, standard_error, two_stage_error
from genprobe.report import Report

LOST: Mapping[str, Callable[[Annealing], Terms]] = {
    "ais_bound": bound_terms,
    "inference_gap": gap_terms,
    "amortization_gap": encoder_terms,
    "approximation_gap": family_terms,
}
"""What is a mean over the examples that were annealed, by its estimate."""


def inference_differences(reports: Mapping[str, Report], reference: str) -> list[Difference]:
    """The differences of every other model from one, as far as both were annealed.

    Args:
        reports: by the names the models go by, on the same data.
        reference: name of the one.
    """
    base = reports[reference]
    if base.inference is None:
        return []
    theirs, found = annealed(base), []
    for model, report in reports.items():
        if model == reference or report.inference is None:
            continue
        mine = annealed(report)
        found += [
            lost_difference(name, (model, report, mine), (reference, base, theirs))
            for name in LOST
            if name in report.estimates and name in base.estimates
        ]
    return found


def annealed(report: Report) -> Annealing | None:
    """What was annealed for a report, as it says; None without its store, or under another prior.

    What the store has by now may be of more examples, or more exact, than what the report is of.
    """
    store, said = report.store, report.inference
    if store is None or said is None:
        return None
    with contextlib.suppress(UnavailableError):
        found = annealing_of(store, None, report.provenance.get("bin_width"), copies_of(report))
        facts = {} if found.kept is None else found.kept.facts
        same = (facts.get("temperatures"), facts.get("chains"), facts.get("prior"))
        if same == (said.temperatures, said.chains, said.prior):
            return found
    return None


Side = tuple[str, Report, Annealing | None]
"""A model: its name, its report and what was annealed."""


def lost_difference(name: str, one: Side, other: Side) -> Difference:
    """The difference of one estimate, paired over the examples that both have.

    Args:
        name: of the estimate.
        one: the model that is compared.
        other: the reference.
    """
    first, report, mine = one
    second, base, theirs = other
    a, b = report[name], base[name]
    value, n = a.value - b.value, min(a.n, b.n)
    se, se_data, paired = added(a.se, b.se), added(a.se_data, b.se_data), False
    if mine is not None and theirs is not None and mine.n == theirs.n:
        apart, which = of_the_same(LOST[name](mine), LOST[name](theirs), mine, theirs)
        if len(apart.values) > 1:
            value, n, paired = float(apart.values.mean()), len(apart.values), True
            se = two_stage_error(*apart, mine.n)
            se_data = standard_error(cluster_means(apart.values, which))
    return Difference(
        first=first,
        second=second,
        name=name,
        value=value,
        se=se,
        se_data=se_data,
        n=n,
        paired=paired,
    )


def of_the_same(
    a: Terms, b: Terms, one: Annealing, other: Annealing
) -> tuple[Terms, torch.Tensor | None]:
    """What two models differ by on every example of both, and the distinct example that each is.

    Args:
        a: of the first model.
        b: of the second.
        one: the first.
        other: the second.
    """
    first, second = examples_of(one), examples_of(other)
    mine, theirs = torch.isin(first, second), torch.isin(second, first)
    apart = Terms(
        a.values[mine] - b.values[theirs],
        a.noise[mine] + b.noise[theirs],
        min(a.draws, b.draws),
    )
    return apart, None if one.which is None else one.which[mine]


def examples_of(annealing: Annealing) -> torch.Tensor:
    """The examples (M,) of an annealing, rising."""
    m = annealing.elbo.shape[1]
    return torch.arange(m) if annealing.index is None else annealing.index
