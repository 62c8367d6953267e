import dataclasses
import re

import pytest
import torch

import genprobe
from genprobe.render.text.card import CARD, to_card
from genprobe.render.text.front_matter import scalar, slug

yaml = pytest.importorskip("yaml")

HOSTILE = "a: 'b' \"c\" # d | <e> é 😀 \x7f\u2028\ud800 {{ x }}\n---\nf"


@pytest.fixture(scope="module")
def report():
    index = torch.randint(6, (200, 3, 3), generator=torch.Generator().manual_seed(0))
    return genprobe.evaluate_posteriors(
        {"index": index, "classes": 8}, name="vq", dataset="digits", event_shape=(1, 9, 9)
    )


def read(text):
    return yaml.safe_load(text.split("---\n")[1])


def test_results_are_those_of_the_report(report):
    (model,) = read(to_card(report))["model-index"]
    (result,) = model["results"]
    assert model["name"] == "vq"
    assert result["dataset"] == {"name": "digits (N = 200)", "type": "digits"}
    found = {m["type"]: m for m in result["metrics"]}
    usage, perplexity = report["code_usage"], report["code_perplexity"]
    assert found["code_usage"]["value"] == usage.value
    assert found["code_perplexity"]["value"] == pytest.approx(perplexity.value, 1e-5)
    error = found["code_perplexity"]["args"]["standard_error"]
    assert error == pytest.approx(perplexity.se_data, 1e-5)
    bits = report["code_entropy"].value / 0.6931471805599453
    assert found["code_entropy"]["value"] == pytest.approx(bits, 1e-5)
    tokens = found["bits_per_token"]["value"]
    assert tokens * 9 == pytest.approx(found["bits_per_pixel"]["value"] * 81, 1e-4)
    assert found["bits_per_token"]["args"]["bound"] == "upper"


def test_the_hub_reads_them(report):
    hub = pytest.importorskip("huggingface_hub")
    results = hub.ModelCard(to_card(report)).data.eval_results
    found = {result.metric_type: result for result in results}
    assert found["code_usage"].metric_value == 0.75
    assert found["bits_per_pixel"].metric_args["standard_error"] > 0
    assert {result.dataset_type for result in results} == {"digits"}


def test_names_are_text_whatever_is_in_them(report):
    hostile = dataclasses.replace(report, model=HOSTILE, dataset=HOSTILE)
    text = to_card(hostile)
    name = read(text)["model-index"][0]["name"]
    assert name == HOSTILE.replace("\x7f", r"\x7f").replace("\u2028", r"\u2028").replace(
        "\ud800", r"\ud800"
    ).replace("\n", r"\n")
    assert "<e>" not in text.split("---\n", 2)[2]


@pytest.mark.parametrize(
    "value",
    [0.1, 1e-9, 1.5e300, -2.0, 3, 0, True, None, "no", "1e5", "", "a\x85b", "~", "\U0001f600"],
)
def test_a_scalar_reads_back(value):
    found = yaml.safe_load(f"x: {scalar(value)}")["x"]
    assert found == value
    assert type(found) is type(value)


def test_what_is_not_finite_is_null_and_a_slug_is_never_empty():
    assert scalar(float("inf")) == "null"
    assert slug(" ") == "data"


@pytest.mark.parametrize(
    "name", ["a/b/c", "v1.0/test", "a//b", "../x", "é/è", "mnist/t10k-images", HOSTILE, "/", "a/.b"]
)
def test_the_hub_takes_the_name_of_any_data(name):
    # The pattern is that of the Hub's own refusals.
    assert re.fullmatch(r"(?:[\w-]+/)?[\w\-.]+", slug(name), re.ASCII)


def test_a_card_is_known_until_it_is_edited(report, tmp_path):
    path = tmp_path / "card.md"
    path.write_text(to_card(report), encoding="utf-8")
    assert CARD.wrote(path)
    path.write_text(path.read_text(encoding="utf-8").replace("# vq", "# mine"), encoding="utf-8")
    assert not CARD.wrote(path)
    path.write_bytes(b"\xff\xfe")
    assert not CARD.wrote(path)
