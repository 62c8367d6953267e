import dataclasses

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal

from genprobe.encoding.prior_calls import guarded, log_prior_and_gradient
from genprobe.encoding.resolve import bind_prior
from genprobe.errors import ModelError, UnavailableError
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.priors.standard_normal import build

SHAPE = torch.Size([2])
STANDARD = build(SHAPE, {})


def test_a_prior_is_the_same_prior():
    found = guarded(STANDARD, SHAPE)
    z = torch.randn(5, 2, dtype=torch.float64)
    params = {"loc": z, "scale": z.exp()}
    assert torch.equal(found.log_prob(z), STANDARD.log_prob(z))
    assert torch.equal(found.kl(diagonal_normal, params), STANDARD.kl(diagonal_normal, params))
    torch.manual_seed(0)
    first = found.sample(3)
    torch.manual_seed(0)
    assert torch.equal(first, STANDARD.sample(3))
    assert (found.name, found.distribution) == (STANDARD.name, STANDARD.distribution)


def test_gradients_go_through():
    z = torch.randn(5, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(guarded(STANDARD, SHAPE).log_prob(z).sum(), z)
    torch.testing.assert_close(gradient, -z.detach())


def test_values_and_gradients_are_float64_also_where_none_are_recorded_outside():
    z = torch.randn(5, 2)
    with torch.no_grad():
        values, gradient = log_prior_and_gradient(guarded(STANDARD, SHAPE), z)
    torch.testing.assert_close(values, STANDARD.log_prob(z.double()))
    torch.testing.assert_close(gradient, -z.double())


def test_a_density_that_is_the_same_everywhere_has_gradient_0():
    flat = dataclasses.replace(STANDARD, log_prob=lambda z: torch.full(z.shape[:1], -3.0))
    values, gradient = log_prior_and_gradient(guarded(flat, SHAPE), torch.ones(3, 2))
    assert values.tolist() == [-3, -3, -3]
    assert not gradient.any()


def test_a_prior_without_a_gradient_or_of_another_shape_is_told():
    z = torch.randn(5, 2)
    numpy_like = dataclasses.replace(
        STANDARD, name="own", log_prob=lambda z: STANDARD.log_prob(z.detach())
    )
    with pytest.raises(UnavailableError, match="The prior own has no gradient"):
        log_prior_and_gradient(guarded(numpy_like, SHAPE), z)
    single = dataclasses.replace(STANDARD, log_prob=lambda z: z)
    with pytest.raises(ModelError, match=r"shape \(5, 2\) for 5 codes"):
        log_prior_and_gradient(guarded(single, SHAPE), z)


class Broken(Normal):
    def log_prob(self, value):
        raise IndexError("Too far.")


class Flow(nn.Module):
    def forward(self):
        return Independent(Broken(torch.zeros(2), 1.0), 1)


def failing(z):
    raise IndexError("Too far.")


OWN = dataclasses.replace(STANDARD, name="own", log_prob=failing)


@pytest.mark.parametrize(
    "given",
    [OWN, lambda: OWN, Flow(), Independent(Broken(torch.zeros(2), 1.0), 1)],
    ids=["prior", "function", "module", "distribution"],
)
def test_however_it_is_given_its_errors_are_told_with_its_name_and_the_shape_of_z(given):
    prior = bind_prior(given, SHAPE, {})
    with pytest.raises(ModelError) as told:
        prior.log_prob(torch.zeros(1, 1, 2))
    assert told.value.what == f"The prior {prior.name} fails on z of shape (2,): Too far."


def test_a_function_that_gives_no_prior_but_an_error_is_told():
    def prior():
        raise AttributeError("No pseudo-inputs.")

    with pytest.raises(ModelError, match=r"The function that gives the prior fails.*: No pseudo"):
        bind_prior(prior, SHAPE, {})


def test_what_a_prior_does_to_what_it_is_lent_or_has_returned_changes_nothing():
    kept = torch.zeros(3, 2)

    def log_prob(z):
        found = STANDARD.log_prob(z.clone())
        z.zero_()
        return found

    def kl(family, params):
        found = STANDARD.kl(family, {k: v.clone() for k, v in params.items()})
        params["loc"].zero_()
        return found

    ruinous = dataclasses.replace(
        STANDARD, log_prob=log_prob, kl=kl, sample=lambda n: kept.add_(1.0)
    )
    prior = guarded(ruinous, SHAPE)
    z = torch.randn(5, 2, dtype=torch.float64)
    params = {"loc": z.clone(), "scale": z.exp()}
    for _ in range(2):
        assert torch.equal(prior.log_prob(params["loc"]), STANDARD.log_prob(z))
        assert torch.equal(prior.kl(diagonal_normal, params), STANDARD.kl(diagonal_normal, params))
    assert torch.equal(params["loc"], z)
    first, second = prior.sample(3), prior.sample(3)
    assert torch.equal(first + 1, second)
