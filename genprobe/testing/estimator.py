"""The suite of an estimator: what it asks for, what it returns, on every kind of store."""

import inspect
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

from genprobe.analysis.report import report_from_store
from genprobe.analysis.withheld import vacuous
from genprobe.estimators.annealing import NOT_ASKED
from genprobe.estimators.call import require_known
from genprobe.estimators.report_row import ATTRIBUTE, row_from
from genprobe.plugins import plugins
from genprobe.report import Estimate, Kind, Report
from genprobe.store.read import open_store
from genprobe.testing.examples import cases, write_store
from genprobe.testing.suite import Suite, plain

WIDEST = 12
"""Characters of a heading, so that a comparison stays within 80 columns."""


class EstimatorTests(Suite):
    """Tests of an estimator.

    Attributes:
        part: the function.
        name: under which it is registered; by default the function's own.
        works_on: the examples, by the names of ``genprobe.testing.examples.cases``, for which it
            must give an estimate. For the others it may raise ``UnavailableError``.
    """

    part: Callable[..., Estimate]
    name: str | None = None
    works_on: tuple[str, ...] = ("a model with a decoder",)

    @property
    def estimator(self) -> Callable[..., Estimate]:
        """The function, unbound."""
        found: Callable[..., Estimate] = type(self).part
        return found

    @property
    def registered(self) -> str:
        """The name of its estimate."""
        return self.name or self.estimator.__name__

    def report(self, case: str, folder: Path) -> Report:
        """The report of a case with this estimator alone."""
        store = open_store(write_store(case, folder))
        return report_from_store(store, estimators={self.registered: self.estimator})

    def test_it_asks_for_quantities_by_name(self) -> None:
        """Every parameter is one of the closed list."""
        for parameter in inspect.signature(self.estimator).parameters.values():
            kind = parameter.kind.description
            assert kind in ("positional or keyword", "keyword-only"), (
                f"{parameter} is {kind}: an estimator names what it needs, one by one"
            )
        require_known(self.registered, self.estimator)

    def test_its_estimate_has_the_registered_name(self, tmp_path: Path) -> None:
        """The row of the report is found by the name under which it is registered."""
        for case in self.works_on:
            found = self.estimates(case, tmp_path)
            assert self.registered in found, f"it gives no estimate for {case}"
            name = found[self.registered].name
            assert name == self.registered, (
                f"it is registered as {self.registered!r} and calls its estimate {name!r}"
            )

    def test_its_row_is_as_its_estimates_are(self, tmp_path: Path) -> None:
        """What ``genprobe.estimator`` says of the unit and the bound holds; headings are short."""
        row = row_from(self.registered, self.estimator)
        assert row.label.strip(), "its label is empty"
        assert len(row.heading) <= WIDEST, f"the heading {row.heading!r} is too wide for a column"
        if not hasattr(self.estimator, ATTRIBUTE):
            return  # nothing was said
        for case in self.works_on:
            for found in self.estimates(case, tmp_path).values():
                assert found.unit == row.unit, f"its row has {row.unit}, its estimate {found.unit}"
                if row.bound:
                    assert found.kind == row.bound, (
                        f"its row is of a bound, {row.bound}, and its estimate is {found.kind}"
                    )

    def estimates(self, case: str, folder: Path) -> dict[str, Estimate]:
        """What it gives for a case: one estimate, or nothing with a reason."""
        report = self.report(case, folder)
        found = {k: v for k, v in report.estimates.items() if k == self.registered}
        for value in found.values():
            assert isinstance(value, Estimate), f"it returns a {type(value).__name__} for {case}"
        if not found:
            said = [n.message for n in report.warnings if n.code == "estimator-failed"]
            assert not said, f"it fails for {case}: {said[0]}"
            reason = report.provenance["absent"].get(self.registered, NOT_ASKED)
            assert reason, f"it is unavailable for {case} and does not say why"
        return found

    def test_its_estimates_are_sound(self, tmp_path: Path) -> None:
        """For every example: a finite value, standard errors of at least zero, a known kind."""
        for case in {*cases(), *self.works_on}:
            for estimate in self.estimates(case, tmp_path).values():
                assert math.isfinite(estimate.value), f"the value is {estimate.value} for {case}"
                for name, error in (("se", estimate.se), ("se_data", estimate.se_data)):
                    assert error is None or error >= 0, f"{name} is {error} for {case}"
                kinds = get_args(Kind)
                assert estimate.kind in kinds, f"kind is {estimate.kind!r}, none of {kinds}"
                assert estimate.unit, "the unit is empty; a pure number is a 'count' or 'ratio'"
                assert estimate.n > 0, f"n is {estimate.n}: say how many examples are behind it"

    def test_it_gives_the_same_every_time(self, tmp_path: Path) -> None:
        """Nothing is drawn again, so a store always has the same report."""
        store = open_store(write_store(self.works_on[0], tmp_path))
        first, second = (
            plain(report_from_store(store, estimators={self.registered: self.estimator}))
            for _ in range(2)
        )
        assert first == second, f"it says {first[self.registered]}, then {second[self.registered]}"

    def test_it_leaves_the_other_estimates_as_they_are(self, tmp_path: Path) -> None:
        """What it is given is shared: with it and without, the others are the same."""
        store = open_store(write_store(self.works_on[0], tmp_path))
        others = plugins().all("estimators")
        others.pop(self.registered, None)
        derived = "entropy_bound"  # the least of several estimates, perhaps of this one
        alone = plain(report_from_store(store, estimators=others))
        beside = plain(
            report_from_store(store, estimators={self.registered: self.estimator, **others})
        )
        for name in alone:
            same = name == derived or alone[name] == beside[name]
            assert same, f"with it in the report, {name} is another"

    def test_its_report_can_be_shown_and_kept(self, tmp_path: Path) -> None:
        """The table has the estimate, unless that says nothing, and JSON gives it back."""
        report = self.report(self.works_on[0], tmp_path)
        rest = {k: v for k, v in report.estimates.items() if k != self.registered}
        without = replace(report, estimates=rest)
        told = self.registered not in vacuous(report.estimates)
        assert told == (report.details() != without.details()), "the table does not show it"
        again = Report.from_json(report.to_json())
        assert again[self.registered] == report[self.registered], "JSON does not keep it"
