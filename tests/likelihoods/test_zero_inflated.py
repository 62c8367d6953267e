import pytest
import torch
from torch.distributions import Poisson

from genprobe.errors import ModelError
from genprobe.likelihoods.zero_inflated import ZeroInflated, gated


def closed(logit):
    base = Poisson(torch.tensor([3.0], dtype=torch.float64))
    return ZeroInflated(base, torch.tensor([logit], dtype=torch.float64))


def test_a_gate_adds_zeros_and_takes_from_the_rest():
    p, x = closed(0.4), torch.tensor([0.0, 2.0], dtype=torch.float64)
    share = torch.tensor(0.4).double().sigmoid()
    base = Poisson(torch.tensor(3.0, dtype=torch.float64)).log_prob(x).exp()
    truth = torch.stack([share + (1 - share) * base[0], (1 - share) * base[1]])
    torch.testing.assert_close(p.log_prob(x).exp(), truth, rtol=1e-7, atol=0)


@pytest.mark.parametrize(("logit", "zero", "two"), [(50.0, 0.0, -50.0), (-50.0, -3.0, 0.0)])
def test_gates_that_are_nearly_sure_lose_no_digits(logit, zero, two):
    found = closed(logit).log_prob(torch.tensor([0.0, 2.0]))
    base = Poisson(torch.tensor(3.0, dtype=torch.float64)).log_prob(torch.tensor(2.0)).item()
    assert found.tolist() == pytest.approx([zero, two + base], abs=1e-12)


def test_its_moments_are_those_of_a_sum():
    p, x = closed(0.4), torch.arange(80.0)
    mass = p.log_prob(x).exp()
    mean = (mass * x).sum()
    assert mass.sum().item() == pytest.approx(1)
    assert p.mean.item() == pytest.approx(mean.item())
    assert p.variance.item() == pytest.approx((mass * (x - mean) ** 2).sum().item())


def test_samples_have_them():
    x = closed(0.4).sample((40000,))
    assert x.mean().item() == pytest.approx(closed(0.4).mean.item(), rel=0.03)
    assert x.var().item() == pytest.approx(closed(0.4).variance.item(), rel=0.03)


def test_a_decoder_without_a_gate_is_told_so():
    with pytest.raises(ModelError, match="the likelihood mine needs gate_logits"):
        gated("mine", closed(0.0).base, {"rate": torch.ones(1)})
