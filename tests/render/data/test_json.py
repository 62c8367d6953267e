import json

import jsonschema
import pytest

from genprobe.errors import GenprobeError
from genprobe.report import SCHEMA
from genprobe.report import report_schema as schema
from genprobe.types import Report


def test_the_json_of_a_report_satisfies_the_schema_that_ships(make_report):
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(json.loads(make_report().to_json()), schema())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda report: report.pop("n"),
        lambda report: report.update(extra=1),
        lambda report: report.update(schema="genprobe.report/2"),
        lambda report: report["estimates"]["rate"].pop("se_data"),
        lambda report: report["estimates"]["rate"].update(se=-1.0),
        lambda report: report["estimates"]["rate"].update(kind="guess"),
        lambda report: report["regime"].update(label="posterior-collapse"),
        lambda report: report["regime"].update(probability=1.5),
    ],
)
def test_the_schema_refuses_what_is_not_a_report(make_report, spoil):
    content = make_report().to_dict()
    spoil(content)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, schema())


def test_a_report_comes_back_from_json_as_it_was(make_report, make_regime):
    unsure = make_regime(probability=0.6, alternatives=(("semantic-decoder", 0.4),))
    report = make_report(regime=unsure)
    assert Report.from_json(report.to_json()) == report


def test_json_is_in_nats_and_full_precision(make_report):
    assert json.loads(make_report(shift=1 / 3).to_json())["estimates"]["rate"] == {
        "value": 20 + 1 / 3,
        "se": 0.0,
        "se_data": 0.25,
        "kind": "estimate",
        "unit": "nats",
        "n": 1000,
    }


def test_what_json_cannot_say_is_not_written(make_report):
    with pytest.raises(GenprobeError, match=r"not finite \(rate, elbo\)"):
        make_report(shift=float("nan")).to_json()


def test_what_a_checkpoint_recorded_costs_no_report(make_report):
    training = {"loss": [1.5, float("nan")], "best": float("-inf")}
    text = make_report(provenance={"training": training}).to_json()
    found = Report.from_json(text).provenance
    assert found["training"] == {"loss": [1.5, "nan"], "best": "-inf"}


def test_a_newer_schema_is_refused_with_the_way_out():
    with pytest.raises(GenprobeError) as error:
        Report.from_json('{"schema": "genprobe.report/2"}')
    assert SCHEMA in error.value.what
    assert error.value.remedy == "Upgrade genprobe."


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '"genprobe.report/1"',
        '{"schema": 1}',
        '{"schema": "other/1"}',
        '{"schema": "genprobe.report/one"}',
        '{"schema": "genprobe.report/1"}',
        '{"schema": "genprobe.report/1", "regime": {}}',
    ],
)
def test_what_is_not_a_report_is_refused_as_such(text):
    with pytest.raises(GenprobeError, match="not a genprobe report"):
        Report.from_json(text)
