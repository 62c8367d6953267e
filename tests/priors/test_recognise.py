import pytest
import torch
from torch.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Gamma,
    Independent,
    Laplace,
    LogNormal,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
    Poisson,
    StudentT,
)

from genprobe.plugins import plugins
from genprobe.priors.recognise import prior_of
from genprobe.types import NamedPrior, Prior

A, B = torch.rand(2, 3) + 0.5, torch.rand(2, 3) + 0.5
FACTOR = torch.eye(3) + 0.3 * torch.ones(3, 3).tril()
SPREAD = FACTOR.expand(2, 3, 3)
EQUAL = Categorical(torch.tensor([0.3, 0.7]))

KNOWN = {
    "diagonal-normal": Independent(Normal(A, B), 2),
    "laplace": Independent(Laplace(A, B), 2),
    "gamma": Independent(Gamma(A, B), 2),
    "beta": Independent(Beta(A, B), 2),
    "poisson": Independent(Poisson(A), 2),
    "bernoulli": Independent(Bernoulli(logits=A), 2),
    "categorical": Independent(Categorical(logits=A), 1),
    "full-normal": MultivariateNormal(A[0], scale_tril=FACTOR),
    "normal-mixture": MixtureSameFamily(EQUAL, MultivariateNormal(A, scale_tril=SPREAD)),
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_distribution_that_is_registered_is_rebuilt_from_its_tensors(name):
    given = KNOWN[name]
    found = prior_of(given)
    assert isinstance(found, NamedPrior)
    assert found.name == name
    prior = plugins().get("priors", name).build(given.event_shape, found.params)
    z = given.sample((6,)).double()
    truth = given.log_prob(z.float()).double()
    torch.testing.assert_close(prior.log_prob(z), truth, rtol=1e-5, atol=1e-5)
    assert all(v.dtype == torch.float64 for v in found.params.values())


def test_a_mixture_of_diagonal_normals_keeps_its_shape():
    a = torch.randn(4, 2, 3)
    given = MixtureSameFamily(Categorical(torch.ones(4)), Independent(Normal(a, a.exp()), 2))
    prior = (
        plugins().get("priors", "normal-mixture").build(torch.Size([2, 3]), prior_of(given).params)
    )
    z = torch.randn(5, 2, 3)
    torch.testing.assert_close(prior.log_prob(z).float(), given.log_prob(z))


def test_entries_in_the_batch_are_taken_for_entries_of_z():
    found = prior_of(Normal(A, B))
    assert found.name == "diagonal-normal"
    assert found.params["loc"].shape == (2, 3)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (Independent(StudentT(A + 2, A, B), 2), "StudentT"),
        (Independent(LogNormal(A, B), 2), "LogNormal"),
        (Independent(MultivariateNormal(A, scale_tril=SPREAD), 1), "MultivariateNormal"),
        (MixtureSameFamily(EQUAL, Independent(Laplace(A, B), 1)), "MixtureSameFamily"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_any_other_is_used_as_it_is(given, name):
    found = prior_of(given)
    assert isinstance(found, Prior)
    assert found.name == name
    z = given.sample((6,))
    truth = given.log_prob(z).double()
    torch.testing.assert_close(found.log_prob(z.double()), truth, rtol=1e-5, atol=1e-5)
    assert found.sample(3).shape == (3, *given.event_shape)
