"""The example of a teacher-forced model, and what genprobe makes of such models."""

import pytest
import torch

import genprobe
from examples.text_vae import PAD, START, WORDS, TextVae, sentences, train
from genprobe import Model


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(0)
    net, x = TextVae(), sentences(300, seed=1)
    train(net, sentences(2000), steps=30)
    return net, x, genprobe.evaluate(net.as_model(), x, draws=4)


def tokens_one_by_one(net, x, z):
    """−log p(x|z) of one sentence, token after token, padding passed over; float64."""
    state, before, cost = net.begins(z).tanh()[None, None], START, 0.0
    for token in x.tolist():
        if token == PAD:
            break
        embedded = net.embed(torch.tensor([[int(before)]]))
        out, state = net.writes(embedded, state)
        cost -= net.predicts(out[0, 0]).log_softmax(0)[int(token)].item()
        before = token
    return cost


def test_the_distortion_is_the_sum_over_tokens_given_those_before(trained, tmp_path):
    net, x, _ = trained
    report = genprobe.evaluate(net.as_model(), x[:40], store=tmp_path / "s.h5", dtype="float64")
    z = genprobe.open_store(tmp_path / "s.h5").gather("draws/z", 0, torch.arange(40))
    net.double()
    with torch.no_grad():
        truth = [tokens_one_by_one(net, *pair) for pair in zip(x[:40], z, strict=True)]
    net.float()
    assert report["distortion"].value == pytest.approx(sum(truth) / 40, rel=1e-9)


def test_the_rate_is_that_of_the_encoder(trained):
    net, x, report = trained
    net.double()
    with torch.no_grad():
        mean, logvar = net.encode(x)
    net.float()
    truth = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).sum(1).mean().item()
    assert report["rate"].value == pytest.approx(truth, rel=1e-4)


def test_what_takes_ancestral_sampling_is_left_out_with_the_reason(trained):
    report = trained[2]
    assert "generative_mutual_information" not in report.estimates
    assert "ancestral" in report.provenance["absent"]["generative_mutual_information"]
    assert {"rate", "distortion", "mutual_information", "slope"} <= report.estimates.keys()


def test_it_is_compared_with_another_model_of_the_same_data(trained):
    _, x, report = trained
    plain = Model(
        name="no-context",
        encode=lambda x: {"loc": x[:, :4] / 10, "scale": torch.ones(len(x), 4)},
        decode=lambda z: {"logits": torch.zeros(len(z), 6, len(WORDS))},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="categorical",
    )
    found = genprobe.compare([report, genprobe.evaluate(plain, x, draws=4)])
    assert found.best == "sentences"
    assert {d.name for d in found.differences} >= {"rate", "distortion"}


def test_an_untrained_decoder_that_ignores_z_is_an_autodecoder():
    net = TextVae()
    torch.nn.init.zeros_(net.posterior.weight)
    torch.nn.init.zeros_(net.posterior.bias)
    report = genprobe.evaluate(net.as_model(), sentences(300))
    assert report["rate"].value == 0
    assert report.regime.label == "autodecoder"


def test_it_cannot_be_exported(trained, tmp_path):
    with pytest.raises(genprobe.errors.ModelError, match="teacher-forced"):
        genprobe.export(trained[0].as_model(), tmp_path / "m", example=trained[1])
