import dataclasses
import json

import jsonschema
import numpy as np
import pytest

import genprobe
from genprobe.estimators.rate import rate
from genprobe.render.data.csv import to_csv
from genprobe.render.data.json import comparison_schema, dumps
from genprobe.render.text.latex import comparison_to_latex
from genprobe.render.text.markdown import comparison_to_markdown

N = 400
KIND = np.arange(N) % 2
NOISE = np.random.default_rng(0).normal(size=(N, 2))


def evaluate(name, shift, kind=KIND, label="kind"):
    loc = NOISE.copy()
    loc[:, 0] += shift * kind
    return genprobe.evaluate_posteriors(
        {"loc": loc, "scale": np.full_like(loc, 0.5)},
        name=name,
        dataset="d",
        labels={label: kind},
        estimators={"rate": rate},
        max_queries=256,
        device="cpu",
    )


@pytest.fixture(scope="module")
def reports():
    return [evaluate("far", 2.1), evaluate("near", 2.0)]


@pytest.fixture(scope="module")
def compared(reports):
    return genprobe.compare(reports, against="far")


def test_a_difference_is_paired_over_the_examples(reports, compared):
    [d] = compared.label_differences
    far, near = (r.labels["kind"]["label_information"] for r in reports)
    assert (d.first, d.second, d.name) == ("near", "far", "kind.label_information")
    assert d.value == near.value - far.value
    apart = (reports[1].labels["kind"].terms - reports[0].labels["kind"].terms).numpy()
    known = apart[~np.isnan(apart)]
    assert d.paired
    assert d.se_data == pytest.approx(known.std(ddof=1) / len(known) ** 0.5, rel=0.02)
    assert d.se_data < 0.3 * far.se_data


def test_without_the_examples_the_errors_are_added(reports):
    bare = [dataclasses.replace(r, store=None) for r in reports]
    again = [genprobe.Report.from_json(r.to_json()) for r in bare]
    [d] = genprobe.compare(again, against="far").label_differences
    errors = [r.labels["kind"]["label_information"].se_data for r in reports]
    assert not d.paired
    assert d.se_data == pytest.approx(np.hypot(*errors))


def test_labels_of_other_values_or_names_are_not_compared(reports):
    other = evaluate("other", 2.0, kind=KIND[::-1].copy())
    assert genprobe.compare([reports[0], other]).label_differences == ()
    named = evaluate("named", 2.0, label="another")
    found = genprobe.compare([reports[0], named])
    assert found.label_differences == ()
    assert "another" in str(found)
    assert "No Δ" not in str(found)
    mixed = " ".join(str(genprobe.compare([*reports, other, named], against="far")).split())
    assert "No Δ where a label of one name is another" in mixed
    assert "Δkind" in mixed
    assert "Δanother" not in mixed


def test_every_output_has_the_labels_of_every_model(compared):
    for text in (str(compared), comparison_to_markdown(compared), comparison_to_latex(compared)):
        assert "What the codes tell of each label" in text
        assert "kind" in text
    content = json.loads(dumps(compared))
    jsonschema.validate(content, comparison_schema())
    assert content["label_differences"][0]["name"] == "kind.label_information"
    assert "kind.label_information_difference_se_data" in to_csv(compared)
