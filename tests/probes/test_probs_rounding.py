import pytest
import torch

from genprobe import Model
from genprobe.encoding.calls import Calls
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.likelihoods.bernoulli import bernoulli
from genprobe.probes.probs_rounding import probs_rounding


def probe(decode, x, z=None):
    calls = Calls(
        model=Model(
            name="m",
            encode=lambda x: {"loc": x, "scale": torch.ones_like(x)},
            decode=decode,
            posterior="diagonal-normal",
            prior="standard-normal",
            likelihood="bernoulli",
        ),
        posterior=diagonal_normal,
        likelihood=bernoulli,
        device=torch.device("cpu"),
        dtype=torch.float32,
        batch_size=3,
    )
    z = x if z is None else z
    return probs_rounding(calls, bernoulli, x, z[None], torch.arange(len(x)))


@pytest.mark.parametrize("logit", [5.0, 10.0, 14.0])
def test_it_is_as_large_as_what_rounding_did_to_the_distortion(logit):
    # Zeros where the decoder is nearly sure of ones: each costs log(1 + e^logit).
    logits = logit + torch.rand(400, 1)
    truth = torch.nn.functional.softplus(logits.double())
    off = (-torch.log1p(-logits.sigmoid().double()) - truth).abs().mean()
    found = probe(lambda z: {"probs": z.sigmoid()}, torch.zeros_like(logits), z=logits).mean()
    assert off / 2 < found < 8 * off


def test_a_sure_value_that_came_true_is_not_rounded():
    sure = torch.full((4, 6), 1 - 6e-8)
    assert probe(lambda z: {"probs": sure[: len(z)]}, torch.ones(4, 6)).max() < 1e-6


def test_a_sure_value_that_did_not_is_by_half_its_last_digit():
    # 1 − 2⁻²⁴ may have been anything up to 1 − 2⁻²³·¾: half of log 2 is the change of one step.
    sure = torch.full((4, 1), 1 - 2**-24)
    found = probe(lambda z: {"probs": sure[: len(z)]}, torch.zeros(4, 1))
    torch.testing.assert_close(found, torch.full((1, 4), 2.0).double().log() / 2)


def test_logits_are_not_asked_about():
    assert probe(lambda z: {"logits": z}, torch.zeros(4, 2)) is None
