import math

import pytest
import torch
import zuko
from genprobe_zuko import flow_posterior, flow_prior
from torch.distributions import MultivariateNormal

import genprobe
from genprobe.aggregate import log_aggregate
from genprobe.testing import FamilyTests


def spline(features, context, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return zuko.flows.NSF(features, context, transforms=2, hidden_features=(16,), bins=4)


def affine():
    """One affine transform, each value of z by itself: a normal given the context."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        none = torch.eye(2, 3, dtype=torch.bool) | torch.tensor([False, False, True])
        return zuko.flows.MAF(2, 1, transforms=1, hidden_features=(8,), adjacency=none)


CONTEXT = torch.tensor([[-1.0, 0.5], [0.3, 2.0], [1.5, -0.7]])


class TestSplinesOverTwoValues(FamilyTests):
    part = flow_posterior(spline(2, 2))
    params = {"context": CONTEXT}


class TestSplineOverOneValue(FamilyTests):
    part = flow_posterior(spline(1, 2))
    params = {"context": CONTEXT}


def test_aggregate_is_the_mean_of_densities_worked_out_one_by_one():
    flow = spline(2, 2)
    context = torch.randn(700, 2, generator=torch.Generator().manual_seed(0))
    z = torch.randn(60, 2, generator=torch.Generator().manual_seed(1)).double()
    exact = spline(2, 2).double()
    with torch.no_grad():
        pairs = [exact(c).log_prob(z) for c in context.double()]
    truth = torch.stack(pairs).logsumexp(0) - math.log(700)
    found = log_aggregate(z, flow_posterior(flow), {"context": context.double()}).log_qz
    torch.testing.assert_close(found, truth, rtol=1e-6, atol=1e-6)


def test_pairs_do_not_depend_on_how_many_fit_in_memory(monkeypatch):
    family, z = flow_posterior(spline(2, 2)), torch.linspace(-2, 2, 14).view(7, 2).double()
    params = {"context": CONTEXT.double()}
    whole = family.cross_log_prob(z, params)
    monkeypatch.setattr("genprobe_zuko.stretches.VALUES", 45)  # two pairs of 22 wide layers
    torch.testing.assert_close(family.cross_log_prob(z, params), whole)
    assert whole.shape == (7, 3)


def test_draws_have_a_gradient_to_the_context_and_none_to_the_weights():
    flow = spline(2, 2)
    context = CONTEXT.clone().requires_grad_()
    z = flow_posterior(flow).distribution({"context": context}).rsample()
    z.sum().backward()
    assert context.grad.abs().sum() > 0
    assert all(values.grad is None for values in flow.parameters())


def test_weights_are_read_at_each_use():
    flow = spline(2, 2)
    family, params = flow_posterior(flow), {"context": CONTEXT}
    before = family.distribution(params).log_prob(torch.zeros(3, 2))
    flow.load_state_dict(spline(2, 2, seed=5).state_dict())
    after = family.distribution(params).log_prob(torch.zeros(3, 2))
    expected = spline(2, 2, seed=5)(CONTEXT).log_prob(torch.zeros(3, 2))
    torch.testing.assert_close(after, expected.detach())
    assert not torch.allclose(before, after)


def report(posterior, prior, contexts, **options):
    model = genprobe.Model(
        name="flows",
        encode=lambda x: {"context": x},
        posterior=flow_posterior(posterior),
        prior=prior,
    )
    return genprobe.evaluate(model, contexts, device="cpu", **options)


def test_rate_is_the_divergence_by_quadrature():
    posterior, prior = spline(2, 2), spline(2, 0, seed=3)
    contexts = CONTEXT[:2].double().repeat(300, 1)
    found = report(posterior, flow_prior(prior), contexts, dtype="float64")["rate"]
    assert found.se > 0
    q, p = spline(2, 2).double(), prior.double()
    truth = sum(divergence(q(c), p()) for c in CONTEXT[:2].double()) / 2
    assert found.value == pytest.approx(truth, abs=4 * found.se)
    assert found.se < 0.2


@torch.no_grad()
def divergence(q, p):
    """KL(q‖p) on a grid, by the trapezium rule: it converges fast for what vanishes at the ends."""
    axis = torch.linspace(-8, 8, 401, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)
    log_q = torch.cat([q.log_prob(some) for some in z.split(100_000)])
    log_p = torch.cat([p.log_prob(some) for some in z.split(100_000)])
    weight = (axis[1] - axis[0]) ** 2
    assert float(log_q.exp().sum() * weight) == pytest.approx(1, abs=1e-4)
    return float((log_q.exp() * (log_q - log_p)).sum() * weight)


def test_information_is_that_of_the_normals_that_an_affine_flow_makes():
    flow = affine()
    contexts = torch.linspace(-2, 2, 40)[:, None].double()
    found = report(flow, "standard-normal", contexts, draws=4, dtype="float64")
    loc, scale_tril = normal_of(affine().double(), contexts)
    torch.manual_seed(0)
    z = MultivariateNormal(loc, scale_tril=scale_tril).sample((4000,))
    pairs = MultivariateNormal(loc, scale_tril=scale_tril).log_prob(z[:, :, None])
    own = pairs.diagonal(dim1=1, dim2=2)
    gain = own - (pairs.logsumexp(2) - math.log(40))
    error = (found["mutual_information"].se ** 2 + float(gain.mean(1).var()) / 4000) ** 0.5
    assert found["mutual_information"].value == pytest.approx(float(gain.mean()), abs=4 * error)
    standard = MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double())
    normals = MultivariateNormal(loc, scale_tril=scale_tril)
    rate = float(torch.distributions.kl_divergence(normals, standard).mean())
    assert found["rate"].value == pytest.approx(rate, abs=4 * found["rate"].se)


@torch.no_grad()
def normal_of(flow, contexts):
    """Mean and Cholesky factor of flow(context): the inverse is affine, read off at 3 points."""
    inverse = flow(contexts).transform.inv
    zero = torch.zeros(len(contexts), 2, dtype=torch.float64)
    loc = inverse(zero)
    columns = [inverse(zero + unit) - loc for unit in torch.eye(2, dtype=torch.float64)]
    return loc, torch.stack(columns, 2)
