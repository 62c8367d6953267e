import dataclasses
import json

import jsonschema
import pytest
import torch

import genprobe
from genprobe import Estimate, GenprobeError, Model, Report
from genprobe.report import report_schema as schema

PARTS = {"name": "mine", "encode": dict, "posterior": "diagonal-normal", "prior": "standard-normal"}


def encode(x):
    return {"loc": x, "scale": torch.full_like(x, 0.5)}


@pytest.fixture(scope="module", params=["rate-side", "whole"])
def report(request):
    decoder = {"decode": lambda z: {"logits": z}, "likelihood": "bernoulli"}
    model = Model(**PARTS | {"encode": encode}, **(decoder if request.param == "whole" else {}))
    x = (torch.rand(60, 3, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    return genprobe.evaluate(model, x, max_queries=30)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"decode": dict}, "'mine' has decode but no likelihood"),
        ({"likelihood": "bernoulli"}, "'mine' has likelihood but no decode"),
    ],
)
def test_decoder_and_likelihood_come_together(parts, message):
    with pytest.raises(GenprobeError, match=message) as told:
        Model(**PARTS, **parts)
    assert told.value.remedy
    Model(**PARTS)
    Model(**PARTS, decode=dict, likelihood="bernoulli")


def test_records_are_frozen_and_keyword_only():
    estimate = Estimate(name="rate", value=1.0, se=0.0, se_data=None, kind="exact")
    with pytest.raises(dataclasses.FrozenInstanceError):
        estimate.value = 2.0
    with pytest.raises(TypeError):
        Estimate("rate", 1.0, 0.0, None, "exact")


def test_an_estimate_is_got_by_name(report):
    assert report["rate"] is report.estimates["rate"]


def test_an_absent_estimate_is_told_with_those_there_are(report):
    with pytest.raises(KeyError, match=r"no estimate 'rates' .*it has .*\brate\b"):
        report["rates"]


def test_a_report_survives_json_whole(report):
    again = Report.from_json(report.to_json())
    assert again.to_dict() == json.loads(report.to_json()) == report.to_dict()
    assert again.estimates == report.estimates
    assert again.regime == report.regime
    assert list(again.dimensions) == list(report.dimensions)
    assert str(again) == str(report)


def test_json_is_what_the_schema_says(report):
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(json.loads(report.to_json()), schema())


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.pop("regime"),
        lambda r: r["estimates"]["rate"].update(kind="guess"),
        lambda r: r["estimates"]["rate"].update(se=-1),
        lambda r: r.update(n=0),
        lambda r: r.update(extra=1),
    ],
)
def test_the_schema_refuses_other_things(report, change):
    content = json.loads(report.to_json())
    change(content)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, schema())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a genprobe report"),
        ("[]", "not a genprobe report"),
        ("{}", "not a genprobe report.*schema"),
        ('{"schema": "other/1"}', "but 'other/1'"),
        ('{"schema": "genprobe.report/99"}', "reads up to genprobe.report/1.*\nUpgrade"),
        ('{"schema": "genprobe.report/1"}', "not a genprobe report"),
        ('{"schema": "genprobe.report/x"}', "not a genprobe report"),
    ],
)
def test_what_is_no_report_is_told(text, message):
    with pytest.raises(GenprobeError, match=message):
        Report.from_json(text)


def test_a_report_shows_itself_in_text_and_html(report):
    assert "mine" in str(report)
    assert "<" in report._repr_html_()


DECODER = {"decode": lambda z: {"logits": z}, "likelihood": "bernoulli", "prior": "standard-normal"}
ENCODER = {"encode": lambda x: {"loc": x}, "prior": "standard-normal"}


def test_a_model_without_an_encoder_gets_the_family_that_is_fitted():
    model = Model(name="gan", encode=None, **DECODER)
    assert model.posterior == "diagonal-normal"
    assert dataclasses.replace(model, name="other").posterior == "diagonal-normal"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"encode": None, "prior": "flat"}, "neither an encoder nor a decoder.*\nGive decode="),
        ({**DECODER, "encode": None, "posterior": "delta"}, "no encoder, and a posterior: delta"),
        ({**DECODER, "encode": "mine"}, "a str as encode.*\nGive a function of x, or encode=None"),
        (ENCODER, "an encoder and no posterior.*\nName the family"),
        (
            {**DECODER, "encode": None, "likelihood": None},
            "decode but no likelihood.*\n.*from_generator",
        ),
    ],
)
def test_what_is_no_model_is_refused_with_what_to_do(parts, message):
    with pytest.raises(GenprobeError, match=f"Model 'gan' has {message}") as error:
        Model(name="gan", **parts)
    assert len(str(error.value).splitlines()) == 2
