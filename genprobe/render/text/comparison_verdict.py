"""Which of several models to use, in one to three sentences, each from numbers of the comparison.

A claim holds for all comparisons at once, and only of differences paired over examples; where
nothing may be claimed the first sentence says so.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from genprobe.analysis.regimes import AUTODECODER
from genprobe.analysis.rounding import with_error
from genprobe.comparing.comparison import Comparison
from genprobe.comparing.difference import BOUND, Difference
from genprobe.escape import escaped
from genprobe.render.text.units import DECIMALS, divisor
from genprobe.report import Estimate, Report, number

SENTENCES = 3
"""Most of a verdict."""
NAMED = 3
"""Models that a sentence names; the others it counts."""
MANY = 10_000_000
"""From so many examples on their number is not worked out."""


def verdict_of(comparison: Comparison, unit: str = "nats") -> tuple[str, ...]:
    """Which model to use, and what else matters; nothing for a single model.

    Args:
        comparison: of the models.
        unit: ``nats``, ``bits`` or ``bits/dim``.

    >>> import genprobe, torch
    >>> params = {"loc": torch.zeros(50, 1), "scale": torch.ones(50, 1)}
    >>> verdict_of(genprobe.compare([genprobe.evaluate_posteriors(params)]))
    ()
    """
    if len(comparison.reports) < 2:
        return ()
    comparison = escaped(comparison)
    words = Words(comparison, unit)
    return (words.choice(), *words.what_else())[:SENTENCES]


@dataclass(frozen=True)
class Words:
    """The sentences of one comparison.

    Attributes:
        found: the comparison.
        unit: of the numbers.
    """

    found: Comparison
    unit: str

    @property
    def scale(self) -> float:
        """Nats a unit."""
        return divisor(self.found.reports[0], self.unit)

    def choice(self) -> str:
        """Which model to use, or why nothing says."""
        found = self.found
        if found.side_by_side:
            return (
                "Choose none by these numbers: each model is on data of its own, so nothing is "
                "compared. Evaluate all on the same data."
            )
        if not found.same_measure:
            return (
                "Choose none by these numbers: some distortions are of densities and some of "
                "probabilities, or of other bins, so ELBOs do not compare. For quantised data "
                "--bin-width (bin_width=W) makes all probabilities."
            )
        if found.by_bound:
            return self.ship_by_bound()
        if not found.best:
            return (
                "Choose none by these numbers: no model has an ELBO. Give the decoders or "
                "distortions to compare by it."
            )
        if sum("elbo" in report.estimates for report in found.reports) == 1:
            return (
                f"Only {found.best} has an ELBO, {self.elbo(found.best)}: nothing compares with it."
            )
        if not found.to_ship:
            return self.untested()
        return self.shipped(found.to_ship)

    def ship_by_bound(self) -> str:
        """Which model has the least −log p(x), where some have no encoder and so no ELBO."""
        found = self.found
        first, second = sorted(found.names, key=lambda name: self.report(name)[BOUND].value)[:2]
        said = f"{first} has the least −log p(x), at most {self.bound(first)} {self.unit}"
        every = [d for d in found.inference_differences if (d.first, d.name) == (second, BOUND)]
        apart = next(iter(every), None)
        if found.reference != first or apart is None:
            return f"{said}; the next is {second}, at most {self.bound(second)}."
        lead = self.measured(apart.value, apart.se_data)
        doubt = found.leaves_doubt(apart)
        if doubt is None:
            return f"{said}; {second} is {lead} above, by examples that are not paired."
        known = "which cannot be told from it" if doubt else "beyond doubt"
        return f"{said}; the next, {second}, is {lead} above, {known}."

    def shipped(self, name: str) -> str:
        """The model to use, with the numbers that say so."""
        found, best = self.found, self.found.best
        if found.best_is_certain:
            nearest = max(found.from_the_best, key=lambda d: d.value)
            by = self.measured(-nearest.value, nearest.se_data)
            if len(found.from_the_best) == 1:
                return (
                    f"Ship {name}: its ELBO {self.elbo(name)} beats that of {nearest.first} beyond "
                    f"doubt, by {by} {self.unit}."
                )
            return (
                f"Ship {name}: its ELBO {self.elbo(name)} beats every other beyond doubt, the next "
                f"({nearest.first}) by {by} {self.unit}."
            )
        if name == best:
            save = "saves" if len(found.rivals) == 1 else "save"
            return (
                f"Ship {name}: it has the best ELBO, {self.elbo(name)}. It cannot be told from "
                f"that of {some_of(found.rivals)}, which {save} no rate beyond doubt."
            )
        apart, less = found.difference_of(name), found.difference_of(name, "rate")
        assert apart is not None
        assert less is not None
        return (
            f"Ship {name}: its ELBO {self.elbo(name)} cannot be told from the best ({best}, "
            f"{self.elbo(best)}{z_of(apart)}), and its rate is "
            f"{self.measured(-less.value, less.se_data)} {self.unit} less."
        )

    def untested(self) -> str:
        """Which model has the best ELBO, and why it may not be the best."""
        found, apart = self.found, self.found.from_the_best
        start = f"{found.best} has the best ELBO, {self.elbo(found.best)}"
        if found.comparisons < len(apart) * (len(apart) + 1) // 2 or not apart:
            return f"{start}; {self.against()}"
        nearest = max(apart, key=lambda d: d.value)
        ahead = (
            f"{start}, {self.measured(-nearest.value, nearest.se_data)} {self.unit} ahead of "
            f"{nearest.first}, but nothing says that it is the best:"
        )
        if all(d.paired for d in apart):
            return f"{ahead} so few examples tell no model from another. Evaluate on more."
        return (
            f"{ahead} not all examples are at hand to be paired. Compare stores, which --store "
            "(store=PATH) keeps."
        )

    def against(self) -> str:
        """How the models do beside the one that was named."""
        found = self.found
        sides: dict[str, list[str]] = {"better": [], "worse": [], "cannot be told from it": []}
        for d in found.differences:
            doubt = found.leaves_doubt(d) if d.name == "elbo" else None
            if doubt is not None:
                side = "cannot be told from it" if doubt else "better" if d.value > 0 else "worse"
                sides[side].append(d.first)
        said = [
            f"{some_of(names)} {side if side.startswith('cannot') else verb(names) + side}"
            for side, names in sides.items()
            if names
        ]
        counted = "; ".join(said) or "no difference is paired over examples"
        return f"beside {found.reference}, which was named, {counted}."

    def what_else(self) -> Iterator[str]:
        """What may change the choice, what would make it surer, and what it leaves out."""
        found = self.found
        if found.by_bound or not found.to_ship:
            return
        refit = self.after_refit()
        if refit:
            yield refit
        if found.rivals:
            yield self.examples_needed()
        report = self.report(found.to_ship)
        if not refit and any(w.code == "prior-mismatch" for w in report.warnings):
            saving = report.estimates.get("prior_saving")
            if saving is not None:
                yield (
                    f"Refit the prior of {found.to_ship} (--write-prior): it would save "
                    f"{self.estimate(saving)} {self.unit}, without retraining."
                )
        if report.regime.label == AUTODECODER:
            yield f"The decoder of {found.to_ship} ignores its code, which is of no use by itself."
        if any(found.leaves_doubt(d) is None for d in found.from_the_best):
            unknown = [d.first for d in found.from_the_best if found.leaves_doubt(d) is None]
            yield f"Not tested, without examples to pair: {some_of(unknown)}."
        rest = [
            n for n, r in zip(found.names, found.reports, strict=True) if "elbo" not in r.estimates
        ]
        if rest:
            yield f"Without an ELBO, and so not ranked: {some_of(rest)}."

    def after_refit(self) -> str:
        """Which other model would lead beyond doubt if all had a fitted prior; empty if none."""
        found, after = self.found, {}
        for name, report in zip(found.names, found.reports, strict=True):
            if {"elbo", "prior_saving"} <= report.estimates.keys():
                after[name] = report["elbo"].value + max(0.0, report["prior_saving"].value)
        leader = max(after, key=lambda name: after[name], default=found.best)
        apart = found.difference_of(leader)
        if leader == found.best or found.best not in after or apart is None:
            return ""
        savings = [self.report(name)["prior_saving"] for name in (leader, found.best)]
        errors = [apart.se_data, *(saving.se_data for saving in savings)]
        known = [error for error in errors if error is not None]
        lead, error = after[leader] - after[found.best], math.hypot(*known)
        if len(known) < len(errors) or lead <= found.critical * error:
            return ""
        return (
            f"Refit the priors first (--write-prior): with one fitted to its codes {leader} "
            f"would gain {self.estimate(savings[0])} {self.unit} and lead {found.best} by "
            f"{self.measured(lead, error)}."
        )

    def examples_needed(self) -> str:
        """About how many examples would tell the models apart that cannot be told apart."""
        found = self.found
        rivals = [d for d in found.from_the_best if d.first in found.rivals]
        pair = max(rivals, key=lambda d: (d.first == found.to_ship, abs(d.z or 0.0)))
        observations = min(r.provenance.get("distinct_examples", r.n) for r in found.reports)
        if not pair.value or not pair.se_data:
            return f"{pair.first} and {found.best} do alike on every example."
        needed = observations * (found.critical * pair.se_data / pair.value) ** 2
        count = f"about {two_digits(needed)}" if needed < MANY else f"more than {MANY}"
        return (
            f"To tell {pair.first} from {found.best} takes {count} examples rather than "
            f"{observations}, if they differ by {self.measured(abs(pair.value), pair.se_data)} "
            f"{self.unit}."
        )

    def elbo(self, name: str) -> str:
        """The ELBO of a model with its error."""
        return self.estimate(self.report(name)["elbo"])

    def bound(self, name: str) -> str:
        """The bound on −log p(x) of a model with its error."""
        return self.estimate(self.report(name)[BOUND])

    def report(self, name: str) -> Report:
        """The report of a model, by what it goes by."""
        return self.found.reports[self.found.names.index(name)]

    def estimate(self, estimate: Estimate) -> str:
        """An estimate with its error over examples."""
        return self.measured(estimate.value, estimate.se_data)

    def measured(self, value: float, error: float | None) -> str:
        """A number of nats with its error, in the unit, rounded to two digits of the error."""
        return with_error(value, error, DECIMALS[self.unit], self.scale)


def two_digits(count: float) -> int:
    """A count in two significant digits, rounded up."""
    size: int = 10 ** max(0, math.floor(math.log10(count)) - 1)
    return math.ceil(count / size) * size


def some_of(names: Sequence[str]) -> str:
    """Some models by name, and how many more.

    >>> some_of(["a", "b"]), some_of("abcde")
    ('a and b', 'a, b, c and 2 more')
    """
    if len(names) > NAMED:
        return f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more"
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def verb(names: Sequence[str]) -> str:
    """What follows the names of models before an adjective."""
    return "is " if len(names) == 1 else "are "


def z_of(difference: Difference) -> str:
    """The z of a difference as it stands in brackets; empty where it is unknown."""
    return "" if difference.z is None else f", z = {number(difference.z, 1)}"
