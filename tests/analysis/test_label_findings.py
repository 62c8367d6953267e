import dataclasses

import pytest

from genprobe.analysis.advice import Facts
from genprobe.analysis.label_findings import (
    given,
    keep_out,
    label_summary,
    leaks,
    saturated,
    stop_leak,
)
from genprobe.analysis.regimes import undetermined
from genprobe.analysis.verdict import verdict
from genprobe.errors import Notice
from genprobe.report.labels import LabelReport, Leak
from genprobe.types import Estimate, Report

LEAK = Leak(lower=0.4, upper=0.6, p_value=0.01, permutations=99, power=0.02)
NONE = Leak(lower=0.0, upper=0.02, p_value=0.4, permutations=99, power=0.02)


def estimate(name, value, error=0.01, kind="estimate"):
    return Estimate(name=name, value=value, se=0.0, se_data=error, kind=kind)


def label(name="digit", told=2.16, error=0.01, leak=None, **changes):
    estimates = (
        estimate("label_entropy", 2.303),
        estimate("label_information", told, error, "lower"),
        estimate("label_information_upper", max(told, 0.05), kind="upper"),
    )
    facts = {
        "name": name,
        "classes": ("a", "b"),
        "n": 1000,
        "missing": 0,
        "estimates": {e.name: e for e in estimates},
        "dimensions": (),
        "informative": (),
        "candidate": "linear discriminant",
        "accuracy": 0.9,
        "saturated": False,
        "leak": leak,
    }
    return LabelReport(**(facts | changes))


def report(*labels, given=(), warnings=(), **estimates):
    known = {"rate": 19.3, **estimates}
    regime = undetermined(None, "none")
    return Report(
        model="m",
        dataset="d",
        n=1000,
        estimates={k: estimate(k, v) for k, v in known.items()},
        dimensions=(),
        regime=regime,
        warnings=warnings,
        provenance={"labels_given": list(given)},
        labels={each.name: each for each in labels},
    )


def summary(*labels, given=()):
    return label_summary(Facts(report=report(*labels, given=given)))


def test_a_label_takes_its_nats_and_the_rest_of_the_rate_is_about_something_else():
    assert summary(label()) == (
        "The label digit takes 2.160 ± 0.010 of its 2.303 nats; 17.140 nats of the rate are about "
        "something else."
    )
    bits = Facts(report=report(label()), unit="bits", scale=0.5, decimals=3)
    assert label_summary(bits).startswith("The label digit takes 4.320 ± 0.020 of its 4.606 bits")


def test_what_may_be_nothing_is_said_to_be_nothing_for_sure():
    for told, error in ((0.0, 0.01), (0.015, 0.01), (0.5, None)):
        assert summary(label(told=told, error=error)).startswith(
            "Of digit the code tells nothing for sure: at most "
        )


def test_a_leak_is_a_warning_and_the_first_thing_to_do():
    labels = (label("batch", 0.5, leak=LEAK), label("site", 0.0, leak=NONE))
    made = report(*labels)
    notice = leaks(made.labels)
    assert notice.code == "label-leak"
    assert notice.message == "batch leaks at least 0.400 of 2.303 nats (p = 0.01)."
    advice = stop_leak(Facts(report=made))
    assert advice.nats == 0.4
    assert advice.sentence == (
        "Take batch out of the code: batch leaks at least 0.400 of its 2.303 nats."
    )
    assert summary(*labels) == "No leak of site found: at most 0.020 of its 2.303 nats at 95 %."


def test_a_leak_of_the_test_alone_has_no_size():
    found = {"b": label("b", 0.0, leak=dataclasses.replace(LEAK, lower=0.0))}
    assert leaks(found).message == "b leaks an unknown part of 2.303 nats (p = 0.01)."
    assert leaks({"b": label(leak=NONE)}) is leaks({"b": label()}) is leaks({}) is None


def test_what_the_model_is_given_the_code_need_not_tell():
    told, kept = label("y", 0.4), label("y", 0.01)
    assert given({"y": told}, ["y"]).code == "label-given"
    assert given({"y": kept}, ["y"]) is given({"y": told}, []) is None
    advice = keep_out(Facts(report=report(told, given=["y"])))
    assert advice.sentence == (
        "Keep y out of the code: the model is given it, so it need tell 0, and it tells "
        "0.400 ± 0.010 nats."
    )
    assert summary(told, given=["y"]) == ""
    assert summary(kept, given=["y"]) == (
        "The model is given y, and the code tells none of it for sure, as it should: at most 0.050 "
        "of its 2.303 nats."
    )


def test_a_figure_that_a_random_label_has_too_is_warned_of():
    found = {"a": label(saturated=True, name="a"), "b": label(name="b")}
    assert "says nothing of a: " in saturated(found).message
    assert saturated({"b": found["b"]}) is None


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_verdict_is_three_sentences_whatever_the_labels(count):
    labels = [label(f"y{i}") for i in range(count)]
    warnings = [
        Notice(code="duplicates", message="m", remedy="r"),
        Notice(code="few-examples", message="m", remedy="r"),
        Notice(code="prior-mismatch", message="m", remedy="r"),
    ]
    made = report(*labels, warnings=warnings, prior_saving=3.0)
    made.provenance["distinct_examples"] = 10
    said = verdict(made)
    assert len(said) == 3
    assert said[0].startswith("Refit")
    assert said[-1].startswith("The label y0 takes")
    assert ("3 more labels below." in said[-1]) == (count == 5)
    first, last = verdict(report(*labels))
    assert first.startswith("Nothing to repair")
    assert last == said[-1]
