import pytest
import torch

from genprobe import Model
from genprobe.encoding.calls import Calls
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.likelihoods.bernoulli import bernoulli
from genprobe.likelihoods.categorical import categorical
from genprobe.likelihoods.normal import normal
from genprobe.probes.logits_as_probs import logits_as_probs

N = 40


def probe(decode, x, likelihood=bernoulli, name="bernoulli"):
    """What it gives of every third example, whose codes are fixed numbers."""
    z = torch.randn(2, N, 5)
    calls = Calls(
        model=Model(
            name="m",
            encode=lambda x: {"loc": x, "scale": torch.ones_like(x)},
            decode=decode,
            posterior="diagonal-normal",
            prior="standard-normal",
            likelihood=name,
        ),
        posterior=diagonal_normal,
        likelihood=likelihood,
        device=torch.device("cpu"),
        dtype=torch.float32,
        batch_size=7,
    )
    chosen = torch.arange(0, N, 3)
    log_px_z = torch.stack([calls.log_px_z(x, draw) for draw in z])
    return logits_as_probs(calls, likelihood, x, z, log_px_z, chosen), z[0][chosen], x[chosen]


def test_sigmoids_given_as_logits_gain_what_the_two_readings_differ_by():
    x = (torch.rand(N, 5) > 0.5).float()
    found, z, x = probe(lambda z: {"logits": z.sigmoid()}, x)
    p = z.double().sigmoid()
    squeezed = p.sigmoid()
    right = (x * p.log() + (1 - x) * (1 - p).log()).sum(1)
    wrong = (x * squeezed.log() + (1 - x) * (1 - squeezed).log()).sum(1)
    torch.testing.assert_close(found[0], right - wrong, atol=1e-5, rtol=0)


def test_softmaxes_given_as_logits_likewise():
    x = torch.randint(3, (N, 5)).float()
    found, z, x = probe(
        lambda z: {"logits": torch.stack([z, -z, 2 * z], -1).softmax(-1)},
        x,
        categorical,
        "categorical",
    )
    p = torch.stack([z, -z, 2 * z], -1).double().softmax(-1)
    classes = x.long()[..., None]
    right = p.log().gather(-1, classes).sum((1, 2))
    wrong = p.log_softmax(-1).gather(-1, classes).sum((1, 2))
    torch.testing.assert_close(found[0], right - wrong, atol=1e-5, rtol=0)


def test_a_sigmoid_that_rounds_to_1_is_one_still():
    x = (torch.rand(N, 5) > 0.5).float()
    found, _, _ = probe(lambda z: {"logits": (100 * z).sigmoid()}, x)
    assert found.isfinite().all()


@pytest.mark.parametrize(
    ("likelihood", "decode"),
    [
        (bernoulli, lambda z: {"logits": z}),
        (bernoulli, lambda z: {"probs": z.sigmoid()}),
        (normal, lambda z: {"loc": z, "scale": torch.ones_like(z)}),
        (categorical, lambda z: {"logits": torch.stack([z.sigmoid(), z.sigmoid()], -1)}),
    ],
)
def test_what_cannot_be_probabilities_is_not_asked_about(likelihood, decode):
    x = (torch.rand(N, 5) > 0.5).float()
    assert probe(decode, x, likelihood, likelihood.name)[0] is None
