"""Inputs at the edge of what has a meaning: finite right answers, or a reason why there is none."""

import math

import pytest
import torch
from torch.distributions import Categorical, Normal

import genprobe


def given(loc, scale):
    """A model whose posteriors are given, row i for example i; and the examples, i in binary."""
    width = max(3, len(loc).bit_length())
    places = torch.arange(width)

    def encode(x):
        rows = (x.long() << places).sum(1) % len(loc)  # what it decodes to may be no example
        return {"loc": loc[rows], "scale": scale[rows]}

    model = genprobe.Model(
        name="given",
        encode=encode,
        decode=lambda z: {"logits": z[:, :1].expand(-1, width)},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",
    )
    return model, (torch.arange(len(loc))[:, None] >> places & 1).float()


def brute_force(loc, scale, draws, seed=0):
    """I(n;z) = log N − E H[q(n|z)] by torch in float64, and its standard error."""
    torch.manual_seed(seed)
    loc, scale = loc.double(), scale.double()
    q = Normal(loc, scale)
    means = []
    for _ in range(draws):
        pairs = torch.stack([q.log_prob(z).sum(1) for z in q.sample()])
        means.append(math.log(len(loc)) - Categorical(logits=pairs).entropy().mean())
    means = torch.stack(means)
    return means.mean().item(), means.std().item() / math.sqrt(draws)


def finite(report):
    for estimate in report.estimates.values():
        for number in (estimate.value, estimate.se, estimate.se_data):
            assert number is None or math.isfinite(number), estimate


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("draws", [1, 2])
def test_a_handful_of_examples(n, draws):
    loc, scale = torch.tensor([[-0.5], [0.5], [0.0]])[:n], torch.ones(n, 1)
    report = genprobe.evaluate(*given(loc, scale), draws=draws)
    finite(report)
    truth, noise = brute_force(loc, scale, 4000)
    found = report["mutual_information"]
    assert abs(found.value - truth) <= 4 * math.hypot(found.se, noise) + 1e-9
    assert report["rate"].value == pytest.approx((loc.square().sum() / 2 / n).item(), abs=1e-6)
    if n == 1:
        assert found.value == 0.0
        absent = report.provenance["absent"]
        assert {"rate_fitted_prior", "mutual_information_loo"} <= absent.keys()


@pytest.mark.parametrize("copies", [2, 50])
def test_duplicated_examples_tell_nothing_more(copies):
    loc = torch.linspace(-6, 6, 8)[:, None].repeat(copies, 2)
    scale = torch.full_like(loc, 0.1)
    report = genprobe.evaluate(*given(loc, scale))
    finite(report)
    # Eight codes that never overlap, whatever the number of their copies.
    assert report["mutual_information"].value == pytest.approx(math.log(8), abs=1e-6)


@pytest.mark.parametrize(("loc", "scale"), [(0.0, 1.0), (3.0, 0.01), (-40.0, 5.0), (0.0, 1e-6)])
@pytest.mark.parametrize("n", [2, 500, 3000])
def test_identical_posteriors_say_nothing(loc, scale, n):
    report = genprobe.evaluate(*given(torch.full((n, 4), loc), torch.full((n, 4), scale)))
    finite(report)
    assert report["mutual_information"].value == pytest.approx(0, abs=1e-6)
    assert report["mutual_information"].se <= 1e-6
    assert report["marginal_kl"].value == pytest.approx(report["rate"].value, abs=1e-6)


def test_scales_nine_orders_apart_in_one_model():
    n = 256
    loc = torch.randn(n, 4, generator=torch.Generator().manual_seed(0))
    scale = torch.where(torch.arange(n)[:, None] % 2 == 0, 1e-6, 1e3).expand(n, 4).contiguous()
    report = genprobe.evaluate(*given(loc, scale))
    finite(report)
    truth, noise = brute_force(loc, scale, 200)
    found = report["mutual_information"]
    assert abs(found.value - truth) <= 4 * math.hypot(found.se, noise)
    assert report.provenance["max_error"] <= 1e-3
    kl = (loc.double().square() + scale.double().square() - 1) / 2 - scale.double().log()
    assert report["rate"].value == pytest.approx(kl.sum(1).mean().item(), rel=1e-6)


def test_scales_nine_orders_apart_in_every_posterior():
    n = 256
    generator = torch.Generator().manual_seed(0)
    scale = torch.tensor([1e-6, 1e3, 1.0]).expand(n, 3).contiguous()
    loc = torch.randn(n, 3, generator=generator) * scale
    report = genprobe.evaluate(*given(loc, scale))
    finite(report)
    truth, noise = brute_force(loc, scale, 200)
    found = report["mutual_information"]
    assert abs(found.value - truth) <= 4 * math.hypot(found.se, noise)


def test_a_dimension_that_never_varies():
    loc = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
    loc[:, 1] = 2.0
    scale = torch.full_like(loc, 0.5)
    report = genprobe.evaluate(*given(loc, scale))
    finite(report)
    without = genprobe.evaluate(*given(loc[:, [0, 2]], scale[:, :2]))
    found, same = report["mutual_information"], without["mutual_information"]
    assert abs(found.value - same.value) <= 4 * math.hypot(found.se, same.se)
    assert [d.active for d in report.dimensions] == [True, False, True]


def test_a_posterior_without_width_is_refused():
    with pytest.raises(genprobe.GenprobeError, match="scale"):
        genprobe.evaluate(*given(torch.zeros(3, 2), torch.zeros(3, 2)))


def test_a_single_latent_dimension():
    loc = torch.randn(1000, 1, generator=torch.Generator().manual_seed(0))
    scale = torch.full_like(loc, 0.3)
    report = genprobe.evaluate(*given(loc, scale))
    finite(report)
    truth, noise = brute_force(loc, scale, 50)
    found = report["mutual_information"]
    assert abs(found.value - truth) <= 4 * math.hypot(found.se, noise)


def test_four_thousand_latent_dimensions():
    n, k = 100, 4096
    loc = torch.randn(n, k, generator=torch.Generator().manual_seed(0)) / math.sqrt(k)
    scale = torch.full_like(loc, 0.9)
    report = genprobe.evaluate(*given(loc, scale), max_queries=600)
    finite(report)
    truth, noise = brute_force(loc, scale, 20)
    found = report["mutual_information"]
    assert abs(found.value - truth) <= 4 * math.hypot(found.se, noise)
    assert len(report.dimensions) == k


def test_more_queries_than_examples_are_more_draws_of_each():
    loc = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    scale = torch.full_like(loc, 0.5)
    report = genprobe.evaluate(*given(loc, scale), tolerance=1e-9, max_queries=3000)
    assert report.provenance["queries"] == 3000
    assert report["mutual_information"].n == 50
    truth, noise = brute_force(loc, scale, 3000)
    found = report["mutual_information"]
    assert abs(found.value - truth) <= 4 * math.hypot(found.se, noise)
