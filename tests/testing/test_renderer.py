import itertools

import pytest

from genprobe.plugins.manager import find_plugins
from genprobe.testing import RendererTests

EVERY = "test_every_report_becomes_text"
DIFFERENT = "test_different_reports_become_different_texts"
AGAIN = "test_a_report_always_becomes_the_same_text"
KEPT = "test_the_report_stays_as_it_is"

BUILT_IN = find_plugins([]).all("renderers")


def suite(part):
    return type("TestPart", (RendererTests,), {"part": part})


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_built_in_renderers_pass(failing, name):
    assert failing(suite(BUILT_IN[name])) == {}


def needs_a_distortion(report):
    return f"{report.model}: {report['distortion'].value:.2f}"


def of_floats(report):
    return report["rate"].value


def blank(report):
    return " \n"


def constant(report):
    return "a report"


calls = itertools.count()


def counting(report):
    return f"{report.model} {next(calls)}"


def spoiling(report):
    report.estimates.pop("spoilt", None)
    text = str(sorted(report.estimates))
    report.estimates["spoilt"] = report["rate"]
    return text + report.model


WRONG = {
    "raises without distortion": (
        needs_a_distortion,
        {EVERY: "for the report of a model without a decoder", KEPT: "without a decoder"},
    ),
    "returns a number": (
        of_floats,
        {EVERY: "returns a float", DIFFERENT: "float", AGAIN: "float", KEPT: "float"},
    ),
    "returns nothing to read": (blank, {EVERY: "the text is empty", DIFFERENT: "same text"}),
    "says nothing of the report": (constant, {DIFFERENT: "same text"}),
    "counts its calls": (counting, {AGAIN: ""}),
    "changes the report": (spoiling, {KEPT: "it changes the report"}),
}


@pytest.mark.parametrize(("part", "failures"), WRONG.values(), ids=WRONG)
def test_a_wrong_renderer_fails_in_its_own_test(failing, part, failures):
    found = failing(suite(part))
    assert found.keys() == failures.keys(), found
    for name, words in failures.items():
        assert words in found[name]
