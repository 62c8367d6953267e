import pytest
import torch
from torch import nn
from torch.distributions import Dirichlet, Distribution, Independent, Normal, Uniform

from genprobe.errors import ModelError
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.priors import from_module
from genprobe.priors.from_module import prior_from_module
from genprobe.testing import PriorTests


class Learned(nn.Module):
    """A normal over z of shape (2, 2) with learned tensors; noisy while training."""

    def __init__(self):
        super().__init__()
        self.loc = nn.Parameter(torch.randn(2, 2))
        self.drop = nn.Dropout(0.5)

    def forward(self):
        return Independent(Normal(self.drop(self.loc), torch.full((2, 2), 0.7)), 2)


class Skewed(Distribution):
    """A flow of somebody else's: z of shape (2,) times a layer's matrix is standard normal."""

    arg_constraints = {}
    event_shape = torch.Size([2])

    def __init__(self, layer):
        self.layer = layer
        super().__init__(event_shape=torch.Size([2]), validate_args=False)

    def log_prob(self, z):
        stretch = torch.linalg.slogdet(self.layer.weight).logabsdet
        return Normal(0.0, 1.0).log_prob(self.layer(z)).sum(-1) + stretch

    def sample(self, shape=()):
        u = torch.randn(*shape, 2, dtype=self.layer.weight.dtype)
        return torch.linalg.solve(self.layer.weight, u.T).T


class Flow(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2, bias=False)

    def forward(self):
        return Skewed(self.layer)


def truth(module, z):
    """The density of ``Learned``, from its tensors in float64."""
    scale = torch.tensor(0.7).double()  # as rounded to float32
    return Normal(module.loc.detach().double(), scale).log_prob(z).sum((-2, -1))


def test_torchs_own_distributions_are_worked_out_in_float64():
    module = Learned()
    z = torch.randn(3, 5, 2, 2, dtype=torch.float64)
    found = prior_from_module(module).log_prob(z)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, truth(module, z), rtol=1e-12, atol=1e-12)


def test_the_distribution_is_made_anew_so_that_loaded_weights_count():
    module = Learned()
    prior, z = prior_from_module(module), torch.randn(4, 2, 2, dtype=torch.float64)
    module.load_state_dict({"loc": torch.ones(2, 2)})
    torch.testing.assert_close(prior.log_prob(z), truth(module, z))
    assert prior.sample(500).mean(0).sub(1).abs().max() < 4 * 0.7 / 500**0.5


def test_it_is_asked_in_evaluation_mode_and_left_as_it_was():
    module = Learned().train()
    module.drop.eval()
    prior_from_module(module).sample(2)
    assert module.training
    assert not module.drop.training
    module.drop.train()
    z = torch.zeros(1, 2, 2).double()
    torch.testing.assert_close(prior_from_module(module).log_prob(z), truth(module, z))


def test_what_is_not_torchs_own_runs_in_the_dtype_of_the_module():
    flow = Flow()
    z = torch.randn(7, 2, dtype=torch.float64)
    weight = flow.layer.weight.detach().double()
    expected = Normal(0.0, 1.0).log_prob(z @ weight.T).sum(1) + weight.det().abs().log()
    found = prior_from_module(flow).log_prob(z)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(prior_from_module(flow.double()).log_prob(z), expected)
    assert prior_from_module(flow.float()).sample(3).dtype == torch.float64


@pytest.mark.parametrize("module", [Learned, Flow])
def test_rows_go_in_stretches(module, monkeypatch):
    made = module()
    prior = prior_from_module(made)
    z = prior.sample(7)
    whole = prior.log_prob(z)
    monkeypatch.setattr(from_module, "VALUES", 2 * z[0].numel())
    torch.testing.assert_close(prior.log_prob(z), whole)


def test_a_gradient_goes_to_z_and_none_to_the_weights_unless_asked():
    prior = prior_from_module(Learned())
    z = torch.randn(3, 2, 2, dtype=torch.float64)
    assert not prior.log_prob(z).requires_grad
    z.requires_grad_()
    (pull,) = torch.autograd.grad(prior.log_prob(z).sum(), z)
    nudged = z.detach().clone()
    nudged[0, 0, 0] += 1e-6
    slope = (prior.log_prob(nudged) - prior.log_prob(z.detach()))[0] / 1e-6
    assert pull[0, 0, 0].item() == pytest.approx(slope.item(), rel=1e-4)


def test_a_divergence_torch_knows_is_exact(posteriors, within_monte_carlo):
    prior = prior_from_module(Learned())
    within_monte_carlo(prior.kl(diagonal_normal, posteriors), diagonal_normal, posteriors, prior)
    assert not prior.kl(diagonal_normal, posteriors).requires_grad
    assert prior_from_module(Flow()).kl(diagonal_normal, posteriors) is None


def test_a_batch_is_taken_for_a_product():
    prior = prior_from_module(lambda: Normal(torch.zeros(3), torch.ones(3)))
    assert prior.log_prob(torch.zeros(5, 3)).shape == (5,)
    assert prior.sample(4).shape == (4, 3)


def test_it_is_named_after_its_class_unless_told():
    assert prior_from_module(Learned()).name == "Learned"
    assert prior_from_module(Learned(), "mine").name == "mine"


def test_what_is_no_distribution_is_told():
    with pytest.raises(ModelError, match=r"odd gives a .*, not a distribution"):
        prior_from_module(lambda: torch.zeros(2), "odd").log_prob(torch.zeros(1, 2))


class TestConformance(PriorTests):
    event_shape = (2, 2)
    part = prior_from_module(Learned())


class TestConformanceOfAFlow(PriorTests):
    event_shape = (2,)
    part = prior_from_module(Flow())


@pytest.mark.parametrize("checks", [True, False], ids=["checked", "unchecked"])
def test_a_density_outside_of_the_support_is_refused_whatever_torch_checks(checks):
    # torch.compile lets all distributions check nothing, for good: Dirichlet then has a density
    # anywhere.
    before = Distribution._validate_args
    Distribution.set_default_validate_args(checks)
    try:
        prior = prior_from_module(lambda: Dirichlet(torch.full((3,), 5.0)))
        assert prior.log_prob(torch.full((3,), 1 / 3).double()).isfinite()
        with pytest.raises(ValueError, match="support"):
            prior.log_prob(torch.full((4, 3), 0.5).double())
    finally:
        Distribution.set_default_validate_args(before)


def test_a_distribution_that_was_told_not_to_check_is_not_checked():
    prior = prior_from_module(
        lambda: Independent(Uniform(-torch.ones(2), torch.ones(2), validate_args=False), 1)
    )
    assert prior.log_prob(torch.full((1, 2), 3.0).double()) == -torch.inf
