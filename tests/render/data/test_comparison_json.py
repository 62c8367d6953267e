import copy
import json
import math

import jsonschema
import pytest
from scipy.stats import t

from genprobe.comparing.compare import compare
from genprobe.errors import GenprobeError
from genprobe.render.data.json import comparison_schema as schema
from genprobe.render.data.json import dumps
from genprobe.types import Report


@pytest.fixture
def content(make_report):
    models = [make_report(model="b", shift=1.0), make_report(model="a")]
    return json.loads(dumps(compare(models, sort="elbo")))


def test_it_is_of_its_schema_which_is_a_schema(content):
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(content, schema())


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.pop("differences"),
        lambda c: c["differences"][0].pop("z"),
        lambda c: c["models"][0]["report"].pop("estimates"),
        lambda c: c.update(schema="genprobe.comparison/2"),
        lambda c: c.update(surprise=1),
    ],
)
def test_what_is_missing_or_unknown_is_not_of_the_schema(content, change):
    broken = copy.deepcopy(content)
    change(broken)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema())


def test_it_holds_the_order_the_frontier_and_the_differences(content):
    assert [model["name"] for model in content["models"]] == ["a", "b"]
    assert (content["best"], content["reference"], content["sort"]) == ("a", "a", "elbo")
    assert (content["frontier"], content["hull"]) == (["a"], ["a"])
    by_name = {d["name"]: d for d in content["differences"]}
    assert by_name["elbo"]["value"] == -1
    assert by_name["elbo"]["z"] == pytest.approx(-1 / math.sqrt(0.125))
    assert content["critical"] == pytest.approx(t.isf(0.025, by_name["elbo"]["n"] - 1))


def test_each_report_in_it_can_be_read_again(content, make_report):
    again = Report.from_json(json.dumps(content["models"][0]["report"]))
    assert again.estimates == make_report(model="a").estimates


def test_a_comparison_is_no_report_and_says_what_it_is(content):
    with pytest.raises(GenprobeError, match=r"genprobe\.comparison/1"):
        Report.from_json(json.dumps(content))


def test_a_number_that_is_not_finite_is_told(make_report, make_estimate):
    odd = make_report(estimates={"rate": make_estimate("rate", math.nan)})
    with pytest.raises(GenprobeError, match=r"not finite \(rate\)"):
        dumps(compare([odd]))
