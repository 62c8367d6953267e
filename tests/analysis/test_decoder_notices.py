import pytest
import torch

import genprobe
from genprobe import Model

N = 300
MEANS = torch.tensor([0.6, 0.61, 0.62, 0.63, 0.64, 0.65])


def bits():
    return (torch.rand(N, 6) > 0.5).float()


def report(decode, x, likelihood="bernoulli", **options):
    """Of a code that is x itself with a little noise."""
    model = Model(
        name="m",
        encode=lambda x: {"loc": 2 * x - 1, "scale": 0.3 + 0.1 * x},
        decode=decode,
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood=likelihood,
    )
    return genprobe.evaluate(model, x, **options)


@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous-bernoulli"])
def test_a_sigmoid_declared_as_logits_is_asked_about_before_all_else(likelihood):
    found = report(lambda z: {"logits": (-z).sigmoid()}, bits() * 0.8 + 0.1, likelihood)
    assert found.warnings[0].code == "logits-may-be-probabilities"
    assert "probs" in found.warnings[0].remedy
    assert len(found.warnings) > 1


def test_also_where_the_distortion_is_below_that_of_a_blind_decoder():
    found = report(lambda z: {"logits": (20 * z).sigmoid()}, bits())
    assert found["distortion"].value < found["blind_distortion"].value
    assert found.warnings[0].code == "logits-may-be-probabilities"


def test_a_softmax_declared_as_logits_is_asked_about():
    def decode(z):
        return {"logits": torch.stack([z, -z], -1).softmax(-1)}

    found = report(decode, bits(), "categorical")
    assert found.warnings[0].code == "logits-may-be-probabilities"


@pytest.mark.parametrize(
    "decode",
    [
        lambda z: {"logits": -5 * z},  # worse than blind, and no probabilities
        lambda z: {"probs": (-z).sigmoid()},
        lambda z: {"logits": torch.zeros_like(z)},
        lambda z: {"logits": MEANS.logit() + 0.002 * z.tanh()},  # all in [0, 1], and right
    ],
)
def test_others_are_not_asked_about(decode):
    x = (torch.arange(N)[:, None] < N * MEANS).float()
    codes = [w.code for w in report(decode, x).warnings]
    assert "logits-may-be-probabilities" not in codes


def test_probabilities_that_round_are_flagged_where_it_counts():
    x = torch.zeros(N, 6)
    x[:, 1] = 1

    def decode(z):
        p = torch.full_like(z, 0.5)
        p[:, 0] = 1 - 6e-8
        return {"probs": p}

    rounded = report(decode, x)
    (said,) = [w for w in rounded.warnings if w.code == "probs-rounded"]
    assert "0.35 nats" in said.message
    assert "logits" in said.remedy
    exact = report(lambda z: {"probs": 0.5 + 0.2 * z.tanh()}, x)
    assert "probs-rounded" not in [w.code for w in exact.warnings]


def test_a_probability_of_exactly_1_points_to_logits():
    with pytest.raises(genprobe.errors.ModelError, match="where the decoder gives probs 1") as said:
        report(lambda z: {"probs": (17.5 * torch.ones_like(z)).sigmoid()}, bits())
    assert said.value.remedy.startswith("Return logits instead of probs")


def test_raw_outputs_declared_as_probs_are_asked_about():
    with pytest.raises(genprobe.errors.ModelError, match="Are they logits"):
        report(lambda z: {"probs": z}, bits())
