import dataclasses
import json
import logging

import pytest
import torch
from click.testing import CliRunner
from torch.distributions import Independent, MultivariateNormal, Normal

import genprobe
from genprobe import Model, evaluate
from genprobe.analysis.options import Options
from genprobe.architectures import MlpVae
from genprobe.cli.main import main as cli
from genprobe.datasets.subset import subset
from genprobe.errors import GenprobeError, ModelError, StoreError, UsageError
from genprobe.render.page.html import to_html
from genprobe.runs.decoder_alone import options_for

K, D, VARIANCE = 2, 8, 0.25
SETTINGS = {"device": "cpu", "inference": 12, "decoder_curve": [1.0], "max_steps": 16}


def drawn(seed=0):
    made = torch.Generator().manual_seed(seed)
    weight, bias = torch.randn(D, K, generator=made), torch.randn(D, generator=made)
    z = torch.randn(40, K, generator=made)
    return weight, bias, z @ weight.T + bias + VARIANCE**0.5 * torch.randn(40, D, generator=made)


WEIGHT, BIAS, X = drawn()


def decode(z):
    return {"loc": z @ WEIGHT.T + BIAS, "scale": torch.tensor(VARIANCE**0.5)}


MODEL = Model(
    name="half",
    encode=None,
    decode=decode,
    prior=Independent(Normal(torch.zeros(K), torch.ones(K)), 1),
    likelihood="normal",
)


@pytest.fixture(scope="module", autouse=True)
def few_steps():
    """Fits that take less time, from which the bound is as valid."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("genprobe.annealing.without_encoder.STEPS", 60)
        patch.setattr("genprobe.annealing.without_encoder.FIRST", 60)
        patch.setattr("genprobe.annealing.best_scale.ROUNDS", 3)
        patch.setattr("genprobe.runs.annealing_stages.ITERATED", (1,))
        yield


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A store and its report, of twelve examples."""
    path = tmp_path_factory.mktemp("alone") / "half.h5"
    return path, evaluate(MODEL, X, store=path, **SETTINGS)


def taken():
    return subset(genprobe.open_dataset(X), 12).read(0, 12)


def test_the_bound_is_that_of_the_closed_form(kept):
    _, report = kept
    covariance = WEIGHT @ WEIGHT.T + VARIANCE * torch.eye(D)
    exact = -MultivariateNormal(BIAS, covariance).log_prob(taken()).mean()
    bound = report["ais_bound"]
    assert bound.kind == "upper"
    assert bound.value == pytest.approx(float(exact), abs=4 * bound.se + 0.01)
    [point] = report.inference.curve
    assert point.cost.value == pytest.approx(float(exact), abs=4 * point.cost.se + 0.01)


def test_there_are_fewer_rows_and_none_is_invented(kept):
    _, report = kept
    assert report.estimates.keys() == {"ais_bound", "blind_distortion"}
    assert report.dimensions == ()
    assert report.regime.label == "undetermined"
    assert report.inference.steps_gain == {}
    absent = report.provenance["absent"]
    assert {absent[k] for k in ("rate", "elbo", "mutual_information", "inference_gap")} == {
        "The model has no encoder."
    }
    with pytest.raises(AttributeError, match="no rate: The model has no encoder"):
        report.rate  # noqa: B018
    text = str(report)
    assert text.count("no encoder") == 1
    assert text.splitlines()[1].startswith("−log p(x) ≤ ")
    assert "ELBO  " not in text
    assert report.details().count("no encoder") == 1
    codes = {warning.code for warning in report.warnings}
    assert codes - {"annealing-unfinished"} == {"few-examples", "density-distortion"}


def test_a_store_says_that_there_is_no_encoder_and_is_used_again(kept, caplog):
    path, report = kept
    assert genprobe.open_store(path).header.encoder is False
    again = genprobe.report_from_store(genprobe.open_store(path))
    assert again.estimates == report.estimates
    assert again.regime == report.regime
    caplog.set_level(logging.INFO)
    reused = evaluate(MODEL, X, store=path, **SETTINGS)
    assert reused.estimates == report.estimates
    assert "Reused" in caplog.text
    assert "random examples" in caplog.text
    encoder = lambda x: {"loc": x[:, :K], "scale": torch.ones(len(x), K)}  # noqa: E731
    whole = dataclasses.replace(MODEL, encode=encoder)
    with pytest.raises(StoreError, match="another"):
        evaluate(whole, taken(), store=path, device="cpu")


def test_a_report_says_so_in_json_and_on_its_page(kept, tmp_path):
    _, report = kept
    page = to_html(genprobe.compare([report]))
    assert '<h2 id="lost">Log p(x)</h2>' in page
    assert "The best that any encoder could reach" in page
    assert page.count("The model has no encoder") == 1
    genprobe.plot(report, tmp_path / "plane.svg")
    assert "decoder-curve" in (tmp_path / "plane.svg").read_text()
    content = genprobe.Report.from_json(report.to_json())
    assert content.estimates == report.estimates
    assert str(content) == str(report)
    assert json.loads(report.to_json())["provenance"]["encoder"] is False


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": {"y": [0] * 40}}, "what a code tells, and half has no encoder.*\nLeave"),
        ({"prior": "standard-normal"}, "another prior, and half has no encoder.*\nGive the Model"),
    ],
)
def test_what_rests_on_an_encoder_is_refused(options, message):
    with pytest.raises(UsageError, match=message):
        evaluate(MODEL, X, device="cpu", **options)


def test_chains_and_curve_are_taken_where_nothing_is_asked():
    found = options_for(MODEL, Options())
    assert found.inference == 200
    assert found.betas == (0.0625, 0.25, 1.0, 4.0, 16.0)
    assert options_for(MODEL, Options(decoder_curve=False)).betas == ()
    with pytest.raises(UsageError, match="max_steps says how inference is looked into"):
        options_for(dataclasses.replace(MODEL, encode=dict), Options(max_steps=8))
    assert options_for(MODEL, Options(max_steps=8)).max_steps == 8


def test_a_decoder_that_is_random_or_has_no_gradient_is_refused():
    noisy = dataclasses.replace(
        MODEL, decode=lambda z: {"loc": torch.rand(len(z), D), "scale": torch.ones(())}
    )
    with pytest.raises(ModelError, match="decoder of half depends on chance"):
        evaluate(noisy, X, **SETTINGS)
    rigid = dataclasses.replace(
        MODEL, decode=lambda z: {"loc": z.detach() @ WEIGHT.T, "scale": torch.ones(())}
    )
    with pytest.raises(ModelError, match=r"half has no encoder, and .*gradient.*\n"):
        evaluate(rigid, X, **SETTINGS)


def test_it_is_not_watched_exported_or_saved_as_a_whole_network(tmp_path):
    with pytest.raises(GenprobeError, match=r"half has no encoder.*\nEvaluate it once"):
        genprobe.callback(X, strict=True)(MODEL, epoch=1)
    with pytest.raises(ModelError, match="half has no encoder"):
        genprobe.export(MODEL, tmp_path / "half", example=X[:4])
    network = MlpVae(data_shape=(D,), latent=K, hidden=(4,))
    alone = dataclasses.replace(network.as_model("vae"), encode=None, latent_shape=(K,))
    with pytest.raises(ModelError, match=r"its encoder too.*\nName the function"):
        genprobe.save(alone, tmp_path / "half.pt")


def with_bound(report, name, value, **changes):
    bound = dataclasses.replace(report["ais_bound"], value=value)
    return dataclasses.replace(
        report, model=name, estimates={**report.estimates, "ais_bound": bound}, **changes
    )


def test_decoders_compare_by_their_bounds_paired_where_the_examples_are_at_hand(kept):
    _, report = kept
    value = report["ais_bound"].value
    twin = dataclasses.replace(report, model="twin")
    [apart] = genprobe.compare([report, twin]).inference_differences
    assert (apart.name, apart.value, apart.paired) == ("ais_bound", 0.0, True)
    better = with_bound(report, "better", value - 1.0, store=None)
    found = genprobe.compare([report, better])
    assert (found.names, found.sort, found.best) == (("better", "half"), "ais_bound", "")
    assert "better has the least −log p(x), at most" in found.verdict[0]
    assert [(d.first, d.paired) for d in found.inference_differences] == [("half", False)]
    assert "least −log p(x) first" in str(found)


def test_a_decoder_beside_an_autoencoder_compares_by_what_both_have(kept, tmp_path):
    _, report = kept
    facts = {k: v for k, v in report.provenance.items() if k != "encoder"}
    rows = {
        name: dataclasses.replace(report["ais_bound"], name=name, value=sign * 9.0, kind="estimate")
        for name, sign in {"rate": 1.0, "distortion": 1.0, "elbo": -1.0}.items()
    }
    whole = dataclasses.replace(
        report,
        model="vae",
        estimates={**report.estimates, **rows},
        provenance=facts,
        store=None,
    )
    found = genprobe.compare([whole, report])
    assert found.sort == "ais_bound"
    assert "−log p(x)" in found.verdict[0]
    page = to_html(found)
    assert "vae" in page
    other = {**facts, "dataset_fingerprint": "rows:other"}
    with pytest.raises(GenprobeError, match="which are different data"):
        genprobe.compare([dataclasses.replace(whole, provenance=other), report])


FACTORY = """
import torch

def generator():
    return torch.nn.Linear(2, 8)
"""


def test_a_generator_is_evaluated_from_the_command_line(tmp_path):
    (tmp_path / "half_gan.py").write_text(FACTORY)
    torch.save({"weight": WEIGHT, "bias": BIAS}, tmp_path / "half_gan.pt")
    torch.save(X, tmp_path / "x.pt")
    command = ["evaluate", str(tmp_path / "half_gan.pt"), "--data", str(tmp_path / "x.pt")]
    command += [
        "--factory",
        f"{tmp_path / 'half_gan.py'}:generator",
        "--json",
        str(tmp_path / "r.json"),
    ]
    command += ["--inference", "12", "--max-steps", "4", "--no-decoder-curve"]
    found = CliRunner().invoke(cli, [*command, "--observation-scale", "optimal"])
    assert found.exit_code == 0, found.output
    report = genprobe.Report.from_json((tmp_path / "r.json").read_text())
    assert report.provenance["fitted_scale"] == pytest.approx(VARIANCE**0.5, rel=0.25)
    assert "the best scale" in found.output
    refused = CliRunner().invoke(cli, command)
    assert refused.exit_code == 1
    assert "--observation-scale" in refused.output
