import pytest
import torch
from torch import distributions as d

from genprobe.priors.full_precision import full_precision

EYE = [[1.0, 0.0], [0.3, 0.7]]


def tensor(values, dtype):
    return torch.tensor(values, dtype=torch.float32).to(dtype)


MADE = {
    "normal": lambda t: d.Normal(t([0.1, 0.2]), t([0.3, 0.7])),
    "independent": lambda t: d.Independent(d.Laplace(t([0.1, 0.2]), t([0.3, 0.7])), 1),
    "full": lambda t: d.MultivariateNormal(t([0.1, 0.2]), scale_tril=t(EYE)),
    "low-rank": lambda t: d.LowRankMultivariateNormal(t([0.1, 0.2]), t(EYE), t([0.1, 2])),
    "mixture": lambda t: d.MixtureSameFamily(
        d.Categorical(t([0.3, 0.7])), d.Independent(d.Normal(t(EYE), t([[1.1, 2.0]])), 1)
    ),
    "transformed": lambda t: d.TransformedDistribution(
        d.Normal(t([0.1, 0.2]), t([0.3, 0.7])),
        [d.SigmoidTransform(), d.AffineTransform(t([0.1, 0.0]), t([2.3, 1.9]))],
    ),
    "gamma": lambda t: d.Gamma(t([0.1, 2.2]), t([0.3, 0.7])),
    "beta": lambda t: d.Beta(t([0.1, 2.2]), t([0.3, 0.7])),
    "dirichlet": lambda t: d.Dirichlet(t([0.1, 2.2])),
    "student": lambda t: d.StudentT(t([3.3, 2.2]), t([0.3, 0.7]), t([1.7, 0.7])),
    "von-mises": lambda t: d.VonMises(t([0.3, 0.2]), t([1.3, 0.7])),
    "categorical": lambda t: d.Categorical(probs=t([0.3, 0.7])),
    "poisson": lambda t: d.Poisson(t([0.3, 11.7])),
}


@pytest.mark.parametrize("name", MADE)
def test_it_is_the_distribution_of_the_same_tensors_in_float64(name):
    single = MADE[name](lambda values: tensor(values, torch.float32))
    double = MADE[name](lambda values: tensor(values, torch.float64))
    z = double.sample((5,))
    found = full_precision(single).log_prob(z)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, double.log_prob(z), rtol=2e-6, atol=2e-6)
    if name not in ("categorical", "mixture", "beta", "dirichlet", "von-mises"):
        # The others normalise their tensors when made, in the precision that they had then.
        torch.testing.assert_close(found, double.log_prob(z), rtol=1e-9, atol=1e-12)


def test_what_was_learned_comes_without_gradient_and_the_original_keeps_it():
    loc = torch.zeros(2, requires_grad=True)
    learned = d.Normal(loc.exp(), loc.exp())
    copied = full_precision(learned)
    assert not copied.log_prob(torch.zeros(2)).requires_grad
    assert learned.log_prob(torch.zeros(2)).requires_grad
    assert learned.loc.dtype == torch.float32


def test_a_transform_that_knows_its_inverse_is_copied_with_it():
    normal = d.LogNormal(torch.zeros(2), torch.ones(2))
    z = normal.sample((3,)).double()
    normal.log_prob(z)  # makes the inverse, which holds the transform, which holds the inverse
    torch.testing.assert_close(
        full_precision(normal).log_prob(z), d.Normal(0.0, 1.0).log_prob(z.log()) - z.log()
    )


def test_what_is_not_torchs_own_is_left_alone():
    class Bend(d.Transform):
        domain = codomain = d.constraints.real
        bijective = True
        weight = torch.nn.Parameter(torch.ones(2))

    class Mine(d.Normal):
        pass

    assert full_precision(Mine(torch.zeros(2), torch.ones(2))) is None
    base = d.Normal(torch.zeros(2), torch.ones(2))
    assert full_precision(d.TransformedDistribution(base, [Bend()])) is None
    assert full_precision(d.Independent(Mine(torch.zeros(2), torch.ones(2)), 1)) is None
