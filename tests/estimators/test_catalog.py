"""The catalog has every row once, and what it says of a row is what the estimate is."""

from itertools import pairwise

import pytest
import torch

import genprobe
from genprobe.estimators.catalog import CATALOG, ESTIMATORS, row_of
from genprobe.estimators.report_row import MORE
from genprobe.plugins import plugins
from genprobe.runs import annealing_stages


@pytest.fixture(scope="module")
def report():
    """One in which every estimate exists: z has a channel and four places."""
    model = genprobe.Model(
        name="m",
        encode=lambda x: {"loc": x[:, None], "scale": torch.full_like(x[:, None], 0.5)},
        decode=lambda z: {"logits": z[:, 0]},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",
    )
    x = (torch.rand(300, 4, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(annealing_stages, "STEPS", 2)
        patched.setattr(annealing_stages, "ITERATED", (1,))
        return genprobe.evaluate(model, x, draws=2, max_queries=600, inference=4, max_steps=4)


@pytest.fixture
def install():
    """Let a plugin provide estimators for the time of a test."""
    installed = []

    def register(**estimators):
        class Provider:
            @genprobe.hookimpl
            def genprobe_estimators(self):
                return estimators

        installed.append(plugins().manager.register(Provider(), "provider"))

    yield register
    for name in installed:
        plugins().manager.unregister(name=name)


def test_a_report_has_the_rows_of_the_catalog_in_its_order(report):
    of_vectors = [name for name in CATALOG if not name.startswith("code_")]
    assert list(report.estimates) == of_vectors, report.provenance["absent"]
    index = torch.arange(600).view(200, 3) % 5
    tokens = genprobe.evaluate_posteriors({"index": index, "classes": 7})
    assert [n for n in CATALOG if n in tokens.estimates] == list(tokens.estimates)
    assert {"code_entropy", "code_perplexity", "code_usage"} <= tokens.estimates.keys()


def test_estimates_have_the_unit_and_are_the_bound_that_the_catalog_says(report):
    for name, estimate in report.estimates.items():
        assert estimate.unit == CATALOG[name].unit, name
        bound = estimate.kind if estimate.kind in ("lower", "upper") else None
        assert bound == CATALOG[name].bound, name


def test_no_two_rows_are_called_the_same():
    for field in ("label", "heading", "meaning"):
        names = [getattr(row, field) for row in CATALOG.values()]
        assert len(set(names)) == len(names), field
        assert all(names), field


def test_headings_are_short_and_rows_of_a_section_stand_together():
    assert max(len(row.heading) for row in CATALOG.values()) <= 10
    sections = [row.section for row in ESTIMATORS.values()]
    borders = sum(a != b for a, b in pairwise(sections))
    assert borders == len(set(sections)) - 1


def test_a_name_that_nobody_provides_is_a_row_of_its_own():
    row = row_of("of_a_plugin_that_is_gone")
    assert (row.label, row.section, row.better) == ("of a plugin that is gone", MORE, None)


def test_a_plugin_says_what_its_row_is(install):
    @genprobe.estimator(label="told apart", section="The code", better="larger")
    def apart(n): ...

    install(apart=apart, plain=lambda n: n)
    assert (row_of("apart").label, row_of("apart").section) == ("told apart", "The code")
    assert (row_of("plain").label, row_of("plain").section) == ("plain", MORE)


def test_a_plugin_cannot_rename_a_row_of_genprobe(install):
    @genprobe.estimator(label="mine")
    def rate(n): ...

    install(rate=rate)
    assert row_of("rate").label == "rate R"
